// OpName: which op is at work on this thread, for errors that come from below it: memory that cannot
// be had, an operand that is empty.
//
//     Array softmax(const Array& x, int64_t axis) {
//       const OpName at("softmax");
//       …
//     }
//
// The outermost counts, so that an op made of others speaks in its own name. Two pointer writes.
#pragma once

namespace heed::core {

class OpName {
 public:
  explicit OpName(const char* name) : outer_(current_) {
    if (!outer_) current_ = name;
  }
  ~OpName() { current_ = outer_; }
  OpName(const OpName&) = delete;

  static const char* current() { return current_ ? current_ : "array"; }

 private:
  static inline constinit thread_local const char* current_ = nullptr;
  const char* outer_;
};

}  // namespace heed::core
