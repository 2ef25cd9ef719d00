#include <heed/examples/kit/models/insides.h>

#include <algorithm>
#include <cctype>
#include <cmath>

#include <heed/examples/kit/pictures/statistics.h>

namespace heed::kit {
namespace {

constexpr size_t most_curves = 8;

/// "h.0" of "h.0.attn.in_proj_weight", "wte" of "wte.weight": up to a number, else the first part.
std::string block_of(const std::string& name) {
  const size_t dot = name.find('.');
  if (dot == std::string::npos || dot + 1 >= name.size() || !std::isdigit(static_cast<unsigned char>(name[dot + 1])))
    return name.substr(0, dot);
  return name.substr(0, name.find('.', dot + 1));
}

template <class Item> void keep_ends(std::vector<Item>& items) {
  if (items.size() <= most_curves) return;
  items.erase(items.begin() + most_curves / 2, items.end() - most_curves / 2);
}

NamedValues& list_of(std::vector<NamedValues>& lists, const std::string& name) {
  for (NamedValues& list : lists)
    if (list.name == name) return list;
  return lists.emplace_back(NamedValues{.name = name});
}

/// The mean over the heads of each layer.
std::vector<HeadWeights> layers_of(const AttentionSet& set) {
  std::vector<HeadWeights> layers;
  for (size_t l = 0; l < set.layers.size(); ++l) {
    HeadWeights mean{.name = "layer " + std::to_string(l),
                     .queries = static_cast<int64_t>(set.queries.size()),
                     .keys = static_cast<int64_t>(set.keys.size())};
    mean.weights.assign(set.queries.size() * set.keys.size(), 0.0);
    for (const std::vector<float>& head : set.layers[l])
      for (size_t i = 0; i < mean.weights.size(); ++i)
        mean.weights[i] += static_cast<double>(head.at(i)) / static_cast<double>(set.layers[l].size());
    layers.push_back(mean);
  }
  return layers;
}

}  // namespace

Figure insides_figure(const std::string& title, const nn::Module& model, const AttentionSet& heads) {
  std::vector<NamedValues> weights, gradients;
  for (const auto& [name, parameter] : model.named_parameters()) {
    if (parameter.dim() < 2) continue;  // biases and gains would hide the matrices
    const std::vector<double> values = parameter.to_vector();
    NamedValues& all = list_of(weights, block_of(name));
    all.values.insert(all.values.end(), values.begin(), values.end());
    if (!parameter.grad().defined()) continue;
    NamedValues& sizes = list_of(gradients, block_of(name));
    for (const double g : parameter.grad().to_vector())
      if (g != 0) sizes.values.push_back(std::log10(std::abs(g)));
  }
  std::vector<HeadWeights> layers = layers_of(heads);
  keep_ends(weights), keep_ends(gradients), keep_ends(layers);
  Figure figure{
      .title = title,
      .note =
          "Blocks whose gradients lie a thousand times lower than others' learn little; a layer whose curve falls "
          "steeply looks at near tokens, a flat one anywhere."};
  figure.columns = 2;
  figure.panel_width = 520, figure.panel_height = 340;
  if (!weights.empty()) figure.panels.emplace_back(histogram_plot("Weights of matrices", weights));
  if (!gradients.empty()) {
    Plot plot = histogram_plot("Sizes of their last gradients", gradients);
    plot.x_label = "log₁₀ of the absolute value";
    figure.panels.emplace_back(plot);
  }
  if (!layers.empty()) figure.panels.emplace_back(distance_plot("Attention by distance, mean over heads", layers));
  return figure;
}

}  // namespace heed::kit
