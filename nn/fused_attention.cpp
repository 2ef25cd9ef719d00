#include <heed/nn/fused_attention.h>

namespace heed::nn {

Tensor split_heads(const Tensor& x, int64_t heads) {
  return x.reshape({x.size(0), x.size(1), heads, x.size(2) / heads}).transpose(1, 2);
}

Tensor merge_heads(const Tensor& x) {
  return x.transpose(1, 2).reshape({x.size(0), x.size(2), x.size(1) * x.size(3)});
}

Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& o) {
  return attention(q, k, v, o).output;
}

Tensor packed_attention(const Tensor& qkv, int64_t heads, const AttentionOptions& o) {
  const std::vector<Tensor> parts = qkv.chunk(3, -1);
  const auto part = [&](size_t i) { return split_heads(parts[i], heads); };
  return merge_heads(scaled_dot_product_attention(part(0), part(1), part(2), o));
}

}  // namespace heed::nn
