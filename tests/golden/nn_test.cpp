// nn/ against PyTorch. nn.safetensors comes from make_nn.py, which says what its names mean.
#include "support/catch.h"

#include <heed/core/files/safetensors.h>
#include <heed/nn/nn.h>
#include "support/golden.h"

using namespace heed;
using test::Golden;

namespace {

const Golden& golden() {
  static const Golden file("nn.safetensors");
  return file;
}

std::vector<Dtype> both() { return {Dtype::f32, Dtype::f64}; }

// A function of one differentiable input.
template <class F> void check_function(const std::string& name, Dtype dtype, const std::string& input, F f) {
  INFO(name << " in " << dtype);
  const Tensor x = parameter(golden().at(name + "/in/" + input, dtype));
  const Tensor y = f(x);
  golden().check(name + "/out", y);
  y.backward(golden().at(name + "/seed", dtype));
  golden().check(name + "/grad/" + input, x.grad());
}

// A module m, called through f with the inputs named.
template <class M, class F>
void check_module(const std::string& name, M m, const std::vector<std::string>& inputs, F f) {
  for (const Dtype dtype : both()) {
    INFO(name << " in " << dtype);
    M copy = nn::clone(m);
    copy.to(dtype);
    copy.load_state_dict(golden().state(name + "/param/", dtype));
    std::vector<Tensor> in;
    for (const std::string& input : inputs) {
      Tensor x = golden().at(name + "/in/" + input, dtype);
      in.push_back(is_floating(x.dtype()) ? parameter(x) : x);
    }
    const Tensor y = f(copy, in);
    golden().check(name + "/out", y);
    y.backward(golden().at(name + "/seed", dtype));
    for (size_t i = 0; i < in.size(); ++i)
      if (in[i].requires_grad()) golden().check(name + "/grad/" + inputs[i], in[i].grad());
    for (const nn::NamedTensor& p : copy.named_parameters()) golden().check(name + "/grad/" + p.name, p.tensor.grad());
  }
}

template <class M> void check_module(const std::string& name, const M& m) {
  check_module(name, m, {"x"}, [](const M& layer, const std::vector<Tensor>& in) { return layer(in[0]); });
}

}  // namespace

TEST_CASE("golden: elementwise losses") {
  const std::vector<std::pair<std::string, nn::Reduction>> reductions = {
      {"mean", nn::Reduction::mean}, {"sum", nn::Reduction::sum}, {"none", nn::Reduction::none}};
  for (const auto& reduction : reductions)
    for (const Dtype dtype : both()) {
      const std::string& name = reduction.first;
      const nn::Reduction r = reduction.second;
      const auto run = [&](const std::string& loss, auto f) {
        const std::string at = "loss/" + loss + "/" + name;
        const Tensor target = golden().at(at + "/in/target", dtype);
        check_function(at, dtype, "prediction", [&](const Tensor& p) { return f(p, target); });
      };
      run("mse", [r](auto& p, auto& t) { return nn::mse_loss(p, t, {.reduction = r}); });
      run("l1", [r](auto& p, auto& t) { return nn::l1_loss(p, t, {.reduction = r}); });
      run("huber", [r](auto& p, auto& t) { return nn::huber_loss(p, t, {.reduction = r}); });
      run("huber_0.3", [r](auto& p, auto& t) { return nn::huber_loss(p, t, {.delta = 0.3, .reduction = r}); });
      run("hinge", [r](auto& p, auto& t) { return nn::hinge_loss(p, t, {.reduction = r}); });
      run("bce", [r](auto& p, auto& t) { return nn::bce_with_logits(p, t, {.reduction = r}); });
      const Tensor weight = golden().at("loss/bce_weight/" + name + "/in/pos_weight", dtype);
      run("bce_weight",
          [&](auto& p, auto& t) { return nn::bce_with_logits(p, t, {.pos_weight = weight, .reduction = r}); });
    }
}

