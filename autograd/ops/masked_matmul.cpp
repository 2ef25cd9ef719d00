#include <heed/autograd/ops/masked_matmul.h>

#include <heed/autograd/node.h>
#include <heed/autograd/ops/comparison.h>
#include <heed/autograd/ops/linalg.h>
#include <heed/autograd/ops/views.h>
#include <heed/core/ops/ops.h>

namespace heed {

namespace {

Tensor swapped(const Tensor& x) { return x.transpose(-2, -1); }

// The transpose of a mask, which may broadcast: a mask of keys, (m,), counts as (1, m) and becomes (m, 1).
Tensor swapped_mask(const Tensor& mask) {
  return mask.dim() > 1 ? swapped(mask) : mask.dim() == 1 ? mask.unsqueeze(-1) : mask;
}

}  // namespace

Tensor pair_dots(const Tensor& a, const Tensor& b, const Tensor& mask) {
  if (!mask.defined()) return matmul(a, swapped(b));
  return op("matmul", core::matmul(a.array(), core::transpose(b.array(), -2, -1)),
            edge(a, keep(b, mask), [](auto& g, auto& b, auto& mask) { return masked_matmul(g, b, mask); }),
            edge(b, keep(a, mask),
                 [](auto& g, auto& a, auto& mask) { return masked_matmul(swapped(g), a, swapped_mask(mask)); }));
}

Tensor masked_dots(const Tensor& a, const Tensor& b, const Tensor& mask, double fill) {
  const Tensor dots = pair_dots(a, b, mask);
  return mask.defined() ? where(mask, dots, fill) : dots;
}

Tensor masked_matmul(const Tensor& w, const Tensor& v, const Tensor& mask) {
  if (!mask.defined()) return matmul(w, v);
  return op("matmul", core::masked_matmul(w.array(), v.array(), mask.array()),
            edge(w, keep(v, mask),
                 [](auto& g, auto& v, auto& mask) {
                   const Tensor dots = pair_dots(g, v, mask);
                   return core::tame(dots.array()) ? dots : where(mask, dots, 0.0);
                 }),
            edge(v, keep(w, mask),
                 [](auto& g, auto& w, auto& mask) { return masked_matmul(swapped(w), g, swapped_mask(mask)); }));
}

}  // namespace heed
