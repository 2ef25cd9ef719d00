#include <heed/nn/attention/attention_trace.h>

#include <utility>

#include <heed/core/scope.h>

namespace heed::nn {

thread_local AttentionTrace* AttentionTrace::current_ = nullptr;

AttentionTrace::AttentionTrace(const TraceOptions& options)
    : outer_(std::exchange(current_, this)), options_(options) {}

AttentionTrace::~AttentionTrace() { current_ = outer_; }

void AttentionTrace::add(const Tensor& weights) { entries_.push_back({core::scope_path(), weights.detach()}); }

void AttentionTrace::add_inputs(const Tensor& q, const Tensor& k, double scale) {
  if (!options_.queries_and_keys || entries_.empty()) return;
  AttentionEntry& entry = entries_.back();
  entry.q = q.detach(), entry.k = k.detach(), entry.scale = scale;
}

}  // namespace heed::nn
