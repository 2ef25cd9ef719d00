#include <heed/autograd/fused_attention.h>

#include <limits>

#include <heed/autograd/ops.h>
#include <heed/autograd/joint.h>
#include <heed/core/attention.h>
#include <heed/core/ops.h>

namespace heed {

namespace {

core::AttentionInputs inputs(const core::Array& q, const core::Array& k, const core::Array& v,
                             const FusedAttention& how) {
  return {q,
          k,
          v,
          how.scale,
          how.mask.array(),
          how.causal,
          how.dropout.p,
          how.dropout.seed,
          how.dropout.call};
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

// The plain formula, for gradients that are recorded: with P the weights, D the factors of dropout
//     dV = (P D)ᵀ g    dP = D (g Vᵀ)    dS = scale P (dP - rowsum(P dP))    dQ = dS K    dK = dSᵀ Q
Gradients plain_gradients(const Tensor& q, const Tensor& k, const Tensor& v,
                          const FusedAttention& how, const Tensor& g) {
  if (const int64_t groups = k.size(1), heads = q.size(1); groups != heads) {  // each its own copy
    const auto repeat = [&](const Tensor& x) {
      const int64_t B = x.size(0), m = x.size(2), d = x.size(3);
      return x.unsqueeze(2).expand({B, groups, heads / groups, m, d}).reshape({B, heads, m, d});
    };
    const auto gather = [&](const Tensor& x) {
      return sum(x.reshape({x.size(0), groups, heads / groups, x.size(2), x.size(3)}), 2);
    };
    const Gradients each = plain_gradients(q, repeat(k), repeat(v), how, g);
    return {each.q, gather(each.k), gather(each.v)};
  }
  const auto transposed = [](const Tensor& x) { return x.transpose(-2, -1); };
  Tensor scores = how.scale * matmul(q, transposed(k));
  constexpr double minus_infinity = -std::numeric_limits<double>::infinity();
  const int64_t n = q.size(-2), m = k.size(-2);
  if (how.causal) {
    const Tensor seen = arange(m) <= arange(n).unsqueeze(1) + static_cast<double>(m - n);
    scores = where(seen, scores, minus_infinity);
  }
  if (how.mask.defined()) scores = where(how.mask, scores, minus_infinity);
  const Tensor p = softmax(scores, -1);
  Tensor kept = ones_like(p.detach());
  if (how.dropout.p > 0.0) {
    const double factor = how.dropout.p < 1.0 ? 1.0 / (1.0 - how.dropout.p) : 0.0;
    kept = where(Tensor(how.dropout.keep(p.shape())), kept * factor, 0.0);
  }
  const Tensor dp = kept * matmul(g, transposed(v));
  const Tensor ds = how.scale * p * (dp - sum(p * dp, -1, keepdim));
  return {matmul(ds, k), matmul(transposed(ds), q), matmul(transposed(p * kept), g)};
}

// (B, n, E) -> (B, h, n, d), a view of the same numbers, and back.
core::Array split(const core::Array& x, int64_t heads) {
  return core::transpose(core::reshape(x, {x.size(0), x.size(1), heads, x.size(2) / heads}), 1, 2);
}

Tensor split(const Tensor& x, int64_t heads) {
  return x.reshape({x.size(0), x.size(1), heads, x.size(2) / heads}).transpose(1, 2);
}

Tensor merge(const Tensor& x) {
  return x.transpose(1, 2).reshape({x.size(0), x.size(2), x.size(1) * x.size(3)});
}

// Part i of three of (B, n, 3E), cut into heads.
core::Array part(const core::Array& qkv, int64_t i, int64_t heads) {
  const int64_t width = qkv.size(2) / 3;
  return split(core::slice(qkv, 2, i * width, (i + 1) * width), heads);
}

}  // namespace

Tensor fused_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                       const FusedAttention& how) {
  const core::AttentionOutputs out = core::attention(inputs(q.array(), k.array(), v.array(), how));
  return op("attention", out.output, {q, k, v}, keep(q, k, v, how.mask, out.highest, out.total),
            [options = options_of(how)](auto& g, auto& y, auto& q, auto& k, auto& v, auto& mask,
                                        auto& highest, auto& total) -> std::vector<Tensor> {
              const FusedAttention how = options.with(mask);
              if (grad_enabled()) {
                const Gradients d = plain_gradients(q, k, v, how, g);
                return {d.q, d.k, d.v};
              }
              const core::Array dq(q.shape(), g.dtype()), dk(k.shape(), g.dtype()),
                  dv(v.shape(), g.dtype());
              core::attention_grad(inputs(q.array(), k.array(), v.array(), how),
                                   {y.array(), highest.array(), total.array()}, g.array(), dq, dk, dv);
              return {Tensor(dq), Tensor(dk), Tensor(dv)};
            });
}

Tensor fused_self_attention(const Tensor& qkv, int64_t heads, const FusedAttention& how) {
  const auto of = [heads](const core::Array& x, const FusedAttention& how) {
    return inputs(part(x, 0, heads), part(x, 1, heads), part(x, 2, heads), how);
  };
  const core::AttentionOutputs out = core::attention(of(qkv.array(), how));
  const int64_t width = qkv.size(2) / 3;
  core::Array y =
      core::reshape(core::transpose(out.output, 1, 2), {qkv.size(0), qkv.size(1), width});
  return op("attention", std::move(y),
            edge(qkv, keep(qkv, how.mask, out.highest, out.total),
                 [heads, of, options = options_of(how)](auto& g, auto& o, auto& qkv, auto& mask, auto& highest, auto& total) {
              const FusedAttention how = options.with(mask);
              if (grad_enabled()) {
                const std::vector<Tensor> parts = qkv.chunk(3, 2);
                const Gradients d = plain_gradients(split(parts[0], heads), split(parts[1], heads),
                                                    split(parts[2], heads), how, split(g, heads));
                return cat({merge(d.q), merge(d.k), merge(d.v)}, -1);
              }
              const core::Array grad(qkv.shape(), g.dtype());
              core::attention_grad(of(qkv.array(), how), {split(o.array(), heads), highest.array(), total.array()},
                                   split(g.array(), heads), part(grad, 0, heads),
                                   part(grad, 1, heads), part(grad, 2, heads));
              return Tensor(grad);
            }));
}

}  // namespace heed
