// The networks of introductory chapters, where overhead is nearly everything.
#include <cmath>

#include <heed/nn/nn.h>
#include <heed/optim/optim.h>
#include "bench/bench.h"

namespace heed::bench {

namespace {

// micrograd's demo: 100 points, max-margin loss, the whole batch in one step of SGD.
Step mlp_step(bool l2) {
  struct Model : nn::Module {
    nn::Linear first{2, 16}, second{16, 16}, last{16, 1};
    Tensor operator()(const Tensor& x) const { return last(relu(second(relu(first(x))))); }
    void visit(nn::Visitor& v) override {
      v("first", first);
      v("second", second);
      v("last", last);
    }
  };
  auto model = std::make_shared<Model>();
  auto sgd = std::make_shared<optim::SGD>(model->parameters(), optim::SGDOptions{.lr = 0.01});
  const Tensor x = randn({100, 2});
  const Tensor y = sign(randn({100, 1}));
  return [=, params = model->parameters()] {
    Tensor loss = nn::hinge_loss((*model)(x), y);
    if (l2) {
      Tensor squares = full({}, 0.0);
      for (const Tensor& p : params) squares = squares + sum(square(p));
      loss = loss + 1e-4 * squares;
    }
    sgd->zero_grad();
    loss.backward();
    sgd->step();
  };
}

// d2l's learnt width: 50 points, each left out of its own estimate.
Step kernel_regression_epoch() {
  const int64_t n = 50;
  const Tensor x = rand({n}) * 5.0;
  const Tensor y = 2.0 * sin(x) + pow(x, 0.8) + 0.5 * randn({n});
  const Tensor others = !nn::eye_mask(n);
  auto model = std::make_shared<nn::NadarayaWatson<nn::Gaussian>>(nn::Gaussian({.width = 1.0, .learn_width = true}));
  auto sgd = std::make_shared<optim::SGD>(model->parameters(), optim::SGDOptions{.lr = 1e-4});
  return [=] {
    sgd->zero_grad();
    sum(square((*model)(x, x, y, {.mask = others}).output - y)).backward();
    sgd->step();
  };
}

}  // namespace

void add_tiny(Workloads& all) {
  all.push_back({"mlp_2_16_16_1_n100_step", {"us", 1e6}, [] { return mlp_step(false); }});
  all.push_back({"mlp_2_16_16_1_n100_step_l2", {"us", 1e6}, [] { return mlp_step(true); }});
  all.push_back({"nadaraya_watson_n50_epoch", {"us", 1e6}, [] { return kernel_regression_epoch(); }});
}

}  // namespace heed::bench
