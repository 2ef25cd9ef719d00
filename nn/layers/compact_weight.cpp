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
  std::map<const void*, CompactWeight> made;  // by what holds the weight now, so that ties survive
  const auto holder = [](const auto& layer) -> const void* {
    return layer.compact ? static_cast<const void*>(&layer.compact.matrix()) : layer.weight.node().get();
  };
  const auto make = [&](const std::string& name, const auto& layer) {
    if (!holder(layer)) return;
    CompactWeight& weight = made[holder(layer)];
    if (weight) return;
    if (layer.compact && layer.compact.matrix().type() == type) {
      weight = layer.compact;
      return;
    }
    check<DtypeError>(layer.compact || layer.weight.dtype() == Dtype::f32, "compact: ", name, ": weight ",
                      layer.weight.shape(), " of ", layer.weight.dtype(),
                      ": a compact weight multiplies float32: convert the model with to(Dtype::f32) first");
    try {
      const core::Array wide = layer.compact ? layer.compact.matrix().widen() : layer.weight.array();
      weight = CompactWeight(core::CompactMatrix::from(wide, type));
    } catch (const Error& error) { throw Error(cat("compact: ", name.empty() ? "" : name + ": ", error.what())); }
  };
  const auto replace = [&](const std::string&, auto& layer) {
    const auto found = made.find(holder(layer));
    if (found == made.end()) return;  // replaced already: the layer has two names
    layer.compact = found->second;
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
