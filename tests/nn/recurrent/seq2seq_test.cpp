// The recurrent encoder and the plain decoder, and what all recurrent decoders share.
#include "support/catch.h"

#include <heed/autograd/ops.h>
#include <heed/nn/attention/masks.h>
#include <heed/nn/layers/losses.h>
#include <heed/nn/recurrent/attention_decoders.h>
#include <heed/nn/recurrent/seq2seq.h>
#include <heed/nn/scope_watch.h>
#include <heed/nn/summary.h>
#include "support/apart.h"
#include "support/errors.h"
#include "support/module_check.h"

using namespace heed;
using namespace heed::nn;
using test::apart;
using test::check_module;
using test::contains;
using test::message_of;

namespace {

std::string tensor_names(const Module& m) {
  std::string names;
  for (const NamedTensor& entry : m.state_dict()) names += entry.name + " ";
  return names;
}

// Calls f with each kind of decoder, hidden 6, 9 tokens.
template <class F> void for_each_decoder(F f) {
  SECTION("plain") { f(DecoderRNN(6, 9)); }
  SECTION("plain with context") { f(DecoderRNN(6, 9, {.context = true})); }
  SECTION("Bahdanau") { f(BahdanauDecoder(6, 9)); }
  SECTION("location-only") { f(AttnDecoderRNN(6, 9, {.max_length = 5})); }
}

}  // namespace

TEST_CASE("encoder: embedding, dropout and GRU") {
  manual_seed(1);
  EncoderRNN encoder(7, 4, {.num_layers = 2});
  CHECK(contains(tensor_names(encoder), "embedding.weight gru.weight_ih_l0 "));
  CHECK(encoder.dropout.p == 0.1);
  CHECK(contains(summary(EncoderRNN(7, 4)), "total 148 elements"));  // 7·4 + 3·4·(4 + 4 + 2)
  encoder.eval();
  const Tensor tokens = randint(0, 7, {2, 3});
  const EncodedSequence e = encoder(tokens);
  const Recurrent r = encoder.gru(encoder.embedding(tokens));
  CHECK(apart(e.outputs, r.output) == 0.0);
  CHECK(apart(e.hidden, r.hidden) == 0.0);
  CHECK_FALSE(e.key_mask);
  encoder.train();
  CHECK(apart(encoder(tokens).outputs, e.outputs) > 0.0);
  CHECK(message_of<ShapeError>([&] { encoder(randint(0, 7, {3})); }) ==
        "EncoderRNN: tokens (3,): must be (B, n): give one sequence a batch axis with unsqueeze(0) "
        "[in EncoderRNN]");
}

TEST_CASE("encoder: both directions lie side by side, and padding is not read") {
  manual_seed(2);
  EncoderRNN encoder(7, 4, {.embed_size = 3, .num_layers = 2, .bidirectional = true});
  encoder.eval();
  const Tensor tokens = tensor_i64({1, 2, 3, 4, 5, 0}, {2, 3});
  const EncodedSequence e = encoder(tokens, {{3, 2}});
  CHECK(e.outputs.shape() == Shape{2, 3, 8});
  CHECK(e.hidden.shape() == Shape{2, 2, 8});
  CHECK(e.key_mask->to_vector() == std::vector<double>{1, 1, 1, 1, 1, 0});
  // The last layer's states: forward at the last token, backward at the first.
  const Tensor top = e.hidden.select(0, 1);
  CHECK(apart(top.slice(1, 0, 4)[1], e.outputs[1][1].slice(0, 0, 4)) == 0.0);
  CHECK(apart(top.slice(1, 4, 8)[1], e.outputs[1][0].slice(0, 4, 8)) == 0.0);
  const EncodedSequence other = encoder(tensor_i64({1, 2, 3, 4, 5, 6}, {2, 3}), {{3, 2}});
  CHECK(other.outputs.to_vector() == e.outputs.to_vector());
  CHECK(other.hidden.to_vector() == e.hidden.to_vector());
  CHECK(amax(abs(e.outputs[1][2])).item() == 0.0);
}

