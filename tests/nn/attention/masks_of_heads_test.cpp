// With as many sequences as heads, whose mask is whose? Each layer, against one sequence at a time.
#include "support/catch.h"

#include <functional>

#include <heed/autograd/ops.h>
#include <heed/nn/nn.h>
#include "support/apart.h"
#include "support/errors.h"

using namespace heed;
using namespace heed::nn;
using test::apart;
using test::message_of;

namespace {

constexpr int64_t B = 3, h = 3, n = 5, E = 6;

struct Plain {  // while it lives, no fused path is taken
  explicit Plain(bool on) { set_plain_attention(on); }
  ~Plain() { set_plain_attention(false); }
};

Tensor row(const Tensor& x, int64_t b) { return x.slice(0, b, b + 1); }

// (B, n, m) of each kind: a prefix each, or anything at all, or the same as a floating mask.
std::vector<Tensor> masks_of_sequences(int64_t queries, int64_t keys) {
  std::vector<Tensor> masks = {rand({B, queries, keys}) > 0.4, randn({B, queries, keys}, Dtype::f64)};
  masks.push_back(where(masks[0], masks[1], -INFINITY));
  if (queries == keys) masks.push_back(prefix_mask({1, 4, 2}, queries));
  return masks;
}

using Call = std::function<Tensor(const Tensor& x, const Tensor& memory, const Tensor& mask)>;

// All sequences at once are what they are one by one, with any form of the mask.
void check_sequences(const std::string& what, const Call& call, int64_t keys = n) {
  INFO(what);
  for (const bool plain : {false, true})
    for (const bool traced : {false, true}) {
      const Plain path(plain);
      std::optional<AttentionTrace> trace;
      if (traced) trace.emplace();
      const Tensor x = randn({B, n, E}, Dtype::f64), memory = randn({B, keys, E}, Dtype::f64);
      for (const Tensor& mask : masks_of_sequences(n, keys)) {
        const Tensor together = call(x, memory, mask);
        CHECK(apart(together, call(x, memory, mask.unsqueeze(1))) == 0.0);
        CHECK(apart(together, call(x, memory, mask.unsqueeze(1).expand({B, h, n, keys}))) < 1e-14);
        for (int64_t b = 0; b < B; ++b) {
          CHECK(apart(row(together, b), call(row(x, b), row(memory, b), row(mask, b))) < 1e-14);
          CHECK(apart(row(together, b), call(row(x, b), row(memory, b), mask[b])) < 1e-14);
        }
      }
      if (traced) CHECK(trace->entries().size() > 0);
    }
}

template <class M> M doubled(M m) {
  m.to(Dtype::f64);
  m.eval();
  return m;
}

}  // namespace

TEST_CASE("a mask of three axes is one per sequence, in every layer with heads, when B = h") {
  manual_seed(1);
  const auto mha = doubled(MultiHeadAttention(E, h));
  const auto extra = doubled(MultiHeadAttention(E, h, {.add_bias_kv = true, .add_zero_attn = true}));
  for (const auto* m : {&mha, &extra})
    for (const bool weights : {false, true}) {
      check_sequences("multi-head, self", [&](const Tensor& x, const Tensor&, const Tensor& mask) {
        return (*m)(x, {.mask = mask, .need_weights = weights}).output;
      });
      check_sequences(
          "multi-head, cross",
          [&](const Tensor& x, const Tensor& y, const Tensor& mask) {
            return (*m)(x, y, y, {.mask = mask, .need_weights = weights}).output;
          },
          4);
      check_sequences(
          "multi-head, in two steps",
          [&](const Tensor& x, const Tensor& y, const Tensor& mask) {
            return m->attend_to(x, m->keys_values(y, y), {.mask = mask, .need_weights = weights}).output;
          },
          4);
    }
  const auto per_head = doubled(PerHeadAttention(E, 4, h));
  check_sequences("per head", [&](const Tensor& x, const Tensor&, const Tensor& mask) {
    return per_head(x, {.mask = mask}).output;
  });
  const auto dots = doubled(MultiHead<ScaledDotScore>(E, h));
  const auto gauss = doubled(MultiHead(E, h, Gaussian({.widths = {0.5, 1.0, 2.0}})));
  const auto additive = doubled(MultiHead(E, h, AdditiveScore(2, 2, 3)));
  const auto with = [](const auto& m) {
    return [&m](const Tensor& x, const Tensor& y, const Tensor& mask) { return m(x, y, y, {.mask = mask}).output; };
  };
  check_sequences("any score: dots", with(dots), 4);
  check_sequences("any score: a kernel a head", with(gauss), 4);
  check_sequences("any score: additive", with(additive), 4);
  for (const int64_t groups : {1, 3})
    for (const bool weights : {false, true}) {
      const auto grouped = doubled(GroupedQueryAttention(E, h, {.num_kv_heads = groups}));
      check_sequences("grouped queries", [&](const Tensor& x, const Tensor&, const Tensor& mask) {
        return grouped(x, {.mask = mask, .need_weights = weights}).output;
      });
    }
}

