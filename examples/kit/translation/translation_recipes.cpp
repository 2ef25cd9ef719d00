#include <heed/examples/kit/translation/translation_recipes.h>

#include <algorithm>

#include <heed/core/error.h>
#include <heed/core/text.h>

namespace heed::kit {
namespace {

TranslationRecipe number_recipe(const std::string& model) {
  if (model == "transformer")
    return {.steps = 1000, .lr = 1e-3, .warmup = 400, .decay = true, .layers = 2, .norm_first = true};
  return {.steps = 1000,
          .lr = 3e-3,
          .decay = true,
          .width = model == "none" ? 128 : 64,
          .bidirectional = model == "bahdanau"};
}

// The translation tutorial of PyTorch: hidden 128, batch 32, Adam 1e-3, 80 passes; the teacher-forcing
// ratio 0.5 is that of its earlier editions.
TranslationRecipe tutorial_recipe(const std::string& model) {
  return {.passes = 80,
          .batch = 32,
          .lr = 1e-3,
          .teacher_forcing = model == "transformer" ? 1 : 0.5,
          .width = 128,
          .dropout = 0.1};
}

// The settings of the older edition's notebooks; its loss and BLEU are published with them.
TranslationRecipe d2l_recipe(const std::string& model) {
  const bool transformer = model == "transformer";
  return {.passes = transformer       ? 200
                    : model == "none" ? 300
                                      : 250,
          .lr = 5e-3,
          .width = 32,
          .layers = 2,
          .dropout = transformer ? 0.1 : 0.0,
          .layer_dropout = 0.1,
          .attention_dropout = 0.1,
          .feed_forward = 64,
          .xavier = true};
}

}  // namespace

double TranslationRecipe::rate(int64_t step) const {
  const auto t = static_cast<double>(step), rises = static_cast<double>(std::min(warmup, steps / 2));
  if (t < rises) return (t + 1) / (rises + 1);
  return decay ? std::max(0.0, 1 - (t - rises) / (static_cast<double>(steps) - rises)) : 1.0;
}

void check_translator(const std::string& model) {
  check(model == "bahdanau" || model == "transformer" || model == "location" || model == "none",
        "translator: ", quote(model), ": is not a model: give bahdanau, transformer, location or none");
}

TranslationRecipe translation_recipe(TaskKind task, const std::string& model) {
  check_translator(model);
  if (task == TaskKind::tutorial) return tutorial_recipe(model);
  return task == TaskKind::d2l ? d2l_recipe(model) : number_recipe(model);
}

}  // namespace heed::kit
