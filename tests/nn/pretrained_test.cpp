#include "support/catch.h"

#include <heed/autograd/ops.h>
#include <heed/nn/checkpoint.h>
#include <heed/nn/clone.h>
#include <heed/nn/layers/embedding.h>
#include <heed/nn/layers/linear.h>
#include <heed/nn/pretrained.h>
#include "support/apart.h"
#include "support/errors.h"
#include "support/temp_dir.h"

using namespace heed;
using namespace heed::nn;
using test::message_of;

namespace {

// One name per line: what it is called, what it is made of.
std::string made(const std::vector<std::string>& names, const Renames& table) {
  std::string text;
  for (const Origin& origin : renamed_tensors(names, table)) {
    text += origin.name + " <-";
    for (const std::string& part : origin.parts) text += " " + part;
    text += origin.transpose ? " transposed\n" : "\n";
  }
  return text;
}

struct Two : Module {
  Linear first{2, 3}, second{3, 2, {.bias = false}};
  void visit(Visitor& v) override {
    v("first", first);
    v("second", second);
  }
};

core::SafeTensors file_of(const std::map<std::string, Tensor>& tensors) {
  std::map<std::string, core::Array> arrays;
  for (const auto& [name, tensor] : tensors) arrays.emplace(name, tensor.array());
  return core::parse_safetensors(core::to_safetensors(arrays), "file");
}

}  // namespace

TEST_CASE("pretrained: a table renames, transposes, joins and leaves out") {
  const Renames table = {{"transformer.*", "*"},
                         {"h.*.c_attn.weight", "h.*.c_attn.weight", Change::transpose},
                         {{"*.query.*", "*.key.*", "*.value.*"}, "*.in_proj_*"},
                         {"h.*.bias", ""}};
  CHECK(made({"transformer.h.0.c_attn.weight", "h.1.c_attn.weight", "ln.weight", "h.11.bias"}, table) ==
        "h.0.c_attn.weight <- transformer.h.0.c_attn.weight transposed\n"
        "h.1.c_attn.weight <- h.1.c_attn.weight transposed\n"
        "ln.weight <- ln.weight\n");
  CHECK(
      made({"a.value.weight", "a.query.weight", "a.key.weight", "a.query.bias", "a.key.bias", "a.value.bias"}, table) ==
      "a.in_proj_bias <- a.query.bias a.key.bias a.value.bias\n"
      "a.in_proj_weight <- a.query.weight a.key.weight a.value.weight\n");
  CHECK(made({"x*y", ""}, {{"*", "*"}}) == " <- \nx*y <- x*y\n");   // a star needs a character
  CHECK(made({"ab"}, {{"a*", "b*"}, {"bb", "c"}}) == "c <- ab\n");  // rule after rule
  CHECK(made({"a.b.c"}, {{"*.*", "*-*"}}) == "a-b.c <- a.b.c\n");
  CHECK(message_of<Error>([&] { made({"a.b.c"}, {{"a.*.c", "*.*"}}); }) ==
        "load_pretrained: \"*.*\" has more stars than \"a.*.c\": each must have a text to take");
  CHECK(message_of<FormatError>([&] { made({"a", "b"}, {{"a", "b"}}); }) ==
        "load_pretrained: a and b: the table gives both the name b");
  CHECK(message_of<FormatError>([&] { made({"a.query.bias", "a.value.bias"}, table); }) ==
        "load_pretrained: a.in_proj_bias: part 2 of 3 is missing from the file: the table makes one tensor of them");
}

TEST_CASE("pretrained: values arrive where the table sends them") {
  Two model;
  const Tensor a = randn({1, 2}), b = randn({2, 2}), bias = randn({3}), w = randn({3, 2});
  const core::SafeTensors file = file_of({{"a", a}, {"b", b}, {"bias", bias}, {"w", w}});
  load_pretrained(model, file,
                  {{{"a", "b"}, "first.weight"}, {"bias", "first.bias"}, {"w", "second.weight", Change::transpose}});
  CHECK(test::apart(model.first.weight, cat({a, b}, 0)) == 0);
  CHECK(test::apart(model.first.bias, bias) == 0);
  CHECK(test::apart(model.second.weight, w.transpose(0, 1)) == 0);
  CHECK(model.first.weight.requires_grad());
}