TEST_CASE("encoder holds what layers must") {
  manual_seed(3);
  const Tensor tokens = randint(0, 5, {2, 3});
  const EncoderRNN encoder(5, 2, {.num_layers = 2, .bidirectional = true});
  check_module(encoder, {tokens}, [](const EncoderRNN& m, const std::vector<Tensor>& in) { return m(in[0]).outputs; });
}

TEST_CASE("plain decoder: what it is told of the source is the last state") {
  manual_seed(4);
  DecoderRNN decoder(4, 7, {.num_layers = 2});
  CHECK(contains(tensor_names(decoder), "embedding.weight gru.weight_ih_l0 "));
  CHECK(contains(tensor_names(decoder), "out.weight out.bias "));
  decoder.eval();
  const EncodedSequence source{randn({2, 3, 4}), randn({2, 2, 4})};
  const Tensor tokens = randint(0, 7, {2, 5});
  const Decoded d = decoder(tokens, source);
  CHECK(d.logits.shape() == Shape{2, 5, 7});
  CHECK_FALSE(d.weights.defined());
  const Recurrent r = decoder.gru(relu(decoder.embedding(tokens)), {.hidden = source.hidden});
  CHECK(apart(d.logits, decoder.out(r.output)) < 1e-6);
  const EncodedSequence other{randn({2, 3, 4}), source.hidden};
  CHECK(decoder(tokens, other).logits.to_vector() == d.logits.to_vector());

  DecoderRNN with_context(4, 7, {.num_layers = 2, .context = true});
  with_context.eval();
  const Tensor context = source.hidden[1].unsqueeze(1).expand({2, 5, 4});
  const Recurrent q = with_context.gru(cat({with_context.embedding(tokens), context}, -1), {.hidden = source.hidden});
  CHECK(apart(with_context(tokens, source).logits, with_context.out(q.output)) < 1e-6);
}

TEST_CASE("decoders: the d2l shape test") {
  const Tensor x = zeros({4, 7}, Dtype::i64);
  const EncoderRNN encoder(10, 16, {.embed_size = 8, .num_layers = 2});
  const EncodedSequence source = encoder(x);
  CHECK(source.outputs.shape() == Shape{4, 7, 16});
  CHECK(source.hidden.shape() == Shape{2, 4, 16});
  const BahdanauDecoder decoder(16, 10, {.embed_size = 8, .num_layers = 2});
  const Decoded d = decoder(x, source);
  CHECK(d.logits.shape() == Shape{4, 7, 10});
  CHECK(d.weights.shape() == Shape{4, 7, 7});
  const DecoderState state = decoder.begin(source);
  CHECK(state.values.shape() == Shape{4, 7, 16});
  CHECK(state.hidden.shape() == Shape{2, 4, 16});
  CHECK(DecoderRNN(16, 10, {.embed_size = 8, .num_layers = 2, .context = true})(x, source).logits.shape() ==
        Shape{4, 7, 10});
}

