#include "support/catch.h"

#include <heed/autograd/ops/create.h>
#include <heed/nn/layers/activations.h>
#include <heed/nn/models/gpt.h>
#include <heed/nn/sequential.h>
#include <heed/nn/summary.h>

using namespace heed;
using namespace heed::nn;

namespace {

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
