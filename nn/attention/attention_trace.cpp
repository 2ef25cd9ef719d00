#include <heed/nn/attention/attention_trace.h>

#include <utility>

#include <heed/core/scope.h>

namespace heed::nn {

thread_local AttentionTrace* AttentionTrace::current_ = nullptr;

AttentionTrace::AttentionTrace() : outer_(std::exchange(current_, this)) {}

AttentionTrace::~AttentionTrace() { current_ = outer_; }

void AttentionTrace::add(const Tensor& weights) { entries_.push_back({core::scope_path(), weights.detach()}); }

}  // namespace heed::nn
