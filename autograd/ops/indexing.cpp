#include <heed/autograd/ops/indexing.h>

#include <heed/autograd/node.h>
#include <heed/autograd/ops/comparison.h>
#include <heed/autograd/ops/elementwise.h>
#include <heed/autograd/part.h>
#include <heed/core/ops/ops.h>

namespace heed {

Tensor gather(const Tensor& x, Axis axis, const Tensor& index) {
  return op("gather", core::gather(x.array(), axis, index.array()),
            edge(x, keep(index), [axis, from = x.shape()](auto& g, auto& index) {
              return scatter_add(Tensor(core::full(from, 0.0, g.dtype())), axis, index, g);
            }));
}

Tensor scatter_add(const Tensor& x, Axis axis, const Tensor& index, const Tensor& src) {
  return op("scatter_add", core::scatter_add(x.array(), axis, index.array(), src.array()),
            edge(x, [](auto& g) { return g; }),
            edge(src, keep(index), [axis](auto& g, auto& index) { return gather(g, axis, index); }));
}

namespace {

Tensor index_add(const Tensor& g, const Shape& shape, int64_t axis, const Tensor& index) {
  return op("index_add", core::index_add(core::full(shape, 0.0, g.dtype()), axis, index.array(), g.array()),
            edge(g, keep(index), [axis](auto& h, auto& index) { return index_select(h, axis, index); }));
}

// embedding's gradient as an op of its own, so that it can be differentiated again: adds rows to zeros,
// or to the gradient from other uses of the table (a model's head may share it).
Tensor add_rows(const Tensor& g, const SoFar& so_far, const Shape& table, const Tensor& ids, int64_t padding_row) {
  core::Array sum = so_far.sum.defined() ? so_far.sum.array() : core::full(table, 0.0, g.dtype());
  core::add_rows(sum, ids.array(), g.array(), padding_row);
  return op("embedding_grad", std::move(sum), edge(g, keep(ids), [padding_row](auto& h, auto& ids) {
              const Tensor picked = embedding(h, ids, padding_row);
              return padding_row < 0 ? picked
                                     : where(eq(ids, static_cast<double>(padding_row)).unsqueeze(-1), 0.0, picked);
            }));
}

}  // namespace

Tensor index_select(const Tensor& x, Axis axis, const Tensor& index) {
  return op(
      "index_select", core::index_select(x.array(), axis, index.array()),
      edge(x, keep(index), [axis, from = x.shape()](auto& g, auto& index) { return index_add(g, from, axis, index); }));
}

Tensor embedding(const Tensor& table, const Tensor& ids, Whole padding_row) {
  core::Array y = core::embedding(table.array(), ids.array());
  check<IndexError>(padding_row < table.size(0), "embedding: table ", table.shape(), ", padding_row ",
                    int64_t{padding_row}, ": is not a row: must be in 0 … ", table.size(0) - 1, ", or -1 for none");
  observe_input(ids);
  return op("embedding", std::move(y),
            part(table, keep(ids),
                 [from = table.shape(), padding_row](const Tensor& g, const SoFar& so_far, const Tensor& ids) {
                   return add_rows(g, so_far, from, ids, padding_row);
                 }));
}

Tensor one_hot(const Tensor& ids, Whole classes) { return Tensor(core::one_hot(ids.array(), classes)); }

}  // namespace heed
