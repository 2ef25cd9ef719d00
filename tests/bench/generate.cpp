// Writing with what a model has learnt: a token at a time, keys and values kept, drawn at a temperature.
#include <heed/examples/kit/sampling.h>
#include <heed/nn/nn.h>
#include "bench/bench.h"
#include "bench/gpt.h"

namespace heed::bench {

namespace {

Step generation(const GPTShape& shape) {
  auto model = std::make_shared<nn::GPT>(shape.options());
  model->eval();
  return [=, draws = rand({shape.context})] {
    const NoGrad off;
    nn::KeyValueCaches past = model->begin();
    int64_t token = 0;
    for (int64_t at = 0; at < shape.context; ++at) {
      const Tensor logits = model->step(full({1, 1}, static_cast<double>(token), Dtype::i64), past);
      token = kit::sample({logits.data<float>(), logits.data<float>() + shape.vocab}, draws.data<float>()[at],
                          {.temperature = 0.8});
    }
  };
}

}  // namespace

void add_generation(Workloads& all) {
  for (const GPTShape& shape : {gpt_s, gpt_m}) {
    const double megabytes = 4e-6 * static_cast<double>(12 * shape.layers * shape.width * shape.width + shape.vocab * shape.width);
    all.push_back({cat("gpt_generate_", shape.name), {"tokens/s", static_cast<double>(shape.context), true},
                   [shape] { return generation(shape); }, {{"megabytes_a_token", megabytes}}});
  }
}

}  // namespace heed::bench
