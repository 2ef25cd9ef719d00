// OpName: which op runs on this thread, for errors raised below it: memory that cannot
// be allocated, an empty operand.
//
//     Array softmax(const Array& x, int64_t axis) {
//       const OpName at("softmax");
//       …
//     }
//
// The outermost name counts, so that an op composed of others reports its own. Cost: two pointer writes, and a
// test for whoever watches (watch.h).
#pragma once

#include <heed/core/watch.h>

namespace heed::core {

class OpName {
 public:
  explicit OpName(const char* name) : outer_(current_) {
    if (outer_) return;
    current_ = name;
    if (watch) [[unlikely]]
      watch->op_begins(name);
  }
  ~OpName() {
    current_ = outer_;
    if (!outer_ && watch) [[unlikely]]
      watch->op_ends();
  }
  OpName(const OpName&) = delete;

  static const char* current() { return current_ ? current_ : "array"; }

 private:
  static inline constinit thread_local const char* current_ = nullptr;
  const char* outer_;
};

}  // namespace heed::core
