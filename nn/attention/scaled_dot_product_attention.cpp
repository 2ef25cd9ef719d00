#include <heed/nn/attention/scaled_dot_product_attention.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <string_view>
#include <utility>

#include <heed/autograd/ops/fused_attention.h>
#include <heed/core/text.h>
#include <heed/nn/attention/attention_trace.h>
#include <heed/nn/attention/layer_options.h>
#include <heed/nn/attention/masks.h>
#include <heed/nn/watch.h>

namespace heed::nn {

namespace {

std::atomic<bool>& plain() {
  static std::atomic<bool> on = plain_attention_by_default(std::getenv("HEED_PLAIN_ATTENTION"));
  return on;
}

void check_softmax(const char* op, const AttentionOptions& o) {
  check(o.normaliser == Normaliser::softmax, op, ": a normaliser other than softmax: use attend(), which supports all");
  check(!o.need_weights && !o.average_weights, op, ": need_weights: weights are never formed here: call attention()");
}

// The options in the form that the op takes, for scores of this shape and keys of width d.
struct Fused {
  Tensor mask;
  AttentionRule rule;
};

Fused fused(const char* op, const Shape& scores, Dtype dtype, int64_t d, AttentionOptions o) {
  check_softmax(op, o);
  const bool causal = std::exchange(o.causal, false);  // a rule for the op, not a mask
  const Tensor mask = attention_mask(op, scores, dtype, o).permitted;
  return {mask,
          {.scale = o.scale.value_or(inverse_root(d)),
           .causal = causal,
           .dropout = o.dropout != 0.0 ? DropoutMask::draw(o.dropout) : DropoutMask{}}};
}

// The weights for an AttentionTrace: without history, before dropout.
void trace(const Tensor& q, const Tensor& k, const Tensor& v, AttentionOptions o) {
  const NoGrad no_history;
  o.dropout = 0.0;
  attention(q, k, v, o);
}

// Whether somebody wants a value that only the plain path has.
bool inside_wanted() {
  bool any = false;
  if (watches) [[unlikely]]
    for (const char* const point : {"q", "k", "v", "scores", "weights"}) any = wanted(point) || any;
  return any;
}

}  // namespace

bool plain_attention_by_default(const char* text) {
  const std::string_view wish = text ? text : "";
  check(wish.empty() || wish == "0" || wish == "1", "HEED_PLAIN_ATTENTION: ", quote(wish),
        ": neither 0 nor 1: set it to 1 for the plain path, or unset it");
  return wish == "1";
}

void set_plain_attention(bool on) { plain() = on; }

bool plain_attention() { return plain(); }

Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& o) {
  constexpr auto op = "scaled_dot_product_attention";
  check_one_width(op, q, k);
  check<ShapeError>(v.dim() >= 2 && k.size(-2) == v.size(-2), op, ": queries ", q.shape(), ", keys ", k.shape(),
                    ", values ", v.shape(), ": must be (…, n, d), (…, m, d) and (…, m, p): one value per key");
  const int rank = q.dim();
  bool fits = rank <= 4 && k.dim() == rank && v.dim() == rank;
  const bool grouped = fits && rank == 4 && q.size(0) == k.size(0) && k.size(0) == v.size(0) &&
                       k.size(1) == v.size(1) && k.size(1) > 0 && q.size(1) % k.size(1) == 0;
  for (int i = 0; fits && !grouped && i < rank - 2; ++i) fits = q.size(i) == k.size(i) && q.size(i) == v.size(i);
  const auto all_heads = [&](const Tensor& x) { return grouped ? repeat_heads(x, q.size(1)) : x; };
  if (!fits || plain() || has_floating_mask(o) || inside_wanted()) {
    check_softmax(op, o);
    return attention(q, all_heads(k), all_heads(v), o).output;
  }

  Shape scores = q.shape();
  scores[rank - 1] = k.size(-2);
  const auto [mask, rule] = fused(op, scores, q.dtype(), q.size(-1), o);
  if (AttentionTrace::active()) trace(q, all_heads(k), all_heads(v), o);
  const auto four_axes = [](Tensor x) {
    while (x.dim() < 4) x = x.unsqueeze(0);
    return x;
  };
  Tensor y = fused_attention(four_axes(q), four_axes(k), four_axes(v), rule, mask);
  while (y.dim() > rank) y = y.squeeze(0);
  return y;
}

Tensor packed_attention(const Tensor& qkv, int64_t heads, const AttentionOptions& o) {
  constexpr auto op = "packed_attention";
  check<ShapeError>(qkv.dim() == 3 && heads > 0 && qkv.size(2) % (3 * heads) == 0, op, ": ", qkv.shape(), ", ", heads,
                    " heads: must be (B, n, 3E) with E a multiple of the heads");
  const int64_t B = qkv.size(0), n = qkv.size(1), d = qkv.size(2) / (3 * heads);
  const auto apart = [&] {
    std::vector<Tensor> parts = qkv.chunk(3, -1);
    for (Tensor& x : parts) x = split_heads(x, heads);
    return parts;
  };
  if (plain() || has_floating_mask(o) || inside_wanted()) {
    check_softmax(op, o);
    const std::vector<Tensor> x = apart();
    return merge_heads(seen("heads", attention(x[0], x[1], x[2], o).output));
  }
  const auto [mask, rule] = fused(op, {B, heads, n, n}, qkv.dtype(), d, o);
  if (AttentionTrace::active()) {
    const NoGrad no_history;
    const std::vector<Tensor> x = apart();
    trace(x[0], x[1], x[2], o);
  }
  const Tensor y = fused_self_attention(qkv, heads, rule, mask);
  return wanted("heads") ? merge_heads(seen("heads", split_heads(y, heads))) : y;
}

Attended attend_heads(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& o) {
  check_average("attention", o);
  if (!o.need_weights && o.normaliser == Normaliser::softmax)
    return {seen("heads", scaled_dot_product_attention(q, k, v, o)), Tensor()};
  Attended heads = attention(q, repeat_heads(k, q.size(1)), repeat_heads(v, q.size(1)), o);
  heads.output = seen("heads", std::move(heads.output));
  if (!o.need_weights) heads.weights = Tensor();
  return heads;
}

}  // namespace heed::nn
