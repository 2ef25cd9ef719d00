// Losses of nn/ against PyTorch: values and gradients (make_losses.py).
#include <string>
#include <utility>

#include <heed/nn/layers/losses.h>

#include "support/catch.h"
#include "support/golden.h"

using namespace heed;

TEST_CASE("golden: kl_div with every reduction, of probabilities and of logarithms") {
  const test::Golden golden("losses.safetensors");
  const std::pair<const char*, nn::Reduction> reductions[] = {{"mean", nn::Reduction::mean},
                                                              {"sum", nn::Reduction::sum},
                                                              {"none", nn::Reduction::none},
                                                              {"batchmean", nn::Reduction::batchmean}};
  for (const std::string kind : {"plain", "log", "zeros"})
    for (const auto& [name, reduction] : reductions)
      for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
        const std::string at = "kl_div/" + kind + "/" + name;
        INFO(at << " in " << dtype);
        const Tensor input = parameter(golden.at(at + "/in/input", dtype)),
                     target = parameter(golden.at(at + "/in/target", dtype));
        const Tensor loss = nn::kl_div(input, target, {.log_target = kind == "log", .reduction = reduction});
        golden.check(at + "/out", loss);
        loss.backward(golden.at(at + "/seed", dtype));
        golden.check(at + "/grad/input", input.grad());
        if (kind != "zeros") golden.check(at + "/grad/target", target.grad());
      }
}
