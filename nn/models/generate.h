// Generation: a language model continues texts, one token at a time, with cached keys and values.
//
//     const auto texts = generate(model, {{15496, 995}}, {.max_tokens = 20, .sampling = {.temperature = 0.8}});
//
// Works with any GenerativeModel: GPT, Llama, and models of one's own (nn/models/README.md has a complete one). Call it in
// evaluation; it records no history.
//
// A cache is full when `context` tokens are in it. Then the window rolls: the later half of these tokens is read again,
// as the beginning of a text, and generation goes on. So a text may become as long as one wants, the model sees between
// half the context and all of it, and reading again costs about one more step per token.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <heed/autograd/tensor.h>
#include <heed/nn/attention/kv_cache.h>
#include <heed/nn/models/sampling.h>

namespace heed::nn {

struct GenerateOptions {
  int64_t max_tokens = 100;               // per text, after the prompt
  SamplingOptions sampling = {};          // temperature 0: greedy
  std::vector<int64_t> stop_tokens = {};  // a text ends before the first of these

  /// A text ends after a token with which one of these strings is complete. They need the bytes of each token.
  std::vector<std::string> stop_strings = {};
  std::function<std::string(int64_t token)> bytes_of = nullptr;

  /// Called with each new token, to show it at once. A text ends if the result is false.
  std::function<bool(int64_t text, int64_t token)> on_token = nullptr;
  Generator* generator = nullptr;  // null: the default one
};

struct Generated {
  std::vector<int64_t> tokens;  // after the prompt, without the stop token
  bool stopped = false;         // by a stop token, a stop string or on_token, not by max_tokens
};

/// What generate() needs of a model; the template below makes it.
struct CachedModel {
  std::function<Tensor(const Tensor& tokens)> step;  // (B, n) i64, n >= 1 -> logits (B, V) of the next token
  std::function<void()> restart;                     // forgets all that step() was given; B may differ afterwards
  int64_t context;                                   // tokens that fit
};

/// One result for each prompt, as if it were alone (up to random draws), all at once: a text whose prompt is longer than
/// others' is still being read while they continue. Only prompts longer than the context wait for the others to end,
/// and are continued per length: a window begins with the last `context` tokens of such a prompt, and rolls elsewhere.
/// Each prompt needs at least one token. Throws Error for an empty prompt, options out of range, or logits that are NaN
/// where a token is to be chosen; ShapeError or DtypeError if step() returns anything but floating logits (B, V).
std::vector<Generated> generate(const CachedModel& model, const std::vector<std::vector<int64_t>>& prompts,
                                const GenerateOptions& options = {});

/// How many positions the caches need for this, at most `context`.
int64_t positions_needed(const std::vector<std::vector<int64_t>>& prompts, int64_t max_tokens, int64_t context);

namespace detail {

template <class Model>
concept HasContext = requires(const Model& model) {
  { model.options.context } -> std::convertible_to<int64_t>;
};
template <class Model>
concept HasBegin = requires(const Model& model) {
  { model.begin() } -> std::same_as<KeyValueCaches>;
};
template <class Model>
concept HasStep = requires(const Model& model, const Tensor& tokens, KeyValueCaches& past) {
  { model.step(tokens, past) } -> std::same_as<Tensor>;
};

}  // namespace detail

/// What generate() asks of a model:
///     options.context                                              how many tokens it can look at, int64_t
///     KeyValueCaches begin() const;                                empty caches, one for each attention
///     Tensor step(const Tensor& tokens, KeyValueCaches&) const;    (B, n) i64, the new ones -> logits (B, V) of the next
template <class Model>
concept GenerativeModel = detail::HasContext<Model> && detail::HasBegin<Model> && detail::HasStep<Model>;

template <class Model>
std::vector<Generated> generate(const Model& model, const std::vector<std::vector<int64_t>>& prompts,
                                const GenerateOptions& options = {}) {
  static_assert(detail::HasContext<Model>,
                "generate: the model has no options.context: give it a member `options`, a struct with an int64_t "
                "`context`, the number of tokens that it can look at");
  static_assert(detail::HasBegin<Model>,
                "generate: the model lacks  KeyValueCaches begin() const,  which makes empty caches: "
                "return {number of layers, options.context}");
  static_assert(
      detail::HasStep<Model>,
      "generate: the model lacks  Tensor step(const Tensor& tokens, KeyValueCaches& past) const:  tokens (B, n) "
      "i64 are the new ones, the result the logits (B, V) of the token after the last");
  if constexpr (GenerativeModel<Model>) {
    KeyValueCaches past = model.begin();
    const int64_t positions = positions_needed(prompts, options.max_tokens, model.options.context);
    for (KeyValueCache& layer : past.layers) layer.limit(positions);
    return generate({.step = [&](const Tensor& tokens) { return model.step(tokens, past); },
                     .restart = [&] { past.truncate(0); },
                     .context = model.options.context},
                    prompts, options);
  }
}

}  // namespace heed::nn
