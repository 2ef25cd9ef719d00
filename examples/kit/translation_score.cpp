#include <heed/examples/kit/translation_score.h>

#include <utility>

#include <heed/autograd/rows.h>
#include <heed/autograd/tensor.h>
#include <heed/examples/kit/metrics.h>
#include <heed/nn/losses.h>

namespace heed::kit {
namespace {

constexpr int64_t batch_size = 200;

/// While it lives: no history, and the model in evaluation.
struct Evaluating {
  Translator& model;
  NoGrad no_history;
  explicit Evaluating(Translator& m) : model(m) { model.eval(); }
  ~Evaluating() { model.train(); }
};

}  // namespace

TranslationScore score_translator(Translator& model, const TranslationTask& task,
                                  const SearchSettings& search) {
  const Evaluating evaluating(model);
  TranslationScore score;
  std::vector<Words> references;
  double words = 0;
  Generator unused(0);
  const auto n = static_cast<int64_t>(task.test.size());
  for (const Ids& some : batches(n, {.batch = batch_size, .shuffle = false}, unused)) {
    const TranslationBatch batch = make_batch(task, task.test, some);
    score.loss += nn::nll_loss(log_softmax(model(batch), -1), batch.target,
                               {.ignore_index = WordVocab::pad,
                                .reduction = nn::Reduction::sum}).item();
    for (const Ids& ids : model.translate(batch, search))
      score.written.push_back(task.target.decode(ids));
    for (const int64_t i : some) {
      references.push_back(task.test[static_cast<size_t>(i)].target);
      words += static_cast<double>(references.back().size() + 1);
    }
  }
  for (size_t i = 0; i < references.size(); ++i)
    score.exact_match += task.written(score.written[i]) == task.written(references[i]);
  score.exact_match /= static_cast<double>(n);
  score.bleu = corpus_bleu(score.written, references);
  score.loss /= words;
  return score;
}

Words translate_words(Translator& model, const TranslationTask& task, const Words& source,
                      const SearchSettings& search) {
  const Evaluating evaluating(model);
  return task.target.decode(model.translate(source_batch(task, source), search)[0]);
}

AlignedSentence align_words(Translator& model, const TranslationTask& task, const Words& source,
                            const SearchSettings& search) {
  AlignedSentence aligned{source, translate_words(model, task, source, search), {}};
  const Evaluating evaluating(model);
  aligned.weights = model.alignment(make_batch(task, {{source, aligned.target}}, {0}));
  aligned.source.push_back("<eos>");
  aligned.target.push_back("<eos>");
  return aligned;
}

std::vector<JudgedSentence> judge_by_d2l(Translator& model, const TranslationTask& task,
                                         const SearchSettings& search) {
  static const std::pair<const char*, const char*> sentences[] = {
      {"go .", "va !"},
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
