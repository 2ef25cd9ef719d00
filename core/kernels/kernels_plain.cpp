// The table of the plain twins: HEED_ISA=plain runs all of heed on the loops that define it.
#include <heed/core/kernels/plain.h>
#include <heed/core/kernels/plain_compact.h>
#include <heed/core/kernels/plain_products.h>
#include <heed/core/kernels/tags.h>

namespace heed::core {
namespace {

template <class T> constexpr KernelsOf<T> plain_table() {
  using namespace plain;
  KernelsOf<T> table = {
      .unary = {},
      .binary = {},
      .unary_streamed = {},
      .binary_streamed = {},
      .unary_grad = {},
      .sum = sum<T>,
      .dot = dot<T>,
      .max = max<T>,
      .axpy = axpy<T>,
      .add_rows = add_rows<T>,
      .softmax = softmax<T>,
      .log_softmax = log_softmax<T>,
      .log_sum_exp = log_sum_exp<T>,
      .sum_below = sum_below<T>,
      .exp_minus = exp_minus<T>,
      .exp_minus_streamed = exp_minus<T>,
      .softmax_grad = softmax_grad<T>,
      .log_softmax_grad = log_softmax_grad<T>,
      .online_softmax = online_softmax<T>,
      .softmax_grad_again = softmax_grad_again<T>,
      .where = where<T>,
      .layer_norm = layer_norm<T>,
      .layer_norm_streamed = layer_norm<T>,
      .layer_norm_grad = layer_norm_grad<T>,
      .rms_norm = rms_norm<T>,
      .rms_norm_grad = rms_norm_grad<T>,
      .adamw = adamw<T>,
      .gru = gru<T>,
      .gru_grad = gru_grad<T>,
      .lstm = lstm<T>,
      .lstm_grad = lstm_grad<T>,
      .tile_rows = tile_rows,
      .tile_columns = tile_columns,
      .gemm_block = gemm_block<T>,
      .gemm_dots = gemm_dots<T>,
      .add_row_times_matrix = add_row_times_matrix<T>,
      .pack = pack<T>,
      .transpose = transpose<T>,
      .transpose_streamed = transpose<T>,
      .stream = stream<T>,
  };
  for_each_tag<Unary>(
      [&]<Unary f>() { table.unary[static_cast<int>(f)] = table.unary_streamed[static_cast<int>(f)] = unary<T, f>; });
  for_each_tag<Binary>([&]<Binary f>() {
    table.binary[static_cast<int>(f)] = table.binary_streamed[static_cast<int>(f)] = binary<T, f>;
  });
  for_each_tag<UnaryGrad>([&]<UnaryGrad f>() { table.unary_grad[static_cast<int>(f)] = unary_grad<T, f>; });
  return table;
}

}  // namespace

extern const Kernels kernels_plain;
constexpr Kernels kernels_plain = {"plain", plain_table<float>(), plain_table<double>(), plain::compact_table};

}  // namespace heed::core
