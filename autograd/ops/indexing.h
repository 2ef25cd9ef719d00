// Reading and writing by position. Positions are i64, 0 … size-1; others are an IndexError.
#pragma once

#include <heed/autograd/tensor.h>

namespace heed {

/// y[i][j] = x[index[i][j]][j] for axis 0, and so on: y has the index's shape.
Tensor gather(const Tensor& x, Axis axis, const Tensor& index);

/// x with src[i][j] added at [index[i][j]][j] for axis 0, and so on: gather's gradient.
Tensor scatter_add(const Tensor& x, Axis axis, const Tensor& index, const Tensor& src);

/// Whole slices of x in the order of index (n): index_select(x, 0, index) selects rows.
Tensor index_select(const Tensor& x, Axis axis, const Tensor& index);

/// Rows of table (V, D) by ids of any shape: (…, D). The row `padding_row` gets no gradient.
Tensor embedding(const Tensor& table, const Tensor& ids, Whole padding_row = -1);

Tensor one_hot(const Tensor& ids, Whole classes);  // (…) -> (…, classes), i64

}  // namespace heed
