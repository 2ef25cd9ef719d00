#include <heed/examples/kit/translation/translators.h>

#include <cmath>
#include <utility>

#include <heed/autograd/ops.h>
#include <heed/core/error.h>
#include <heed/nn/attention/attention_trace.h>
#include <heed/nn/init.h>
#include <heed/nn/models/decoding.h>
#include <heed/nn/models/seq2seq_transformer.h>
#include <heed/nn/recurrent/attention_decoders.h>
#include <heed/nn/recurrent/seq2seq.h>

namespace heed::kit {
namespace {

/// The best translation of each source, by any of the decoders.
std::vector<Ids> best_translations(const auto& decoder, auto state, int64_t batch, int64_t max_length,
                                   const SearchSettings& search) {
  const nn::SearchOptions options{.bos = WordVocab::sos,
                                  .eos = WordVocab::eos,
                                  .max_length = max_length,
                                  .beam = search.beam,
                                  .length_penalty = search.length_penalty};
  std::vector<Ids> best;
  if (search.beam == 1) {
    for (nn::Hypothesis& one : nn::greedy_search(decoder, std::move(state), batch, options))
      best.push_back(std::move(one.tokens));
  } else {
    for (auto& some : nn::beam_search(decoder, std::move(state), batch, options))
      best.push_back(std::move(some.at(0).tokens));
  }
  return best;
}

/// An encoder and one of three decoders, which differ in what they receive of the source.
struct RecurrentTranslator : Translator {
  nn::EncoderRNN encoder;
  std::unique_ptr<nn::RecurrentDecoder> decoder;
  int64_t max_length;

  RecurrentTranslator(nn::EncoderRNN encoder_, std::unique_ptr<nn::RecurrentDecoder> decoder_,
                      const TranslationTask& task)
      : encoder(std::move(encoder_)), decoder(std::move(decoder_)), max_length(task.target_steps + spare_steps) {}

  Tensor operator()(const TranslationBatch& batch, double teacher_forcing) const override {
    const nn::Scope scope(*this);
    return scope((*decoder)(batch.input, read(batch), {.teacher_forcing = teacher_forcing}).logits);
  }

  std::vector<Ids> translate(const TranslationBatch& batch, const SearchSettings& search) const override {
    return best_translations(*decoder, decoder->begin(read(batch)), batch.input.size(0), max_length, search);
  }

  Alignment alignment(const TranslationBatch& batch) const override {
    const Tensor weights = (*decoder)(batch.input, read(batch)).weights;  // (1, T, S)
    if (!weights.defined()) return {};
    return {{weights[0].slice(1, 0, batch.source.ids.size(1))}};
  }

  void visit(nn::Visitor& v) override {
    v("encoder", encoder);
    v("decoder", *decoder);
  }

  static constexpr int64_t spare_steps = 2;  // beyond the longest target known

 private:
  nn::EncodedSequence read(const TranslationBatch& batch) const { return encoder(batch.source.ids, batch.lengths); }
};

struct TransformerTranslator : Translator {
  nn::Seq2SeqTransformer transformer;
  int64_t max_length;

  TransformerTranslator(const nn::Seq2SeqTransformerOptions& options, const TranslationTask& task)
      : transformer(options), max_length(task.target_steps + RecurrentTranslator::spare_steps) {}

  Tensor operator()(const TranslationBatch& batch, double /*teacher_forcing*/) const override {
    const nn::Scope scope(*this);
    return scope(transformer(batch.source.ids, batch.input, batch.lengths));
  }

  std::vector<Ids> translate(const TranslationBatch& batch, const SearchSettings& search) const override {
    const nn::EncodedSource source = transformer.encode(batch.source.ids, batch.lengths);
    return best_translations(transformer, transformer.begin(source, max_length), batch.input.size(0), max_length,
                             search);
  }

  std::vector<nn::AttentionEntry> trace(const TranslationBatch& batch) const override {
    nn::AttentionTrace trace({.queries_and_keys = true});
    transformer(batch.source.ids, batch.input, batch.lengths);
    return trace.entries();
  }

  Alignment alignment(const TranslationBatch& batch) const override {
    Alignment alignment;
    for (const nn::AttentionEntry& entry : trace(batch)) {
      if (entry.path.find("multihead_attn") == std::string::npos) continue;  // not cross-attention
      alignment.emplace_back();
      for (int64_t head = 0; head < entry.weights.size(1); ++head) alignment.back().push_back(entry.weights[0][head]);
    }
    return alignment;
  }

  void visit(nn::Visitor& v) override { transformer.visit(v); }
};

std::unique_ptr<nn::RecurrentDecoder> make_decoder(const std::string& model, const TranslationRecipe& r,
                                                   const TranslationTask& task) {
  const int64_t words = task.target.size(), encoder = r.bidirectional ? 2 * r.width : r.width;
  if (model == "none")
    return std::make_unique<nn::DecoderRNN>(r.width, words,
                                            nn::DecoderRNNOptions{.encoder_size = encoder,
                                                                  .num_layers = r.layers,
                                                                  .dropout = r.dropout,
                                                                  .layer_dropout = r.layer_dropout,
                                                                  .context = true});
  if (model == "location")
    return std::make_unique<nn::AttnDecoderRNN>(
        r.width, words, nn::AttnDecoderRNNOptions{.dropout = r.dropout, .max_length = task.source_steps});
  return std::make_unique<nn::BahdanauDecoder>(r.width, words,
                                               nn::BahdanauOptions{.encoder_size = encoder,
                                                                   .num_layers = r.layers,
                                                                   .dropout = r.dropout,
                                                                   .layer_dropout = r.layer_dropout,
                                                                   .attention_dropout = r.attention_dropout});
}

/// d2l's initialisation: U(±√(6 / (in + out))) for every matrix except embeddings. W_Q, W_K and W_V are
/// three matrices there and one tensor (3E, E) here, hence the √2.
void start_from_xavier(Translator& model) {
  for (auto& [name, x] : model.named_parameters()) {
    if (x.dim() != 2 || name.find("embedding") != std::string::npos) continue;
    nn::xavier_uniform_(x, name.ends_with("in_proj_weight") ? std::sqrt(2.0) : 1.0);
  }
}

}  // namespace

std::unique_ptr<Translator> make_translator(const std::string& model, const TranslationRecipe& recipe,
                                            const TranslationTask& task) {
  check_translator(model);
  TranslationRecipe r = recipe;
  if (model == "location") r.layers = 1, r.bidirectional = false;
  std::unique_ptr<Translator> made;
  if (model == "transformer") {
    const nn::Seq2SeqTransformerOptions options{.source_vocab = task.source.size(),
                                                .target_vocab = task.target.size(),
                                                .width = r.width,
                                                .heads = r.heads,
                                                .encoder_layers = r.layers,
                                                .decoder_layers = r.layers,
                                                .hidden = r.feed_forward > 0 ? r.feed_forward : 4 * r.width,
                                                .dropout = r.dropout,
                                                .norm_first = r.norm_first};
    made = std::make_unique<TransformerTranslator>(options, task);
  } else {
    nn::EncoderRNN encoder(task.source.size(), r.width,
                           {.num_layers = r.layers,
                            .dropout = r.dropout,
                            .layer_dropout = r.layer_dropout,
                            .bidirectional = r.bidirectional});
    made = std::make_unique<RecurrentTranslator>(std::move(encoder), make_decoder(model, r, task), task);
  }
  if (r.xavier) start_from_xavier(*made);
  return made;
}

}  // namespace heed::kit
