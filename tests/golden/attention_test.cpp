// The attention family against PyTorch. attention.safetensors comes from make_attention.py, which
// says what its names mean.
#include "support/catch.h"

#include <algorithm>

#include <heed/nn/nn.h>
#include "support/golden.h"

using namespace heed;
using namespace heed::nn;
using test::Golden;

namespace {

const Golden& attention_golden() {
  static const Golden file("attention.safetensors");
  return file;
}

/// Output, weights, and all gradients of f(m, inputs) -> Attended, in f32 and f64.
template <class M, class F>
void same_as_torch(const std::string& name, const M& m, const std::vector<std::string>& inputs, F f) {
  const Golden& golden = attention_golden();
  for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
    INFO(name << " in " << dtype);
    M copy = clone(m);
    copy.to(dtype);
    copy.load_state_dict(golden.state(name + "/param/", dtype));
    std::vector<Tensor> in;
    for (const std::string& input : inputs) in.push_back(parameter(golden.at(name + "/in/" + input, dtype)));
    const Attended a = f(copy, in);
    golden.check(name + "/out", a.output);
    golden.check(name + "/weights", a.weights);
    a.output.backward(golden.at(name + "/seed", dtype));
    const auto check_grad = [&](const std::string& of, const Tensor& x) {
      // What adds the same to all scores of a query cancels in softmax (an energy's bias, a key's
      // bias in a dot product): its gradient is 0 but for rounding, here and there.
      const Tensor expected = golden.at(name + "/grad/" + of, Dtype::f64);
      if (x.grad().defined() && amax(abs(expected)).item() < 1e-12) {
        INFO(of);
        CHECK(amax(abs(x.grad())).item() <
              (dtype == Dtype::f32 ? std::max(1e-6, golden.rounding(name + "/grad/" + of)) : 1e-14));
        return;
      }
      golden.check(name + "/grad/" + of, x.grad().defined() ? x.grad() : zeros_like(x));
    };
    for (size_t i = 0; i < in.size(); ++i) check_grad(inputs[i], in[i]);
    for (const NamedTensor& p : copy.named_parameters()) check_grad(p.name, p.tensor);
  }
}

template <class M> void same_as_torch(const std::string& name, const M& m) {
  same_as_torch(name, m, {"q", "k", "v"},
                [](const M& layer, const std::vector<Tensor>& in) { return layer(in[0], in[1], in[2]); });
}

struct NoParameters : Module {
  void visit(Visitor&) override {}
};

}  // namespace

TEST_CASE("golden: sparsemax, sigmoid and hard weights") {
  const auto weigh = [](const std::string& name, Normaliser n) {
    same_as_torch(name, NoParameters(), {"scores", "v"}, [n](const NoParameters&, const std::vector<Tensor>& in) {
      return attend(in[0], in[1], {.normaliser = n});
    });
  };
  weigh("sparsemax", Normaliser::sparsemax);
  weigh("sigmoid", Normaliser::sigmoid);
  weigh("hard", Normaliser::hard);
  same_as_torch("sparsemax_mask", NoParameters(), {"scores", "v"},
                [](const NoParameters&, const std::vector<Tensor>& in) {
                  const Tensor mask = attention_golden().at("sparsemax_mask/in/mask", Dtype::boolean);
                  return attend(in[0], in[1], {.mask = mask, .normaliser = Normaliser::sparsemax});
                });
}

TEST_CASE("golden: scores") {
  same_as_torch("cosine", Attention(CosineScore({.learn_temperature = true})));
  same_as_torch("elementwise", Attention(ElementwiseScore(3)));
  same_as_torch("epanechikov", Attention(Epanechikov({.learn_width = true})));
  same_as_torch("triangular", Attention(Triangular({.learn_width = true})));
  same_as_torch("location", Attention(LocationScore(3, 8)));
  same_as_torch("mlp", Attention(MlpScore<DotScore>(4)));
  same_as_torch("context", Attention(ContextScore(3, 2, 4, 5)), {"q", "k", "v", "c"},
                [](const Attention<ContextScore>& m, const std::vector<Tensor>& in) {
                  return m(in[0], in[1], in[2], {}, in[3]);
                });
}

TEST_CASE("golden: local windows") {
  same_as_torch("local_m", LocalMonotonicAttention<DotScore>(1));
  same_as_torch("local_p", LocalPredictiveAttention<DotScore>(2, 3, 4));
}

TEST_CASE("golden: layers of a score and its projections, by their own names") {
  same_as_torch("additive", AdditiveAttention(3, 2, 5));
  same_as_torch("additive_no_bias", AdditiveAttention(3, 2, 5, {.bias = false}));
  same_as_torch("multiplicative", MultiplicativeAttention(3, 2));
  same_as_torch("key_value", KeyValueAttention(3, 4, 6));
  const auto self = [](const auto& m, const std::vector<Tensor>& in) { return m(in[0]); };
  same_as_torch("self", SelfAttention(3, 4), {"x"}, self);
  same_as_torch("per_head", PerHeadAttention(3, 4, 2), {"x"}, self);
}

TEST_CASE("golden: heads with any score") {
  same_as_torch("heads_additive", MultiHead(6, 2, AdditiveScore(3, 3, 5)));
  same_as_torch("heads_gaussian", MultiHead(6, 2, Gaussian({.learn_width = true, .widths = {1.0, 1.0}})));
}
