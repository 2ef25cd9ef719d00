// The README's code, as it stands there.
#include "snippets.h"

#include <heed/autograd/gradcheck.h>
#include <heed/nn/nn.h>
#include <heed/optim/optim.h>

using namespace heed;

TEST_CASE("README: the loop learns") {
  manual_seed(1);
  const Tensor x = randn({100, 3}), y = sum(x, -1, keepdim);
#include <snippets/README_md_1.inc>
  CHECK(mean(square(model(x) - y)).item() < 1e-4);
}

TEST_CASE("README: a layer of one's own") {
#include <snippets/README_md_2.inc>
  nn::check_module(RMSNorm(8), {randn({4, 8})});
}
