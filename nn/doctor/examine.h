// examine: what is wrong with this training run? One call before it starts; the answer is in sentences.
//
//     const auto loss = [&](const nn::Batch& b) { return nn::cross_entropy(model(b.inputs), b.targets); };
//     const nn::Report report = nn::examine(model, loss, adamw, batches, {.held_out = tests});
//     std::cout << report;
//
// The loss is called as in training. Afterwards nothing has changed: parameters, buffers, gradients, the optimizer, its
// rates, training flags, the default generator and those of Dropout layers are restored to the bit.
//
// The checks, by the names that findings have:
//
//   parameters    forgotten parameter · parameter without gradient · zero gradient · parameter without optimizer ·
//                 replaced parameter · one array, two parameters · copied weights
//   signals       not finite · dead units · saturated units · vanishing gradients · exploding gradients
//   attention     masked rows · uniform head · constant head · causality
//   loss          loss at the start (against ln V for V classes) · softmax twice
//   steps         learning rate too high · learning rate too low · large updates · no rate helps
//   modes         evaluation mode (random, or out of reach of eval()) · training mode (eval() while training)
//   data          constant data · overlap (of training and held-out examples)
//
// What a check cannot see it does not judge: activations are those of relu, gelu, silu, tanh and sigmoid, not those
// inside of GRU and LSTM; gradients are compared at layers that are Linear; a finding's threshold is beside its check.
// Causality is judged if options.causal is given, and for batches in which the targets are the next inputs.
//
// Cost: about 13 · range_steps training steps, and, for options.causal, one call per position.
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include <heed/autograd/resumable.h>
#include <heed/nn/doctor/report.h>
#include <heed/nn/module.h>

namespace heed::nn {

/// Examples along axis 0. Batches of any other class can be examined, too, but not their data.
struct Batch {
  Tensor inputs, targets;
};

/// A model that must not see the future: logits(tokens) with time along axis 1 (causality.h).
struct CausalModel {
  std::function<Tensor(const Tensor&)> logits;
  Tensor tokens;
};

struct ExamineOptions {
  bool untrained = true;                    // false: a low loss, or a head that has specialised, is no surprise
  std::optional<double> lr = std::nullopt;  // to be judged; absent: what the first group's schedule starts from
  int64_t range_steps = 6;                  // training steps per learning rate; 0: no rates are tried
  int64_t max_batches = 4;                  // more are not looked at
  std::function<void()> before_step = {};   // after backward(): clipping, say
  std::optional<CausalModel> causal = std::nullopt;
  std::vector<Batch> held_out = {};  // examples that must not be trained on
};

/// What is needed of an optimizer, whatever its class: optim/ stands beside nn/, not below it.
struct ExaminedOptimizer {
  std::vector<Tensor> parameters;
  std::vector<double> rates;                            // one per group: those that schedules start from
  std::function<void(const std::vector<double>&)> use;  // these rates from now on
  std::function<void()> step;
  Resumable* state;

  template <class Optimizer>
  explicit ExaminedOptimizer(Optimizer& optimizer) : step([&] { optimizer.step(); }), state(&optimizer) {
    for (const auto& group : optimizer.groups()) {
      parameters.insert(parameters.end(), group.params.begin(), group.params.end());
      rates.push_back(group.initial_lr.value_or(group.lr));
    }
    use = [&](const std::vector<double>& now) {
      size_t i = 0;
      for (auto& group : optimizer.groups()) group.lr = now[i++];
    };
  }
};

/// What is examined, whatever the classes of batches and optimizer.
struct Examined {
  Module& model;
  std::function<Tensor(size_t)> loss;  // of a batch
  size_t batches;
  std::vector<Batch> data = {};                      // the batches, if they are of class Batch …
  std::function<Tensor(const Batch&)> loss_of = {};  // … and the loss of others like them
  std::optional<ExaminedOptimizer> optimizer = std::nullopt;
};

/// Throws Error if there is no batch, and what the loss throws; nothing has changed then, either.
Report examine(const Examined& examined, const ExamineOptions& options);

template <class Loss, class B>
Examined what_is_examined(Module& model, const Loss& loss, const std::vector<B>& batches) {
  Examined all{.model = model, .loss = [&](size_t i) { return loss(batches[i]); }, .batches = batches.size()};
  if constexpr (std::same_as<B, Batch>) {
    all.data = batches;
    all.loss_of = loss;
  }
  return all;
}

template <class Loss, class Optimizer, class B = Batch>
  requires std::derived_from<Optimizer, Resumable>
Report examine(Module& model, const Loss& loss, Optimizer& optimizer, const std::vector<B>& batches,
               const ExamineOptions& options = {}) {
  Examined all = what_is_examined(model, loss, batches);
  all.optimizer.emplace(optimizer);
  return examine(all, options);
}

/// Without an optimizer no step is taken: nothing is said of learning rates and updates.
template <class Loss, class B = Batch>
Report examine(Module& model, const Loss& loss, const std::vector<B>& batches, const ExamineOptions& options = {}) {
  return examine(what_is_examined(model, loss, batches), options);
}

}  // namespace heed::nn
