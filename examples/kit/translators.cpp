#include <heed/examples/kit/translators.h>

#include <heed/autograd/ops.h>
#include <heed/core/error.h>
#include <heed/nn/attention.h>
#include <heed/nn/dropout.h>
#include <heed/nn/embedding.h>
#include <heed/nn/init.h>
#include <heed/nn/linear.h>
#include <heed/nn/recurrent.h>

namespace heed::kit {
namespace {

enum class Looks { none, location, bahdanau };

struct RecurrentTranslator : Translator {
  Looks looks;
  int64_t width, layers, steps, max_source;
  nn::Embedding source_embedding, target_embedding;
  nn::Dropout dropout;
  nn::GRU encoder, decoder;
  nn::Linear bridge, query, key, energy, output;
  bool bidirectional;

  RecurrentTranslator(Looks looks_, const TranslationRecipe& r, const TranslationTask& task)
      : looks(looks_), width(r.width), layers(r.layers), steps(task.target_steps + 2), max_source(task.source_steps),
        source_embedding(task.source.size(), r.width), target_embedding(task.target.size(), r.width),
        dropout(r.dropout),
        encoder(r.width, r.width, {.num_layers = r.layers, .dropout = r.dropout, .bidirectional = r.bidirectional}),
        decoder(r.width + (r.bidirectional ? 2 : 1) * r.width, r.width, {.num_layers = r.layers, .dropout = r.dropout}),
        bridge((r.bidirectional ? 2 : 1) * r.width, r.width),
        query(looks == Looks::location ? 2 * r.width : r.width, looks == Looks::location ? task.source_steps : r.width, {.bias = looks == Looks::location}),
        key((r.bidirectional ? 2 : 1) * r.width, r.width, {.bias = false}),
        energy(r.width, 1, {.bias = false}), output(r.width, task.target.size()), bidirectional(r.bidirectional) {}

  void visit(nn::Visitor& v) override {
    v("source_embedding", source_embedding); v("target_embedding", target_embedding);
    v("dropout", dropout);
    v("encoder", encoder); v("decoder", decoder);
    if (bidirectional) v("bridge", bridge);
    if (looks != Looks::none) v("query", query);
    if (looks == Looks::bahdanau) { v("key", key); v("energy", energy); }
    v("output", output);
  }

  struct State { Tensor memory, keys, hidden, summary; std::optional<Tensor> mask; };

  State encode(const TranslationBatch& b) const {
    const nn::Recurrent read = encoder(dropout(source_embedding(b.source.ids)), {.lengths = b.lengths});
    State s{read.output, {}, read.hidden, {}, b.source.valid};
    if (bidirectional) {
      const int64_t B = b.source.ids.size(0);
      const Tensor h = read.hidden.reshape({layers, 2, B, width}).transpose(1, 2).reshape({layers, B, 2 * width});
      s.hidden = tanh(bridge(h));
      s.summary = h[layers - 1].reshape({B, 1, 2 * width});
    } else {
      s.summary = read.hidden[layers - 1].reshape({b.source.ids.size(0), 1, width});
    }
    if (looks == Looks::bahdanau) s.keys = key(read.output);
    return s;
  }

  // (B,1) -> (B,1,H), weights (B,1,S)
  std::pair<Tensor, Tensor> step(const Tensor& token, State& s) const {
    const Tensor e = dropout(target_embedding(token));
    const int64_t B = token.size(0), S = s.memory.size(1);
    const Tensor top = s.hidden[layers - 1].reshape({B, 1, width});
    Tensor context = s.summary, weights;
    if (looks == Looks::bahdanau) {
      const Tensor scores = energy(tanh(query(top) + s.keys)).transpose(1, 2);  // (B,1,S)
      const nn::Attended a = nn::attend(scores, s.memory, {.key_mask = s.mask});
      context = a.output; weights = a.weights;
    } else if (looks == Looks::location) {
      const Tensor w = softmax(query(cat({e, top}, 2)), -1).slice(2, 0, S);
      weights = w;
      context = matmul(w, s.memory);
    }
    const nn::Recurrent r = decoder(cat({e, context}, 2), {.hidden = s.hidden});
    s.hidden = r.hidden;
    return {r.output, weights};
  }

  Tensor operator()(const TranslationBatch& b, bool forced) const override {
    const nn::Scope scope(*this);
    State s = encode(b);
    std::vector<Tensor> out;
    Tensor token = b.input.slice(1, 0, 1);
    for (int64_t t = 0; t < b.input.size(1); ++t) {
      if (forced) token = b.input.slice(1, t, t + 1);
      out.push_back(output(step(token, s).first));
      if (!forced) token = argmax(out.back(), -1);
    }
    return cat(out, 1);
  }

  std::vector<Ids> translate(const TranslationBatch& b, const SearchSettings&) const override {
    State s = encode(b);
    const int64_t B = b.source.ids.size(0);
    std::vector<Ids> ids(static_cast<size_t>(B));
    Tensor token = b.input.slice(1, 0, 1);
    for (int64_t t = 0; t < steps; ++t) {
      token = argmax(output(step(token, s).first), -1);
      const auto v = token.to_vector();
      for (size_t i = 0; i < v.size(); ++i) ids[i].push_back(static_cast<int64_t>(v[i]));
    }
    return ids;
  }

  Alignment alignment(const TranslationBatch& b) const override {
    if (looks == Looks::none) return {};
    State s = encode(b);
    std::vector<Tensor> rows;
    for (int64_t t = 0; t < b.input.size(1); ++t) rows.push_back(step(b.input.slice(1, t, t + 1), s).second[0]);
    return {{cat(rows, 0)}};
  }
};

}  // namespace

std::unique_ptr<Translator> make_translator(const std::string& model, const TranslationRecipe& recipe, const TranslationTask& task) {
  const Looks looks = model == "bahdanau" ? Looks::bahdanau : model == "location" ? Looks::location : Looks::none;
  auto made = std::make_unique<RecurrentTranslator>(looks, recipe, task);
  if (recipe.xavier)
    for (auto [name, x] : made->named_parameters())
      if (x.dim() == 2 && name.find("embedding") == std::string::npos) nn::xavier_uniform_(x);
  return made;
}

}  // namespace heed::kit
