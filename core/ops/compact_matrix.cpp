#include <heed/core/ops/compact_matrix.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include <heed/core/half.h>
#include <heed/core/memory/storage.h>
#include <heed/core/op_name.h>
#include <heed/core/ops/gemm.h>
#include <heed/core/parallel.h>
#include <heed/core/work.h>

namespace heed::core {

namespace {

constexpr int64_t compact_task = 1 << 16;   // multiply-adds that make a task worth its thread
constexpr int64_t few_rows = 8;             // of x: as gemm's dot products take
constexpr int64_t tile_elements = 1 << 13;  // 32 KiB when widened: stays in the L1 or L2 cache
constexpr int64_t block_elements = 1 << 20;
constexpr double most_in_i8 = 3.4e38;  // a little less than the largest float: 127 scale must not exceed that

int64_t width_of(CompactType type) { return type == CompactType::i8 ? 1 : 2; }

/// The rows of W that hold about this many elements: a multiple of 4, as gemm_dots takes them.
int64_t rows_of(int64_t elements, int64_t columns) {
  return std::max<int64_t>(1, elements / (4 * std::max<int64_t>(1, columns))) * 4;
}

[[noreturn]] void refuse_element(const Array& matrix, CompactType type, double value, int64_t at) {
  fail("compact_matrix: ", matrix.shape(), ": element (", at / matrix.size(1), ", ", at % matrix.size(1), ") is ",
       value, ": ", name_of(type), " cannot hold it: use ",
       type == CompactType::f16 && std::isfinite(value) ? "bfloat16" : "float32");
}

template <class T> void round_halves(const Array& matrix, CompactType type, uint16_t* to) {
  const T* const from = matrix.data<T>();
  parallel_for(matrix.numel(), compact_task, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float x = odd_float(static_cast<double>(from[i]));
      to[i] = type == CompactType::f16 ? half_from_float(x) : bfloat16_from_float(x);
      const uint16_t infinity = type == CompactType::f16 ? 0x7c00 : 0x7f80;
      if ((to[i] & 0x7fff) == infinity && !std::isinf(from[i]))
        refuse_element(matrix, type, static_cast<double>(from[i]), i);
    }
  });
}

/// The smallest float that is at least max|w| / 127: no quotient exceeds 127, even where floats are sparse.
template <class T> float scale_of_row(const T* row, int64_t n) {
  double highest = 0;
  for (int64_t j = 0; j < n; ++j) highest = std::max(highest, std::fabs(static_cast<double>(row[j])));
  const float scale = static_cast<float>(highest / 127);
  return static_cast<double>(scale) * 127 < highest ? std::nextafter(scale, INFINITY) : scale;
}

template <class T> void round_integers(const Array& matrix, float* scales, int8_t* to) {
  const int64_t columns = matrix.size(1);
  parallel_for(matrix.size(0), compact_task / std::max<int64_t>(1, columns) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const T* const row = matrix.data<T>() + i * columns;
      for (int64_t j = 0; j < columns; ++j)
        if (!(std::fabs(static_cast<double>(row[j])) <= most_in_i8))
          refuse_element(matrix, CompactType::i8, static_cast<double>(row[j]), i * columns + j);
      scales[i] = scale_of_row(row, columns);
      for (int64_t j = 0; j < columns; ++j) {
        const double steps = scales[i] > 0 ? static_cast<double>(row[j]) / static_cast<double>(scales[i]) : 0.0;
        to[i * columns + j] = static_cast<int8_t>(std::nearbyint(steps));
      }
    }
  });
}

}  // namespace

const char* name_of(CompactType type) {
  return type == CompactType::f16 ? "float16" : type == CompactType::bf16 ? "bfloat16" : "int8";
}

CompactMatrix::CompactMatrix(int64_t rows, int64_t columns, CompactType type)
    : rows_(rows), columns_(columns), type_(type) {}

CompactMatrix CompactMatrix::from(const Array& matrix, CompactType type) {
  const OpName at("compact_matrix");
  check_defined(matrix, "matrix");
  check<ShapeError>(matrix.rank() == 2, "compact_matrix: ", matrix.shape(), ": needs two axes (rows, columns)");
  const Array from = contiguous(matrix);
  CompactMatrix to(from.size(0), from.size(1), type);
  const auto storage =
      std::make_shared<const Storage>(static_cast<size_t>(std::max<int64_t>(1, from.numel() * width_of(type))));
  to.elements_ = reinterpret_cast<const char*>(storage->bytes());
  to.owner_ = storage;
  if (type == CompactType::i8) to.scales_ = Array({to.rows_});
  dispatch_floating(from.dtype(), "compact_matrix", [&]<class T>() {
    if (type == CompactType::i8)
      round_integers<T>(from, to.scales_.data<float>(), reinterpret_cast<int8_t*>(storage->bytes()));
    else round_halves<T>(from, type, reinterpret_cast<uint16_t*>(storage->bytes()));
  });
  return to;
}

CompactMatrix CompactMatrix::view(std::shared_ptr<const void> owner, std::string_view bytes, int64_t rows,
                                  int64_t columns, CompactType type) {
  check<DtypeError>(type != CompactType::i8, "compact_matrix: a view of ", bytes.size(),
                    " bytes as int8: there are no scales: use f16 or bf16, or from()");
  int64_t size = 2;
  const bool fits = rows >= 0 && columns >= 0 && !__builtin_mul_overflow(size, rows, &size) &&
                    !__builtin_mul_overflow(size, columns, &size) && static_cast<size_t>(size) == bytes.size();
  check<ShapeError>(fits, "compact_matrix: ", bytes.size(), " bytes as ", rows, " rows of ", columns, " elements of ",
                    name_of(type), ": must be rows · columns · 2 bytes");
  CompactMatrix matrix(rows, columns, type);
  matrix.owner_ = std::move(owner);
  matrix.elements_ = bytes.data();
  return matrix;
}

