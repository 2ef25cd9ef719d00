// What is inside a trained model, as one picture: its weights, its last gradients, how far its heads look.
//
//     kit::save_svg("insides.svg", kit::insides_figure("char_gpt", model, heads));
#pragma once

#include <string>
#include <vector>

#include <heed/examples/kit/pictures/attention_page.h>
#include <heed/examples/kit/pictures/plot.h>
#include <heed/nn/module.h>

namespace heed::kit {

/// Three panels: histograms of the weights and of log₁₀ of the gradients that the last backward() left, per block ("h.0",
/// "wte"), and by `heads` the mean weight by distance, per layer. A panel without data is left out. Of many blocks or
/// layers the first and last four are shown.
Figure insides_figure(const std::string& title, const nn::Module& model, const AttentionSet& heads);

}  // namespace heed::kit
