#include <heed/examples/kit/models/gpt_report.h>

#include <algorithm>
#include <string>
#include <vector>

#include <heed/autograd/ops.h>
#include <heed/examples/kit/data/metrics.h>
#include <heed/examples/kit/format.h>
#include <heed/examples/kit/metrics_log.h>
#include <heed/examples/kit/models/insides.h>
#include <heed/examples/kit/pictures/attention_page.h>
#include <heed/examples/kit/pictures/plot.h>
#include <heed/examples/kit/writing.h>
#include <heed/nn/attention/attention_trace.h>

namespace heed::kit {

CountingLosses::CountingLosses(const Corpus& corpus, int64_t vocabulary)
    : uniform(uniform_nats(vocabulary)), unigram(unigram_nats(corpus.training, corpus.validation, vocabulary)) {
  if (vocabulary <= 4096) bigram = bigram_nats(corpus.training, corpus.validation, vocabulary);
}

void print_losses(std::ostream& out, double validation, double training, const CountingLosses& counting,
                  const Corpus& corpus, const std::string& unit) {
  const auto row = [&](const std::string& name, double nats) -> std::ostream& {
    return out << "  " << fit(name, 25) << fixed(nats, 4);
  };
  out << "\nloss, in nats per " << unit << " (lower is better)\n";
  row("this model, validation", validation)
      << "   (" << fixed(corpus.bits_per_character(validation), 3) << " bits"
      << (unit == "character" ? "" : " per character") << ", perplexity " << fixed(perplexity(validation), 2) << ")\n";
  row("this model, training", training) << '\n';
  if (counting.bigram) row("counting pairs", *counting.bigram) << '\n';
  row("counting " + unit + "s", counting.unigram) << '\n';
  row("guessing", counting.uniform) << '\n';
}

void save_gpt_losses(const std::filesystem::path& file, const std::filesystem::path& metrics,
                     const CountingLosses& counting, const std::string& unit) {
  std::vector<Level> levels;
  if (counting.bigram) levels.push_back({*counting.bigram, "counting pairs"});
  const LossCurve curve{.training = read_metric(metrics, "loss"), .validation = read_metric(metrics, "val_loss")};
  Plot plot = loss_plot({curve}, levels);
  plot.y_label = unit;
  save_svg(file,
           {.title = "char_gpt: loss while training",
            .note = "Below \"counting pairs\" the model uses more than the last token; validation that rises while "
                    "training falls means learning by heart.",
            .panels = {plot}});
}

void save_gpt_attention(const std::filesystem::path& file, const std::filesystem::path& insides, nn::GPT& model,
                        const Tokeniser& tokeniser, const Ids& all) {
  const NoGrad no_history;
  const int64_t n = std::min({model.options.context, static_cast<int64_t>(all.size()), int64_t{48}});
  const Ids ids(all.begin(), all.begin() + n);
  const Words shown = shown_tokens(tokeniser, ids);
  nn::AttentionTrace trace({.queries_and_keys = true});
  model.eval();
  model(tensor_i64(ids, {1, n}));
  model.train();

  AttentionSet heads{.name = "self", .queries = shown, .keys = shown};
  heads.allowed = causal_mask(n, n);
  for (const nn::AttentionEntry& entry : trace.entries()) add_layer(heads, entry);
  save_attention_page(file, {.title = "char_gpt: which token attends to which",
                             .note = "Each token is a query that attends to itself and to the tokens before it.",
                             .sets = {heads}});
  save_svg(insides, insides_figure("char_gpt: inside the trained model", model, heads));
}

}  // namespace heed::kit
