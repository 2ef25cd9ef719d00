#include <heed/core/files/safetensors.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include <unistd.h>

#include <heed/core/files/file.h>

#include "support/catch.h"
#include "support/errors.h"
#include "support/hash.h"
#include "support/temp_dir.h"

using namespace heed;
using namespace std::string_literals;
using namespace heed::core;
using heed::test::message_of;
using heed::test::TempDir;

namespace {

std::string length_of(uint64_t n) { return std::string(reinterpret_cast<const char*>(&n), sizeof n); }

}  // namespace

TEST_CASE("safetensors: the bytes are those that the format's own library writes") {
  // The three files of the tests of github.com/huggingface/safetensors.
  const Array zeros = full({1, 2, 3}, 0);
  CHECK(to_safetensors({{"attn.0", zeros}}) ==
        length_of(64) + R"({"attn.0":{"dtype":"F32","shape":[1,2,3],"data_offsets":[0,24]}})" + std::string(24, '\0'));
  CHECK(to_safetensors({}) == length_of(8) + "{}      ");
  CHECK(to_safetensors({}, {{"framework", "pt"}}) == length_of(40) + R"({"__metadata__":{"framework":"pt"}}     )");
}

TEST_CASE("safetensors: wide types first, then by name, scalars, empty arrays, strides, escapes") {
  Array wide({2}, Dtype::f64), flags({3}, Dtype::boolean), index({}, Dtype::i64), small({}, Dtype::i32);
  const double doubles[] = {1.5, -2};
  std::memcpy(wide.data<double>(), doubles, sizeof doubles);
  flags.data<bool>()[0] = true, flags.data<bool>()[1] = false, flags.data<bool>()[2] = true;
  *index.data<int64_t>() = -1;
  *small.data<int32_t>() = 7;
  const Array matrix = from_vector({1, 2, 3, 4, 5, 6}, {2, 3});
  const std::string bytes = to_safetensors({{"b", transpose(matrix, 0, 1)},
                                            {"a", flags},
                                            {"d", wide},
                                            {"c", index},
                                            {"small", small},
                                            {"é\"\n"s.substr(0, 3), Array({2, 0})},
                                            {"tail", slice(matrix, 0, 1, 2)}});
  const std::string header = R"({"c":{"dtype":"I64","shape":[],"data_offsets":[0,8]},)"
                             R"("d":{"dtype":"F64","shape":[2],"data_offsets":[8,24]},)"
                             R"("b":{"dtype":"F32","shape":[3,2],"data_offsets":[24,48]},)"
                             R"("tail":{"dtype":"F32","shape":[1,3],"data_offsets":[48,60]},)"
                             R"("é\"":{"dtype":"F32","shape":[2,0],"data_offsets":[60,60]},)"
                             R"("small":{"dtype":"I32","shape":[],"data_offsets":[60,64]},)"
                             R"("a":{"dtype":"BOOL","shape":[3],"data_offsets":[64,67]}})";
  const size_t padded = (header.size() + 7) / 8 * 8;
  CHECK(bytes.substr(0, 8) == length_of(padded));
  CHECK(bytes.substr(8, padded) == header + std::string(padded - header.size(), ' '));
  const float expected[] = {1, 4, 2, 5, 3, 6, 4, 5, 6};
  const std::string data = bytes.substr(8 + padded);
  REQUIRE(data.size() == 67);
  CHECK(std::memcmp(data.data() + 8, doubles, sizeof doubles) == 0);
  CHECK(std::memcmp(data.data() + 24, expected, sizeof expected) == 0);
  CHECK(data.substr(64) == std::string("\1\0\1", 3));
}

TEST_CASE("safetensors: what is saved is loaded, bit for bit") {
  const TempDir dir;
  const std::string path = dir / "model.safetensors";
  Array x({2, 2});
  const float numbers[] = {-0.0f, std::numeric_limits<float>::denorm_min(), -INFINITY, std::nanf("7")};
  std::memcpy(x.data<float>(), numbers, sizeof numbers);
  const Array tokens = from_vector({1, -2}, {2}, Dtype::i64);
  save_safetensors(path, {{"x", x}, {"tokens", tokens}}, {{"step", "12"}});
  const SafeTensors file = load_safetensors(path);
  CHECK(file.metadata() == Metadata{{"format", "pt"}, {"step", "12"}});
  CHECK(file.names() == std::vector<std::string>{"tokens", "x"});
  CHECK(file.contains("x"));
  CHECK_FALSE(file.contains("y"));
  CHECK(file.at("x").shape() == Shape{2, 2});
  CHECK(std::memcmp(file.at("x").data<float>(), numbers, sizeof numbers) == 0);
  CHECK(file.at("tokens").dtype() == Dtype::i64);
  CHECK_FALSE(file.at("x").storage() == file.at("x").storage());  // new numbers each time

  save_safetensors(path, {}, {{"format", "np"}});
  CHECK(load_safetensors(path).metadata() == Metadata{{"format", "np"}});
}