TEST_CASE("golden: cross-entropy and nll with every option") {
  const std::vector<std::pair<std::string, nn::Reduction>> reductions = {
      {"mean", nn::Reduction::mean}, {"sum", nn::Reduction::sum}, {"none", nn::Reduction::none}};
  for (int bits = 0; bits < 8; ++bits)
    for (const auto& [name, reduction] : reductions)
      for (const Dtype dtype : both()) {
        const bool weighted = bits & 4, ignoring = bits & 2, smoothing = bits & 1;
        const std::string options =
            std::string() + (weighted ? '1' : '0') + (ignoring ? '1' : '0') + (smoothing ? '1' : '0');
        const std::string at = "cross_entropy/" + options + "/" + name;
        const Tensor target = golden().at(at + "/in/target", Dtype::i64);
        std::optional<Tensor> weight;
        if (weighted) weight = golden().at(at + "/in/weight", dtype);
        const int64_t ignore = ignoring ? 2 : -100;
        const nn::Reduction r = reduction;
        check_function(at, dtype, "logits", [&](const Tensor& x) {
          return nn::cross_entropy(
              x, target,
              {.weight = weight, .ignore_index = ignore, .label_smoothing = smoothing ? 0.1 : 0.0, .reduction = r});
        });
        if (smoothing) continue;
        check_function("nll/" + options + "/" + name, dtype, "logits", [&](const Tensor& x) {
          return nn::nll_loss(x, target, {.weight = weight, .ignore_index = ignore, .reduction = r});
        });
      }
}

TEST_CASE("golden: layers") {
  check_module("linear", nn::Linear(5, 3));
  check_module("linear_no_bias", nn::Linear(5, 3, {.bias = false}));
  check_module("embedding", nn::Embedding(7, 3));
  check_module("embedding_padding", nn::Embedding(7, 3, {.padding_idx = 2}));
  check_module("layer_norm", nn::LayerNorm(6));
  check_module("layer_norm_no_bias", nn::LayerNorm(6, {.eps = 1e-3, .bias = false}));
  check_module("layer_norm_plain", nn::LayerNorm(6, {.elementwise_affine = false}));
  check_module("rms_norm", nn::RMSNorm(6, 1e-6));
  check_module("sequential", nn::Sequential(nn::Linear(4, 8), nn::Tanh(), nn::Linear(8, 2)));
}

TEST_CASE("golden: activations") {
  const auto run = [](const std::string& name, auto layer) {
    for (const Dtype dtype : both())
      check_function("activation/" + name, dtype, "x", [&](const Tensor& x) { return layer(x); });
  };
  run("relu", nn::ReLU());
  run("gelu", nn::GELU());
  run("gelu_tanh", nn::GELU({.tanh = true}));
  run("silu", nn::SiLU());
  run("tanh", nn::Tanh());
  run("sigmoid", nn::Sigmoid());
  run("softplus", nn::Softplus());
  run("leaky_relu", nn::LeakyReLU());
  run("elu", nn::ELU());
}

TEST_CASE("golden: scaled dot-product attention, plain and fused") {
  const auto run = [](const std::string& name, const nn::AttentionOptions& options) {
    const std::string at = "sdpa/" + name;
    for (const Dtype dtype : both())
      for (const bool fused : {false, true}) {
        INFO(at << " in " << dtype << (fused ? ", fused" : ", plain"));
        const test::Way way(fused ? "fused" : "");
        std::vector<Tensor> in;
        for (const char* input : {"q", "k", "v"}) in.push_back(parameter(golden().at(at + "/in/" + input, dtype)));
        const Tensor y = fused ? nn::scaled_dot_product_attention(in[0], in[1], in[2], options)
                               : nn::attention(in[0], in[1], in[2], options).output;
        golden().check(at + "/out", y);
        y.backward(golden().at(at + "/seed", dtype));
        golden().check(at + "/grad/q", in[0].grad());
        golden().check(at + "/grad/k", in[1].grad());
        golden().check(at + "/grad/v", in[2].grad());
      }
  };
  run("plain", {});
  run("mask", {.mask = golden().at("sdpa/mask/in/mask", Dtype::boolean)});
  run("causal", {.causal = true});
  run("causal_cache", {.causal = true});
  run("scale", {.scale = 0.3});
}

