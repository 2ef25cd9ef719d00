// CONTRIBUTING's recipes, line for line: what each of them makes is compiled, and does what it should. Those for a kernel
// and an instruction set are compiled in recipe_kernel.cpp and recipe_instruction_set.cpp.
#include "snippets.h"

#include <cstdint>
#include <cstring>
#include <functional>
#include <iostream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <heed/autograd/gradcheck.h>
#include <heed/autograd/node.h>
#include <heed/autograd/ops.h>
#include <heed/core/files/file.h>
#include <heed/core/files/safetensors.h>
#include <heed/core/kernels/dispatch.h>
#include <heed/core/ops/ops.h>
#include <heed/core/text.h>
#include <heed/examples/kit/cli.h>
#include <heed/examples/kit/progress.h>
#include <heed/examples/kit/tokens/tokeniser.h>
#include <heed/nn/nn.h>
#include <heed/nn/resume.h>
#include <heed/optim/optim.h>
#include "prose.h"
#include "support/errors.h"

using namespace heed;

namespace {

namespace new_op {

using core::map, core::Unary, core::zip, core::Binary;
#include <snippets/CONTRIBUTING_md_1.inc>
#include <snippets/CONTRIBUTING_md_2.inc>

}  // namespace new_op

namespace new_module {

using namespace heed::nn;
#include <snippets/CONTRIBUTING_md_4.inc>
#include <snippets/CONTRIBUTING_md_6.inc>
#include <snippets/CONTRIBUTING_md_7.inc>

}  // namespace new_module

namespace new_optimizer {

using namespace heed::optim;
#include <snippets/CONTRIBUTING_md_10.inc>

}  // namespace new_optimizer

namespace new_format {

using namespace heed::core;
#include <snippets/CONTRIBUTING_md_15.inc>

void require(bool ok, const char* what) {
  INFO(what);
  REQUIRE(ok);
}
void require_harmless(const std::exception&) {}
#include <snippets/CONTRIBUTING_md_16.inc>

}  // namespace new_format

namespace new_example {

#define main main_of_page
#include <snippets/CONTRIBUTING_md_17.inc>
#undef main

// What the example prints for these options.
std::string said(std::vector<std::string> words, int code) {
  words.insert(words.begin(), "sine");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  std::ostringstream out;
  std::streambuf* const before = std::cout.rdbuf(out.rdbuf());
  const int ended = main_of_page(static_cast<int>(argv.size()), argv.data());
  std::cout.rdbuf(before);
  CHECK(ended == code);
  return out.str();
}

}  // namespace new_example

namespace new_table {

using namespace heed::nn;
#include <snippets/CONTRIBUTING_md_18.inc>

}  // namespace new_table

namespace new_tokeniser {

using namespace heed::kit;
#include <snippets/CONTRIBUTING_md_20.inc>

}  // namespace new_tokeniser

}  // namespace

namespace heed::pages {
void fast(const float* x, float* y, int64_t n);  // recipe_kernel.cpp
void plain(const float* x, float* y, int64_t n);
}  // namespace heed::pages

TEST_CASE("recipes: an op") {
  const Tensor x = randn({3, 4}, Dtype::f64);
  gradcheck([](const Tensor& in) { return new_op::softplus(in); }, x);
  CHECK(amax(abs(new_op::softplus(x) - heed::softplus(x))).item() == 0.0);
  using new_op::squared_difference;
#include <snippets/CONTRIBUTING_md_3.inc>
  const Tensor a = ones({2, 3}), b = full({3}, 4.0);
  CHECK(squared_difference(a, b).to_vector() == std::vector<double>(6, 9.0));
}

TEST_CASE("recipes: a layer") {
  using namespace new_module;
#include <snippets/CONTRIBUTING_md_5.inc>
}

TEST_CASE("recipes: a score, and a score with a kernel") {
  using namespace new_module;
  struct ScoreShape {
    int64_t query = 3;
  };
  int visited = 0;
  const auto visit = [&](const char* name, const auto& score, const ScoreShape& shape) {
    INFO(name);
    ++visited;
    using Score = std::decay_t<decltype(score)>;
    const auto two = [](const Score& s, const std::vector<Tensor>& in) { return s(in[0], in[1]); };
    check_module(score, {randn({2, 3, shape.query}), randn({2, 4, shape.query})}, two);
    const Tensor q = randn({2, 5, 12});
    if constexpr (Score::normaliser == Normaliser::kernel_sum) {
      const Attended out = MultiHead(12, 4, score)(q);
      CHECK(out.weights.shape() == Shape{2, 4, 5, 5});
    }
  };
#include <snippets/CONTRIBUTING_md_8.inc>
  CHECK(visited == 2);
#include <snippets/CONTRIBUTING_md_9.inc>
  CHECK(model.parameters().size() > 4);  // the score's, too
  CHECK(out.output.shape() == Shape{2, 5, 12});
  CHECK(fitted.shape() == Shape{9});
}

TEST_CASE("recipes: an optimizer") {
  using new_optimizer::Lion;
  manual_seed(2);
  nn::Linear model(3, 1);
  const Tensor x = randn({64, 3}), y = sum(x, -1, keepdim);
  Lion lion(model.parameters(), {.lr = 0.01});
  for (int step = 0; step < 500; ++step) {
    lion.zero_grad();
    mean(square(model(x) - y)).backward();
    lion.step();
  }
  CHECK(mean(square(model(x) - y)).item() < 1e-2);
  Lion other(model.parameters());
  other.load_state_dict(lion.state_dict());
  CHECK(other.groups()[0].lr == 0.01);
  CHECK(lion.state_dict().count("0.exp_avg") == 1);
  CHECK(test::follows_grammar(test::message_of([&] { Lion wrong(model.parameters(), {.beta1 = 1.5}); })));
}

