// Padding may hold anything: in a layer or a whole model that is told where it is, nothing of it arrives.
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include <heed/autograd/engine.h>
#include <heed/autograd/ops.h>
#include <heed/nn/nn.h>

#include "support/catch.h"

using namespace heed;
using namespace heed::nn;

namespace {

using Numbers = std::vector<std::vector<double>>;

// A layer's output where it counts; the leaves that hold padding are made with `value` in it.
template <class Layer> using Run = std::function<Tensor(Layer&, double value, std::vector<Tensor>& leaves)>;

const std::vector<int64_t> lengths = {3, 5};
Tensor real() { return padding_mask(lengths, 5); }                      // (2, 5)
Tensor heard() { return padding_mask(std::vector<int64_t>{2, 4}, 4); }  // (2, 4)

Tensor spoilt(const Shape& shape, const Tensor& real, double value) {
  Generator own(7);
  return parameter(where(real.unsqueeze(-1), randn(shape, own, Dtype::f64), value));
}
Tensor where_real(const Tensor& y) { return where(real().unsqueeze(-1), y, 0.0); }

template <class Layer> Numbers results(Layer& layer, const Run<Layer>& run, double value) {
  for (Tensor p : layer.parameters()) p.zero_grad();
  std::vector<Tensor> leaves;
  const Tensor y = run(layer, value, leaves);
  sum(square(y)).backward();
  Numbers all = {y.to_vector()};
  for (const Tensor& x : leaves) all.push_back(x.grad().to_vector());
  for (const Tensor& p : layer.parameters())
    all.push_back(p.grad().defined() ? p.grad().to_vector() : std::vector<double>());
  return all;
}

template <class Layer> void check_padding(const std::string& name, Layer layer, const Run<Layer>& run) {
  layer.to(Dtype::f64);
  for (const bool plain : {false, true}) {
    set_plain_attention(plain);
    const Numbers wanted = results(layer, run, 0.0);
    for (const double value : {double(NAN), double(INFINITY), -double(INFINITY), 1e300}) {
      INFO(name << (plain ? ", plain, " : ", fused, ") << value);
      const Numbers got = results(layer, run, value);
      for (size_t i = 0; i < got.size(); ++i) {
        INFO("result " << i);
        double apart = 0.0;
        for (size_t j = 0; j < got[i].size(); ++j) {
          const double by = std::abs(got[i][j] - wanted[i][j]) / (1.0 + std::abs(wanted[i][j]));
          apart = by <= apart ? apart : by;  // NaN is apart
        }
        CHECK(apart < 1e-9);
      }
    }
    set_plain_attention(false);
  }
}

}  // namespace

TEST_CASE("padding of a Transformer's input reaches no output that counts and no gradient") {
  manual_seed(1);
  for (const bool norm_first : {false, true})
    for (const bool causal : {false, true}) {
      const std::string how = cat(norm_first ? "pre" : "post", "-norm", causal ? ", causal" : "");
      const TransformerOptions o{.dim_feedforward = 6, .dropout = 0.0, .norm_first = norm_first};
      check_padding<TransformerEncoder>("encoder, " + how, TransformerEncoder(TransformerEncoderLayer(8, 2, o), 2),
                                        [=](auto& m, double value, auto& leaves) {
                                          leaves = {spoilt({2, 5, 8}, real(), value)};
                                          return where_real(m(leaves[0], {.key_mask = real(), .causal = causal}));
                                        });
      check_padding<TransformerEncoder>("encoder, a mask of queries and keys, " + how,
                                        TransformerEncoder(TransformerEncoderLayer(8, 2, o), 1),
                                        [=](auto& m, double value, auto& leaves) {
                                          leaves = {spoilt({2, 5, 8}, real(), value)};
                                          const Tensor both = real().unsqueeze(1) & real().unsqueeze(2);
                                          return where_real(m(leaves[0], {.mask = both, .causal = causal}));
                                        });
      check_padding<TransformerDecoder>(
          "decoder, " + how, TransformerDecoder(TransformerDecoderLayer(8, 2, o), 2),
          [=](auto& m, double value, auto& leaves) {
            leaves = {spoilt({2, 5, 8}, real(), value), spoilt({2, 4, 8}, heard(), value)};
            return where_real(m(leaves[0], leaves[1], {.key_mask = real(), .causal = causal}, {.key_mask = heard()}));
          });
    }
}

