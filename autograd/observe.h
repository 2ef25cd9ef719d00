// Lets an observer see every op, for anomaly mode (anomaly.h). Without one, the cost is one test.
#pragma once

namespace heed {

class Tensor;
namespace core {
class Array;
}

struct Observer {
  virtual ~Observer() = default;
  virtual void input(const Tensor& x) = 0;  // of the next op
  virtual void output(const char* op, const core::Array& y) = 0;
  virtual void gradient(const char* op, const Tensor& g, bool into) = 0;  // into the op, or out of it
};

inline thread_local Observer* observer = nullptr;  // null: no observer

inline void observe_input(const Tensor& x) {
  if (observer) [[unlikely]]
    observer->input(x);
}
inline void observe_output(const char* op, const core::Array& y) {
  if (observer) [[unlikely]]
    observer->output(op, y);
}
inline void observe_gradient(const char* op, const Tensor& g, bool into) {
  if (observer) [[unlikely]]
    observer->gradient(op, g, into);
}

}  // namespace heed
