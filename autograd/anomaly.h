// Anomaly mode: where did the NaN come from?
//
//     { DetectAnomaly guard;  loss = model(x);  loss.backward(); }
//
// throws at the first op that produces a NaN or an infinity, before it spreads to the
// loss. The message names the op, its module, and the shape and range of its inputs:
//
//     log: input (2, 3) in -1 … 4: its output (2, 3) in 0 … 1.38 has 2 NaN: … [in h.3.attn]
//
// A NaN is always an anomaly. An infinity is one only if no input had any: scores
// masked with -inf may pass through later ops. In backward, each derivative rule is checked in
// the same way, and any gradient that is not finite is an anomaly.
//
// It reads every element that every op produces: for debugging, not for training.
#pragma once

#include <vector>

#include <heed/autograd/observe.h>
#include <heed/autograd/tensor.h>

namespace heed {

/// Watches this thread's ops while it lives; throws AutogradError. May be nested.
class DetectAnomaly : public Observer {
 public:
  DetectAnomaly();
  ~DetectAnomaly() override;
  DetectAnomaly(const DetectAnomaly&) = delete;
  DetectAnomaly& operator=(const DetectAnomaly&) = delete;

  void input(const Tensor& x) override;
  void output(const char* op, const core::Array& y) override;
  void gradient(const char* op, const Tensor& g, bool into) override;

 private:
  Observer* before_;            // the previous observer; it still sees everything
  std::vector<Tensor> inputs_;  // of the next op
  Tensor arrived_;              // the gradient that the running rule was given
};

}  // namespace heed
