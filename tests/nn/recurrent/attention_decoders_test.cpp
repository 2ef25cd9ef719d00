// What tells attention from what only looks like it.
#include "support/apart.h"
#include "support/catch.h"

#include <cmath>

#include <heed/autograd/ops.h>
#include <heed/nn/attention/attention_trace.h>
#include <heed/nn/attention/masks.h>
#include <heed/nn/recurrent/attention_decoders.h>
#include "support/module_check.h"

using namespace heed;
using namespace heed::nn;
using test::apart;

namespace {

// One step of each decoder, as its formula.
struct OneStep {
  Tensor context, logits, weights;
};

OneStep bahdanau_step(const BahdanauDecoder& m, const Tensor& token, const EncodedSequence& source) {
  const Tensor s = source.hidden.select(0, source.hidden.size(0) - 1);  // (B, H)
  const Tensor sums = m.score.query_layer(s).unsqueeze(1) + m.score.key_layer(source.outputs);
  Tensor scores = sum(tanh(sums) * m.score.energy_layer.weight, -1);  // (B, S)
  if (source.key_mask) scores = where(*source.key_mask, scores, -INFINITY);
  const Tensor weights = softmax(scores, -1);
  const Tensor context = sum(weights.unsqueeze(-1) * source.outputs, 1);
  const Tensor x = cat({context, m.embedding(token.select(1, 0))}, -1);
  const Tensor y = m.gru(x.unsqueeze(1), {.hidden = source.hidden}).output.select(1, 0);
  return {context, m.out(y), weights};
}

}  // namespace

TEST_CASE("weights of the location-only decoder never look at the source, Bahdanau's do") {
  manual_seed(1);
  AttnDecoderRNN location(6, 9, {.max_length = 5});
  BahdanauDecoder bahdanau(6, 9);
  location.eval();
  bahdanau.eval();
  const Tensor outputs = randn({2, 5, 6}), hidden = randn({1, 2, 6});
  const EncodedSequence source{outputs, hidden}, perturbed{outputs + randn({2, 5, 6}), hidden};
  const Tensor token = randint(0, 9, {2, 1});
  const auto first = [&](const auto& decoder, const EncodedSequence& encoded) {
    DecoderState state = decoder.begin(encoded);
    const Tensor logits = decoder.step(token, state);
    return OneStep{Tensor(), logits, state.weights};
  };
  const OneStep a = first(location, source), b = first(location, perturbed);
  CHECK(a.weights.to_vector() == b.weights.to_vector());  // bit by bit
  CHECK(apart(a.logits, b.logits) > 1e-3);                // though what it reads there has changed
  const OneStep c = first(bahdanau, source), d = first(bahdanau, perturbed);
  CHECK(apart(c.weights, d.weights) > 1e-3);

  // The same as gradients: no source state has a say in the location-only weights.
  const auto slope = [&](const auto& decoder) {
    const Tensor h = parameter(outputs);
    DecoderState state = decoder.begin({h, hidden});
    decoder.step(token, state);
    sum(state.weights.slice(-1, 0, 1)).backward();
    return h.grad().defined() ? amax(abs(h.grad())).item() : 0.0;
  };
  CHECK(slope(bahdanau) > 1e-4);
  CHECK(slope(location) == 0.0);
}

TEST_CASE("the location-only decoder gives weight to padding and to positions after the source") {
  manual_seed(2);
  AttnDecoderRNN location(6, 9, {.max_length = 8});
  location.eval();
  const EncodedSequence source{randn({2, 5, 6}), randn({1, 2, 6}), padding_mask({5, 3}, 5)};
  const Tensor token = randint(0, 9, {2, 1});
  const Decoded d = location(token, source);
  CHECK(d.weights.shape() == Shape{2, 1, 8});
  CHECK(apart(sum(d.weights, -1), ones({2, 1})) < 1e-6);
  CHECK(amin(d.weights.slice(-1, 3, 8)).item() > 0.01);
  BahdanauDecoder bahdanau(6, 9);
  bahdanau.eval();
  const Tensor weights = bahdanau(token, source).weights;
  CHECK(apart(sum(weights, -1), ones({2, 1})) < 1e-6);
  CHECK(amax(weights[1].slice(-1, 3, 5)).item() == 0.0);
}

TEST_CASE("the location-only decoder has an embedding and a use for its dropout") {
  manual_seed(3);
  const AttnDecoderRNN decoder(6, 9);
  CHECK(decoder.dropout.p == 0.1);
  CHECK(decoder.max_length == 10);
  const EncodedSequence source{randn({1, 5, 6}), randn({1, 1, 6})};
  const Tensor token = zeros({1, 1}, Dtype::i64);
  const uint64_t before = default_generator().counter();
  decoder(token, source);
  CHECK(default_generator().counter() - before == 1);
  std::string names;
  for (const NamedTensor& entry : decoder.state_dict()) names += cat(entry.name, " ", entry.tensor.shape(), "\n");
  CHECK(names ==
        "embedding.weight (9, 6)\ngru.weight_ih_l0 (18, 6)\ngru.weight_hh_l0 (18, 6)\n"
        "gru.bias_ih_l0 (18,)\ngru.bias_hh_l0 (18,)\nout.weight (9, 6)\nout.bias (9,)\n"
        "attn.weight (10, 12)\nattn.bias (10,)\nattn_combine.weight (6, 12)\nattn_combine.bias "
        "(6,)\n");
}

