// Anomaly mode: where did the NaN come from?
//
//     { DetectAnomaly guard;  loss = model(x);  loss.backward(); }
//
// throws at the first op that makes a NaN or an infinity, rather than letting it spread until the
// loss is NaN. The message says which op, in which module, and the shape and range of its inputs:
//
//     log: input (2, 3) in -1 … 4: its output (2, 3) in 0 … 1.38 has 2 NaN: … [in h.3.attn]
//
// A NaN is always an anomaly. An infinity is one only where no input had any: scores that were
// masked with -inf may pass through the ops behind. In backward, each derivative rule is watched in
// the same way, and any gradient that is not finite is an anomaly.
//
// It reads every number that every op makes: for debugging, not for training.
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
  Observer* before_;            // goes on seeing everything
  std::vector<Tensor> inputs_;  // of the op to come
  Tensor arrived_;              // the gradient that the running rule was given
};

}  // namespace heed
