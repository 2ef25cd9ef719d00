// Gradient accumulation: backward() adds to what is there, so a batch may come in parts.
#include <vector>

#include <heed/autograd/ops.h>
#include <heed/nn/layers/linear.h>
#include <heed/nn/layers/losses.h>
#include <heed/nn/models/gpt.h>
#include <heed/optim/optim.h>

#include "support/catch.h"

using namespace heed;

namespace {

double largest_difference(const Tensor& a, const Tensor& b) {
  return amax(abs(a - b)).item() / (amax(abs(b)).item() + 1e-300);
}

}  // namespace

TEST_CASE("an optimizer takes the same steps with a batch in parts") {
  const auto run = [](int64_t parts) {
    manual_seed(2);
    nn::Linear model(3, 2);
    model.to(Dtype::f64);
    optim::AdamW adamw(model.parameters(), {.lr = 0.05});
    const Tensor x = randn({8, 3}, Dtype::f64), y = randn({8, 2}, Dtype::f64);
    for (int step = 0; step < 20; ++step) {
      adamw.zero_grad();
      const std::vector<Tensor> inputs = x.chunk(parts), targets = y.chunk(parts);
      for (size_t i = 0; i < inputs.size(); ++i)
        (nn::mse_loss(model(inputs[i]), targets[i]) / static_cast<double>(parts)).backward();
      optim::clip_grad_norm(model.parameters(), 0.1);
      adamw.step();
    }
    return model.weight.detach().clone();
  };
  const Tensor at_once = run(1);
  CHECK(largest_difference(run(4), at_once) < 1e-11);
  CHECK(largest_difference(run(8), at_once) < 1e-11);
}

TEST_CASE("k parts with their losses divided by k give the gradient of the whole batch") {
  manual_seed(1);
  nn::GPT model({.vocab = 11, .context = 6, .width = 8, .heads = 2, .layers = 2});
  model.to(Dtype::f64);
  const Tensor tokens = randint(0, 11, {12, 6}), targets = randint(0, 11, {12, 6});
  const auto parameters = model.parameters();
  const auto take_gradients = [&] {
    std::vector<Tensor> gradients;
    for (Tensor p : parameters) {
      gradients.push_back(p.grad().clone());
      p.zero_grad();
    }
    return gradients;
  };

  nn::cross_entropy(model(tokens), targets).backward();
  const std::vector<Tensor> whole = take_gradients();
  for (const int64_t k : {1, 2, 3, 4, 6, 12}) {
    INFO(k << " parts");
    const std::vector<Tensor> inputs = tokens.chunk(k), wanted = targets.chunk(k);
    REQUIRE(inputs.size() == static_cast<size_t>(k));
    for (size_t i = 0; i < inputs.size(); ++i)
      (nn::cross_entropy(model(inputs[i]), wanted[i]) / static_cast<double>(k)).backward();
    const std::vector<Tensor> summed = take_gradients();
    for (size_t i = 0; i < whole.size(); ++i)
      CHECK(largest_difference(summed[i], whole[i]) < (k == 1 ? 1e-300 : 1e-12));
  }
}
