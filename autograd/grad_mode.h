// Whether ops on this thread are recorded. On by default.
#pragma once

namespace heed {

bool grad_enabled();

/// While one lives, nothing on this thread is recorded:  { NoGrad guard; … }
class NoGrad {
 public:
  NoGrad() : NoGrad(false) {}
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 protected:
  explicit NoGrad(bool enabled);
  bool before_;
};

/// The opposite: records again inside a NoGrad.
struct EnableGrad : NoGrad {
  EnableGrad() : NoGrad(true) {}
};

}  // namespace heed
