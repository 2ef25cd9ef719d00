// The README's snippets, line for line, in a program that includes what a layer's author includes.
#include <cstdio>
#include <exception>

#include <heed/autograd/gradcheck.h>
#include <heed/nn/check_module.h>
#include <heed/nn/layers/linear.h>
#include <heed/nn/module.h>
#include <heed/optim/sgd.h>

bool contributing_is_right();

using namespace heed;

namespace {

double train(const Tensor& x, const Tensor& y) {
#include <snippets/README_md_1.inc>
  return mean(square(model(x) - y)).item();
}

void check_layer() {
#include <snippets/README_md_2.inc>
  nn::check_module(RMSNorm(8), {randn({4, 8})}, {.scope = false});
}

}  // namespace

int main() try {
  const Tensor x = randn({100, 3}), y = sum(x, -1, keepdim);
  const double loss = train(x, y);
  check_layer();
  std::printf("loss %.3g\n", loss);
  return loss < 1e-4 && contributing_is_right() ? 0 : 1;
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
