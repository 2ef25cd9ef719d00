// AttentionTrace: records the weights of every attention in any model while it lives.
//
//     AttentionTrace trace;
//     model(tokens);
//     for (const AttentionEntry& e : trace.entries()) draw(e.path, e.weights);
//
// It changes no result: weights are those before dropout, without history; for the fused
// attention they are computed separately. It records its own thread only; if traces are nested, the newest records.
#pragma once

#include <string>
#include <vector>

#include <heed/autograd/tensor.h>

namespace heed::nn {

struct AttentionEntry {
  std::string path;  // of the running module, "h.3.attn"; "" outside of any
  Tensor weights;    // (…, queries, keys): (B, heads, queries, keys) for heads
};

class AttentionTrace {
 public:
  AttentionTrace();
  ~AttentionTrace();
  AttentionTrace(const AttentionTrace&) = delete;

  /// In the order of the calls.
  const std::vector<AttentionEntry>& entries() const { return entries_; }
  void clear() { entries_.clear(); }

  static bool active() { return current_ != nullptr; }
  static void record(const Tensor& weights) {
    if (current_) [[unlikely]]
      current_->add(weights);
  }

 private:
  void add(const Tensor& weights);

  static thread_local AttentionTrace* current_;
  AttentionTrace* outer_;
  std::vector<AttentionEntry> entries_;
};

}  // namespace heed::nn