TEST_CASE("location-only decoder: each row of a batch reads its own sentence") {
  manual_seed(4);
  AttnDecoderRNN decoder(6, 9, {.max_length = 5});
  decoder.eval();
  const EncodedSequence source{randn({3, 5, 6}), randn({1, 3, 6})};
  const Tensor tokens = randint(0, 9, {3, 4});
  const Decoded all = decoder(tokens, source);
  CHECK(apart(sum(exp(all.logits), -1), ones({3, 4})) < 1e-5);  // log-probabilities
  for (int64_t b = 0; b < 3; ++b) {
    const Decoded one =
        decoder(tokens.slice(0, b, b + 1), {source.outputs.slice(0, b, b + 1), source.hidden.slice(1, b, b + 1)});
    CHECK(apart(one.logits, all.logits.slice(0, b, b + 1)) < 1e-6);
    CHECK(apart(one.weights, all.weights.slice(0, b, b + 1)) < 1e-6);
  }
}

TEST_CASE("Bahdanau decoder: the context is a weighted mean of the encoder's states, new at each step") {
  manual_seed(5);
  BahdanauDecoder decoder(6, 9, {.num_layers = 2});
  decoder.to(Dtype::f64);
  decoder.eval();
  const EncodedSequence source{randn({2, 5, 6}, Dtype::f64), randn({2, 2, 6}, Dtype::f64), padding_mask({5, 3}, 5)};
  const Tensor token = randint(0, 9, {2, 1});
  const OneStep expected = bahdanau_step(decoder, token, source);
  DecoderState state = decoder.begin(source);
  CHECK(apart(decoder.step(token, state), expected.logits) < 1e-14);
  CHECK(apart(state.weights, expected.weights) < 1e-15);

  for (int64_t place = 0; place < 5; ++place) {  // one state of the encoder is another
    Tensor outputs = source.outputs.clone();
    Tensor changed = outputs.slice(1, place, place + 1);
    changed.fill_(0.7);
    const EncodedSequence other{outputs, source.hidden, source.key_mask};
    const Tensor moved = abs(bahdanau_step(decoder, token, other).context - expected.context);
    CHECK(amax(moved[0]).item() > 1e-3);
    CHECK((amax(moved[1]).item() > 1e-3) == (place < 3));  // its last two positions are padding
    DecoderState also = decoder.begin(other);
    CHECK(apart(decoder.step(token, also), expected.logits) > 1e-4);
  }

  const Decoded d = decoder(randint(0, 9, {2, 4}), source);
  for (int64_t t = 1; t < 4; ++t) CHECK(apart(d.weights.select(1, t), d.weights.select(1, t - 1)) > 1e-4);
}

TEST_CASE("Bahdanau decoder: the query is the top layer's state before the step") {
  manual_seed(6);
  BahdanauDecoder decoder(6, 9, {.num_layers = 2});
  decoder.eval();
  const Tensor outputs = randn({1, 5, 6}), hidden = randn({2, 1, 6});
  const auto weights = [&](const Tensor& h, int64_t token) {
    return decoder(tensor_i64({token}, {1, 1}), {outputs, h}).weights;
  };
  const Tensor base = weights(hidden, 1);
  CHECK(weights(hidden, 2).to_vector() == base.to_vector());  // not the token
  const Tensor lower = cat({hidden.slice(0, 0, 1) + 1.0, hidden.slice(0, 1, 2)}, 0);
  const Tensor upper = cat({hidden.slice(0, 0, 1), hidden.slice(0, 1, 2) + 1.0}, 0);
  CHECK(weights(lower, 1).to_vector() == base.to_vector());
  CHECK(apart(weights(upper, 1), base) > 1e-4);
}

TEST_CASE("alignment: each step's weights sum to 1 and are kept, and a trace sees them") {
  manual_seed(7);
  BahdanauDecoder decoder(6, 9, {.attention_dropout = 0.5});
  const EncodedSequence source{randn({2, 5, 6}), randn({1, 2, 6}), padding_mask({5, 3}, 5)};
  const Tensor tokens = randint(0, 9, {2, 4});
  for (const double forcing : {0.0, 1.0}) {
    AttentionTrace trace;
    const Decoded d = decoder(tokens, source, {.teacher_forcing = forcing});
    REQUIRE(d.weights.shape() == Shape{2, 4, 5});
    CHECK(apart(sum(d.weights, -1), ones({2, 4})) < 1e-6);  // before dropout
    REQUIRE(trace.entries().size() == 4);
    for (int64_t t = 0; t < 4; ++t)
      CHECK(apart(trace.entries()[size_t(t)].weights.squeeze(1), d.weights.select(1, t)) == 0.0);
    CHECK(trace.entries()[0].path == "BahdanauDecoder");
  }
}
