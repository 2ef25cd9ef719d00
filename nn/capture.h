// Reach in: the values inside a model while it runs, by their paths. To replace them: patch.h.
//
//     const Captured seen = capture(model, tokens);                                // every module's output
//     const Tensor y = seen["h.3.attn"];
//     const Captured some = capture(model, tokens, {"h.*", "h.*.attn:weights"});   // only these
//     capture(model, [&] { loss = cross_entropy(model(tokens), next); }, {"h.3:middle"});   // any call
//
// A path is that of named_modules(): "h.3.attn", "" for the model itself; it names what the module returns, of several
// results the first (an attention's output, an RNN's states of all steps). Values within a module's call have names
// of their own, points, after a colon:
//
//     q, k, v    (…, n, d), (…, m, d), (…, m, p)   of every attention, per head (B, h, n, d); k and v with cached keys
//     scores     (…, n, m)   before the mask: what it forbids is arbitrary;  weights  (…, n, m)   before dropout
//     heads      (B, h, n, d)   each head's output, before the projection that mixes them ("z" in TransformerLens)
//     middle     (B, n, E)   a block's residual stream between attention and MLP (GPT, Llama, TransformerEncoderLayer)
//     hidden     (B, n, ·)   an MLP's units after the activation; of RNN, GRU and LSTM the last states, as cell
//
// The residual stream after block i is "h.i"; before the first block, of nn::GPT, it is "drop". In a pattern * stands for
// characters other than a dot, ** for any or none; without a colon a pattern names outputs only ("**": all), and "**:*"
// names all points.
//
// Values keep their history, and gradients flow through them; under NoGrad they have none. Fused attention does
// not form q, k, v, scores and weights: a layer of which they are wanted takes the plain path, equal up to rounding. A
// layer of your own takes part by `return scope(y);`, and has points by scope("name", x) (scope.h). Only calls of this
// thread are seen. While no capture or patch lives, a layer's call pays two tests of pointers.
#pragma once

#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include <heed/nn/module.h>

namespace heed::nn {

/// What a call computed, in the order in which it was computed.
class Captured {
 public:
  /// The value of this path, the last if there are several. Error, with the nearest path and a list, if there is none.
  const Tensor& operator[](const std::string& path) const;
  bool contains(const std::string& path) const;
  std::vector<Tensor> all(const std::string& path) const;  // of every call, as in a loop over steps
  const std::vector<NamedTensor>& values() const { return values_; }

 private:
  friend class Capture;
  std::vector<NamedTensor> values_;
};

/// Captures for as long as it lives, any number of calls.
class Capture {
 public:
  explicit Capture(const Module& model, const std::vector<std::string>& paths = {"**"});
  ~Capture();
  Capture(Capture&&) noexcept;

  const Captured& values() const;
  void check_all_found() const;  // Error naming the patterns for which there was no value

 private:
  struct Recorder;
  std::unique_ptr<Recorder> recorder_;
};

/// Calls model(input), or input() if it is a function without arguments. Error if a pattern named nothing.
template <class M, class Input>
Captured capture(const M& model, const Input& input, const std::vector<std::string>& paths = {"**"}) {
  Capture seen(model, paths);
  if constexpr (std::is_invocable_v<const Input&>) input();
  else model(input);
  seen.check_all_found();
  return seen.values();
}

}  // namespace heed::nn
