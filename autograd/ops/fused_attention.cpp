#include <heed/autograd/ops/fused_attention.h>

#include <limits>

#include <heed/autograd/joint.h>
#include <heed/autograd/ops.h>
#include <heed/autograd/ops/heads.h>
#include <heed/autograd/ops/masked_matmul.h>
#include <heed/core/ops/ops.h>

namespace heed {

namespace {

struct HeadsOf {
  Tensor q, k, v;  // (B, h, n, d), (B, g, m, d), (B, g, m, p); or their gradients
};

core::AttentionInputs inputs(const HeadsOf& x, const Tensor& mask, const AttentionRule& rule) {
  return {x.q.array(), x.k.array(), x.v.array(), mask.array(), rule};
}

Tensor transposed(const Tensor& x) { return x.transpose(-2, -1); }

// What the mask and the causal rule permit; empty: everything.
Tensor permitted(const Tensor& mask, bool causal, int64_t n, int64_t m) {
  if (!causal) return mask;
  return mask.defined() ? mask & causal_mask(n, m) : causal_mask(n, m);
}

// The plain formula, pair by pair (masked_matmul.h): P the weights, D the factors of dropout.
struct Weights {
  Tensor allowed, p, d;

  Weights(const Tensor& q, const Tensor& k, const Tensor& mask, const AttentionRule& rule)
      : allowed(permitted(mask, rule.causal, q.size(-2), k.size(-2))),
        p(softmax(masked_dots(rule.scale * q, k, allowed, -std::numeric_limits<double>::infinity()), -1)),
        d(ones_like(p.detach())) {
    if (rule.dropout.p > 0.0) d = where(Tensor(rule.dropout.keep(p.shape())), d * rule.dropout.factor(), 0.0);
  }
};

Tensor plain_output(const HeadsOf& x, const Tensor& mask, const AttentionRule& rule) {
  const Weights w(x.q, repeat_heads(x.k, x.q.size(1)), mask, rule);
  return masked_matmul(w.p * w.d, repeat_heads(x.v, x.q.size(1)), w.allowed);
}

//     dV = (P D)ᵀ g    dP = D (g Vᵀ)    dS = scale P (dP - rowsum(P dP))    dQ = dS K    dK = dSᵀ Q
// Used for recorded gradients, and when a forbidden key that is not finite must be kept out.
HeadsOf plain_gradients(const HeadsOf& x, const Tensor& mask, const AttentionRule& rule, const Tensor& g) {
  const int64_t heads = x.q.size(1), groups = x.k.size(1);
  const Tensor &q = x.q, k = repeat_heads(x.k, heads), v = repeat_heads(x.v, heads);
  const auto [allowed, p, d] = Weights(q, k, mask, rule);
  const auto counting = [&may = allowed](const Tensor& y) {  // NaN fills the whole row of a softmax
    return may.defined() ? where(may, y, 0.0) : y;
  };
  const Tensor pairs = allowed.defined() ? transposed(allowed) : allowed;
  const Tensor dp = d * masked_dots(g, v, allowed, 0.0);
  const Tensor ds = counting(rule.scale * p * (dp - sum(p * dp, -1, keepdim)));
  return {masked_matmul(ds, k, allowed), sum_repeated_heads(masked_matmul(transposed(ds), q, pairs), groups),
          sum_repeated_heads(masked_matmul(transposed(counting(p * d)), g, pairs), groups)};
}

// The blockwise output, or that of the plain formula if a forbidden key has affected it.
core::AttentionOutputs outputs(const HeadsOf& x, const Tensor& mask, const AttentionRule& rule) {
  core::AttentionOutputs out = core::blockwise_attention(inputs(x, mask, rule));
  if (!out.clean) [[unlikely]] {
    const NoGrad no_history;
    core::copy_into(out.output, plain_output(x, mask, rule).array());
  }
  return out;
}

// Queries, keys and values of each head, as views of one product's result.
HeadsOf heads_of(const Tensor& qkv, int64_t heads) {
  const int64_t E = qkv.size(2) / 3;
  const auto part = [&](int64_t i) { return split_heads(qkv.slice(2, i * E, (i + 1) * E), heads); };
  return {part(0), part(1), part(2)};
}

}  // namespace

Tensor fused_attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionRule& rule,
                       const Tensor& mask) {
  const core::AttentionOutputs out = outputs({q, k, v}, mask, rule);
  return op("attention", out.output, {q, k, v}, keep(q, k, v, mask, out.highest, out.total),
            [rule](auto& g, auto& y, auto& q, auto& k, auto& v, auto& mask, auto& highest,
                   auto& total) -> std::vector<Tensor> {
              const HeadsOf x{q, k, v};
              if (!grad_enabled()) {
                const core::Array dq(q.shape(), g.dtype()), dk(k.shape(), g.dtype()), dv(v.shape(), g.dtype());
                if (core::blockwise_attention_grad(inputs(x, mask, rule), {y.array(), highest.array(), total.array()},
                                                   g.array(), dq, dk, dv))
                  return {Tensor(dq), Tensor(dk), Tensor(dv)};
              }
              const HeadsOf d = plain_gradients(x, mask, rule, g);
              return {d.q, d.k, d.v};
            });
}

Tensor fused_self_attention(const Tensor& qkv, int64_t heads, const AttentionRule& rule, const Tensor& mask) {
  const auto forward = [&] {
    const NoGrad no_history;
    return outputs(heads_of(qkv, heads), mask, rule);
  };
  const core::AttentionOutputs out = forward();
  return op("attention", merge_heads(Tensor(out.output)).array(),
            edge(qkv, keep(qkv, mask, out.highest, out.total),
                 [heads, rule](auto& g, auto& y, auto& qkv, auto& mask, auto& highest, auto& total) {
                   const HeadsOf x = heads_of(qkv, heads);
                   if (!grad_enabled()) {
                     const Tensor all(core::Array(qkv.shape(), g.dtype()));
                     const HeadsOf d = heads_of(all, heads);
                     if (core::blockwise_attention_grad(
                             inputs(x, mask, rule), {split_heads(y, heads).array(), highest.array(), total.array()},
                             split_heads(g, heads).array(), d.q.array(), d.k.array(), d.v.array()))
                       return all;
                   }
                   const HeadsOf d = plain_gradients(x, mask, rule, split_heads(g, heads));
                   return cat({merge_heads(d.q), merge_heads(d.k), merge_heads(d.v)}, -1);
                 }));
}

}  // namespace heed
