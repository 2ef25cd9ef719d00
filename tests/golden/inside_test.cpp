// Values inside models against what PyTorch's forward hooks see. inside.safetensors comes from make_inside.py.
#include "support/catch.h"

#include <string>

#include <heed/autograd/ops.h>
#include <heed/core/files/safetensors.h>
#include <heed/nn/nn.h>
#include "support/golden.h"

using namespace heed;
using test::Golden;

namespace {

const Golden& inside_golden() {
  static const Golden file("inside.safetensors");
  return file;
}

// Every value that PyTorch's hooks saw, and, in f64, the gradient there. `call` returns the model's output.
template <class M, class Call> void check_inside(const std::string& name, M model, int expected, Call call) {
  for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
    INFO(name << " in " << dtype);
    model.to(dtype);
    model.load_state_dict(inside_golden().state(name + "/param/", dtype));
    const Tensor x = inside_golden().at(name + "/in/x", dtype);
    Tensor loss;
    const nn::Captured seen = nn::capture(
        model, [&] { loss = sum(call(model, x) * inside_golden().at(name + "/seed", dtype)); }, {"**", "**:*"});
    int compared = 0;
    for (const nn::NamedTensor& y : inside_golden().state(name + "/out/", dtype)) {
      inside_golden().check(name + "/out/" + y.name, seen[y.name]);
      ++compared;
      if (const std::string gradient = name + "/grad/" + y.name;
          dtype == Dtype::f64 && inside_golden().contains(gradient))
        inside_golden().check(gradient, grad(loss, {seen[y.name]}, {.retain_graph = true})[0]);
    }
    CHECK(compared == expected);
  }
}

}  // namespace

TEST_CASE("golden: capture gives what PyTorch's forward hooks see: values, and gradients at them") {
  for (const bool first : {false, true}) {
    nn::TransformerEncoder encoder(
        nn::TransformerEncoderLayer(8, 2, {.dim_feedforward = 12, .dropout = 0.0, .norm_first = first}), 2,
        nn::LayerNorm(8));
    check_inside(first ? "encoder_pre" : "encoder_post", encoder, 20,
                 [](const auto& m, const Tensor& x) { return m(x); });
  }
  check_inside("mha", nn::MultiHeadAttention(8, 2), 2, [](const auto& m, const Tensor& x) { return m(x).output; });
  check_inside("lstm", nn::LSTM(3, 4, {.num_layers = 2}), 3,
               [](const auto& m, const Tensor& x) { return m(x).output; });
  check_inside("gpt", nn::GPT({.vocab = 11, .context = 6, .width = 8, .heads = 2, .layers = 2}), 23,
               [](const auto& m, const Tensor& x) { return m(x); });
}
