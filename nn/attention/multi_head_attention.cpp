#include <heed/nn/attention/multi_head_attention.h>

#include <heed/autograd/ops.h>
#include <heed/nn/attention/fused_attention.h>
#include <heed/nn/attention/masks.h>
#include <heed/nn/attention/unseen.h>
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

// How inputs that do not fit may have come about.
const char* what_to_do(const Tensor& query, const Tensor& key, int64_t E, int64_t kdim) {
  if (query.dim() == 2 || key.dim() == 2) return ": give one sequence a batch axis with unsqueeze(0)";
  if (query.dim() != 3 || key.dim() != 3) return "";
  if (key.size(2) != kdim && key.size(1) == kdim)
    return ": the keys look transposed: give one key a row, key.transpose(1, 2)";
  if (query.size(2) != E || key.size(2) != kdim) return ": project what is too wide or too narrow";
  if (query.size(0) != key.size(0) && query.size(1) == key.size(1) && query.size(0) > 1 && key.size(0) > 1)
    return ": the batch looks second: put it first with transpose(0, 1)";
  return ": one batch for all, and one value for each key";
}

// Rows i E … (i+1) E of what in_proj stacks.
Tensor third(const Tensor& all, int64_t i) {
  if (!all.defined()) return all;
  const int64_t E = all.size(0) / 3;
  return all.slice(0, i * E, (i + 1) * E);
}

// The options' masks as one, with `extra` more columns that every query sees.
void widen(AttentionOptions& o, const Shape& scores, Dtype dtype, int64_t extra) {
  std::optional<Tensor> mask = attention_mask("MultiHeadAttention", scores, dtype, o).as_one();
  o.key_mask.reset();
  o.causal = false;
  o.mask = std::nullopt;
  if (!mask) return;
  Shape columns = mask->shape();
  columns[columns.rank() - 1] = scores.back();
  *mask = mask->expand(columns);
  columns[columns.rank() - 1] = extra;
  o.mask =
      cat({*mask, mask->dtype() == Dtype::boolean ? ones(columns, Dtype::boolean) : zeros(columns, mask->dtype())}, -1);
}

}  // namespace

MultiHeadAttention::MultiHeadAttention(int64_t embed_dim, int64_t heads, const MultiHeadOptions& o)
    : num_heads(heads),
      dropout(o.dropout),
      add_zero_attn(o.add_zero_attn),
      out_proj(embed_dim, embed_dim, {.bias = o.bias}) {
  check<ShapeError>(heads > 0 && embed_dim > 0 && embed_dim % heads == 0, "MultiHeadAttention: width ", embed_dim, ", ",
                    heads, " heads: every head gets an equal part: make the width a multiple of the heads");
  check(dropout >= 0.0 && dropout <= 1.0, "MultiHeadAttention: dropout = ", dropout, ": a probability lies in 0 … 1");
  const int64_t kdim = o.kdim.value_or(embed_dim), vdim = o.vdim.value_or(embed_dim);
  if (kdim == embed_dim && vdim == embed_dim) {
    in_proj_weight = projection(times(3, embed_dim), embed_dim);
  } else {
    q_proj_weight = projection(embed_dim, embed_dim);
    k_proj_weight = projection(embed_dim, kdim);
    v_proj_weight = projection(embed_dim, vdim);
  }
  if (o.bias) {
    in_proj_bias = parameter(zeros({times(3, embed_dim)}));
    constant_(out_proj.bias, 0.0);
  }
  if (o.add_bias_kv)
    for (Tensor* const extra : {&bias_k, &bias_v}) {
      *extra = parameter(zeros({1, 1, embed_dim}));
      xavier_normal_(*extra);
    }
}

Attended MultiHeadAttention::operator()(const Tensor& query, const Tensor& key, const Tensor& value,
                                        const MultiHeadCall& call) const {
  const Scope scope(*this);
  const int64_t E = out_proj.weight.size(0);
  const bool packed = in_proj_weight.defined();
  const int64_t kdim = packed ? E : k_proj_weight.size(1), vdim = packed ? E : v_proj_weight.size(1);
  check<ShapeError>(query.dim() == 3 && key.dim() == 3 && value.dim() == 3 && query.size(0) == key.size(0) &&
                        key.size(0) == value.size(0) && key.size(1) == value.size(1) && query.size(2) == E &&
                        key.size(2) == kdim && value.size(2) == vdim,
                    "MultiHeadAttention: query ", query.shape(), ", key ", key.shape(), ", value ", value.shape(),
                    ": must be (B, n, ", E, "), (B, m, ", kdim, ") and (B, m, ", vdim, "), batch first",
                    what_to_do(query, key, E, kdim));
  if (!packed || !same(query, key) || !same(key, value)) {
    const LayerInputs in = taking_part("MultiHeadAttention", num_heads, {query, key, value}, options(call));
    return attend_to(in.query, keys_values(in.key, in.value), call);
  }

  // From one input, one product gives queries, keys and values.
  const Tensor x = taking_part("MultiHeadAttention", num_heads, query, options(call));
  const Tensor qkv = linear(x, in_proj_weight, in_proj_bias);  // (B, n, 3E)
  if (!call.need_weights && !bias_k.defined() && !add_zero_attn)
    return {out_proj(packed_attention(qkv, num_heads, options(call))), Tensor()};
  const std::vector<Tensor> parts = qkv.chunk(3, -1);
  const auto heads = [&](size_t i) { return split_heads(parts[i], num_heads); };
  return attend_heads(heads(0), {heads(1), heads(2)}, call);
}

