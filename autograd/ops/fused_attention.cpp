#include <heed/autograd/ops/fused_attention.h>

#include <limits>

#include <heed/autograd/joint.h>
#include <heed/autograd/ops.h>
#include <heed/autograd/ops/masked_matmul.h>
#include <heed/core/ops/attention.h>
#include <heed/core/ops/ops.h>

namespace heed {

namespace {

core::AttentionInputs inputs(const core::Array& q, const core::Array& k, const core::Array& v,
                             const FusedAttention& how) {
  return {q, k, v, how.scale, how.mask.array(), how.causal, how.dropout.p, how.dropout.seed, how.dropout.call};
}

// What a rule captures of the options: all but the mask, which is kept.
struct PlainOptions {
  double scale;
  bool causal;
  DropoutMask dropout;
  FusedAttention with(const Tensor& mask) const { return {scale, mask, causal, dropout}; }
};

PlainOptions options_of(const FusedAttention& how) { return {how.scale, how.causal, how.dropout}; }

struct Gradients {
  Tensor q, k, v;
};

Tensor transposed(const Tensor& x) { return x.transpose(-2, -1); }

// What the mask and the diagonal permit; empty: everything.
Tensor permitted(const FusedAttention& how, int64_t n, int64_t m) {
  if (!how.causal) return how.mask;
  const Tensor seen = arange(m) <= arange(n).unsqueeze(1) + static_cast<double>(m - n);
  return how.mask.defined() ? how.mask & seen : seen;
}

// The plain formula, pair by pair (masked_matmul.h): P the weights, D the factors of dropout.
struct Weights {
  Tensor allowed, p, d;