size_t CompactMatrix::bytes() const {
  const size_t scales = scales_.defined() ? static_cast<size_t>(rows_) * sizeof(float) : 0;
  return static_cast<size_t>(rows_ * columns_ * width_of(type_)) + scales;
}

const char* CompactMatrix::row(int64_t i) const { return elements_ + i * columns_ * width_of(type_); }

const float* CompactMatrix::scales_from(int64_t row) const {
  return scales_.defined() ? scales_.data<float>() + row : nullptr;
}

void CompactMatrix::widen_rows(int64_t begin, int64_t end, float* to) const {
  const auto widen = kernels().compact.widen[static_cast<int>(type_)];
  for (int64_t i = begin; i < end; ++i)
    widen(row(i), scales_.defined() ? *scales_from(i) : 1.0f, to + (i - begin) * columns_, columns_);
}

Array CompactMatrix::widen() const {
  const OpName at("compact_matrix");
  const Array y({rows_, columns_});
  parallel_for(rows_, rows_of(compact_task, columns_),
               [&](int64_t begin, int64_t end) { widen_rows(begin, end, y.data<float>() + begin * columns_); });
  return y;
}

Array CompactMatrix::take_rows(const Array& ids) const {
  const OpName at("take_rows");
  check_defined(ids, "ids");
  check<DtypeError>(ids.dtype() == Dtype::i64, "take_rows: ids ", ids.shape(), " of ", ids.dtype(),
                    ": positions are int64: convert with to(Dtype::i64)");
  Shape shape = ids.shape();
  shape.push_back(columns_);
  const Array y(shape), from = contiguous(ids);
  for (int64_t n = 0; n < from.numel(); ++n) {
    const int64_t id = from.data<int64_t>()[n];
    check<IndexError>(id >= 0 && id < rows_, "take_rows: (", rows_, ", ", columns_, "), ids ", ids.shape(), ": id ", id,
                      " (entry ", n, ") is not a row: ids run from 0 to ", rows_ - 1);
    widen_rows(id, id + 1, y.data<float>() + n * columns_);
  }
  return y;
}

/// A few rows of W widened at a time, and multiplied by all rows of x while they are in the cache.
void CompactMatrix::multiply_few(const float* x, int64_t m, float* y) const {
  const int64_t tile = rows_of(tile_elements, columns_);
  const int64_t grain = (compact_task / std::max<int64_t>(1, tile * columns_ * m) + 1) * tile;
  parallel_for(rows_, grain, [&](int64_t begin, int64_t end) {
    const Storage room(static_cast<size_t>(tile * columns_) * sizeof(float));
    float* const wide = reinterpret_cast<float*>(room.bytes());
    for (int64_t first = begin; first < end; first += tile) {
      const int64_t n = std::min(tile, end - first);
      widen_rows(first, first + n, wide);
      kernels().f32.gemm_dots({m, n, columns_, x, columns_, wide, columns_, y + first, rows_, false, nullptr});
    }
  });
}

/// Many rows of x: the cost of widening is small beside the product's.
void CompactMatrix::multiply_many(const float* x, int64_t m, float* y) const {
  const int64_t block = std::min(rows_, rows_of(block_elements, columns_));
  const Array wide({block, columns_});
  for (int64_t first = 0; first < rows_; first += block) {
    const int64_t n = std::min(block, rows_ - first);
    parallel_for(n, rows_of(compact_task, columns_), [&](int64_t begin, int64_t end) {
      widen_rows(first + begin, first + end, wide.data<float>() + begin * columns_);
    });
    Gemm<float> product{};
    product.m = m, product.n = n, product.k = columns_;
    product.a = x, product.a_row = columns_, product.a_col = 1;
    product.b = wide.data<float>(), product.b_row = 1, product.b_col = columns_;
    product.c = y + first, product.c_row = rows_;
    gemm(product);
  }
}

Array CompactMatrix::product(const Array& x) const {
  const OpName at("compact_product");
  check_defined(x);
  check<DtypeError>(x.dtype() == Dtype::f32, "compact_product: x ", x.shape(), " of ", x.dtype(),
                    ": needs float32: convert with to(Dtype::f32)");
  check<ShapeError>(x.rank() >= 1 && x.size(-1) == columns_, "compact_product: x ", x.shape(), ", W (", rows_, ", ",
                    columns_, "): x's last axis must be ", columns_, ", W's columns");
  Shape shape = x.shape();
  shape[shape.rank() - 1] = rows_;
  const Array y(shape), rows = contiguous(x);
  const int64_t m = columns_ > 0 ? x.numel() / columns_ : y.numel() / std::max<int64_t>(1, rows_);
  if (m == 1) {
    parallel_for(rows_, equal_grain(rows_, rows_of(compact_task, columns_), 4), [&](int64_t begin, int64_t end) {
      kernels().compact.dots[static_cast<int>(type_)](rows.data<float>(), row(begin), scales_from(begin),
                                                      y.data<float>() + begin, end - begin, columns_);
    });
  } else if (m <= few_rows) {
    multiply_few(rows.data<float>(), m, y.data<float>());
  } else {
    multiply_many(rows.data<float>(), m, y.data<float>());
  }
  if (watch) [[unlikely]]
    watch->work(2.0 * static_cast<double>(m * rows_ * columns_),
                rows_ * columns_ * width_of(type_) + bytes_moved(rows) + bytes_moved(y));
  return y;
}

}  // namespace heed::core
