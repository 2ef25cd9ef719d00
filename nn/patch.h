// Patches: values inside a model, replaced while it runs. Paths and points are those of capture.h.
//
//     const Patch off = ablate_head(model, "h.1.attn", 3);            // while it lives, head 3 says nothing
//     const Patch cut(model, "h.2.mlp", [](const Tensor& y) { return y * 0.0; });
//     const Patch steered(model, "h.4", [&](const Tensor& x) { return x + direction; });
//
// Activation patching (Vig et al. 2020; Meng et al. 2022): which value carries the answer? Run on a clean text, keep the
// values, and put one of them into the run on a corrupted text.
//
//     const Captured clean = capture(model, clean_tokens, {"h.*"});
//     const Patch restored = patch_from(model, clean, "h.2", {.positions = {7}});
//     model(corrupted_tokens);
//
// Gradients flow through what replaces a value, also to a tensor that the function captures. Patches of one path apply in
// the order in which they were made, to all calls of the model on this thread; with a cache (step()), to each step, and
// what was cached before stays. A capture sees a value as older patches have left it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <heed/nn/capture.h>

namespace heed::nn {

class Patch {
 public:
  /// `path` may be a pattern. Error if it matches no module; in the call, if the module has no such point, or the
  /// function's result has another shape or dtype. The model must stay where it is.
  Patch(const Module& model, const std::string& path, std::function<Tensor(const Tensor&)> replace);
  ~Patch();
  Patch(Patch&&) noexcept;

  int64_t applied() const;  // how many values it has replaced: 0 if no call came to the path

 private:
  struct Replacer;
  std::unique_ptr<Replacer> replacer_;
};

enum class Ablation : uint8_t {
  zero,  // 0
  mean,  // the head's mean over batch and positions of the call: it says what it says on average
};

/// Silences one head: replaces its slice of "<attention>:heads". IndexError in the call if there is no such head.
Patch ablate_head(const Module& model, const std::string& attention, int64_t head, Ablation = Ablation::zero);

struct PatchPlace {
  std::vector<int64_t> positions = {};  // along the last axis but one, from the end if negative; none: all
  std::vector<int64_t> heads = {};      // along axis 1, for a value with four axes; none: all
};

/// Puts in what was captured at this path, at the given positions and heads.
Patch patch_from(const Module& model, const Captured& source, const std::string& path, const PatchPlace& place = {});

}  // namespace heed::nn
