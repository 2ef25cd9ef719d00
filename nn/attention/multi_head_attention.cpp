#include <heed/nn/attention/multi_head_attention.h>

#include <heed/autograd/ops.h>
#include <heed/nn/attention/layer_options.h>
#include <heed/nn/attention/masks.h>
#include <heed/nn/attention/scaled_dot_product_attention.h>
#include <heed/nn/attention/unseen.h>
#include <heed/nn/init.h>

namespace heed::nn {

namespace {

Tensor projection(int64_t out, int64_t in) {
  Tensor weight = parameter(zeros({out, in}));
  return xavier_uniform_(weight);
}

// Whether two handles are one tensor: then one product gives queries, keys and values.
bool same(const Tensor& a, const Tensor& b) {
  return a.node() == b.node() && a.array().storage() == b.array().storage() &&
         a.array().offset() == b.array().offset() && a.shape() == b.shape() &&
         a.array().strides() == b.array().strides();
}

// Advice for inputs that do not fit, from the likely mistake.
const char* what_to_do(const Tensor& query, const Tensor& key, int64_t E, int64_t kdim) {
  if (query.dim() == 2 || key.dim() == 2) return ": give one sequence a batch axis with unsqueeze(0)";
  if (query.dim() != 3 || key.dim() != 3) return "";
  if (key.size(2) != kdim && key.size(1) == kdim)
    return ": the keys look transposed: put one key in each row with key.transpose(1, 2)";
  if (query.size(2) != E || key.size(2) != kdim) return ": project the inputs to these widths";
  if (query.size(0) != key.size(0) && query.size(1) == key.size(1) && query.size(0) > 1 && key.size(0) > 1)
    return ": the batch looks second: put it first with transpose(0, 1)";
  return ": use one batch size for all, and one value per key";
}

// Rows i E … (i+1) E of the stacked projections.
Tensor third(const Tensor& all, int64_t i) {
  if (!all.defined()) return all;
  const int64_t E = all.size(0) / 3;
  return all.slice(0, i * E, (i + 1) * E);
}

void check_inputs(const Tensor& query, const Tensor& key, const Tensor& value, int64_t E, int64_t kdim, int64_t vdim) {
  check<ShapeError>(query.dim() == 3 && key.dim() == 3 && value.dim() == 3 && query.size(0) == key.size(0) &&
                        key.size(0) == value.size(0) && key.size(1) == value.size(1) && query.size(2) == E &&
                        key.size(2) == kdim && value.size(2) == vdim,
                    "MultiHeadAttention: query ", query.shape(), ", key ", key.shape(), ", value ", value.shape(),
                    ": must be (B, n, ", E, "), (B, m, ", kdim, ") and (B, m, ", vdim, "), batch first",
                    what_to_do(query, key, E, kdim));
}

}  // namespace

MultiHeadAttention::MultiHeadAttention(Whole embed_dim, Whole heads, const MultiHeadOptions& o)
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

Tensor MultiHeadAttention::weight(int64_t i) const {
  const Tensor* const own[] = {&q_proj_weight, &k_proj_weight, &v_proj_weight};
  return in_proj_weight.defined() ? third(in_proj_weight, i) : *own[i];
}

Tensor MultiHeadAttention::bias(int64_t i) const { return third(in_proj_bias, i); }

Attended MultiHeadAttention::operator()(const Tensor& query, const Tensor& key, const Tensor& value,
                                        const AttentionOptions& options) const {
  const Scope scope(*this);
  const bool packed = in_proj_weight.defined();
  const int64_t E = out_proj.out_features();
  check_inputs(query, key, value, E, packed ? E : k_proj_weight.size(1), packed ? E : v_proj_weight.size(1));
  if (packed && same(query, key) && same(key, value)) return scope(attend_to_itself(query, options));
  const LayerInputs in = taking_part("MultiHeadAttention", num_heads, {query, key, value}, options);
  return scope(attend_to(in.query, keys_values(in.key, in.value), options));
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
  const auto real = [&](const Tensor& x) { return key_mask ? without_padding(x, *key_mask) : x; };
  return {split_heads(linear(real(key), weight(1), bias(1)), num_heads),     // (B, h, m, d)
          split_heads(linear(real(value), weight(2), bias(2)), num_heads)};  // (B, h, m, d)
}

Attended MultiHeadAttention::attend_to(const Tensor& query, const KeysValues& memory,
                                       const AttentionOptions& options) const {
  const Scope scope(*this);
  const int64_t E = out_proj.out_features(), d = E / num_heads;
  const Tensor &k = memory.k, &v = memory.v;
  check<ShapeError>(query.dim() == 3 && query.size(2) == E && k.dim() == 4 && k.shape() == v.shape() &&
                        k.size(0) == query.size(0) && k.size(1) == num_heads && k.size(3) == d,
                    "MultiHeadAttention: query ", query.shape(), ", keys ", k.shape(), ", values ", v.shape(),
                    ": must be (B, n, ", E, "), and both (B, ", num_heads, ", m, ", d,
                    "), of keys_values() for the same batch");
  return scope(attend_and_mix(split_heads(linear(query, weight(0), bias(0)), num_heads), memory, options));
}

// Every head attends independently, then their outputs are concatenated and mixed.
Attended MultiHeadAttention::attend_and_mix(const Tensor& q, const KeysValues& memory,
                                            const AttentionOptions& options) const {
  AttentionOptions o = with_dropout(options, training ? dropout : 0.0);
  const ExtraKeys extra = extra_keys();
  if (extra.count() > 0)
    o = extra.seen_by_all("MultiHeadAttention", o, {q.size(0), num_heads, q.size(2), memory.k.size(2)}, q.dtype());
  const auto [k, v] = extra.after(memory);
  const Attended heads = attend_heads(q, k, v, o);  // (B, h, n, d)
  return {out_proj(merge_heads(heads.output)), heads.weights};
}

// Self-attention: one product gives queries, keys and values.
Attended MultiHeadAttention::attend_to_itself(const Tensor& input, const AttentionOptions& options) const {
  check_average("MultiHeadAttention", options);
  const Tensor x = taking_part("MultiHeadAttention", num_heads, input, options);
  const Tensor qkv = linear(x, in_proj_weight, in_proj_bias);  // (B, n, 3E)
  if (!options.need_weights && options.normaliser == Normaliser::softmax && extra_keys().count() == 0)
    // The fused form takes the heads apart itself, by strides, and puts them together again.
    return {out_proj(packed_attention(qkv, num_heads, with_dropout(options, training ? dropout : 0.0))), Tensor()};
  const std::vector<Tensor> parts = qkv.chunk(3, -1);
  const auto heads = [&](size_t i) { return split_heads(parts[i], num_heads); };
  return attend_and_mix(heads(0), {heads(1), heads(2)}, options);
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