  Weights(const Tensor& q, const Tensor& k, const FusedAttention& how)
      : allowed(permitted(how, q.size(-2), k.size(-2))),
        p(softmax(masked_dots(how.scale * q, k, allowed, -std::numeric_limits<double>::infinity()), -1)),
        d(ones_like(p.detach())) {
    if (how.dropout.p <= 0.0) return;
    const double factor = how.dropout.p < 1.0 ? 1.0 / (1.0 - how.dropout.p) : 0.0;
    d = where(Tensor(how.dropout.keep(p.shape())), d * factor, 0.0);
  }
};

// Each head of keys, for as many heads of queries as read it; and the sum over these again.
Tensor repeat(const Tensor& x, int64_t heads) {
  const int64_t B = x.size(0), groups = x.size(1), m = x.size(2), d = x.size(3);
  if (groups == heads) return x;
  return x.unsqueeze(2).expand({B, groups, heads / groups, m, d}).reshape({B, heads, m, d});
}

Tensor gather(const Tensor& x, int64_t groups) {
  if (groups == x.size(1)) return x;
  return sum(x.reshape({x.size(0), groups, x.size(1) / groups, x.size(2), x.size(3)}), 2);
}

Tensor plain_output(const Tensor& q, const Tensor& k, const Tensor& v, const FusedAttention& how) {
  const Weights w(q, repeat(k, q.size(1)), how);
  return masked_matmul(w.p * w.d, repeat(v, q.size(1)), w.allowed);
}

//     dV = (P D)ᵀ g    dP = D (g Vᵀ)    dS = scale P (dP - rowsum(P dP))    dQ = dS K    dK = dSᵀ Q
// Gradients that are recorded come from here, and those that a forbidden key must be kept out of.
Gradients plain_gradients(const Tensor& q, const Tensor& key, const Tensor& value, const FusedAttention& how,
                          const Tensor& g) {
  const int64_t groups = key.size(1);
  const Tensor k = repeat(key, q.size(1)), v = repeat(value, q.size(1));
  const auto [allowed, p, d] = Weights(q, k, how);
  const auto counting = [&may = allowed](const Tensor& x) {  // NaN fills the whole row of a softmax
    return may.defined() ? where(may, x, 0.0) : x;
  };
  const Tensor pairs = allowed.defined() ? transposed(allowed) : allowed;
  const Tensor dp = d * masked_dots(g, v, allowed, 0.0);
  const Tensor ds = counting(how.scale * p * (dp - sum(p * dp, -1, keepdim)));
  return {masked_matmul(ds, k, allowed), gather(masked_matmul(transposed(ds), q, pairs), groups),
          gather(masked_matmul(transposed(counting(p * d)), g, pairs), groups)};
}

// (B, n, E) -> (B, h, n, d), a view of the same numbers, and back.
core::Array split(const core::Array& x, int64_t heads) {
  return core::transpose(core::reshape(x, {x.size(0), x.size(1), heads, x.size(2) / heads}), 1, 2);
}

Tensor split(const Tensor& x, int64_t heads) {
  return x.reshape({x.size(0), x.size(1), heads, x.size(2) / heads}).transpose(1, 2);
}

Tensor merge(const Tensor& x) { return x.transpose(1, 2).reshape({x.size(0), x.size(2), x.size(1) * x.size(3)}); }

// Part i of three of (B, n, 3E), cut into heads.
core::Array part(const core::Array& qkv, int64_t i, int64_t heads) {
  const int64_t width = qkv.size(2) / 3;
  return split(core::slice(qkv, 2, i * width, (i + 1) * width), heads);
}

}  // namespace

Tensor fused_attention(const Tensor& q, const Tensor& k, const Tensor& v, const FusedAttention& how) {
  const core::AttentionOutputs out = core::attention(inputs(q.array(), k.array(), v.array(), how));
  if (!out.clean) [[unlikely]] {
    const NoGrad no_history;
    core::copy_into(out.output, plain_output(q, k, v, how).array());
  }
  return op("attention", out.output, {q, k, v}, keep(q, k, v, how.mask, out.highest, out.total),
            [options = options_of(how)](auto& g, auto& y, auto& q, auto& k, auto& v, auto& mask, auto& highest,
                                        auto& total) -> std::vector<Tensor> {
              const FusedAttention how = options.with(mask);
              if (!grad_enabled()) {
                const core::Array dq(q.shape(), g.dtype()), dk(k.shape(), g.dtype()), dv(v.shape(), g.dtype());
                if (core::attention_grad(inputs(q.array(), k.array(), v.array(), how),
                                         {y.array(), highest.array(), total.array()}, g.array(), dq, dk, dv)) [[likely]]
                  return {Tensor(dq), Tensor(dk), Tensor(dv)};
              }
              const Gradients d = plain_gradients(q, k, v, how, g);
              return {d.q, d.k, d.v};
            });
}

Tensor fused_self_attention(const Tensor& qkv, int64_t heads, const FusedAttention& how) {
  const auto of = [heads](const core::Array& x, const FusedAttention& how) {
    return inputs(part(x, 0, heads), part(x, 1, heads), part(x, 2, heads), how);
  };
  const core::AttentionOutputs out = core::attention(of(qkv.array(), how));
  if (!out.clean) [[unlikely]] {
    const NoGrad no_history;
    const std::vector<Tensor> parts = qkv.chunk(3, 2);
    core::copy_into(out.output,
                    plain_output(split(parts[0], heads), split(parts[1], heads), split(parts[2], heads), how).array());
  }
  const int64_t width = qkv.size(2) / 3;
  core::Array y = core::reshape(core::transpose(out.output, 1, 2), {qkv.size(0), qkv.size(1), width});
  return op(
      "attention", std::move(y),
      edge(qkv, keep(qkv, how.mask, out.highest, out.total),
           [heads, of, options = options_of(how)](auto& g, auto& o, auto& qkv, auto& mask, auto& highest, auto& total) {
             const FusedAttention how = options.with(mask);
             if (!grad_enabled()) {
               const core::Array grad(qkv.shape(), g.dtype());
               if (core::attention_grad(of(qkv.array(), how), {split(o.array(), heads), highest.array(), total.array()},
                                        split(g.array(), heads), part(grad, 0, heads), part(grad, 1, heads),
                                        part(grad, 2, heads))) [[likely]]
                 return Tensor(grad);
             }
             const std::vector<Tensor> parts = qkv.chunk(3, 2);
             const Gradients d = plain_gradients(split(parts[0], heads), split(parts[1], heads), split(parts[2], heads),
                                                 how, split(g, heads));
             return cat({merge(d.q), merge(d.k), merge(d.v)}, -1);
           }));
}

}  // namespace heed
