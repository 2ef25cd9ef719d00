// OpName: which op runs on this thread, for errors raised below it: memory that cannot
// be allocated, an empty operand.
//
//     Array softmax(const Array& x, int64_t axis) {
//       const OpName at("softmax");
//       …
//     }
//
// The outermost name counts, so that an op composed of others reports its own. Cost: two pointer writes.
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
