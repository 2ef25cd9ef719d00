// The Transformer that translates: its cache, its traces, what it learns.
#include "support/catch.h"

#include <cmath>

#include <heed/autograd/ops.h>
#include <heed/nn/attention/attention_trace.h>
#include <heed/nn/attention/masks.h>
#include <heed/nn/causality.h>
#include <heed/nn/layers/losses.h>
#include <heed/nn/models/decoding.h>
#include <heed/nn/models/seq2seq_transformer.h>
#include <heed/nn/models/transformer.h>
#include "support/apart.h"
#include "support/errors.h"
#include "support/module_check.h"

using namespace heed;
using namespace heed::nn;
using test::apart;
using test::check_module;
using test::message_of;

namespace {

using Inputs = std::vector<Tensor>;
using Lengths = std::vector<int64_t>;

// Three words of a small language, in evaluation.
Seq2SeqTransformer small_translator(Seq2SeqTransformerOptions o = {}) {
  o.source_vocab = 9;
  o.target_vocab = o.share_embeddings ? 9 : 7;
  o.width = 8;
  o.heads = 2;
  o.encoder_layers = o.decoder_layers = 2;
  o.hidden = 12;
  Seq2SeqTransformer m(o);
  m.eval();
  return m;
}

}  // namespace

TEST_CASE("theorem: a target token changes nothing before it, a padded source token nothing at all") {
  manual_seed(4);
  for (const bool norm_first : {false, true}) {
    const Seq2SeqTransformer m = small_translator({.norm_first = norm_first});
    const Tensor source = tensor_i64({1, 2, 3, 4, 5, 6, 7, 8, 0, 1}, {2, 5});
    const Tensor target = tensor_i64({0, 1, 2, 3, 4, 5, 6, 0}, {2, 4});
    const Lengths lengths{5, 3};
    const Tensor y = m(source, target, lengths);
    REQUIRE(y.shape() == Shape{2, 4, 7});
    for (int64_t t = 1; t < 4; ++t) {
      const Tensor other = where(arange(4) >= double(t), 6.0, target.to(Dtype::f32)).to(Dtype::i64);
      CHECK(m(source, other, lengths).slice(1, 0, t).to_vector() == y.slice(1, 0, t).to_vector());
      CHECK(m(source, other, lengths).slice(1, t, 4).to_vector() != y.slice(1, t, 4).to_vector());
    }
    const Tensor elsewhere = tensor_i64({1, 2, 3, 4, 5, 6, 7, 8, 5, 5}, {2, 5});  // after its length
    CHECK(m(elsewhere, target, lengths).to_vector() == y.to_vector());
    const Tensor changed = tensor_i64({1, 2, 3, 4, 5, 6, 7, 2, 0, 1}, {2, 5});
    const Tensor z = m(changed, target, lengths);
    CHECK(z[0].to_vector() == y[0].to_vector());  // each sentence has a source of its own
    CHECK(apart(z[1], y[1]) > 1e-4);              // and looks at it
  }
}