TEST_CASE(
    "pretrained: names and shapes that do not fit are listed with the file's names and with rows, nothing is changed") {
  Two model;
  const StateDict before = nn::clone(model).state_dict();
  const core::SafeTensors file = file_of(
      {{"first.weight", zeros({2, 3})}, {"x.bias", zeros({4})}, {"w.weight", zeros({2, 3})}, {"other", ones({1})}});
  const auto message = [&](const core::SafeTensors& from, const Renames& table) {
    return message_of<Error>([&] { load_pretrained(model, from, table); });
  };
  CHECK(message(file, {{"x.*", "first.*"}}) ==
        "load_pretrained: Two: the file does not fit, nothing is changed:\n"
        "  first.weight: has shape (2, 3) in the file, (3, 2) in the model: is transposed\n"
        "  first.bias (x.bias in the file): has shape (4,) in the file, (3,) in the model\n"
        "  second.weight (2, 3): is missing from the file: is it w.weight?\n"
        "  other (1,): the model has no such tensor\n"
        "  w.weight (2, 3): the model has no such tensor\n"
        "add to the end of the table, where they are right:\n"
        "    {\"first.weight\", \"first.weight\", Change::transpose},\n"
        "    {\"w.weight\", \"second.weight\"},\n"
        "    {\"other\", \"\"},  // leaves it out");
  for (const NamedTensor& entry : model.state_dict()) CHECK(test::apart(entry.tensor, *before.find(entry.name)) == 0);

  // With these rows it fits, as far as shapes can be made to.
  CHECK(message(file_of({{"first.weight", zeros({2, 3})},
                         {"x.bias", zeros({3})},
                         {"w.weight", zeros({2, 3})},
                         {"other", ones({1})}}),
                {{"x.*", "first.*"},
                 {"first.weight", "first.weight", Change::transpose},
                 {"w.weight", "second.weight"},
                 {"other", ""}}) == "no error");
  CHECK(
      message(file_of({{"first.weight", zeros({3, 2})}, {"first.bias", zeros({3})}, {"second.weight", zeros({2, 3})}}),
              {{"first.weight", "first.weight", Change::transpose}}) ==
      "load_pretrained: Two: the file does not fit, nothing is changed:\n"
      "  first.weight (first.weight in the file, transposed): has shape (2, 3), (3, 2) in the model: take "
      "Change::transpose out of its row");
  CHECK(message_of<FormatError>([&] {
          load_pretrained(model, file, {{{"x.bias", "first.weight"}, "x"}});
        }).find("parts of one tensor may only differ in the first axis") != std::string::npos);
  CHECK(message_of<FormatError>([&] {
          load_pretrained(model, file, {{"other", "x", Change::transpose}});
        }).find("only a matrix can be transposed") != std::string::npos);
}

TEST_CASE("pretrained: a prefix is one row, a row for each layer is one with a star") {
  struct Layers : Module {
    std::vector<Two> h = std::vector<Two>(30);  // more names than a message lists
    void visit(Visitor& v) override { v("h", h); }
  } model;
  std::map<std::string, Tensor> prefixed, renamed;
  for (const NamedTensor& entry : model.state_dict()) {
    prefixed.emplace("transformer." + entry.name, entry.tensor);
    const std::string layer = entry.name.substr(2, entry.name.find('.', 2) - 2),
                      rest = entry.name.substr(3 + layer.size());
    renamed.emplace("layers." + layer + "." + rest,
                    rest == "second.weight" ? entry.tensor.transpose(0, 1).contiguous() : entry.tensor);
  }
  const auto rows = [&](const core::SafeTensors& file) {
    const std::string message = message_of<Error>([&] { load_pretrained(model, file); });
    return message.substr(message.find("\nnone of its names"));
  };
  const std::string none = "\nnone of its names is the model's: is it the file of another model?";
  const std::string add = "\nadd to the end of the table, where they are right:";
  CHECK(rows(file_of(prefixed)) == none + add + "\n    {\"transformer.*\", \"*\"},");
  prefixed.emplace("transformer.h.0.mask", ones({2}));
  CHECK(rows(file_of(prefixed)) ==
        none + add + "\n    {\"transformer.*\", \"*\"},\n    {\"h.*.mask\", \"\"},  // leaves it out");
  CHECK(rows(file_of(renamed)) == none + add +
                                      "\n    {\"layers.*.first.weight\", \"h.*.first.weight\"},"
                                      "\n    {\"layers.*.first.bias\", \"h.*.first.bias\"},"
                                      "\n    {\"layers.*.second.weight\", \"h.*.second.weight\", Change::transpose},");
  load_pretrained(model, file_of(prefixed), {{"transformer.*", "*"}, {"h.*.mask", ""}});  // as it was told

  // What has no tensor of its shape may be made of parts: the row is left open.
  Two two;
  CHECK(
      message_of<Error>([&] {
        load_pretrained(two, file_of({{"first.weight", zeros({3, 2})},
                                      {"first.bias", zeros({3})},
                                      {"a", zeros({1, 3})},
                                      {"b", zeros({1, 3})}}));
      }).find("\n    {\"…\", \"second.weight\"},  // …: its name in the file, or {\"…\", \"…\"}: those of its parts") !=
      std::string::npos);
  CHECK(message_of<Error>([&] { load_pretrained(two, file_of({})); }).find("add to") == std::string::npos);
}

