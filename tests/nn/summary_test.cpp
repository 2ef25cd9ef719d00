#include "support/catch.h"

#include <fstream>
#include <map>
#include <sstream>

#include <heed/autograd/ops/create.h>
#include <heed/nn/nn.h>
#include <heed/nn/summary.h>
#include "support/errors.h"

using namespace heed;
using namespace heed::nn;
using test::contains;

namespace {

// What torchinfo says of a model: tests/golden/make_torchinfo.py.
struct Counts {
  int64_t parameters, mult_adds;
  std::string input, output;
};

std::map<std::string, Counts> torchinfo() {
  std::ifstream file(HEED_TESTS_DIR "/golden/torchinfo.txt");
  std::map<std::string, Counts> all;
  Counts c;
  for (std::string name; file >> name >> c.parameters >> c.mult_adds >> c.input >> c.output;) all[name] = c;
  return all;
}

std::string times(const std::optional<Shape>& shape) {
  std::string text;
  if (shape)
    for (const int64_t size : *shape) text += (text.empty() ? "" : "x") + std::to_string(size);
  return text;
}

template <class Model, class... Inputs> std::vector<LayerCost> costs_of(const Model& model, const Inputs&... input) {
  return layer_costs(model, [&] {
    (observe_given(input), ...);
    const auto y = model(input...);
    if constexpr (requires { y.output; }) observe_input(y.output);
    else observe_input(y);
  });
}

struct Twice : Module {
  Linear a{2, 3, {.bias = false}}, b = a;  // copies of handles: the same weights
  void visit(Visitor& v) override {
    v("a", a);
    v("b", b);
    v("again", a);
  }
};

}  // namespace

TEST_CASE("summary: a line for each module and tensor") {
  Sequential model(Linear(2, 640), ReLU(), Linear(640, 1, {.bias = false}));
  model.get<2>().requires_grad(false);
  CHECK("\n" + summary(model) == R"(
path  class                                                           tensor  shape     elements
      Sequential<heed::nn::Linear, heed::nn::ReLU, heed::nn::Linear>
0     Linear                                                          weight  (640, 2)     1,280
                                                                      bias    (640,)         640
1     ReLU
2     Linear                                                          weight  (1, 640)       640  frozen
total 2,560 elements, 1,920 of them trainable, 10.0 KiB
)");
}

TEST_CASE("summary: what appears twice is counted once and says so") {
  CHECK("\n" + summary(Twice()) == R"(
path   class   tensor  shape   elements
       Twice
a      Linear  weight  (3, 2)         6
b      Linear  weight  (3, 2)         -  is a.weight
again  Linear  weight  (3, 2)         -  is a, a.weight
total 6 elements, 6 of them trainable, 24.0 B
)");
  const GPT model({.vocab = 65, .context = 16, .width = 32, .heads = 2, .layers = 1});
  const std::string table = summary(model);
  CHECK(table.find("lm_head          Linear               weight  (65, 32)          -  is wte.weight\n") !=
        std::string::npos);
  CHECK(table.find("total " + std::to_string(model.num_parameters() / 1000) + ",") != std::string::npos);
}

TEST_CASE("golden: parameters, mult-adds and shapes are torchinfo's") {
  const std::map<std::string, Counts> golden = torchinfo();
  REQUIRE(golden.size() == 12);
  int compared = 0;
  const auto compare = [&](const char* name, int64_t more_parameters, int64_t more_mult_adds, const auto& model,
                           const auto&... input) {
    INFO(name);
    const Counts& theirs = golden.at(name);
    const LayerCost ours = costs_of(model, input...).front();
    CHECK(ours.parameters + more_parameters == theirs.parameters);
    CHECK(ours.mult_adds - more_mult_adds == theirs.mult_adds);
    CHECK(times(ours.input) == theirs.input);
    CHECK(times(ours.output) == theirs.output);
    ++compared;
  };
  const Tensor ids = zeros({2, 4}, Dtype::i64), steps = zeros({2, 5, 3}), sequence = zeros({2, 5, 8});
  compare("linear", 0, 0, Linear(3, 5), zeros({2, 4, 3}));
  compare("linear_no_bias", 0, 0, Linear(3, 5, {.bias = false}), zeros({7, 3}));
  compare("embedding", 0, 0, Embedding(7, 3), ids);
  compare("layer_norm", 0, 0, LayerNorm(6), zeros({2, 4, 6}));
  compare("rms_norm", 0, 0, RMSNorm(6), zeros({2, 4, 6}));
  compare("sequential", 0, 0, Sequential(Linear(2, 4), ReLU(), Dropout(0.1), Linear(4, 1)), zeros({3, 2}));
  compare("rnn", 0, 0, RNN(3, 4), steps);
  compare("gru", 0, 0, GRU(3, 4, {.num_layers = 2, .bidirectional = true}), steps);
  compare("lstm", 0, 0, LSTM(3, 4), steps);
  // heed calls the output projection as a layer; PyTorch does it in a function that torchinfo does not see.
  constexpr int64_t out_proj = 2 * (8 * 8 + 8);
  compare("mha", 0, out_proj, MultiHeadAttention(8, 2), sequence);
  const TransformerEncoderLayer layer(8, 2, {.dim_feedforward = 16});
  compare("encoder", 0, 2 * out_proj, TransformerEncoder(layer, 2), sequence);
  // torchinfo counts the tied table twice.
  const GPT gpt({.vocab = 65, .context = 16, .width = 32, .heads = 2, .layers = 2, .bias = false});
  compare("gpt", 65 * 32, 0, gpt, zeros({2, 16}, Dtype::i64));
  CHECK(compared == 12);
}