TEST_CASE("a trace holds the weights of every head of any layer: encoder, decoder and across") {
  manual_seed(5);
  const Seq2SeqTransformer m = small_translator();
  const Tensor source = tensor_i64({1, 2, 3, 4, 5, 6, 7, 8, 0, 1}, {2, 5}),
               target = tensor_i64({0, 1, 2, 3, 4, 5}, {2, 3});
  const std::vector<double> alone = m(source, target, Lengths{5, 2}).to_vector();
  AttentionTrace trace;
  CHECK(m(source, target, Lengths{5, 2}).to_vector() == alone);
  const std::vector<std::pair<std::string, Shape>> wanted{
      {"transformer.encoder.layers.0.self_attn", {2, 2, 5, 5}},
      {"transformer.encoder.layers.1.self_attn", {2, 2, 5, 5}},
      {"transformer.decoder.layers.0.self_attn", {2, 2, 3, 3}},
      {"transformer.decoder.layers.0.multihead_attn", {2, 2, 3, 5}},
      {"transformer.decoder.layers.1.self_attn", {2, 2, 3, 3}},
      {"transformer.decoder.layers.1.multihead_attn", {2, 2, 3, 5}}};
  REQUIRE(trace.entries().size() == wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    const AttentionEntry& entry = trace.entries()[i];
    CHECK(entry.path == wanted[i].first);
    CHECK(entry.weights.shape() == wanted[i].second);
    CHECK(apart(sum(entry.weights, -1), ones({2, 2, entry.weights.size(2)})) < 1e-6);
    // No weight after the second source's length, nor after a target's own position.
    if (entry.weights.size(3) == 5) CHECK(amax(entry.weights[1].slice(-1, 2, 5)).item() == 0.0);
    else CHECK(apart(tril(entry.weights), entry.weights) == 0.0);
  }
  trace.clear();
  const NoGrad no_history;
  DecoderCache state = m.begin(m.encode(source, Lengths{5, 2}), 3);
  for (int64_t i = 0; i < 3; ++i) m.step(target.slice(1, i, i + 1), state);
  REQUIRE(trace.entries().size() == 2 + 3 * 4);
  CHECK(trace.entries().back().path == "transformer.decoder.layers.1.multihead_attn");
  CHECK(trace.entries()[2 + 2 * 4].weights.shape() == Shape{2, 2, 1, 3});  // the third step's own
  CHECK(trace.entries().back().weights.shape() == Shape{2, 2, 1, 5});
}

TEST_CASE("writing with a cache equals reading the whole, in each greedy token and in each beam") {
  manual_seed(6);
  for (const bool norm_first : {false, true}) {
    Seq2SeqTransformer m = small_translator({.norm_first = norm_first});
    const NoGrad no_history;
    for (Tensor p : m.parameters())
      if (p.dim() > 1) p.mul_(2.0);  // far enough apart to have something to decide
    const EncodedSource source = m.encode(tensor_i64({1, 2, 3, 4, 5, 6, 7, 8, 0, 1}, {2, 5}), Lengths{5, 3});
    DecoderCache state = m.begin(source, 12);
    Tensor target = zeros({2, 1}).to(Dtype::i64);
    for (int64_t t = 0; t < 12; ++t) {
      const Tensor logits = m.step(target.slice(1, t, t + 1), state);
      const Tensor whole = m.decode(target, source).select(1, t);
      REQUIRE(logits.shape() == Shape{2, 7});
      CHECK(apart(logits, whole) < 1e-5);
      const Tensor next = argmax(logits, -1, keepdim);
      CHECK(next.to_vector() == argmax(whole, -1, keepdim).to_vector());
      target = cat({target, next}, 1);
    }
    CHECK(state.length() == 12);

    // Three beams: two continue the second sentence, with its source and what it has generated.
    DecoderCache beams = m.begin(source, 12);
    m.step(target.slice(1, 0, 4), beams);
    const Tensor rows = tensor_i64({1, 0, 1});
    beams.reorder(rows);
    const Tensor after = m.step(index_select(target, 0, rows).slice(1, 4, 5), beams);
    CHECK(apart(after, index_select(m.decode(target, source).select(1, 4), 0, rows)) < 1e-5);
  }
}

TEST_CASE("models that generate use no future token, and one that does is found") {
  manual_seed(15);
  const Seq2SeqTransformer m = small_translator();
  const Tensor source = tensor_i64({1, 2, 3, 4, 5, 6, 7, 8, 0, 1}, {2, 5}),
               target = tensor_i64({0, 1, 2, 3, 4, 5, 6, 5, 4, 3, 2, 1, 0, 1}, {2, 7});
  const EncodedSource read = m.encode(source);
  check_causality([&](const Tensor& tokens) { return m.decode(tokens, read); }, target);
  const auto leak = causality_leak([&](const Tensor& tokens) { return m.encode(tokens).memory; }, target);
  REQUIRE(leak);  // an encoder may use future tokens
  CHECK(leak->path.find("transformer.encoder.layers.0") == 0);
}

