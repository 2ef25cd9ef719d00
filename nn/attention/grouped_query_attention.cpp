#include <heed/nn/attention/grouped_query_attention.h>

#include <heed/nn/attention/layer_options.h>
#include <heed/nn/attention/scaled_dot_product_attention.h>
#include <heed/nn/attention/unseen.h>

namespace heed::nn {

namespace {

int64_t head_width(int64_t embed_dim, int64_t heads, const GroupedQueryOptions& o) {
  const int64_t groups = o.num_kv_heads.value_or(heads);
  check<ShapeError>(heads > 0 && groups > 0 && heads % groups == 0, "GroupedQueryAttention: ", heads, " heads, ",
                    groups,
                    " heads of keys and values: each of these serves an "
                    "equal number of heads: make the first a multiple of the second");
  check<ShapeError>(o.head_dim || embed_dim % heads == 0, "GroupedQueryAttention: width ", embed_dim, ", ", heads,
                    " heads: every head gets an equal part: make the width "
                    "a multiple of the heads, or give head_dim");
  return o.head_dim.value_or(embed_dim / heads);
}

}  // namespace

GroupedQueryAttention::GroupedQueryAttention(Whole embed_dim, Whole heads, const GroupedQueryOptions& o)
    : num_heads(heads),
      num_kv_heads(o.num_kv_heads.value_or(heads)),
      dropout(o.dropout),
      q_proj(embed_dim, heads * head_width(embed_dim, heads, o), {.bias = o.bias}),
      k_proj(embed_dim, num_kv_heads * head_width(embed_dim, heads, o), {.bias = o.bias}),
      v_proj(embed_dim, num_kv_heads * head_width(embed_dim, heads, o), {.bias = o.bias}),
      o_proj(heads * head_width(embed_dim, heads, o), embed_dim, {.bias = o.bias}),
      rope(o.rope) {
  check(dropout >= 0.0 && dropout <= 1.0, "GroupedQueryAttention: dropout = ", dropout,
        ": a probability lies in 0 … 1");
  const int64_t width = head_width(embed_dim, heads, o);
  check<ShapeError>(!rope || 2 * rope->cosines.size(1) == width, "GroupedQueryAttention: heads of width ", width,
                    ", rope of width ", rope ? 2 * rope->cosines.size(1) : 0, ": must be equal: make RotaryPositions(",
                    width, ", …)");
}

Attended GroupedQueryAttention::operator()(const Tensor& input, const AttentionOptions& options,
                                           KeyValueCache* cache) const {
  const Scope scope(*this);
  const int64_t E = q_proj.in_features();
  check<ShapeError>(input.dim() == 3 && input.size(2) == E, "GroupedQueryAttention: input ", input.shape(),
                    ": must be (B, n, ", E, "), batch first",
                    input.dim() == 2 ? ": give one sequence a batch axis with unsqueeze(0)" : "");
  const Tensor x = cache ? input : taking_part("GroupedQueryAttention", num_heads, input, options);
  Tensor q = split_heads(q_proj(x), num_heads);         // (B, h, n, d)
  KeysValues all{split_heads(k_proj(x), num_kv_heads),  // (B, g, n, d)
                 split_heads(v_proj(x), num_kv_heads)};
  if (rope) {
    const int64_t first = cache ? cache->length() : 0;
    q = (*rope)(q, first);
    all.k = (*rope)(all.k, first);
  }
  const int64_t before = cache ? cache->length() : 0;
  if (cache) all = cache->append(all);  // (B, g, m, d)
  try {
    const Attended heads = attend_heads(q, all.k, all.v, with_dropout(options, training ? dropout : 0.0));
    return {scope(o_proj(merge_heads(heads.output))), heads.weights};
  } catch (...) {
    if (cache) cache->truncate(before);  // a call that failed has left nothing
    throw;
  }
}

void GroupedQueryAttention::visit(Visitor& v) {
  v("q_proj", q_proj);
  v("k_proj", k_proj);
  v("v_proj", v_proj);
  v("o_proj", o_proj);
  v("rope", rope);
}

}  // namespace heed::nn