namespace {

// A safetensors file with one bf16 matrix (2, 2), 1 2 / 3 -4, two scalars' worth of names.
std::string bf16_file(const std::string& names_and_offsets, const std::string& data) {
  std::string header = names_and_offsets;
  while (header.size() % 8) header += ' ';
  std::string bytes(8, '\0');
  bytes[0] = static_cast<char>(header.size());
  return bytes + header + data;
}

struct Tied : Module {
  Embedding embedding{2, 2};
  Linear head{2, 2, {.bias = false}};
  Tied() { head.weight = embedding.weight; }
  void visit(Visitor& v) override {
    v("embedding", embedding);
    v("head", head);
  }
};

}  // namespace

TEST_CASE("pretrained: 16-bit matrices can stay as they are, tied ones as one") {
  const std::string data("\x80\x3f\x00\x40\x40\x40\x80\xc0", 8);  // 1 2 / 3 -4
  const std::string text =
      bf16_file(R"({"embedding.weight":{"dtype":"BF16","shape":[2,2],"data_offsets":[0,8]}})", data);
  Tied wide, kept;
  load_pretrained(wide, core::parse_safetensors(text, "file"));
  load_pretrained(kept, core::parse_safetensors(text, "file"), {}, {.keep_16_bit = true});
  CHECK(wide.embedding.weight.to_vector() == std::vector<double>{1, 2, 3, -4});
  CHECK(wide.head.weight.node() == wide.embedding.weight.node());
  CHECK_FALSE(kept.embedding.weight.defined());
  CHECK_FALSE(kept.head.weight.defined());
  const NoGrad no_history;
  CHECK(kept.embedding(tensor_i64({1, 0})).to_vector() == std::vector<double>{3, -4, 1, 2});
  CHECK(kept.head(tensor({1, 10}, {1, 2})).to_vector() == std::vector<double>{21, -37});
  CHECK(message_of<Error>([&] {
          kept.state_dict();
        }).find("embedding.weight: is compact: its values can be used, but not") != std::string::npos);
}

TEST_CASE("pretrained: of tied tensors one is missed, not each") {
  Tied model;
  CHECK(message_of<Error>([&] { load_pretrained(model, file_of({{"words.weight", ones({2, 2})}})); }) ==
        "load_pretrained: Tied: the file does not fit, nothing is changed:\n"
        "  embedding.weight (2, 2): is missing from the file: is it words.weight?\n"
        "  head.weight: is missing from the file; it is tied to embedding.weight, one of them is enough\n"
        "  words.weight (2, 2): the model has no such tensor\n"
        "none of its names is the model's: is it the file of another model?\n"
        "add to the end of the table, where they are right:\n"
        "    {\"words.weight\", \"embedding.weight\"},");
}

TEST_CASE("pretrained: tied tensors that differ in the file are refused, and nothing is changed") {
  Tied model;
  const std::vector<double> before = model.embedding.weight.to_vector();
  const Tensor one = ones({2, 2}), two = full({2, 2}, 2.0);
  CHECK(
      message_of<FormatError>(
          [&] { load_pretrained(model, file_of({{"embedding.weight", one}, {"head.weight", two}})); }) ==
      "load_pretrained: embedding.weight and head.weight: are one tensor in the model, but differ in the file: make a "
      "model in which they are not tied");
  CHECK(model.embedding.weight.to_vector() == before);
  load_pretrained(model, file_of({{"embedding.weight", one}, {"head.weight", ones({2, 2})}}));
  CHECK(model.head.weight.to_vector() == std::vector<double>(4, 1.0));
}

