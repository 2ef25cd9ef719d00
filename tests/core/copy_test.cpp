#include <heed/core/ops/ops.h>

#include "support/catch.h"

using namespace heed;
using core::Array;

namespace {

Array counted(const Shape& shape, Dtype dtype) {
  Array x(shape, Dtype::i64);
  for (int64_t i = 0; i < x.numel(); ++i) x.data<int64_t>()[i] = i;
  return core::to(x, dtype);
}

}  // namespace

TEST_CASE("copy: every order of the axes, in every size of block") {
  for (const Dtype dtype : {Dtype::f32, Dtype::f64, Dtype::i32}) {
    for (const Shape& shape :
         {Shape{3, 70, 5}, Shape{33, 2, 150}, Shape{16, 16, 16}, Shape{1, 300, 17}, Shape{1100, 2, 17}}) {
      const Array x = counted(shape, dtype);
      for (const Shape& axes : {Shape{0, 2, 1}, Shape{1, 0, 2}, Shape{1, 2, 0}, Shape{2, 0, 1}, Shape{2, 1, 0}}) {
        const Array view = core::permute(x, axes), copy = core::clone(view);
        CAPTURE(shape, axes);
        REQUIRE(copy.is_contiguous());
        const std::vector<double> numbers = core::to_vector(core::to(copy, Dtype::f64));
        size_t at = 0;
        for (int64_t i = 0; i < view.size(0); ++i)
          for (int64_t j = 0; j < view.size(1); ++j)
            for (int64_t k = 0; k < view.size(2); ++k) {
              const int64_t from = i * view.strides()[0] + j * view.strides()[1] + k * view.strides()[2];
              REQUIRE(numbers[at++] == static_cast<double>(from));
            }
      }
    }
  }
}

TEST_CASE("copy: into a view, from a view, turned") {
  const Array x = counted({40, 50}, Dtype::f32);
  const Array room = core::full({60, 70}, -1.0, Dtype::f32);
  core::copy_into(core::slice(core::slice(room, 0, 5, 55), 1, 7, 47), core::transpose(x, 0, 1));
  for (int64_t i = 0; i < 60; ++i)
    for (int64_t j = 0; j < 70; ++j) {
      const bool inside = i >= 5 && i < 55 && j >= 7 && j < 47;
      REQUIRE(room.data<float>()[i * 70 + j] == (inside ? static_cast<float>((j - 7) * 50 + i - 5) : -1.0f));
    }
}
