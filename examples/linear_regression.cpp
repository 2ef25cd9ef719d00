// Linear regression: recover a linear function from noisy points. The example to read first.
#include <iostream>

#include <heed/autograd/ops.h>
#include <heed/nn/layers/linear.h>
#include <heed/optim/sgd.h>
using namespace heed;

int main() {
  manual_seed(0);
  Tensor x = randn({256, 3});
  Tensor y = matmul(x, tensor({2, -1, 0.5}, {3, 1})) + 0.3 + 0.01 * randn({256, 1});

  nn::Linear model(3, 1);
  optim::SGD sgd(model.parameters(), {.lr = 0.1});

  for (int step = 0; step <= 100; ++step) {
    Tensor loss = mean(square(model(x) - y));
    sgd.zero_grad();
    loss.backward();
    sgd.step();
    if (step % 20 == 0) std::cout << "step " << step << "  loss " << loss.item() << '\n';
  }
  return std::cout << "weight " << model.weight << "\nbias " << model.bias << std::endl ? 0 : 1;
}
