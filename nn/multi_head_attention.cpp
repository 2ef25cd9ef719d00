#include <heed/nn/multi_head_attention.h>

#include <heed/autograd/create.h>
#include <heed/nn/fused_attention.h>
#include <heed/nn/init.h>

namespace heed::nn {

namespace {

Tensor projection(int64_t out, int64_t in) {
  Tensor weight = parameter(zeros({out, in}));
  return xavier_uniform_(weight);
}

// One tensor under two names: then one product gives queries, keys and values.
bool same(const Tensor& a, const Tensor& b) {
  return a.node() == b.node() && a.array().storage() == b.array().storage() &&
         a.array().offset() == b.array().offset() && a.shape() == b.shape() &&
         a.array().strides() == b.array().strides();
}

}  // namespace

MultiHeadAttention::MultiHeadAttention(int64_t embed_dim, int64_t heads, const MultiHeadOptions& o)
    : num_heads(heads), dropout(o.dropout), out_proj(embed_dim, embed_dim, {.bias = o.bias}) {
  check<ShapeError>(
      heads > 0 && embed_dim % heads == 0, "MultiHeadAttention: width ", embed_dim, ", ", heads,
      " heads: every head gets an equal part: make the width a multiple of the heads");
  check(dropout >= 0.0 && dropout <= 1.0, "MultiHeadAttention: dropout = ", dropout,
        ": a probability lies in 0 … 1");
  const int64_t kdim = o.kdim.value_or(embed_dim), vdim = o.vdim.value_or(embed_dim);
  if (kdim == embed_dim && vdim == embed_dim) {
    in_proj_weight = projection(3 * embed_dim, embed_dim);
  } else {
    q_proj_weight = projection(embed_dim, embed_dim);
    k_proj_weight = projection(embed_dim, kdim);
    v_proj_weight = projection(embed_dim, vdim);
  }
  if (o.bias) {
    in_proj_bias = parameter(zeros({3 * embed_dim}));
    constant_(out_proj.bias, 0.0);
  }
}

Attended MultiHeadAttention::operator()(const Tensor& query, const Tensor& key, const Tensor& value,
                                        const MultiHeadCall& call) const {
  const Scope scope(*this);
  const int64_t E = out_proj.weight.size(0);
  const bool packed = in_proj_weight.defined();
  const int64_t kdim = packed ? E : k_proj_weight.size(1),
                vdim = packed ? E : v_proj_weight.size(1);
  check<ShapeError>(query.dim() == 3 && key.dim() == 3 && value.dim() == 3 &&
                        query.size(0) == key.size(0) && key.size(0) == value.size(0) &&
                        key.size(1) == value.size(1) && query.size(2) == E && key.size(2) == kdim &&
                        value.size(2) == vdim,
                    "MultiHeadAttention: query ", query.shape(), ", key ", key.shape(), ", value ",
                    value.shape(), ": must be (B, n, ", E, "), (B, m, ", kdim, ") and (B, m, ",
                    vdim, "), batch first: give one sequence a batch axis with unsqueeze(0)");
  const AttentionOptions options{.mask = call.mask,
                                 .key_mask = call.key_mask,
                                 .causal = call.causal,
                                 .dropout = training ? dropout : 0.0};

  // 1. Project to queries, keys and values: in one product where they come from one input.
  std::vector<Tensor> parts;  // three of (B, ·, E)
  if (packed && same(query, key) && same(key, value)) {
    const Tensor qkv = linear(query, in_proj_weight, in_proj_bias);                 // (B, n, 3E)
    if (!call.need_weights) return {out_proj(packed_attention(qkv, num_heads, options)), Tensor()};
    parts = qkv.chunk(3, -1);
  } else {
    const auto project = [&](int64_t i, const Tensor& x, const Tensor& own) {
      const auto third = [&](const Tensor& all) {
        return all.defined() ? all.slice(0, i * E, (i + 1) * E) : all;
      };
      return linear(x, packed ? third(in_proj_weight) : own, third(in_proj_bias));
    };
    parts = {project(0, query, q_proj_weight), project(1, key, k_proj_weight),
             project(2, value, v_proj_weight)};
  }

  // 2. Cut each into heads, (B, ·, E) -> (B, h, ·, d); 3. every head attends on its own;
  // 4. put the heads back side by side and mix them.
  const auto heads = [&](size_t i) { return split_heads(parts[i], num_heads); };
  const Attended each = call.need_weights
      ? attention(heads(0), heads(1), heads(2), options)
      : Attended{scaled_dot_product_attention(heads(0), heads(1), heads(2), options), Tensor()};
  return {out_proj(merge_heads(each.output)), each.weights};
}

void MultiHeadAttention::visit(Visitor& v) {
  v("in_proj_weight", in_proj_weight);
  v("q_proj_weight", q_proj_weight);
  v("k_proj_weight", k_proj_weight);
  v("v_proj_weight", v_proj_weight);
  v("in_proj_bias", in_proj_bias);
  v("out_proj", out_proj);
}

}  // namespace heed::nn