TEST_CASE("safetensors: tied arrays are stored once, and metadata makes no tensors") {
  const Array weight = from_vector({1, 2, 3, 4}, {2, 2});
  const std::string bytes = to_safetensors({{"wte.weight", weight},
                                            {"lm_head.weight", weight},
                                            {"crossed", transpose(weight, 0, 1)},
                                            {"row", select(weight, 0, 0)},
                                            {"empty 1", slice(weight, 0, 0, 0)},
                                            {"empty 2", slice(weight, 0, 0, 0)}});
  const SafeTensors file = parse_safetensors(bytes, "t");
  CHECK(file.metadata() == Metadata{{"wte.weight", "lm_head.weight"}});
  CHECK(file.names() == std::vector<std::string>{"crossed", "empty 1", "empty 2", "lm_head.weight", "row"});
  CHECK(to_vector(file.at("lm_head.weight")) == to_vector(weight));
  CHECK(to_vector(file.at("crossed")) == std::vector<double>{1, 3, 2, 4});
  CHECK(bytes.size() - 8 - static_cast<unsigned char>(bytes[0]) - 256 * static_cast<size_t>(bytes[1]) == 16 + 16 + 8);
  // Whatever metadata say, they are texts.
  const Metadata said = {{"a", "b"}, {"largest_layer", "a"}, {"format", "pt"}};
  const SafeTensors both =
      parse_safetensors(to_safetensors({{"a", full({}, 1)}, {"b", full({}, 2)}, {"pt", full({}, 3)}}, said), "t");
  CHECK(both.names() == std::vector<std::string>{"a", "b", "pt"});
  CHECK(item(both.at("a")) == 1);
  CHECK(both.metadata() == said);
  // What the caller says is never written over by what is noted of ties.
  const Array one = full({1}, 1);
  const TempDir dir;
  save_safetensors(dir / "m", {{"a", one}, {"b", one}, {"format", one}}, {{"b", "my note"}});
  const SafeTensors noted = load_safetensors(dir / "m");
  CHECK(noted.metadata() == Metadata{{"b", "my note"}, {"format", "pt"}});
  CHECK(noted.names() == std::vector<std::string>{"a"});
}

TEST_CASE("safetensors: a header is judged before the data are read") {
  const TempDir dir;
  const std::string path = dir / "sparse.safetensors";
  auto refusal = [&](const std::string& start) {
    write_file_atomic(path, start);
    // Larger than any memory: reading it all would say so.
    REQUIRE(::truncate(path.c_str(), off_t{1} << 43) == 0);
    const std::string message = message_of<FormatError>([&] { load_safetensors(path); });
    return message.substr(std::min(message.size(), path.size() + 17));
  };
  const std::string other = ": not a safetensors file, or its download is incomplete";
  CHECK(refusal("") == "header does not begin with {" + other);
  CHECK(refusal(length_of(100000001)) == "header of 100000001 bytes: header too large" + other);
  CHECK(refusal("PK\x03\x04") ==
        "not a safetensors file, but a PyTorch pickle: convert it with safetensors.torch.save_file");
  CHECK(refusal("version https://git-lfs.github.com/spec/v1") ==
        "not a safetensors file, but a git-lfs pointer: fetch the file itself with git lfs pull");
  CHECK(refusal(length_of(2) + "{}") == "8796093022198 bytes follow the last tensor: the file is damaged");
  CHECK(refusal(length_of(2) + "{x") == "header:1:2: expected a key in double quotes, found \"x\"");
  // The same for an index.
  const std::string index = dir / "m.index.json";
  write_file_atomic(index, "{");
  REQUIRE(::truncate(index.c_str(), off_t{1} << 43) == 0);
  CHECK(message_of<FormatError>([&] { load_safetensors(index); }) ==
        "safetensors: \"" + index + "\": an index of 8796093022208 bytes: at most 100000000 are allowed");
}