TEST_CASE("recipes: an optimizer's run is saved and resumed") {
  using new_optimizer::Lion;
  const test::InTempDir here;
#include <snippets/CONTRIBUTING_md_11.inc>
  CHECK(later.weight.to_vector() == model.weight.to_vector());
  CHECK(resumed.groups()[0].lr == 1e-3);
  CHECK(resumed.state_dict().at("0.exp_avg").to_vector() == lion.state_dict().at("0.exp_avg").to_vector());
}

TEST_CASE("recipes: a kernel and its plain twin") {
  for (const int64_t n : {1, 3, 16, 37}) {
    const Tensor x = randn({n});
    std::vector<float> fast(static_cast<size_t>(n)), plain(static_cast<size_t>(n));
    pages::fast(x.data<float>(), fast.data(), n);
    pages::plain(x.data<float>(), plain.data(), n);
    for (size_t i = 0; i < fast.size(); ++i) CHECK(fast[i] == Approx(plain[i]).epsilon(1e-6));
  }
}

#if defined(__x86_64__)
namespace heed::core {
extern const Kernels kernels_sse4;  // recipe_instruction_set.cpp
}

TEST_CASE("recipes: an instruction set") {
  CHECK(std::string(core::kernels_sse4.isa) == "sse4");
  if (!__builtin_cpu_supports("sse4.2")) return;
  const Tensor x = randn({1000});
  CHECK(core::kernels_sse4.f32.max(x.data<float>(), 1000) == amax(x).item());
  CHECK(core::kernels_sse4.f32.sum(x.data<float>(), 1000) == Approx(sum(x).item()).epsilon(1e-4));
}
#endif

TEST_CASE("recipes: a file format") {
  const test::InTempDir here;
  const core::Array x = core::from_vector({1, 2, 3}, {3});
  new_format::save_vec("x.vec", x);
  CHECK(core::to_vector(new_format::load_vec("x.vec")) == std::vector<double>{1, 2, 3});
  const std::string bytes = new_format::to_vec(x);
  for (size_t cut = 0; cut <= bytes.size(); ++cut) new_format::vec(std::string_view(bytes).substr(0, cut));
  CHECK(test::message_of<FormatError>([&] { new_format::parse_vec(bytes.substr(0, 20), "x.vec"); }) ==
        "\"x.vec\": says 3 floats, holds 2: it was cut or grew");
}

TEST_CASE("recipes: an example") {
  const std::string json = new_example::said({"--json", "--quiet", "--steps", "300"}, 0);
  REQUIRE(json.find("{\"loss\":") == 0);
  CHECK(std::stod(json.substr(8)) < 0.1);
  CHECK(test::contains(new_example::said({"--help"}, 0), "learning rate"));
}

TEST_CASE("recipes: a table of others' weights") {
  using namespace new_table;
  const test::InTempDir here;
  const Tensor words = randn({10, 4}), kernel = randn({4, 3}), bias = randn({3});
  core::save_safetensors("scorer.safetensors", {{"model.embedder.weight", words.array()},
                                                {"model.dense.kernel", kernel.array()},
                                                {"model.dense.bias", bias.array()},
                                                {"step", scalar(7).array()}});
  std::ostringstream out;
  std::streambuf* const before = std::cout.rdbuf(out.rdbuf());
#include <snippets/CONTRIBUTING_md_19.inc>
  std::cout.rdbuf(before);
  CHECK(out.str() ==
        "model.dense.bias -> out.bias\nmodel.dense.kernel -> out.weight, transposed\nmodel.embedder.weight -> "
        "words.weight\n");
  const Tensor tokens = tensor_i64({7, 0}, {1, 2});
  CHECK(amax(abs(scorer(tokens) - (matmul(embedding(words, tokens), kernel) + bias))).item() < 1e-5);
}

TEST_CASE("recipes: a tokeniser") {
  const new_tokeniser::ByteTokeniser bytes;
  const std::string text("a\0\xFFé", 5);
  CHECK(bytes.encode(text) == kit::Ids{97, 0, 255, 195, 169});
  CHECK(bytes.decode(bytes.encode(text)) == text);
  CHECK(test::message_of<IndexError>([&] { bytes.piece(256); }).find("256") != std::string::npos);
}

TEST_CASE("recipes: a dtype's list names every file that knows each of them") {
  const test::fs::path root = test::fs::path(HEED_TESTS_DIR).parent_path();
  std::set<std::string> know, named;
  for (const std::string& file : test::readable_files(root)) {
    if (file.find("tests/") == 0 || test::ends_with(file, ".md")) continue;
    for (const std::string& line : test::lines_of(root / file))
      if (line.find("case Dtype::") != std::string::npos || line.find(": return Dtype::") != std::string::npos)
        know.insert(file);
  }
  bool inside = false;
  for (const std::string& line : test::lines_of(root / "CONTRIBUTING.md")) {
    if (line.find("## ") == 0) inside = line == "## A new dtype";
    if (!inside || (line.find("- ") != 0 && line.find("  `") != 0)) continue;
    for (const std::string& file : test::files_named_in(line)) named.insert(file);
  }
  CHECK(know == named);
  CHECK(know.size() >= 8);
}
