// AttentionTrace: records the weights of every attention in any model while it lives.
//
//     AttentionTrace trace;
//     model(tokens);
//     for (const AttentionEntry& e : trace.entries()) draw(e.path, e.weights);
//
// It changes no result: weights are those before dropout, without history; for the fused
// attention they are computed separately. It records its own thread only; if traces are nested, the newest records.
// With the option queries_and_keys it keeps what the weights were made of, too: the scores are scale · Q Kᵀ.
#pragma once

#include <string>
#include <vector>

#include <heed/autograd/tensor.h>

namespace heed::nn {

struct AttentionEntry {
  std::string path;  // of the running module, "h.3.attn"; "" outside of any
  Tensor weights;    // (…, queries, keys): (B, heads, queries, keys) for heads

  // If asked for, and the scores are dot products:
  Tensor q = {},
         k = {};  // (…, queries, d) and (…, keys, d), after rotary positions; heads that share keys have each a copy
  double scale = 1.0;
};

struct TraceOptions {
  bool queries_and_keys = false;
};

class AttentionTrace {
 public:
  explicit AttentionTrace(const TraceOptions& options = {});
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
  /// What the weights just recorded were made of.
  static void record_inputs(const Tensor& q, const Tensor& k, double scale) {
    if (current_) [[unlikely]]
      current_->add_inputs(q, k, scale);
  }

 private:
  void add(const Tensor& weights);
  void add_inputs(const Tensor& q, const Tensor& k, double scale);

  static thread_local AttentionTrace* current_;
  AttentionTrace* outer_;
  TraceOptions options_;
  std::vector<AttentionEntry> entries_;
};

}  // namespace heed::nn