TEST_CASE("decoders: step by step is the whole call, and teacher forcing 0 feeds what was written") {
  manual_seed(5);
  for_each_decoder([](auto decoder) {
    decoder.eval();
    const EncodedSequence source{randn({3, 5, 6}), randn({1, 3, 6}), padding_mask({5, 2, 3}, 5)};
    const Tensor tokens = randint(0, 9, {3, 4});
    const Decoded whole = decoder(tokens, source, {.teacher_forcing = 1.0});
    DecoderState state = decoder.begin(source);
    for (int64_t t = 0; t < 4; ++t) {
      const Tensor logits = decoder.step(tokens.slice(1, t, t + 1), state);
      CHECK(apart(logits, whole.logits.select(1, t)) < 1e-5);
      if (whole.weights.defined()) CHECK(apart(state.weights, whole.weights.select(1, t)) < 1e-6);
    }

    const Decoded free = decoder(tokens, source, {.teacher_forcing = 0.0});
    CHECK(free.logits.shape() == whole.logits.shape());
    Tensor next = tokens.slice(1, 0, 1);
    state = decoder.begin(source);
    for (int64_t t = 0; t < 4; ++t) {
      const Tensor logits = decoder.step(next, state);
      CHECK(apart(logits, free.logits.select(1, t)) < 1e-5);
      next = argmax(logits, -1, keepdim);
    }
    // Only the first tokens are read, and gradients flow through the states anyway.
    const Tensor others = cat({tokens.slice(1, 0, 1), randint(0, 9, {3, 3})}, 1);
    const Tensor again = decoder(others, source, {.teacher_forcing = 0.0}).logits;
    CHECK(again.to_vector() == free.logits.to_vector());
    sum(free.logits.select(1, 3)).backward();
    CHECK(amax(abs(decoder.gru.weights[0].hh.grad())).item() > 0.0);
  });
}

TEST_CASE("decoders: the teacher forcing ratio is the share of calls that are given the truth") {
  manual_seed(6);
  DecoderRNN decoder(6, 9);
  decoder.eval();
  const EncodedSequence source{randn({2, 3, 6}), randn({1, 2, 6})};
  const Tensor tokens = randint(0, 9, {2, 4});
  const std::vector<double> given = decoder(tokens, source).logits.to_vector();
  const std::vector<double> own = decoder(tokens, source, {.teacher_forcing = 0.0}).logits.to_vector();
  REQUIRE(given != own);
  const uint64_t before = default_generator().counter();
  int forced = 0;
  for (int i = 0; i < 200; ++i) {
    const std::vector<double> y = decoder(tokens, source, {.teacher_forcing = 0.7}).logits.to_vector();
    CHECK((y == given || y == own));
    forced += y == given;
  }
  CHECK(default_generator().counter() - before == 200);  // one draw a call
  CHECK(forced > 115);
  CHECK(forced < 165);
}

TEST_CASE("decoders: dropout of the embedded tokens is at work while training") {
  manual_seed(7);
  for_each_decoder([](auto decoder) {
    const EncodedSequence source{randn({2, 5, 6}), randn({1, 2, 6})};
    const Tensor tokens = randint(0, 9, {2, 4});
    const uint64_t before = default_generator().counter();
    const Tensor y = decoder(tokens, source).logits;
    CHECK(default_generator().counter() - before == 1);
    CHECK(apart(decoder(tokens, source).logits, y) > 0.0);
    decoder.eval();
    CHECK(decoder(tokens, source).logits.to_vector() == decoder(tokens, source).logits.to_vector());
  });
}

TEST_CASE("decoders: a bridge leads from a wider encoder, through tanh") {
  manual_seed(8);
  EncoderRNN encoder(7, 4, {.bidirectional = true});
  encoder.eval();
  BahdanauDecoder decoder(5, 9, {.embed_size = 3, .encoder_size = 8, .attention_size = 6});
  decoder.eval();
  CHECK(contains(tensor_names(decoder), "bridge.weight bridge.bias gru."));
  CHECK(decoder.score.key_layer.weight.shape() == Shape{6, 8});
  CHECK(decoder.score.query_layer.weight.shape() == Shape{6, 5});
  const EncodedSequence source = encoder(randint(0, 7, {2, 3}));
  CHECK(apart(decoder.begin(source).hidden, tanh((*decoder.bridge)(source.hidden))) == 0.0);
  CHECK(decoder(randint(0, 9, {2, 4}), source).logits.shape() == Shape{2, 4, 9});
  CHECK_FALSE(BahdanauDecoder(8, 9, {.encoder_size = 8}).bridge);
}

