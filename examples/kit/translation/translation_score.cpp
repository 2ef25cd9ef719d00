#include <heed/examples/kit/translation/translation_score.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include <heed/autograd/ops/softmax.h>
#include <heed/autograd/tensor.h>
#include <heed/examples/kit/data/metrics.h>
#include <heed/nn/layers/losses.h>

namespace heed::kit {
namespace {

constexpr int64_t batch_size = 200;

/// While it lives, nothing is recorded and the model is in evaluation.
struct Evaluating {
  Translator& model;
  NoGrad no_history;
  explicit Evaluating(Translator& m) : model(m) { model.eval(); }
  ~Evaluating() { model.train(); }
};

/// Calls use(batch, positions) for the first n test sentences; returns nats per word, <eos> included.
template <class Use> double for_each_batch(Translator& model, const TranslationTask& task, int64_t n, const Use& use) {
  double nats = 0, words = 0;
  Generator unused(0);
  for (const Ids& some : batches(n, {.batch = batch_size, .shuffle = false}, unused)) {
    const TranslationBatch batch = make_batch(task, task.test, some);
    nats += nn::nll_loss(log_softmax(model(batch), -1), batch.target,
                         {.ignore_index = WordVocab::pad, .reduction = nn::Reduction::sum})
                .item();
    for (const int64_t i : some) words += static_cast<double>(task.test[static_cast<size_t>(i)].target.size() + 1);
    use(batch, some);
  }
  return nats / words;
}

}  // namespace

TranslationScore score_translator(Translator& model, const TranslationTask& task, const SearchSettings& search,
                                  int64_t limit) {
  const Evaluating evaluating(model);
  TranslationScore score;
  std::vector<Words> references;
  const int64_t n = std::min(limit, static_cast<int64_t>(task.test.size()));
  if (n == 0) return score;
  const double nats = for_each_batch(model, task, n, [&](const TranslationBatch& batch, const Ids& some) {
    for (const Ids& ids : model.translate(batch, search)) score.written.push_back(task.target.decode(ids));
    for (const int64_t i : some) references.push_back(task.test[static_cast<size_t>(i)].target);
  });
  for (size_t i = 0; i < references.size(); ++i)
    score.exact_match += task.written(score.written[i]) == task.written(references[i]);
  score.exact_match /= static_cast<double>(n);
  score.bleu = corpus_bleu(score.written, references);
  score.loss = nats;
  return score;
}

double validation_loss(Translator& model, const TranslationTask& task, int64_t limit) {
  const Evaluating evaluating(model);
  const int64_t n = std::min(limit, static_cast<int64_t>(task.test.size()));
  return for_each_batch(model, task, n, [](const TranslationBatch&, const Ids&) {});
}

Words translate_words(Translator& model, const TranslationTask& task, const Words& source,
                      const SearchSettings& search) {
  const Evaluating evaluating(model);
  return task.target.decode(model.translate(source_batch(task, source), search)[0]);
}

AlignedSentence align_words(Translator& model, const TranslationTask& task, const Words& source,
                            const SearchSettings& search) {
  AlignedSentence aligned{source, translate_words(model, task, source, search), {}, {}};
  const Evaluating evaluating(model);
  const TranslationBatch batch = make_batch(task, {{source, aligned.target}}, {0});
  aligned.weights = model.alignment(batch);
  aligned.trace = model.trace(batch);
  aligned.source.push_back("<eos>");
  aligned.target.push_back("<eos>");
  return aligned;
}

std::vector<JudgedSentence> judge_by_d2l(Translator& model, const TranslationTask& task, const SearchSettings& search) {
  static const std::pair<const char*, const char*> sentences[] = {{"go .", "va !"},
                                                                  {"i lost .", "j'ai perdu ."},
                                                                  {"i'm calm .", "je suis calme ."},
                                                                  {"i'm late .", "je suis en retard ."}};
  std::vector<JudgedSentence> judged;
  for (const auto& [english, french] : sentences) {
    const Words source = split_words(english);
    const Words written = translate_words(model, task, source, search);
    judged.push_back({source, written, bleu(written, split_words(french), 2)});
  }
  return judged;
}

}  // namespace heed::kit
