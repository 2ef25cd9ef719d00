// Tasks with letters.
#include <algorithm>

#include <heed/core/error.h>
#include <heed/core/text.h>

#include <heed/examples/kit/data/tables.h>
#include <heed/examples/kit/tasks/task_list.h>
#include <heed/examples/kit/tasks/text_tasks.h>

namespace heed::kit {
namespace {

/// The names of a file, one per line, without surrounding blanks; blank lines are skipped.
std::vector<std::string> names_of(const std::filesystem::path& file) {
  std::vector<std::string> names;
  for (const std::string& line : read_lines(file)) {
    const std::string name = join_words(split_words(line));
    if (!name.empty()) names.push_back(name);
  }
  return names;
}

}  // namespace

// A course exercise on attention: the weights follow day, month and year to their positions. (There an
// LSTM with attention; here a Transformer, and the recipe is heed's own.)
Task dates_task() {
  return {
      .name = "dates",
      .about = "rewrite dates in twelve formats as ISO dates",
      .published = "no standard result (DeepLearning.AI's course exercise)",
      .ignores = {"length", "symbols", "pairs", "depth"},
      .defaults = {.symbols = 41,
                   .layers = 2,
                   .heads = 4,
                   .width = 64,
                   .train_size = 10000,
                   .recipe = {.steps = 1000, .batch = 32, .warmup = 100, .schedule = "cosine", .lr = 2e-3, .clip = 1}},
      .make = [](const TaskSettings& s) -> Problem {
        const Words tokens = letters_and_start(date_vocab());
        constexpr int64_t longest = 40;
        return {.data = {make_dates(), {.training = s.train_size, .test = s.test_size, .seed = s.seed()}},
                .tokens = tokens,
                .models = {
                    {"transformer", model_of<TranslatorModel>(s.size(static_cast<int64_t>(tokens.size()), longest))}}};
      }};
}

// makemore: letter by letter, from a list or from invented names. (With a warm-up and a cosine.)
Task names_task() {
  return {.name = "names",
          .about = "write names letter by letter (--text FILE: one per line; otherwise invented names)",
          .published = "1.92 on names.txt (makemore's Transformer; MLP 2.11, pairs of letters 2.45)",
          .ignores = {"length", "symbols", "pairs", "depth", "train-size"},
          .defaults = {.layers = 4,
                       .heads = 4,
                       .width = 64,
                       .recipe = {.steps = 5000,
                                  .batch = 32,
                                  .warmup = 100,
                                  .schedule = "cosine",
                                  .lr = 2e-3,
                                  .weight_decay = 0.01,
                                  .clip = 1},
                       .eval_every = 500},
          .make = [](const TaskSettings& s) -> Problem {
            const std::vector<std::string> names = s.text.empty() ? invented_names(10000, s.seed()) : names_of(s.text);
            std::string letters;
            for (const std::string& name : names) letters += name;
            const CharVocab vocab(letters);
            std::vector<Example> listed;
            for (const std::string& name : names) listed.push_back(name_example(name, vocab));
            std::vector<Example> all = distinct(listed);
            const auto count = static_cast<int64_t>(all.size()), least = int64_t{20};
            check(count >= least, "--text ", readable(s.text.string()), ": has ", count,
                  count == 1 ? " name" : " different names", ": at least ", least, " are needed for training and test");
            int64_t longest = 0;
            for (const Example& example : all) longest = std::max(longest, static_cast<int64_t>(example.input.size()));
            const std::string note = listed.size() == all.size()
                                         ? ""
                                         : cat(listed.size() - all.size(), " of the ", listed.size(),
                                               " names repeat an earlier one and are left out");
            return {.data = {std::move(all), count - std::min(s.test_size, count / 10), s.seed()},
                    .tokens = letters_and_start(vocab),
                    .models = gpt_or_gru(s.size(vocab.size() + 1, longest)),
                    .decodes = false,
                    .trained_length = longest - 1,
                    .writes = true,
                    .note = note};
          }};
}

}  // namespace heed::kit