TEST_CASE("a mask of three axes is one per sequence in Transformers when B = h") {
  manual_seed(2);
  const TransformerEncoderLayer layer(E, h, {.dim_feedforward = 8, .dropout = 0.0});
  const auto encoder = doubled(TransformerEncoder(layer, 2));
  check_sequences("encoder",
                  [&](const Tensor& x, const Tensor&, const Tensor& mask) { return encoder(x, {.mask = mask}); });
  const auto decoder =
      doubled(TransformerDecoder(TransformerDecoderLayer(E, h, {.dim_feedforward = 8, .dropout = 0.0}), 2));
  check_sequences("decoder, its own",
                  [&](const Tensor& x, const Tensor& y, const Tensor& mask) { return decoder(x, y, {.mask = mask}); });
  check_sequences(
      "decoder, the memory's",
      [&](const Tensor& x, const Tensor& y, const Tensor& mask) { return decoder(x, y, {}, {.mask = mask}); }, 4);
  const auto both = doubled(
      Transformer(E, h, {.num_encoder_layers = 1, .num_decoder_layers = 1, .dim_feedforward = 8, .dropout = 0.0}));
  check_sequences("source", [&](const Tensor& x, const Tensor& y, const Tensor& mask) {
    return both(x, y, {.source = {.mask = mask}});
  });
  check_sequences("target", [&](const Tensor& x, const Tensor& y, const Tensor& mask) {
    return both(y, x, {.target = {.mask = mask}});
  });
  check_sequences(
      "memory",
      [&](const Tensor& x, const Tensor& y, const Tensor& mask) { return both(y, x, {.memory = {.mask = mask}}); }, 4);
}

TEST_CASE("a mask of three axes is one per sequence for tensors with heads when B = h") {
  manual_seed(3);
  const auto heads = [](const Tensor& x) { return split_heads(x, h); };
  check_sequences(
      "attention",
      [&](const Tensor& x, const Tensor& y, const Tensor& mask) {
        return attention(heads(x), heads(y), heads(y), {.mask = mask}).output;
      },
      4);
  check_sequences(
      "fused",
      [&](const Tensor& x, const Tensor& y, const Tensor& mask) {
        const Tensor out = scaled_dot_product_attention(heads(x), heads(y), heads(y), {.mask = mask});
        AttentionTrace::record(out);  // the plain path has a trace of its own
        return out;
      },
      4);
  check_sequences("packed", [&](const Tensor& x, const Tensor&, const Tensor& mask) {
    return packed_attention(cat({x, x * 2.0, x + 1.0}, -1), h, {.mask = mask});
  });
  const LocalMonotonicAttention<ScaledDotScore> monotonic(2);
  check_sequences(
      "local, monotonic",
      [&](const Tensor& x, const Tensor& y, const Tensor& mask) {
        return monotonic(heads(x), heads(y), heads(y), {.mask = mask}).output;
      },
      4);
  const auto predictive = doubled(LocalPredictiveAttention<ScaledDotScore>(2, 2, 3));
  check_sequences(
      "local, predictive",
      [&](const Tensor& x, const Tensor& y, const Tensor& mask) {
        return predictive(heads(x), heads(y), heads(y), {.mask = mask}).output;
      },
      4);
  NadarayaWatson kernel(Gaussian({.width = 0.7}));
  check_sequences(
      "kernel regression",
      [&](const Tensor& x, const Tensor& y, const Tensor& mask) {
        return kernel(heads(x), heads(y), heads(y), {.mask = mask}).output;
      },
      4);
}

TEST_CASE("with as many sequences as heads, a prefix mask of each leaks no future") {
  manual_seed(4);
  const auto m = doubled(MultiHeadAttention(E, h));
  const Tensor mask = prefix_mask({1, 1, 4}, n);
  for (const bool weights : {false, true}) {
    const auto run = [&](const Tensor& x) { return m(x, {.mask = mask, .need_weights = weights}).output; };
    const Tensor x = randn({B, n, E}, Dtype::f64), other = x.clone();
    other.slice(1, n - 1, n).fill_(7.0);  // the last position, which no prefix holds
    CHECK(apart(run(x).slice(1, 0, n - 1), run(other).slice(1, 0, n - 1)) == 0.0);
  }
}

TEST_CASE("a mask a head has four axes, and is refused with three where that shows") {
  manual_seed(5);
  const auto m = doubled(MultiHeadAttention(E, h));
  const Tensor x = randn({2, n, E}, Dtype::f64), per_head = alibi_bias(h, n, n, Dtype::f64);
  CHECK(per_head.shape() == Shape{1, h, n, n});
  for (const bool weights : {false, true}) {
    const Tensor all = m(x, {.mask = per_head, .need_weights = weights}).output;
    for (int64_t b = 0; b < 2; ++b)
      CHECK(apart(row(all, b), m(row(x, b), {.mask = per_head, .need_weights = weights}).output) < 1e-14);
    CHECK(message_of<ShapeError>([&] { m(x, {.mask = per_head.squeeze(0), .need_weights = weights}); })
              .ends_with("mask (3, 5, 5), scores (2, 3, 5, 5): with heads a mask is (5, 5), (2, 5, 5), one per "
                         "sequence, or (2 or 1, 3 or 1, 5, 5): give it these sizes, or 1; a mask per head needs a "
                         "batch axis: unsqueeze(0) [in MultiHeadAttention]"));
  }
}

TEST_CASE("a cache takes masks of sequences for all keys, old and new, when B = h") {
  manual_seed(6);
  const auto m = doubled(GroupedQueryAttention(E, h));
  const NoGrad no_history;
  const Tensor x = randn({B, n, E}, Dtype::f64);
  const Tensor mask = (rand({B, n, n}) > 0.3) & causal_mask(n);
  const Tensor whole = m(x, {.mask = mask}).output;
  KeyValueCache cache(n);
  for (int64_t t = 0; t < n; ++t) {
    const Tensor step = m(x.slice(1, t, t + 1), {.mask = mask.slice(1, t, t + 1).slice(2, 0, t + 1)}, &cache).output;
    CHECK(apart(step, whole.slice(1, t, t + 1)) < 1e-14);
  }
}