TEST_CASE("decoders: padding of the source changes nothing") {
  manual_seed(9);
  EncoderRNN encoder(7, 6, {.bidirectional = true});
  encoder.eval();
  const auto run = [&](auto decoder) {
    decoder.eval();
    const Tensor target = randint(0, 9, {2, 4});
    const Tensor longer = tensor_i64({1, 2, 3, 6, 6, 4, 5, 6, 6, 6}, {2, 5});
    const Decoded padded = decoder(target, encoder(longer, {{3, 2}}));
    const Decoded tight = decoder(target, encoder(longer.slice(1, 0, 3), {{3, 2}}));
    const Decoded alone = decoder(target.slice(0, 1, 2), encoder(tensor_i64({4, 5}, {1, 2})));
    CHECK(apart(padded.logits, tight.logits) < 1e-6);
    CHECK(apart(padded.logits.slice(0, 1, 2), alone.logits) < 1e-6);
    if (padded.weights.defined()) CHECK(amax(padded.weights[1].slice(1, 2, 5)).item() == 0.0);
  };
  run(BahdanauDecoder(6, 9, {.encoder_size = 12}));
  run(DecoderRNN(6, 9, {.encoder_size = 12, .context = true}));
}

TEST_CASE("decoders: a reordered state continues as the rows that it was made of") {
  manual_seed(10);
  for_each_decoder([](auto decoder) {
    decoder.eval();
    const EncodedSequence source{randn({3, 5, 6}), randn({1, 3, 6}), padding_mask({5, 2, 3}, 5)};
    DecoderState state = decoder.begin(source);
    decoder.step(tensor_i64({1, 2, 3}, {3, 1}), state);
    DecoderState other = state;
    const Tensor rows = tensor_i64({2, 0, 0, 1});
    other.reorder(rows);
    const Tensor all = decoder.step(tensor_i64({4, 4, 4}, {3, 1}), state);
    const Tensor some = decoder.step(tensor_i64({4, 4, 4, 4}, {4, 1}), other);
    CHECK(apart(some, index_select(all, 0, rows)) < 1e-6);
  });
}

TEST_CASE("decoders hold what layers must") {
  manual_seed(11);
  const Tensor tokens = randint(0, 5, {2, 3}), outputs = randn({2, 4, 2});
  const Tensor hidden = randn({2, 2});  // batch first; one layer
  const auto run = [](const auto& m, const std::vector<Tensor>& in) {
    return m(in[0], {in[1], in[2].unsqueeze(0), padding_mask({3, 3}, 4).slice(0, 0, in[0].size(0))}).logits;
  };
  const auto without_outputs = [](const auto& m, const std::vector<Tensor>& in) {
    return m(in[0], {zeros({in[0].size(0), 1, 3}, Dtype::f64), in[1].unsqueeze(0)}).logits;
  };
  // What feeds the layer, `unsqueeze` above, works outside of it: scope is checked by the step
  // below.
  check_module(DecoderRNN(2, 5, {.encoder_size = 3, .context = true}), {tokens, randn({2, 3})}, without_outputs,
               {.scope = false});
  check_module(BahdanauDecoder(2, 5), {tokens, outputs, hidden}, run, {.scope = false});
  check_module(AttnDecoderRNN(2, 5, {.max_length = 5}), {tokens, outputs, hidden}, run, {.scope = false});
}

TEST_CASE("decoders: a scope is open while they work") {
  manual_seed(12);
  for_each_decoder([](const auto& decoder) {
    const EncodedSequence source{randn({2, 5, 6}), randn({1, 2, 6})};
    const Tensor tokens = randint(0, 9, {2, 2}), first = tokens.slice(1, 0, 1);
    const nn::ScopeWatch watch(&decoder);
    DecoderState state = decoder.begin(source);
    decoder.step(first, state);
    decoder(tokens, source);
    CHECK(watch.ops > 0);
    CHECK(watch.outside == 0);
  });
}

