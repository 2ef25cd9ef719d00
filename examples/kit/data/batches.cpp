#include <heed/examples/kit/data/batches.h>

#include <algorithm>
#include <numeric>

#include <heed/autograd/ops/create.h>
#include <heed/autograd/ops/indexing.h>
#include <heed/core/error.h>

namespace heed::kit {
namespace {

Ids to_ids(const core::Array& x) { return Ids(x.data<int64_t>(), x.data<int64_t>() + x.numel()); }

}  // namespace

std::vector<Ids> batches(int64_t n, const BatchOptions& options, Generator& generator) {
  check(options.batch > 0, "batches: a batch of ", options.batch, ": give at least 1");
  Ids order(static_cast<size_t>(n));
  if (options.shuffle) order = to_ids(core::randperm(n, generator));
  else std::iota(order.begin(), order.end(), int64_t{0});
  std::vector<Ids> out;
  for (int64_t begin = 0; begin < n; begin += options.batch) {
    const int64_t end = std::min(n, begin + options.batch);
    if (options.drop_last && end - begin < options.batch) break;
    out.emplace_back(order.begin() + begin, order.begin() + end);
  }
  return out;
}

DataLoader::DataLoader(std::vector<Tensor> tensors, const BatchOptions& options)
    : tensors_(std::move(tensors)), options_(options) {
  check<ShapeError>(!tensors_.empty(), "DataLoader: no tensors: give the inputs, and their targets");
  check(options.batch > 0, "DataLoader: a batch of ", options.batch, ": give at least 1");
  for (const Tensor& tensor : tensors_)
    check<ShapeError>(tensor.dim() > 0 && tensor.size(0) == examples(), "DataLoader: ", tensors_[0].shape(), " and ",
                      tensor.shape(), ": axis 0 counts the examples and must be equal");
}

int64_t DataLoader::batches() const {
  const int64_t n = examples();
  return options_.drop_last ? n / options_.batch : (n + options_.batch - 1) / options_.batch;
}

DataLoader::Epoch DataLoader::epoch(Generator& generator) const {
  return Epoch(tensors_, kit::batches(examples(), options_, generator));
}

std::vector<Tensor> DataLoader::Epoch::Iterator::operator*() const {
  const Tensor rows = tensor_i64(epoch_->order_[at_]);
  std::vector<Tensor> batch;
  for (const Tensor& tensor : epoch_->tensors_) batch.push_back(index_select(tensor, 0, rows));
  return batch;
}

Padded pad(const std::vector<Ids>& sequences, int64_t padding, int64_t length) {
  check<ShapeError>(!sequences.empty(), "pad: no sequences: give at least one");
  if (length <= 0)
    for (const Ids& sequence : sequences) length = std::max(length, static_cast<int64_t>(sequence.size()));
  const Shape shape{static_cast<int64_t>(sequences.size()), length};
  core::Array ids(shape, Dtype::i64), valid(shape, Dtype::boolean);
  for (int64_t b = 0; b < shape[0]; ++b)
    for (int64_t t = 0; t < length; ++t) {
      const bool there = t < static_cast<int64_t>(sequences[b].size());
      ids.data<int64_t>()[b * length + t] = there ? sequences[b][t] : padding;
      valid.data<bool>()[b * length + t] = there;
    }
  return {Tensor(ids), Tensor(valid)};
}

Windows windows(const Ids& stream, const Ids& starts, int64_t length) {
  const Shape shape{static_cast<int64_t>(starts.size()), length};
  const auto size = static_cast<int64_t>(stream.size());
  core::Array inputs(shape, Dtype::i64), targets(shape, Dtype::i64);
  for (int64_t b = 0; b < shape[0]; ++b) {
    check<IndexError>(starts[b] >= 0 && starts[b] + length < size, "windows: start ", starts[b], ", length ", length,
                      ": leaves a stream of ", size, " tokens: start + length + 1 must fit");
    const auto first = stream.begin() + starts[b];
    std::copy(first, first + length, inputs.data<int64_t>() + b * length);
    std::copy(first + 1, first + 1 + length, targets.data<int64_t>() + b * length);
  }
  return {Tensor(inputs), Tensor(targets)};
}

Ids random_starts(const Ids& stream, int64_t length, int64_t count, Generator& generator) {
  const int64_t last = static_cast<int64_t>(stream.size()) - length;
  check<ShapeError>(last > 0, "random_starts: a stream of ", stream.size(), " tokens: has no window of ", length,
                    " and its targets: shorten the window or give more text");
  return to_ids(core::randint(0, last, {count}, generator));
}

Ids covering_starts(const Ids& stream, int64_t length) {
  Ids starts;
  for (int64_t i = 0; i + length < static_cast<int64_t>(stream.size()); i += length) starts.push_back(i);
  return starts;
}

}  // namespace heed::kit
