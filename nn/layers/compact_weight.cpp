#include <heed/nn/layers/compact_weight.h>

#include <map>

#include <heed/autograd/ops/elementwise.h>
#include <heed/nn/clone.h>
#include <heed/nn/layers/embedding.h>
#include <heed/nn/layers/linear.h>

namespace heed::nn {

Tensor CompactWeight::product(const Tensor& x, const Tensor& bias) const {
  check<AutogradError>(!(grad_enabled() && x.requires_grad()), "Linear: input ", x.shape(),
                       " records history: a compact weight is for inference: open a NoGrad around the call, or train "
                       "the model before it is made compact");
  const Tensor y(matrix_->product(x.array()));
  return bias.defined() ? y + bias : y;
}

Tensor CompactWeight::take_rows(const Tensor& ids) const { return Tensor(matrix_->take_rows(ids.array())); }

void compact(Module& model, core::CompactType type) {
  std::map<const Node*, CompactWeight> made;  // by tensor, so that ties survive
  const auto make = [&](const std::string& name, const auto& layer) {
    if (!layer.weight.defined()) return;
    CompactWeight& weight = made[layer.weight.node().get()];
    if (weight) return;
    try {
      weight = CompactWeight(core::CompactMatrix::from(layer.weight.array(), type));
    } catch (const Error& error) { throw Error(cat("compact: ", name, ": ", error.what())); }
  };
  const auto replace = [&](const std::string&, auto& layer) {
    if (!layer.weight.defined()) return;
    layer.compact = made.at(layer.weight.node().get());
    layer.weight = Tensor();
  };
  for_each<Linear>(model, [&](const std::string& name, Linear& layer) {
    check(!layer.low_rank, "compact: ", name, ": has a low-rank adapter: call merge_low_rank() first");
    make(name, layer);
  });
  for_each<Embedding>(model, make);
  for_each<Linear>(model, replace);  // nothing can fail now
  for_each<Embedding>(model, replace);
}

}  // namespace heed::nn