TEST_CASE("padding that a key mask names asks nothing in self-attention, either") {
  manual_seed(2);
  for (const bool weights : {false, true}) {
    check_padding<MultiHeadAttention>("multi-head", MultiHeadAttention(8, 2), [=](auto& m, double value, auto& leaves) {
      leaves = {spoilt({2, 5, 8}, real(), value)};
      return where_real(m(leaves[0], {.key_mask = real(), .need_weights = weights}).output);
    });
    check_padding<GroupedQueryAttention>(
        "grouped", GroupedQueryAttention(8, 4, {.num_kv_heads = 2, .rope = RotaryPositions(2, RopeLayout::half_split)}),
        [=](auto& m, double value, auto& leaves) {
          leaves = {spoilt({2, 5, 8}, real(), value)};
          return where_real(m(leaves[0], {.key_mask = real(), .need_weights = weights}).output);
        });
  }
  check_padding<MultiHeadAttention>("keys and values apart", MultiHeadAttention(8, 2),
                                    [](auto& m, double value, auto& leaves) {
                                      leaves = {spoilt({2, 5, 8}, real(), 0.0), spoilt({2, 4, 8}, heard(), value)};
                                      const KeysValues memory = m.keys_values(leaves[1], leaves[1], heard());
                                      return m.attend_to(leaves[0], memory, {.key_mask = heard()}).output;
                                    });
}

TEST_CASE("padding after the lengths reaches no gradient of a recurrent layer") {
  manual_seed(3);
  const auto all = [](const Recurrent& r) {
    const Tensor y = cat({r.output.flatten(), r.hidden.flatten()}, 0);
    return r.cell.defined() ? cat({y, r.cell.flatten()}, 0) : y;
  };
  for (const bool both_ways : {false, true}) {
    const auto run = [&](auto& m, double value, auto& leaves) {
      leaves = {spoilt({2, 5, 8}, real(), value)};
      return all(m(leaves[0], {.lengths = lengths}));
    };
    const RecurrentOptions o{.num_layers = 2, .bidirectional = both_ways};
    check_padding<GRU>("GRU", GRU(8, 3, o), run);
    check_padding<LSTM>("LSTM", LSTM(8, 3, o), run);
    check_padding<RNN>(
        "RNN", RNN(8, 3, {.num_layers = 2, .nonlinearity = Nonlinearity::relu, .bidirectional = both_ways}), run);
  }
}

TEST_CASE("a padding token's row may hold anything in whole models") {
  manual_seed(4);
  const Tensor tokens = tensor_i64({1, 2, 3, 0, 0, 1, 2, 3, 4, 5}, {2, 5});
  const auto spoil = [](Embedding& embedding, double value) {
    const NoGrad off;
    embedding.weight.slice(0, 0, 1).fill_(value);
  };
  check_padding<EncoderClassifier>(
      "classifier",
      EncoderClassifier({.vocab = 6, .classes = 3, .width = 8, .heads = 2, .layers = 2, .hidden = 6, .dropout = 0.0}),
      [&](auto& m, double value, auto&) {
        spoil(m.embedding, value);
        return m(tokens, lengths);
      });
  check_padding<EncoderRNN>("recurrent encoder", EncoderRNN(6, 8, {.dropout = 0.0, .bidirectional = true}),
                            [&](auto& m, double value, auto&) {
                              spoil(m.embedding, value);
                              const EncodedSequence source = m(tokens, lengths);
                              return cat({source.outputs.flatten(), source.hidden.flatten()}, 0);
                            });
  const auto decode = [](auto& m, double value, auto& leaves) {
    leaves = {spoilt({2, 4, 8}, heard(), value)};
    const Tensor hidden = full({1, 2, 8}, 0.1, Dtype::f64);
    return m(tensor_i64({1, 2, 3, 4}, {2, 2}), EncodedSequence{leaves[0], hidden, heard()}).logits;
  };
  check_padding<BahdanauDecoder>("Bahdanau's decoder", BahdanauDecoder(8, 7, {.dropout = 0.0}), decode);
  check_padding<AttnDecoderRNN>("the location-only decoder", AttnDecoderRNN(8, 7, {.dropout = 0.0}), decode);
}
