#include <heed/nn/attention/attention_rollout.h>

#include <heed/autograd/ops.h>

namespace heed::nn {

Tensor attention_rollout(const AttentionTrace& trace, const RolloutOptions& o) {
  check(!trace.entries().empty(), "attention_rollout: the trace is empty: call the model while it lives");
  check(o.residual >= 0.0 && o.residual <= 1.0, "attention_rollout: residual = ", o.residual, ": must lie in 0 … 1");
  Tensor rollout;
  for (const AttentionEntry& entry : trace.entries()) {
    const Tensor& w = entry.weights;
    const Tensor a = w.dim() == 4 ? mean(w, 1) : w;  // (B, n, n)
    check<ShapeError>(a.dim() == 3 && a.size(1) == a.size(2) && (!rollout.defined() || a.shape() == rollout.shape()),
                      "attention_rollout: ", entry.path, " ", w.shape(),
                      ": must be self-attention, (B, h, n, n) with one B and n in all layers: trace one call of an "
                      "encoder, or of a decoder without a memory");
    const Tensor step = a * (1.0 - o.residual) + eye(a.size(1), a.dtype()) * o.residual;
    rollout = rollout.defined() ? matmul(step, rollout) : step;
  }
  return rollout;
}

}  // namespace heed::nn
