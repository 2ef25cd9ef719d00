#include <heed/examples/kit/translation/translation_report.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include <heed/autograd/ops/create.h>
#include <heed/core/text.h>
#include <heed/examples/kit/format.h>

namespace heed::kit {
namespace {

constexpr double all_but_rounding = 0.9995;

struct WayPoint {
  int64_t pairs;
  double loss;
};
constexpr WayPoint published[] = {{1'000, 3.2168},  {10'000, 1.8463}, {20'000, 1.3163},
                                  {29'000, 0.9440}, {40'000, 0.6740}, {50'000, 0.5403}};
constexpr int64_t averaged_pairs = 1'000;

}  // namespace

std::string task_text(const TranslationTask& task) {
  const auto training = static_cast<int64_t>(task.training.size()), test = static_cast<int64_t>(task.test.size());
  std::string text = task.name + ": " + grouped(training) + " training ";
  text +=
      task.tests_training ? "pairs, tested on " + grouped(test) + " of them" : "and " + grouped(test) + " test pairs";
  text += "; vocabularies of " + grouped(task.source.size()) + " and " + grouped(task.target.size()) + " words\n";
  if (task.repeated > 0) text += cat("left out because they repeat an earlier pair: ", task.repeated, '\n');
  if (task.also_tested > 0)
    text += cat("left out of training because their source sentence is tested: ", task.also_tested, '\n');
  return text;
}

std::string samples_text(const TranslationTask& task, const TranslationScore& score, int64_t count, uint64_t seed) {
  std::string text;
  const auto add = [&](size_t i) {
    text += "  > " + harmless(join_words(task.test[i].source)) +
            "\n  = " + harmless(task.written(task.test[i].target)) + "\n  < " +
            harmless(task.written(score.written[i])) + "\n\n";
  };
  const size_t sentences = score.written.size(), wanted = static_cast<size_t>(count);
  Generator draw(seed);
  const std::vector<double> order = randperm(static_cast<int64_t>(sentences), draw).to_vector();
  for (size_t k = 0; k < std::min(wanted, sentences); ++k) add(static_cast<size_t>(order[k]));
  size_t wrong = 0;
  for (size_t i = 0; i < sentences && wrong < wanted; ++i) {
    if (task.written(score.written[i]) == task.written(task.test[i].target)) continue;
    if (wrong++ == 0) text += "  wrong:\n";
    add(i);
  }
  return text.empty() ? "" : "  > input   = correct   < model\n\n" + text;
}

std::string judged_text(const std::vector<JudgedSentence>& judged) {
  std::string text;
  for (const JudgedSentence& sentence : judged)
    text += "  " + fit(harmless(join_words(sentence.source)), 12) + " => " +
            fit(harmless(join_words(sentence.written)), 24) + " BLEU " + fixed(sentence.bleu, 3) + '\n';
  return text + '\n';
}

int64_t judged_right(const std::vector<JudgedSentence>& judged) {
  return std::count_if(judged.begin(), judged.end(), [](const JudgedSentence& s) { return s.bleu > all_but_rounding; });
}

std::string way_points_text(const std::vector<double>& losses, int64_t batch) {
  std::string text = "  pairs seen   published loss   this one\n";
  for (const WayPoint& point : published) {
    const int64_t end = std::max<int64_t>(point.pairs / batch, 1);
    if (end > static_cast<int64_t>(losses.size())) break;
    const int64_t begin = std::max<int64_t>(end - std::max<int64_t>(averaged_pairs / batch, 1), 0);
    const double sum = std::accumulate(losses.begin() + begin, losses.begin() + end, 0.0);
    text += right(std::to_string(point.pairs), 12) + right(fixed(point.loss, 4), 17) +
            right(fixed(sum / static_cast<double>(end - begin), 4), 11) + '\n';
  }
  return text + '\n';
}

}  // namespace heed::kit