TEST_CASE("safetensors: what cannot be written") {
  const Array x({1});
  auto refusal = [&](const std::map<std::string, Array>& tensors) {
    return message_of<FormatError>([&] { to_safetensors(tensors); });
  };
  CHECK(refusal({{"__metadata__", x}}) == "save_safetensors: tensor \"__metadata__\": this name is reserved");
  CHECK(refusal({{"a\n", x}}) == "save_safetensors: tensor \"a\\n\": a name with a control character");
  CHECK(refusal({{std::string(4097, 'x'), x}}) ==
        "save_safetensors: tensor \"" + std::string(99, 'x') + "…\": a name of 4097 bytes: at most 4096 are allowed");
  CHECK(refusal({{"a", Array()}}) == "save_safetensors: tensor \"a\": has no storage: leave it out");
  CHECK(refusal({{"\xff", x}}) == "json: \"\\xff\": is not UTF-8, which JSON requires");
  const Metadata huge = {{"x", std::string(100000000, 'x')}};
  CHECK(message_of<FormatError>([&] { to_safetensors({{"a", x}}, huge); }) ==
        "save_safetensors: 1 tensors: the header would have 100000080 bytes: at most 100000000 are "
        "allowed: use shorter names");
  CHECK(message_of<IoError>([&] { save_safetensors("/none/such", {{"a", x}}); }) ==
        "write_file_atomic: \"/none/such\": No such file or directory (0 of 100 bytes written): "
        "check "
        "the path and the free space; nothing was changed");
}

TEST_CASE("safetensors: a model in several files") {
  const TempDir dir;
  save_safetensors(dir / "m-1.safetensors", {{"a", full({1}, 1)}, {"b", full({1}, 2)}});
  save_safetensors(dir / "m-2.safetensors", {{"c", full({1}, 3)}}, {{"note", "second"}});
  const std::string index = dir / "model.safetensors.index.json";
  auto load = [&](const std::string& text) {
    write_file_atomic(index, text);
    return load_safetensors(index);
  };
  auto refusal = [&](const std::string& text) {
    const std::string message = message_of<FormatError>([&] { load(text); });
    const std::string start = "safetensors: \"" + index + "\"";
    return message.starts_with(start) ? message.substr(start.size()) : "UNEXPECTED " + message;
  };
  const SafeTensors file = load(
      R"({"metadata": {"total_size": 12, "x": [null, true, 1.5, "s", {}]},
          "weight_map": {"a": "m-1.safetensors", "c": "m-2.safetensors"}})");
  CHECK(file.names() == std::vector<std::string>{"a", "c"});
  CHECK(item(file.at("c")) == 3);
  CHECK(file.metadata() == Metadata{{"format", "pt"}, {"note", "second"}});

  for (const char* name : {"../m-1.safetensors", "/etc/passwd", "sub\\\\m", "..", ".", "", "a\\u0000"}) {
    INFO(name);
    CHECK(refusal(cat("{\"weight_map\":{\"a\":\"", name, "\"}}")).find("is not the name of a file beside the index") !=
          std::string::npos);
  }
  CHECK(refusal(R"({"weight_map":{"c":"m-1.safetensors"}})") ==
        ": tensor \"c\": is not in \"m-1.safetensors\": get the files that belong together");
  for (const char* name : {"model.safetensors.index.json", "other.index.json"})  // itself, another
    CHECK(refusal(cat("{\"weight_map\":{\"a\":\"", name, "\"}}")) ==
          cat(":1:20: tensor \"a\": \"", name, "\" is an index: name the file that holds the tensor"));
  CHECK(refusal("{\"weight_map\":{\"a\\u001b[31m\":\"m-1.safetensors\"}}") ==
        ":1:30: tensor \"a\\x1b[31m\": \"m-1.safetensors\" holds a name with a control character");
  CHECK(refusal(R"({"weight_map":{"a":1}})") == ":1:20: expected a string, found \"1\"");
  CHECK(refusal(R"({"weight_map":{"a":"m-1.safetensors","a":"m-1.safetensors"}})") ==
        ":1:38: the key \"a\" appears twice");
  CHECK(refusal("{}") == ": weight_map is missing: it is not an index of safetensors files");
  CHECK(refusal("[]") == ":1:1: expected an object, found \"[\"");
  CHECK(message_of<IoError>([&] { load(R"({"weight_map":{"a":"none"}})"); }) ==
        "read_file: \"" + dir / "none" + "\": No such file or directory: check the path");
}

TEST_CASE("safetensors: files that cannot be read say so") {
  const TempDir dir;
  CHECK(message_of<IoError>([&] { load_safetensors(dir / "none"); }) ==
        "read_file: \"" + dir / "none" + "\": No such file or directory: check the path");
  CHECK(message_of<IoError>([&] { load_safetensors(dir.path()); }) ==
        "read_file: \"" + dir.path().string() + "\": is a directory: give the path of a regular file");
}
