// The live page: a trained language model in one HTML file, with its weights inside. Type a text, and JavaScript
// computes what the model makes of it: tokens, the attention of every head, probabilities of the next token.
//
//     kit::write_model_page("model.html", gpt, tokeniser, {.title = "char_gpt", .text = "ROMEO:"});
//
// Heads can be switched off or scaled, positions patched with those of another text, and each layer asked what it would
// already say. The views are those of the attention page (attention_page.h). The file loads nothing from anywhere, so it
// can be sent by mail and opened without a network. Same model, same bytes.
//
// The program is page/gpt.js, equal to nn::GPT and nn::Llama up to rounding, if the weights are stored in f32. In 8 bits
// the file is four times smaller: each row of a matrix has a scale, max|w| / 127, and a weight is wrong by half
// of it at most (as core::CompactType::i8).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include <heed/examples/kit/tokens/tokeniser.h>
#include <heed/nn/models/gpt.h>
#include <heed/nn/models/llama.h>

namespace heed::kit {

/// Parameters of the largest model that programs write a page of; in 8 bits it has about 130 MB.
constexpr int64_t largest_model_page = 100'000'000;

enum class PageWeights : uint8_t { f32, i8 };

struct ModelPageOptions {
  std::string title = "A model to type into";
  std::string note = {};        // a paragraph below the title
  std::string text = {};        // what stands in the page at first
  std::string other_text = {};  // a second text, to patch the first with
  PageWeights weights = PageWeights::i8;
  int64_t window = 128;        // tokens that the page reads at most, and no more than the model's context
  bool begin_with_bos = true;  // the tokeniser's beginning of a text stands before it; else only if it is empty
};

/// The page as text. Throws Error for a weight that is not finite and a tokeniser with more tokens than the model,
/// ShapeError for a model with adapters (nn/lora.h: merge them first).
std::string model_html(const nn::GPT& model, const Tokeniser& tokeniser, const ModelPageOptions& options = {});
std::string model_html(const nn::Llama& model, const Tokeniser& tokeniser, const ModelPageOptions& options = {});

void write_model_page(const std::filesystem::path& file, const nn::GPT& model, const Tokeniser& tokeniser,
                      const ModelPageOptions& options = {});
void write_model_page(const std::filesystem::path& file, const nn::Llama& model, const Tokeniser& tokeniser,
                      const ModelPageOptions& options = {});

}  // namespace heed::kit