TEST_CASE("summary of an input: operations are counted, and what is kept for backward") {
  const Linear model(3, 5);
  const Tensor x = zeros({2, 4, 3});
  const LayerCost recorded = costs_of(model, x).front();
  CHECK(recorded.flops == 2.0 * 8 * 3 * 5);
  CHECK(recorded.calls == 1);
  CHECK(recorded.kept_bytes >= 8 * 5 * 4);
  const auto hidden = costs_of(Sequential(Linear(64, 64), Sigmoid(), Linear(64, 64)), zeros({64, 64}));
  const NoGrad off;
  const auto none = costs_of(Sequential(Linear(64, 64), Sigmoid(), Linear(64, 64)), zeros({64, 64}));
  CHECK(none[0].kept_bytes >= 64 * 64 * 4);               // the result
  CHECK(hidden[0].kept_bytes >= 2 * none[0].kept_bytes);  // and what is between the layers
  CHECK(none[0].flops == 2.0 * 2 * 64 * 64 * 64 + 64 * 64);
}

TEST_CASE("summary of an input changes nothing") {
  Sequential model(Linear(2, 3), Dropout(0.5));
  manual_seed(3);
  const Tensor before = rand({2});
  manual_seed(3);
  summary(model, ones({4, 2}));
  CHECK(amax(abs(rand({2}) - before)).item() == 0.0);
  CHECK_FALSE(model.parameters()[0].grad().defined());
  CHECK(core::watch == nullptr);
  CHECK(observer == nullptr);
  CHECK_THROWS_AS(summary(model, ones({4, 5})), ShapeError);
  CHECK(core::watch == nullptr);
  CHECK(observer == nullptr);
}

TEST_CASE("summary of an input: a tree with shapes, ties, repeated calls and modules that are not called") {
  struct Model : Module {
    Linear a{3, 3}, b = a, unused{3, 2};
    Tensor operator()(const Tensor& x) const {
      const Scope scope(*this);
      return b(relu(a(a(x))));
    }
    void visit(Visitor& v) override {
      v("a", a);
      v("b", b);
      v("unused", unused);
    }
  };
  Model model;
  model.unused.requires_grad(false);
  const std::string text = summary(model, ones({4, 3}));
  INFO(text);
  std::map<std::string, std::string> line_of;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name;
    words >> name;
    line_of[name] = line;
  }
  CHECK(contains(line_of["(model)"], "Model   (4, 3)  (4, 3)          20        144"));
  CHECK(contains(line_of["a"], "Linear  (4, 3)  (4, 3)          12         96"));
  CHECK(contains(line_of["a"], "2 calls"));
  CHECK(contains(line_of["b"], "tied"));
  CHECK(contains(line_of["unused"], "not called"));
  CHECK(contains(line_of["total"], "total 20 parameters, 12 of them trainable, 80.0 B"));
  CHECK(contains(line_of["144"], "144 mult-adds as torchinfo counts; measured: 228 operations in "));
}

TEST_CASE("summary of whatever a program calls first: its first call is looked at, and it is printed once") {
  const Linear first(3, 5), second(5, 2);
  std::ostringstream out;
  {
    SummaryOfFirst watching(out);
    Tensor y = first(ones({4, 3}));
    CHECK(out.str().empty());
    y = second(y);
    CHECK(out.str().empty());
    first(ones({1, 3}));
    CHECK(contains(out.str(), "(model)  Linear  (4, 3)  (4, 5)          20         80"));
    first(ones({2, 3}));
  }
  CHECK(out.str().find("(model)") == out.str().rfind("(model)"));
  CHECK_FALSE(contains(out.str(), "no model"));
  std::ostringstream once, none;
  {
    SummaryOfFirst watching(once);
    second(ones({4, 5}));
  }
  CHECK(contains(once.str(), "(4, 2)"));
  { SummaryOfFirst watching(none); }
  CHECK(none.str() == "summary: no model was called\n");
}