TEST_CASE("greedy and beam search write with a Transformer's cache") {
  manual_seed(16);
  Seq2SeqTransformer m = small_translator();
  const NoGrad no_history;
  for (Tensor p : m.parameters())
    if (p.dim() > 1) p.mul_(2.0);
  const EncodedSource source = m.encode(tensor_i64({1, 2, 3, 4, 5, 6, 7, 8, 0, 1}, {2, 5}), Lengths{5, 3});
  const SearchOptions options{.bos = 0, .eos = 6, .max_length = 4, .beam = 7 * 7 * 7};
  const std::vector<Hypothesis> greedy = greedy_search(m, m.begin(source, 4), 2, options);
  const auto beams = beam_search(m, m.begin(source, 4), 2, options);
  for (size_t b = 0; b < 2; ++b) {
    // The likelihood that a search reports is that of its tokens, read at once.
    const auto of_tokens = [&](const Hypothesis& h) {
      std::vector<int64_t> read{0}, written = h.tokens;
      read.insert(read.end(), h.tokens.begin(), h.tokens.end());
      if (h.finished) written.push_back(6);
      else read.pop_back();
      const auto n = static_cast<int64_t>(read.size());
      const int64_t row = static_cast<int64_t>(b);
      const EncodedSource one{source.memory.slice(0, row, row + 1), source.key_mask->slice(0, row, row + 1)};
      const Tensor p = log_softmax(m.decode(tensor_i64(read, {1, n}), one), -1);
      return sum(gather(p, 2, tensor_i64(written, {1, n, 1}))).item();
    };
    CHECK(greedy[b].log_probability == Approx(of_tokens(greedy[b])).margin(1e-4));
    for (size_t i = 0; i < 3; ++i) CHECK(beams[b][i].log_probability == Approx(of_tokens(beams[b][i])).margin(1e-4));
    CHECK(beams[b][0].log_probability >= greedy[b].log_probability - 1e-5);
  }
}

TEST_CASE("Seq2SeqTransformer drops what enters both stacks, too") {
  Seq2SeqTransformer model = small_translator();
  model.train();
  const Tensor tokens = tensor_i64({1, 2, 3, 4}, {2, 2});
  const uint64_t now = default_generator().counter();
  model(tokens, tokens);
  CHECK(default_generator().counter() - now == 2 + 2 * 4 + 2 * 6);
}

TEST_CASE("Seq2SeqTransformer: tables may be shared, as in the paper") {
  manual_seed(7);
  const Seq2SeqTransformer own = small_translator();
  const std::vector<NamedTensor> state = own.state_dict();
  CHECK(state[0].name == "source_embedding.weight");
  CHECK(state[1].name == "target_embedding.weight");
  CHECK(state[2].name.starts_with("transformer.encoder."));
  CHECK(state[state.size() - 2].name == "output.weight");
  CHECK(state.back().name == "output.bias");
  const Seq2SeqTransformer all = small_translator({.share_embeddings = true, .tie_output = true});
  CHECK(all.source_embedding.weight.node() == all.target_embedding.weight.node());
  CHECK(all.output.weight.node() == all.target_embedding.weight.node());
  CHECK(own.num_parameters() - all.num_parameters() == 9 * 8 + 7 * 8 + 7 * 8 + 7 - 9 * 8);
  const Seq2SeqTransformer copy = clone(all);
  CHECK(copy.output.weight.node() == copy.source_embedding.weight.node());
  CHECK(copy.output.weight.node() != all.output.weight.node());

  // Embeddings are multiplied by √E, to the size of positions: their elements have variance 1.
  const Seq2SeqTransformer wide({.source_vocab = 100,
                                 .target_vocab = 100,
                                 .width = 64,
                                 .heads = 2,
                                 .encoder_layers = 1,
                                 .decoder_layers = 1,
                                 .hidden = 8});
  CHECK(64 * mean(square(wide.source_embedding.weight.detach())).item() == Approx(1.0).epsilon(0.1));
  CHECK(64 * mean(square(wide.target_embedding.weight.detach())).item() == Approx(1.0).epsilon(0.1));
}

