#include <heed/autograd/ops/heads.h>

#include <heed/autograd/ops/reduce.h>

namespace heed {

Tensor split_heads(const Tensor& x, int64_t heads) {
  return x.reshape({x.size(0), x.size(1), heads, x.size(2) / heads}).transpose(1, 2);
}

Tensor merge_heads(const Tensor& x) { return x.transpose(1, 2).reshape({x.size(0), x.size(2), x.size(1) * x.size(3)}); }

Tensor repeat_heads(const Tensor& x, int64_t heads) {
  const int64_t B = x.size(0), g = x.size(1), m = x.size(2), d = x.size(3);
  if (g == heads) return x;
  return x.unsqueeze(2).expand({B, g, heads / g, m, d}).reshape({B, heads, m, d});
}

Tensor sum_repeated_heads(const Tensor& x, int64_t groups) {
  const int64_t B = x.size(0), h = x.size(1), m = x.size(2), d = x.size(3);
  if (groups == h) return x;
  return sum(x.reshape({B, groups, h / groups, m, d}), 2);
}

}  // namespace heed