TEST_CASE("pretrained: integers are no weights, f64 must fit, and nothing is changed") {
  struct One : Module {
    Linear first{2, 2, {.bias = false}}, second{2, 2, {.bias = false}};
    Tensor count = zeros({1}, Dtype::i64);
    void visit(Visitor& v) override {
      v("first", first);
      v("second", second);
      v("count", count);
    }
  } model;
  const std::vector<double> before = model.first.weight.to_vector();
  const auto refused = [&](const std::map<std::string, Tensor>& more, const Renames& table = {}) {
    std::map<std::string, Tensor> all{
        {"first.weight", ones({2, 2})}, {"second.weight", ones({2, 2})}, {"count", ones({1}, Dtype::i64)}};
    for (const auto& [name, x] : more) all[name] = x;
    const std::string message = message_of<DtypeError>([&] { load_pretrained(model, file_of(all), table); });
    CHECK(model.first.weight.to_vector() == before);
    return message;
  };
  const std::string begin = "load_pretrained: One: the file does not fit, nothing is changed:\n";
  CHECK(refused({{"second.weight", ones({2, 2}, Dtype::i64)}}) ==
        begin + "  second.weight: is I64 in the file, float32 in the model: weights have fractions");
  CHECK(refused({{"second.weight", ones({2, 2}, Dtype::boolean)}}) ==
        begin + "  second.weight: is BOOL in the file, float32 in the model: weights have fractions");
  CHECK(refused({{"count", ones({1})}}) == begin + "  count: has fractions in the file, is int64 in the model");
  // Of several parts, each counts.
  CHECK(refused({{"a", ones({1, 2})}, {"b", ones({1, 2}, Dtype::i32)}},
                {{"second.weight", ""}, {{"a", "b"}, "second.weight"}})
            .find("is I32 in the file") != std::string::npos);
  CHECK(refused({{"second.weight", tensor({1, 2, 3, 1e300}, {2, 2}, Dtype::f64)}}) ==
        "load_pretrained: second.weight for second.weight: has an element 1e+300, which float32 cannot hold: load it "
        "into a "
        "model that was made wider with to(Dtype::f64)");

  // I8 with scales, as bitsandbytes writes them; and a type that heed does not read.
  const std::string one(16, '\x3f'), eight(4, '\1');
  const auto file = [&](const std::string& type) {
    return core::parse_safetensors(
        bf16_file(R"({"first.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"second.weight":{"dtype":")" +
                      type + R"(","shape":[2,2],"data_offsets":[16,20]},)" +
                      (type == "I8" ? R"("second.SCB":{"dtype":"F32","shape":[1],"data_offsets":[20,24]}})"
                                    : R"("count":{"dtype":"I32","shape":[1],"data_offsets":[20,24]}})"),
                  one + eight + std::string(4, '\0')),
        "file");
  };
  const std::string quantised = message_of<Error>([&] { load_pretrained(model, file("I8")); });
  CHECK(quantised.find("second.weight: is I8 in the file, float32 in the model") != std::string::npos);
  CHECK(quantised.find("\nits weights are quantised, integers with scales, and such files are not read") !=
        std::string::npos);
  CHECK(quantised.find("leaves it out") == std::string::npos);
  CHECK(message_of<DtypeError>([&] { load_pretrained(model, file("F8_E4M3")); }) ==
        begin + "  second.weight: is F8_E4M3 in the file, which heed does not read");
  CHECK(model.first.weight.to_vector() == before);
}

TEST_CASE("pretrained: layers that the model does not have are named, and a program's message has no rows") {
  struct Layers : Module {
    std::vector<Two> h = std::vector<Two>(1);
    void visit(Visitor& v) override { v("h", h); }
  } model;
  std::map<std::string, Tensor> tensors;
  for (const std::string layer : {"h.0.", "h.1.", "h.12."})
    for (const NamedTensor& entry : Two().state_dict()) tensors.emplace(layer + entry.name, entry.tensor);
  tensors.emplace("h.0.mask", ones({2}));
  const auto message = [&](const PretrainedOptions& options) {
    return message_of<Error>([&] { load_pretrained(model, file_of(tensors), {}, options); });
  };
  const std::string whole = message({}), add = "\nadd to the end of the table, where they are right:";
  REQUIRE(whole.find(add) != std::string::npos);
  CHECK(whole.substr(whole.find(add)) == add +
                                             "\n    {\"h.*.mask\", \"\"},  // leaves it out"
                                             "\n    {\"h.1.*\", \"\"},  // leaves it out"
                                             "\n    {\"h.12.*\", \"\"},  // leaves it out");
  CHECK(message({.advise_rows = false}) == whole.substr(0, whole.find(add)));
  load_pretrained(model, file_of(tensors), {{"h.*.mask", ""}, {"h.1.*", ""}, {"h.12.*", ""}});  // as it was told
}