TEST_CASE("a decoder learns to copy, teacher forced and free") {
  manual_seed(13);
  EncoderRNN encoder(5, 16, {.dropout = 0.0});
  BahdanauDecoder decoder(16, 5, {.dropout = 0.0});
  std::vector<Tensor> parameters = encoder.parameters();
  for (const Tensor& p : decoder.parameters()) parameters.push_back(p);
  const Tensor words = randint(1, 5, {16, 3}), bos = zeros({16, 1}, Dtype::i64);
  const Tensor input = cat({bos, words.slice(1, 0, 2)}, 1);
  double first = 0.0, last = 0.0;  // the last twenty steps' mean: which words it is told is drawn in each step
  for (int step = 0; step < 220; ++step) {
    const Tensor logits = decoder(input, encoder(words), {.teacher_forcing = 0.5}).logits;
    const Tensor loss = cross_entropy(logits, words);
    loss.backward();
    if (step == 0) first = loss.item();
    if (step >= 200) last += loss.item() / 20;
    const NoGrad no_history;
    for (Tensor& p : parameters) {
      p.add_(p.grad(), -0.5);
      p.zero_grad();
    }
  }
  CHECK(first > 1.4);
  CHECK(last < 0.3);
}

TEST_CASE("decoders say what does not fit") {
  const BahdanauDecoder decoder(4, 7, {.num_layers = 2});
  const EncodedSequence good{zeros({2, 3, 4}), zeros({2, 2, 4})};
  const Tensor tokens = zeros({2, 5}, Dtype::i64);
  const std::string where = " [in BahdanauDecoder]";
  CHECK(message_of<ShapeError>([&] { decoder(tokens, {zeros({2, 3, 4}), zeros({1, 2, 4})}); }) ==
        "RecurrentDecoder: the encoder's last state (1, 2, 4): must be (2, B, 4): give encoder and "
        "decoder equal layers, and encoder_size the width of the encoder's state" +
            where);
  CHECK(message_of<ShapeError>([&] { decoder(tokens, {zeros({3, 3, 4}), zeros({2, 2, 4})}); }) ==
        "RecurrentDecoder: the encoder's outputs (3, 3, 4), its last state (2, 2, 4): must be "
        "(B, S, 4) and (layers, B, 4)" +
            where);
  CHECK(message_of<ShapeError>([&] { decoder(zeros({3, 5}, Dtype::i64), good); }) ==
        "RecurrentDecoder: tokens (3, 5), batch of 2: must be (B, T), T >= 1" + where);
  CHECK(message_of<ShapeError>([&] { decoder(zeros({2, 0}, Dtype::i64), good); }) ==
        "RecurrentDecoder: tokens (2, 0), batch of 2: must be (B, T), T >= 1" + where);
  CHECK(message_of([&] { decoder(tokens, good, {.teacher_forcing = 1.1}); }) ==
        "RecurrentDecoder: teacher_forcing = 1.1: a probability lies in 0 … 1" + where);
  DecoderState state = decoder.begin(good);
  CHECK(message_of<ShapeError>([&] { decoder.step(tokens, state); }) ==
        "RecurrentDecoder: tokens (2, 5), state of a batch of 2: a step takes (B, 1)" + where);
  CHECK(message_of<ShapeError>([] { DecoderRNN(4, 7, {.encoder_size = 0}); }) ==
        "DecoderRNN: encoder_size 0: must be at least 1");
  CHECK(message_of([] { BahdanauDecoder(4, 7, {.attention_dropout = -1.0}); }) ==
        "BahdanauDecoder: attention_dropout = -1: a probability lies in 0 … 1");
  CHECK(message_of<ShapeError>([] { AttnDecoderRNN(4, 7, {.max_length = 0}); }) ==
        "AttnDecoderRNN: max_length 0: must be at least 1");
  CHECK(message_of<ShapeError>(
            [&] { AttnDecoderRNN(4, 7, {.max_length = 2})(tokens, {zeros({2, 3, 4}), zeros({1, 2, 4})}); }) ==
        "AttnDecoderRNN: the encoder's outputs (2, 3, 4), max_length 2: there is no weight for the "
        "last 1 positions: make max_length the longest source's length [in AttnDecoderRNN]");
}
