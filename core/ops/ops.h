// Arithmetic on Arrays: each function returns a new, contiguous Array unless it says otherwise.
//
// Floating ops take float32 and float64, the same for both operands; binary ones also take integers, whose
// sums and products wrap around. Operands are broadcast. `axis` may count from the end.
// Errors: ShapeError if shapes do not fit, DtypeError if types do not, IndexError for axes and positions.
// Cost: one pass over the operands unless stated otherwise. Safe to call from several threads.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include <heed/core/array.h>
#include <heed/core/kernels/kernels.h>

namespace heed::core {

// Elementwise (elementwise.cpp).
Array map(Unary function, const Array& x);                           // y = f(x)
Array map_grad(UnaryGrad function, const Array& x, const Array& g);  // g f'(x)
Array zip(Binary function, const Array& a, const Array& b);          // y = f(a, b); f32 if integers are divided
Array zip(Binary function, const Array& a, double b);
Array zip(Binary function, double a, const Array& b);
void add_into(const Array& y, const Array& x, double alpha = 1.0);  // y += alpha x, in place
void zip_into(Binary function, const Array& y, const Array& b);     // y = f(y, b), in place

Array floor_divide(const Array& a, const Array& b);  // ⌊a / b⌋ (division.cpp)

enum class Compare : uint8_t { eq, ne, lt, le, gt, ge };
Array compare(Compare relation, const Array& a, const Array& b);  // -> boolean
Array compare(Compare relation, const Array& a, double b);        // any b: exact, also for integers
Array logical_not(const Array& mask);
Array logical_and(const Array& a, const Array& b);
Array logical_or(const Array& a, const Array& b);
Array where(const Array& mask, const Array& a, const Array& b);  // mask ? a : b

// Reductions (reduce.cpp) over `axes`; an empty list means all of them. The reduced axes keep
// size 1 if keepdim, else they are removed.
Array sum(const Array& x, const Shape& axes, bool keepdim);   // of i32 and booleans: i64, as prod, cumsum
Array amax(const Array& x, const Shape& axes, bool keepdim);  // NaN wins, as in PyTorch
Array amin(const Array& x, const Shape& axes, bool keepdim);
Array prod(const Array& x, int64_t axis, bool keepdim);
Array argmax(const Array& x, int64_t axis, bool keepdim);  // i64; the first of equals
Array argmin(const Array& x, int64_t axis, bool keepdim);
Array cumsum(const Array& x, int64_t axis, bool reverse = false);  // or yᵢ = xᵢ + xᵢ₊₁ + …
bool all(const Array& mask);
bool any(const Array& mask);
bool all_finite(const Array& x);
/// Finite, and so small that no product in a layer overflows with it: a weight of 0 then removes it
/// completely. Σ x² < 1e12, in one pass on this thread.
bool tame(const Array& x);
/// x summed over the axes along which `shape` was broadcast to x.shape().
Array sum_to(const Array& x, const Shape& shape);

// Matrix products (matmul.cpp).
/// (…, n, k) @ (…, k, m) -> (…, n, m), batch axes broadcast; a 1-d operand is a row (left) or a
/// column (right) whose axis is removed from the result. O(n k m) per matrix. Operands are read by strides.
Array matmul(const Array& a, const Array& b);
/// Σⱼ wᵢⱼ vⱼ over the pairs (i, j) that the mask permits: w (…, n, m), v (…, m, p), mask to (…, n, m).
/// Whatever vⱼ holds, even NaN, it does not affect a row i for which it is forbidden. REQUIRES wᵢⱼ 0 or NaN
/// for a forbidden pair; costs as much as matmul() if everything is finite (masked_matmul.cpp).
Array masked_matmul(const Array& w, const Array& v, const Array& mask);
/// x (…, in) @ weightᵀ, weight (out, in), + bias (out) if it is defined.
Array linear(const Array& x, const Array& weight, const Array& bias);
/// The gradient of linear's weight: gᵀ x, all leading axes of g (…, out), x (…, in) summed over.
Array linear_weight_grad(const Array& g, const Array& x);

// Softmax along one axis (softmax.cpp).
Array softmax(const Array& x, int64_t axis);  // rows that are all -inf give zeros
Array log_softmax(const Array& x, int64_t axis);
Array logsumexp(const Array& x, int64_t axis, bool keepdim);
Array softmax_grad(const Array& y, const Array& g, int64_t axis);
Array log_softmax_grad(const Array& y, const Array& g, int64_t axis);

// Normalisation over the last axis (norm.cpp).
struct Normalized {
  Array y, mean, rstd;  // mean and rstd (…), one per row; rms_norm leaves mean empty
};
struct NormGrad {
  Array x, weight, bias;  // empty where there is none
};
Normalized layer_norm(const Array& x, const Array& weight, const Array& bias, double eps);
NormGrad layer_norm_grad(const Array& x, const Array& weight, bool has_bias, const Normalized& norm, const Array& g);
Normalized rms_norm(const Array& x, const Array& weight, double eps);
NormGrad rms_norm_grad(const Array& x, const Array& weight, const Normalized& norm, const Array& g);

// Indexing (indexing.cpp). Indices are i64; negative ones are errors.
Array gather(const Array& x, int64_t axis, const Array& index);  // y[i][j] = x[index[i][j]][j], …
Array scatter_add(const Array& x, int64_t axis, const Array& index, const Array& src);
Array index_select(const Array& x, int64_t axis, const Array& index);  // index (n)
Array index_add(const Array& x, int64_t axis, const Array& index, const Array& src);
/// Rows of table (V, D) by ids of any shape: (…, D).
Array embedding(const Array& table, const Array& ids);
/// Adds rows (…, D) to those of the table that ids name, but not to `padding_row`.
void add_rows(const Array& table, const Array& ids, const Array& rows, int64_t padding_row);
using heed::cat;  // the one for text (error.h): an overload, else hidden by the next line
Array cat(const std::vector<Array>& parts, int64_t axis);
struct TopK {
  Array values, indices;
};
TopK topk(const Array& x, int64_t k, int64_t axis, bool largest);  // best first
/// The positions, i64, that sort x along the axis (sort.cpp). Equal elements keep their order; NaN
/// counts as largest. O(n log n) per row.
Array argsort(const Array& x, int64_t axis, bool descending);

// Filled (create.cpp).
Array arange(double begin, double end, double step, Dtype dtype);
Array linspace(double begin, double end, int64_t n, Dtype dtype);
Array eye(int64_t rows, int64_t columns, Dtype dtype);
Array tril(const Array& x, int64_t diagonal);  // zero above the diagonal; any batch axes
Array triu(const Array& x, int64_t diagonal);
Array one_hot(const Array& ids, int64_t classes);  // -> i64 (…, classes)

}  // namespace heed::core