TEST_CASE("golden: multi-head attention") {
  using MHA = nn::MultiHeadAttention;
  using Inputs = std::vector<Tensor>;
  for (const bool need_weights : {false, true}) {
    const test::Way way(need_weights ? "" : "fused");
    const auto self = [=](const MHA& m, const Inputs& in) { return m(in[0], {.need_weights = need_weights}).output; };
    const auto cross = [=](const MHA& m, const Inputs& in) {
      return m(in[0], in[1], in[2], {.need_weights = need_weights}).output;
    };
    check_module("mha_self", MHA(8, 2), {"x"}, self);
    check_module("mha_no_bias", MHA(8, 2, {.bias = false}), {"x"}, self);
    check_module("mha_causal", MHA(8, 2), {"x"}, [=](const MHA& m, const Inputs& in) {
      return m(in[0], {.causal = true, .need_weights = need_weights}).output;
    });
    check_module("mha_cross", MHA(8, 2), {"q", "k", "v"}, cross);
    check_module("mha_dims", MHA(8, 2, {.kdim = 6, .vdim = 3}), {"q", "k", "v"}, cross);
    check_module("mha_mask", MHA(8, 2), {"q", "k", "v"}, [=](const MHA& m, const Inputs& in) {
      return m(in[0], in[1], in[2],
               {.mask = golden().at("mha_mask/in/mask", Dtype::boolean),
                .key_mask = golden().at("mha_mask/in/key_mask", Dtype::boolean),
                .need_weights = need_weights})
          .output;
    });
  }
  for (const Dtype dtype : both()) {
    MHA m(8, 2);
    m.to(dtype);
    m.load_state_dict(golden().state("mha_self/param/", dtype));
    golden().check("mha_self/weights", m(golden().at("mha_self/in/x", dtype), {.need_weights = true}).weights);
  }
}

TEST_CASE("golden: Transformer encoder") {
  using Layer = nn::TransformerEncoderLayer;
  const nn::TransformerOptions post{.dim_feedforward = 16, .dropout = 0.0};
  check_module("encoder_post", Layer(8, 2, post));
  check_module("encoder_pre",
               Layer(8, 2, {.dim_feedforward = 16, .dropout = 0.0, .activation = gelu, .norm_first = true}));
  check_module("encoder_no_bias", Layer(8, 2, {.dim_feedforward = 16, .dropout = 0.0, .bias = false}));
  check_module("encoder_mask", Layer(8, 2, post), {"x"}, [](const Layer& m, const std::vector<Tensor>& in) {
    return m(in[0], {.key_mask = golden().at("encoder_mask/in/key_mask", Dtype::boolean), .causal = true});
  });
  const Layer pre(8, 2, {.dim_feedforward = 16, .dropout = 0.0, .norm_first = true});
  check_module("encoder_stack", nn::TransformerEncoder(pre, 2, nn::LayerNorm(8)));
}

TEST_CASE("golden: GPT") {
  const nn::GPTOptions small{.vocab = 11, .context = 8, .width = 8, .heads = 2, .layers = 2};
  const auto run = [](const nn::GPT& m, const std::vector<Tensor>& in) { return m(in[0]); };
  check_module("gpt", nn::GPT(small), {"tokens"}, run);
  nn::GPTOptions gpt2 = small;
  gpt2.layers = 1;
  gpt2.bias = gpt2.gelu_tanh = true;
  check_module("gpt_bias_tanh", nn::GPT(gpt2), {"tokens"}, run);
}
