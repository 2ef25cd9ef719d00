#include <heed/nn/lora.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include <heed/autograd/ops/elementwise.h>
#include <heed/core/text.h>
#include <heed/nn/clone.h>
#include <heed/nn/layers/linear.h>

namespace heed::nn {

int64_t add_low_rank(Module& model, const LoRAOptions& o) {
  const LowRankOptions options{.rank = o.rank, .alpha = o.alpha};
  check_low_rank("add_low_rank", options);
  std::map<const void*, int> names;  // how many each tensor has
  for (const NamedTensor& entry : model.state_dict()) ++names[entry.tensor.array().storage().bytes()];
  std::vector<Linear*> chosen;
  std::set<std::string> without_layer(o.layers.begin(), o.layers.end());
  for_each<Linear>(model, [&](const std::string& path, Linear& layer) {
    const std::string name = path.substr(path.rfind('.') + 1);
    const bool tied = names[layer.weight.array().storage().bytes()] > 1;
    const bool wanted = o.layers.empty() ? !tied : std::find(o.layers.begin(), o.layers.end(), name) != o.layers.end();
    if (!wanted) return;
    without_layer.erase(name);
    check(!tied, "add_low_rank: ", path,
          ": its weight is also another layer's, which a merge would change: leave it out");
    check(!layer.low_rank, "add_low_rank: ", path, ": has an adapter already: call merge_low_rank() first");
    chosen.push_back(&layer);
  });
  check(!chosen.empty() || !o.layers.empty(), "add_low_rank: ", class_name(model),
        ": has no Linear layer whose weight is its own: there is nothing to adapt");
  check(without_layer.empty(), "add_low_rank: ", class_name(model), ": none of its Linear layers is named ",
        quote(without_layer.empty() ? "" : *without_layer.begin()),
        ": give the last part of a path, such as \"q_proj\"");
  std::vector<LowRank> adapters;  // all are made before anything is changed
  for (const Linear* layer : chosen) {
    adapters.emplace_back(layer->in_features(), layer->out_features(), options).to(layer->weight.dtype());
  }
  model.requires_grad(false);
  for (size_t i = 0; i < chosen.size(); ++i) chosen[i]->low_rank = std::move(adapters[i]);
  return static_cast<int64_t>(chosen.size());
}

void merge_low_rank(Module& model) {
  const NoGrad no_history;
  for_each<Linear>(model, [](const std::string&, Linear& layer) {
    if (!layer.low_rank) return;
    layer.weight.add_(layer.low_rank->product());
    layer.low_rank->lora_B.zero_();  // a copy of the layer shares weight and adapter: it must not add them once more
    layer.low_rank.reset();
  });
  model.requires_grad(true);
}

}  // namespace heed::nn