KeysValues MultiHeadAttention::keys_values(const Tensor& key, const Tensor& value,
                                           const std::optional<Tensor>& key_mask) const {
  const Scope scope(*this);
  check<ShapeError>(key.dim() == 3 && value.dim() == 3 && key.size(0) == value.size(0) && key.size(1) == value.size(1),
                    "MultiHeadAttention: key ", key.shape(), ", value ", value.shape(),
                    ": must be (B, m, kdim) and (B, m, vdim), batch first");
  check<ShapeError>(!key_mask || key_mask->shape() == Shape{key.size(0), key.size(1)}, "MultiHeadAttention: key ",
                    key.shape(), ", key_mask ", key_mask ? key_mask->shape() : Shape(),
                    ": must be (B, m), false at padding");
  const bool packed = in_proj_weight.defined();
  const auto project = [&](int64_t i, const Tensor& x, const Tensor& own) {
    return split_heads(linear(key_mask ? without_padding(x, *key_mask) : x, packed ? third(in_proj_weight, i) : own,
                              third(in_proj_bias, i)),
                       num_heads);
  };
  return {project(1, key, k_proj_weight), project(2, value, v_proj_weight)};
}

Attended MultiHeadAttention::attend_to(const Tensor& query, const KeysValues& memory, const MultiHeadCall& call) const {
  const Scope scope(*this);
  const int64_t E = out_proj.weight.size(0), d = E / num_heads;
  const Tensor &k = memory.k, &v = memory.v;
  check<ShapeError>(query.dim() == 3 && query.size(2) == E && k.dim() == 4 && k.shape() == v.shape() &&
                        k.size(0) == query.size(0) && k.size(1) == num_heads && k.size(3) == d,
                    "MultiHeadAttention: query ", query.shape(), ", keys ", k.shape(), ", values ", v.shape(),
                    ": must be (B, n, ", E, "), and both (B, ", num_heads, ", m, ", d,
                    "), of keys_values() for the same batch");
  const Tensor weight = in_proj_weight.defined() ? third(in_proj_weight, 0) : q_proj_weight;
  const Tensor q = linear(query, weight, third(in_proj_bias, 0));  // (B, n, E)
  return attend_heads(split_heads(q, num_heads), memory, call);
}

// q (B, h, n, d): every head attends on its own, then they are put side by side and mixed.
Attended MultiHeadAttention::attend_heads(const Tensor& q, KeysValues memory, const MultiHeadCall& call) const {
  AttentionOptions o = options(call);
  const int64_t B = q.size(0), h = num_heads, n = q.size(2), m = memory.k.size(2);
  const int64_t extra = (bias_k.defined() ? 1 : 0) + (add_zero_attn ? 1 : 0);
  if (extra > 0) widen(o, {B, h, n, m}, q.dtype(), extra);
  if (bias_k.defined()) {
    const auto behind = [&](const Tensor& x, const Tensor& bias) {
      return cat({x, split_heads(bias, h).expand({B, h, 1, x.size(3)})}, 2);
    };
    memory = {behind(memory.k, bias_k), behind(memory.v, bias_v)};
  }
  if (add_zero_attn) {
    const auto behind = [&](const Tensor& x) { return cat({x, zeros({B, h, 1, x.size(3)}, x.dtype())}, 2); };
    memory = {behind(memory.k), behind(memory.v)};
  }
  if (!call.need_weights)
    return {out_proj(merge_heads(scaled_dot_product_attention(q, memory.k, memory.v, o))), Tensor()};
  const Attended each = attention(q, memory.k, memory.v, o);
  return {out_proj(merge_heads(each.output)), call.average_weights ? mean(each.weights, 1) : each.weights};
}

AttentionOptions MultiHeadAttention::options(const MultiHeadCall& call) const {
  return {.mask = call.mask, .key_mask = call.key_mask, .causal = call.causal, .dropout = training ? dropout : 0.0};
}

void MultiHeadAttention::visit(Visitor& v) {
  v("in_proj_weight", in_proj_weight);
  v("q_proj_weight", q_proj_weight);
  v("k_proj_weight", k_proj_weight);
  v("v_proj_weight", v_proj_weight);
  v("in_proj_bias", in_proj_bias);
  v("bias_k", bias_k);
  v("bias_v", bias_v);
  v("out_proj", out_proj);
}

}  // namespace heed::nn
