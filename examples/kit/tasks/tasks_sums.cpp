// Addition, with and without a modulus.
#include <heed/examples/kit/tasks/task_list.h>

namespace heed::kit {

// minGPT's adder: the sum's digits come backwards, so that each carry is known when it is needed.
Task addition_task() {
  return {
      .name = "addition",
      .about = "add two-digit numbers, writing the sum backwards",
      .published = "no result stated (minGPT, projects/adder)",
      .ignores = {"symbols", "pairs", "depth", "train-size"},
      .defaults = {.length = 2,
                   .symbols = 10,
                   .layers = 3,
                   .heads = 3,
                   .width = 48,
                   .dropout = 0.1,
                   .test_size = 500,
                   .recipe = {.steps = 5000, .batch = 64, .lr = 5e-4, .beta2 = 0.95, .weight_decay = 0.1, .clip = 1},
                   .eval_every = 250},
      .make = [](const TaskSettings& s) -> Problem {
        return {.data = {make_addition(s.length), {.test = s.test_size, .seed = s.seed()}},
                .tokens = numerals(10),
                .models = gpt_or_gru(s.size(10, 3 * s.length))};
      }};
}

// Keras' addition_rnn: the question is read backwards into a single vector, from which the sum is written.
Task addition_gru_task() {
  return {
      .name = "addition-gru",
      .about = "addition from text to text, through a single vector",
      .published = "99 % of positions after 100 epochs of 1,406 steps (Keras, addition_rnn)",
      .ignores = {"symbols", "pairs", "depth", "heads", "dropout"},
      .defaults = {.length = 3,
                   .symbols = 12,
                   .layers = 1,
                   .width = 128,
                   .train_size = 45000,
                   .test_size = 5000,
                   .recipe = {.steps = 20000, .batch = 32, .schedule = "cosine", .lr = 1e-3, .clip = 1},
                   .eval_every = 1000},
      .make = [](const TaskSettings& s) -> Problem {
        const Words tokens = numerals(10, {"+", " "});
        const ModelSize size = s.size(static_cast<int64_t>(tokens.size()), 0);
        return {
            .data = {make_addition_texts(s.length), {.training = s.train_size, .test = s.test_size, .seed = s.seed()}},
            .tokens = tokens,
            .models = {{"gru", model_of<RepeatModel<nn::GRU>>(size)}, {"lstm", model_of<RepeatModel<nn::LSTM>>(size)}},
            .decodes = false};
      }};
}

// Nanda et al.: the sums of the training set are soon memorised, those of the test set are learnt much later.
// There p is 113, the width 128 and 30 % are trained on (--symbols 113 --width 128 --train-size 3830
// --steps 10000), which takes an hour.
Task modular_task() {
  return {.name = "modular",
          .about = "a + b mod p, trained on part of all sums: grokking",
          .published = "training 100 % early, test 100 % late (Nanda et al. 2023)",
          .ignores = {"length", "pairs", "depth", "test-size", "dropout"},
          .defaults = {.symbols = 59,
                       .layers = 1,
                       .heads = 4,
                       .width = 64,
                       .train_size = 1400,
                       .recipe = {.steps = 3000, .batch = 100000, .lr = 1e-3, .beta2 = 0.98, .weight_decay = 1.0},
                       .eval_every = 20},
          .make = [](const TaskSettings& s) -> Problem {
            return {.data = {all_modular_sums(s.symbols), s.train_size, s.seed()},
                    .tokens = numerals(s.symbols, {"="}),
                    .models = {{"transformer",
                                model_of<StreamModel>(s.size(s.symbols + 1, 3), StreamOptions{.hidden = 4 * s.width})}},
                    .decodes = false};
          }};
}

}  // namespace heed::kit
