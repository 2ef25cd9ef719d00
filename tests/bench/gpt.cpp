// GPT: training steps (forward, loss, backward, clipping, AdamW).
#include "bench/gpt.h"
#include <heed/nn/nn.h>
#include <heed/optim/optim.h>
#include "bench/bench.h"

namespace heed::bench {

double gflop(const GPTShape& s) {
  // Each weight is multiplied and added once per token forward, twice backward; positions are only added.
  const double weights = static_cast<double>(s.vocab * s.width + 12 * s.layers * s.width * s.width);
  const double per_token = 6.0 * weights + 12.0 * static_cast<double>(s.layers * s.width * s.context);
  return 1e-9 * per_token * static_cast<double>(s.batch * s.context);
}

Step training_step(const GPTShape& s) {
  auto model = std::make_shared<nn::GPT>(s.options());
  const nn::DecayGroups groups = nn::decay_groups(*model);
  auto adam =
      std::make_shared<optim::AdamW>(std::vector<optim::ParamGroup>{{.params = groups.decay, .weight_decay = 0.1},
                                                                    {.params = groups.no_decay, .weight_decay = 0.0}},
                                     optim::AdamWOptions{.lr = 1e-3, .beta2 = 0.99});
  const Tensor tokens = randint(0, s.vocab, {s.batch, s.context}), next = randint(0, s.vocab, {s.batch, s.context});
  return [=, params = model->parameters()] {
    adam->zero_grad();
    nn::cross_entropy((*model)(tokens), next).backward();
    optim::clip_grad_norm(params, 1.0);
    adam->step();
  };
}

void add_gpt(Workloads& all) {
  for (const GPTShape& shape : {gpt_s, gpt_m, gpt_m_recompute, gpt_124m})
    all.push_back({cat("gpt_train_", shape.name),
                   {"ms", 1e3},
                   [shape] { return training_step(shape); },
                   {{"gflop", gflop(shape)}}});
}

}  // namespace heed::bench
