// CompactMatrix: a weight that stays as narrow as it is stored, and is widened on the way into the product.
//
// Writing text with a language model reads every weight once per token, so its speed is that of memory: half the
// bytes, twice the tokens. Sums are in f32, as those of linear(); only the weights are rounded, once:
//
//     f16    |w - w'| <= 2⁻¹¹ |w|, for |w| from 6e-5 to 65504 (below, 2⁻²⁵)
//     bf16   |w - w'| <= 2⁻⁸ |w|
//     i8     |w - w'| <= scale/2, scale = max|w| / 127 of the row   (beside the rounding of scale·i in f32)
//
// No gradient goes through it: for inference. Immutable, so it may be used from several threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include <heed/core/array.h>
#include <heed/core/kernels/kernels.h>

namespace heed::core {

class CompactMatrix {
 public:
  /// Rounds a matrix (rows, columns), f32 or f64, to nearest, ties to even. Throws Error for an element that the type
  /// cannot hold: f16 ends at 65504, and i8 has neither infinity nor NaN.
  static CompactMatrix from(const Array& matrix, CompactType type);

  /// rows · columns elements of f16 or bf16, row by row, where they are: in a mapped file (SafeTensors::bytes, owner).
  /// Nothing is copied; the owner keeps the bytes alive, which need no alignment.
  static CompactMatrix view(std::shared_ptr<const void> owner, std::string_view bytes, int64_t rows, int64_t columns,
                            CompactType type);

  int64_t rows() const { return rows_; }
  int64_t columns() const { return columns_; }
  CompactType type() const { return type_; }
  size_t bytes() const;  // scales included

  Array widen() const;                      // (rows, columns), f32
  Array take_rows(const Array& ids) const;  // ids (…), i64 -> (…, columns), as embedding()

  /// x Wᵀ: (…, columns), f32 -> (…, rows). One row of x is multiplied at the speed at which W can be read. The same bits
  /// for any number of threads.
  Array product(const Array& x) const;

 private:
  CompactMatrix(int64_t rows, int64_t columns, CompactType type);
  const char* row(int64_t i) const;
  const float* scales_from(int64_t row) const;  // null unless i8
  void widen_rows(int64_t begin, int64_t end, float* to) const;
  void multiply_few(const float* x, int64_t m, float* y) const;
  void multiply_many(const float* x, int64_t m, float* y) const;

  std::shared_ptr<const void> owner_;
  const char* elements_ = nullptr;
  Array scales_;  // (rows) if i8
  int64_t rows_, columns_;
  CompactType type_;
};

const char* name_of(CompactType type);  // "float16", "bfloat16", "int8"

}  // namespace heed::core
