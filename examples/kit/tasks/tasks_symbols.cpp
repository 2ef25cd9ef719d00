// Tasks on the order of symbols: copying, sorting, reversing, closing brackets.
#include <heed/examples/kit/tasks/task_list.h>

namespace heed::kit {

// The Annotated Transformer's first example: an encoder reads, a decoder writes the same. The
// original's width is 512 (--width 512), which takes minutes; 64 takes one.
Task copy_task() {
  return {.name = "copy",
          .about = "copy ten symbols from an encoder to a decoder",
          .published = "ten symbols copied (The Annotated Transformer, which prints no loss)",
          .ignores = {"pairs", "depth", "train-size"},
          .defaults = {.length = 10,
                       .symbols = 10,
                       .layers = 2,
                       .heads = 8,
                       .width = 64,
                       .dropout = 0.1,
                       .test_size = 100,
                       .recipe = {.steps = 400,
                                  .batch = 80,
                                  .warmup = 400,
                                  .schedule = "noam",
                                  .lr = 0.5,
                                  .beta2 = 0.98,
                                  .eps = 1e-9}},
          .make = [](const TaskSettings& s) -> Problem {
            return {.data = {make_copying(s.length, s.symbols), {.test = s.test_size, .seed = s.seed()}},
                    .tokens = numerals(s.symbols + 1),
                    .models = {{"transformer", model_of<TranslatorModel>(s.size(s.symbols + 1, s.length))}}};
          }};
}

// minGPT's demo: gpt-nano reads six digits and writes them in order.
Task sort_task() {
  return {
      .name = "sort",
      .about = "sort six digits from 0, 1, 2",
      .published = "5,000 of 5,000 right, loss 0.0004 (minGPT, demo.ipynb)",
      .ignores = {"pairs", "depth", "train-size"},
      .defaults = {.length = 6,
                   .symbols = 3,
                   .layers = 3,
                   .heads = 3,
                   .width = 48,
                   .dropout = 0.1,
                   .test_size = 5000,
                   .recipe = {.steps = 2000, .batch = 64, .lr = 5e-4, .beta2 = 0.95, .weight_decay = 0.1, .clip = 1},
                   .eval_every = 200},
      .make = [](const TaskSettings& s) -> Problem {
        return {.data = {make_sorting(s.length, s.symbols), {.test = s.test_size, .hash_split = 4, .seed = s.seed()}},
                .tokens = numerals(s.symbols),
                .models = gpt_or_gru(s.size(s.symbols, 2 * s.length - 1))};
      }};
}

// phlippe's tutorial 6: the only head of an encoder has to look at the mirrored position. It need not do
// so sharply: once the answers are right, little drives the weight to 1. With the tutorial's sinusoids it
// stays at 0.6, here and in PyTorch (the tutorial's pictures show weight on neighbours, too). Sinusoids
// √width times as large tell positions apart so much better that it rises above 0.9.
Task reverse_task() {
  return {
      .name = "reverse",
      .about = "reverse sixteen digits in one parallel step",
      .published = "100 %, with some weight on neighbours (phlippe, tutorial 6)",
      .ignores = {"pairs", "depth"},
      .defaults = {.length = 16,
                   .symbols = 10,
                   .layers = 1,
                   .heads = 1,
                   .width = 32,
                   .train_size = 50000,
                   .test_size = 10000,
                   .recipe = {.steps = 3900, .batch = 128, .warmup = 50, .schedule = "cosine", .lr = 5e-4, .clip = 5},
                   .eval_every = 390},
      .make = [](const TaskSettings& s) -> Problem {
        TaskData data(make_reversing(s.length, s.symbols),
                      {.training = s.train_size, .test = s.test_size, .seed = s.seed()});
        const std::vector<Example> some = a_hundred(data);
        return {.data = std::move(data),
                .tokens = numerals(s.symbols),
                .models = {{"transformer", model_of<EncoderModel>(s.size(s.symbols, s.length))}},
                .decodes = false,
                .score_name = "weight on the mirrored position",
                .score = [some](SequenceModel& model) { return mirror_weight(model, some); }};
      }};
}

// Yao et al.: which kind of bracket has to close? The recipe is heed's own.
Task dyck_task() {
  return {
      .name = "dyck",
      .about = "close brackets of two kinds, nested at most four deep",
      .published = "two layers of soft attention, near 100 % (Yao et al. 2021)",
      .ignores = {"pairs", "train-size"},
      .defaults = {.length = 64,
                   .symbols = 2,
                   .layers = 2,
                   .heads = 4,
                   .width = 64,
                   .recipe = {.steps = 1500, .batch = 32, .warmup = 50, .schedule = "cosine", .lr = 2e-3, .clip = 1}},
      .make = [](const TaskSettings& s) -> Problem {
        check(s.symbols <= 4, "dyck: ", s.symbols,
              " kinds of brackets: there are signs for four: "
              "give at most 4");
        TaskData data(make_brackets(s.length, s.symbols, s.depth), {.test = s.test_size, .seed = s.seed()});
        const std::vector<Example> test = data.test;
        Words tokens = {"(", ")", "[", "]", "{", "}", "<", ">"};
        tokens.resize(static_cast<size_t>(2 * s.symbols));
        tokens.push_back("start");
        return {.data = std::move(data),
                .tokens = tokens,
                .models = gpt_or_gru(s.size(2 * s.symbols + 1, s.length)),
                .decodes = false,
                .score_name = "closing brackets right",
                .score = [=](SequenceModel& model) { return closing_accuracy(model, test, s.symbols); }};
      }};
}

}  // namespace heed::kit