TEST_CASE("Seq2SeqTransformer learns to reverse by heart") {
  manual_seed(8);
  Seq2SeqTransformer m({.source_vocab = 6,
                        .target_vocab = 6,
                        .width = 16,
                        .heads = 2,
                        .encoder_layers = 1,
                        .decoder_layers = 1,
                        .hidden = 32,
                        .dropout = 0.0,
                        .norm_first = true});
  const Tensor source = tensor_i64({1, 2, 3, 4, 5, 1, 2, 2, 4}, {3, 3});
  const Tensor target = tensor_i64({0, 3, 2, 0, 1, 5, 0, 4, 2}, {3, 3}),  // 0 begins
      answer = tensor_i64({3, 2, 1, 1, 5, 4, 4, 2, 2}, {3, 3});
  double loss = 0;
  for (int step = 0; step < 120; ++step) {
    m.zero_grad();
    const Tensor l = cross_entropy(m(source, target), answer);
    loss = l.item();
    l.backward();
    const NoGrad no_history;
    for (Tensor p : m.parameters()) p.add_(p.grad(), -0.2);
  }
  CHECK(loss < 0.05);
  const NoGrad no_history;
  DecoderCache state = m.begin(m.encode(source), 3);
  Tensor token = zeros({3, 1}).to(Dtype::i64);
  for (int64_t t = 0; t < 3; ++t) {
    token = argmax(m.step(token, state), -1, keepdim);
    CHECK(token.to_vector() == answer.slice(1, t, t + 1).to_vector());
  }
}

TEST_CASE("Seq2SeqTransformer holds what layers must", "[slow]") {
  manual_seed(13);
  const Tensor source = tensor_i64({1, 2, 0, 2}, {2, 2}), target = tensor_i64({0, 1, 1, 0, 0, 2}, {2, 3});
  for (const bool shared : {false, true})
    check_module(Seq2SeqTransformer({.source_vocab = 3,
                                     .target_vocab = 3,
                                     .width = 4,
                                     .heads = 2,
                                     .encoder_layers = 1,
                                     .decoder_layers = 1,
                                     .hidden = 2,
                                     .activation = gelu,
                                     .share_embeddings = shared,
                                     .tie_output = shared}),
                 {source, target}, [](const Seq2SeqTransformer& m, const Inputs& in) { return m(in[0], in[1]); });
}

TEST_CASE("Seq2SeqTransformer says what does not fit") {
  CHECK(message_of([] { Seq2SeqTransformer({.source_vocab = 3}); }) ==
        "Seq2SeqTransformer: source_vocab 3, target_vocab 0: must be positive");
  CHECK(message_of<ShapeError>(
            [] { Seq2SeqTransformer({.source_vocab = 3, .target_vocab = 4, .share_embeddings = true}); }) ==
        "Seq2SeqTransformer: source_vocab 3, target_vocab 4: one table serves both with "
        "share_embeddings: make one vocabulary of both languages");
  manual_seed(11);
  const Seq2SeqTransformer m = small_translator();
  CHECK(message_of<ShapeError>([&] { m.encode(tensor_i64({1, 2})); }) ==
        "Seq2SeqTransformer: tokens (2,): must be (B, n): give one sequence a batch axis with "
        "unsqueeze(0) [in Seq2SeqTransformer]");
  const Tensor tokens = tensor_i64({1, 2}, {1, 2});
  CHECK(message_of<ShapeError>([&] { m(tokens, tokens, Lengths{2, 2}); }) ==
        "Seq2SeqTransformer: source (1, 2), 2 lengths: must be one per sequence [in "
        "Seq2SeqTransformer]");
}
