// Tasks that need memory: what attention looks up, a recurrent net must have kept in its state.
#include <heed/examples/kit/tasks/task_list.h>

namespace heed::kit {

// The first layer marks each token with the token before it, the second looks for that mark; a single
// layer cannot do both.
Task induction_task() {
  return {.name = "induction",
          .about = "continue random tokens that start to repeat: induction heads",
          .published = "prefix matching 0.07, above 0.4 in 600 steps (theorempath.com)",
          .ignores = {"pairs", "depth", "train-size", "dropout"},
          .defaults = {.length = 32,
                       .symbols = 28,
                       .layers = 2,
                       .heads = 2,
                       .width = 32,
                       .recipe = {.steps = 1000, .batch = 16, .lr = 1e-2, .weight_decay = 0.01},
                       .eval_every = 50,
                       .compare = true},
          .make = [](const TaskSettings& s) -> Problem {
            TaskData data(make_cycles(s.length, s.symbols), {.test = s.test_size, .seed = s.seed()});
            const std::vector<Example> some = a_hundred(data);
            const StreamOptions options{.sinusoidal = true, .tied = true};
            const ModelSize size = s.size(s.symbols, s.length);
            ModelSize shallow = size;
            shallow.layers = 1;
            return {.data = std::move(data),
                    .tokens = numerals(s.symbols),
                    .models = {{"transformer", model_of<StreamModel>(size, options)},
                               {"one_layer", model_of<StreamModel>(shallow, options)}},
                    .decodes = false,
                    .score_name = "prefix matching",
                    .score = [some](SequenceModel& model) { return prefix_match(model, some); }};
          }};
}

// zoology's first example: which value came after this key? The first layer marks each value with the
// key before it, the second looks for that mark. As in the paper's figure 2 the layers are attention
// only: feed-forward networks between them memorise the training examples long before, and the test
// loss then stays at that of guessing among the values.
Task recall_task() {
  return {.name = "recall",
          .about = "recall the value that came with a key: associative recall",
          .published = "above 99 % (zoology, basic.py)",
          .ignores = {"depth"},
          .defaults = {.length = 64,
                       .symbols = 256,
                       .pairs = 4,
                       .layers = 2,
                       .heads = 1,
                       .width = 128,
                       .train_size = 10000,
                       .recipe = {.steps = 31200,  // 100 epochs at most
                                  .batch = 32,
                                  .lr = 1e-3,
                                  .weight_decay = 0.1},
                       .eval_every = 312,
                       .goal = 0.99,
                       .compare = true},
          .make = [](const TaskSettings& s) -> Problem {
            const ModelSize size = s.size(s.symbols, s.length);
            const StreamOptions options{.tied = true, .normalised = true};
            return {.data = {make_recall(s.length, s.pairs, s.symbols),
                             {.training = s.train_size, .test = s.test_size, .seed = s.seed()}},
                    .tokens = numerals(s.symbols),
                    .models = beside<nn::GRU>("gru", model_of<StreamModel>(size, options), size),
                    .decodes = false};
          }};
}

// Jelassi et al.: a state of fixed size has a limited capacity; attention copies whatever it has to.
// There strings have up to 50 letters (--length 50); the recipe is heed's own.
Task copy_length_task() {
  return {
      .name = "copy-length",
      .about = "copy strings longer than any in training",
      .published = "Transformers copy longer strings, LSTMs do not (Jelassi et al. 2024)",
      .ignores = {"pairs", "depth", "train-size"},
      .defaults = {.length = 20,
                   .symbols = 26,
                   .layers = 2,
                   .heads = 8,
                   .width = 64,
                   .test_size = 500,
                   .recipe = {.steps = 1500, .batch = 32, .warmup = 100, .schedule = "cosine", .lr = 2e-3, .clip = 1},
                   .compare = true},
      .make = [](const TaskSettings& s) -> Problem {
        const ModelSize size = s.size(s.symbols + 3, 4 * s.length + 2);
        const auto of_length = [s](int64_t length) {
          return TaskData(make_string_copying(length, length, s.symbols),
                          {.test = 50, .hash_split = 1, .seed = s.seed()})
              .test;
        };
        return {.data = {make_string_copying(1, s.length, s.symbols),
                         {.test = s.test_size, .hash_split = 10, .seed = s.seed()}},
                .tokens = numerals(s.symbols, {"start", "|", "."}),
                .models = beside<nn::LSTM>("lstm", model_of<HardAlibiModel>(size), size),
                .decodes = false,
                .score_name = "positions right at twice the length",
                .score = [=](SequenceModel& model) { return evaluate(model, of_length(2 * s.length)).accuracy; },
                .of_length = of_length,
                .trained_length = s.length};
      }};
}

}  // namespace heed::kit
