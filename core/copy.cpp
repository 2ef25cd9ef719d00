// Copies elements from one layout, or dtype, into another.
#include <heed/core/array.h>

#include <algorithm>

#include <heed/core/kernels/kernels.h>
#include <heed/core/number.h>
#include <heed/core/op_name.h>
#include <heed/core/streaming.h>
#include <heed/core/strided_walk.h>
#include <heed/core/work.h>

namespace heed::core {

namespace {

// If y is contiguous along one axis and x along another, square tiles are transposed in registers:
// copying along either axis would use only one element of each cache line of the other array.
// y[a, i] = x[i, a] for a < columns, i < rows; false if the layouts are not of that kind.
template <class T> bool copy_transposed(const LoopNest<2>& nest, bool streamed, T* y, const T* x) {
  const Strides &to = nest.strides[0], &from = nest.strides[1];
  const int inner = nest.shape.rank() - 1;
  int across = -1;
  for (int i = 0; i < inner; ++i)
    if (from[i] == 1 && nest.shape[i] > 1) across = i;
  if (across < 0 || to[inner] != 1 || from[inner] == 1) return false;

  Shape others;
  Strides others_to, others_from;
  for (int i = 0; i < inner; ++i) {
    if (i == across) continue;
    others.push_back(nest.shape[i]);
    others_to.push_back(to[i]);
    others_from.push_back(from[i]);
  }
  const LoopNest<2> outer(others, {others_to, others_from});
  const auto turn = streamed ? kernels_of<T>().transpose_streamed : kernels_of<T>().transpose;
  constexpr int64_t height = 512;  // whole panels (kernels/transpose.inc)
  const int64_t rows = nest.shape[inner], columns = nest.shape[across], strips = (rows + height - 1) / height;
  const int64_t grain = std::max<int64_t>(1, elementwise_grain / (std::min(rows, height) * columns));
  parallel_for(others.numel() * strips, grain, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t first = task % strips * height;
      outer.walk(task / strips, task / strips + 1, [&](const Run<2>& run) {
        turn(x + run.offset[1] + first * from[inner], from[inner], std::min(height, rows - first), columns,
             y + run.offset[0] + first, to[across]);
      });
    }
  });
  return true;
}

}  // namespace

Array contiguous(const Array& x) { return x.is_contiguous() ? x : clone(x); }

Array clone(const Array& x) {
  const OpName at("clone");
  Array copy(x.shape(), x.dtype());
  copy_into(copy, x);
  return copy;
}

Array to(const Array& x, Dtype dtype) {
  if (x.dtype() == dtype) return x;
  const OpName at("to");
  Array out(x.shape(), dtype);
  copy_into(out, x);
  return out;
}

Array unaliased(const Array& src, const Array& dst) {
  if (!(src.storage() == dst.storage())) return src;
  const bool same = src.offset() == dst.offset() && src.shape() == dst.shape() && src.strides() == dst.strides();
  return same && src.dtype() == dst.dtype() ? src : clone(src);
}

void copy_into(const Array& dst, const Array& from_anywhere) {
  const OpName at("copy");
  check_defined(dst, "target");
  check_defined(from_anywhere, "source");
  if (dst.dtype() != from_anywhere.dtype()) check_converts(OpName::current(), from_anywhere, dst.dtype());
  const Array src = unaliased(from_anywhere, dst);
  const Shape shape = broadcast("copy", dst.shape(), src.shape());
  check<ShapeError>(shape == dst.shape(), "copy: ", src.shape(), " into ", dst.shape(), ": the source does not fit");
  const Strides from = broadcast_strides(src.shape(), src.strides(), shape);
  dispatch(dst.dtype(), [&]<class D>() {
    dispatch(src.dtype(), [&]<class S>() {
      D* const to = dst.data<D>();
      const S* const at = src.data<S>();
      const bool streamed = exceeds_caches(dst);
      if constexpr (std::is_same_v<D, S> && std::is_floating_point_v<S>) {
        if (shape.rank() > 1 && shape.numel() >= 64 &&
            copy_transposed(LoopNest<2>(shape, {dst.strides(), from}), streamed, to, at))
          return;
      }
      for_each_run<2>(shape, {dst.strides(), from}, [&](const Run<2>& run) {
        D* y = to + run.offset[0];
        const S* x = at + run.offset[1];
        const int64_t dy = run.stride[0], dx = run.stride[1];
        if (dy == 1 && dx == 1) {
          if constexpr (std::is_same_v<D, S> && std::is_floating_point_v<S>) {
            if (streamed) return kernels_of<S>().stream(x, y, run.n);
          }
          std::copy_n(x, run.n, y);
        } else {
          for (int64_t i = 0; i < run.n; ++i) y[i * dy] = static_cast<D>(x[i * dx]);
        }
      });
    });
  });
  count_work(0, src, dst);
}

}  // namespace heed::core
