// Scope: which module runs, for errors (core/scope.h), and what it computes, for hooks, captures and patches (capture.h).
//
//     const Scope scope(*this);                     the first line of each layer's call
//     return scope(y);                              the last: shows y, or y.output, which may be replaced there
//     const Tensor z = scope("middle", x + f(x));   a value within the call, by a name: "h.3:middle"
#pragma once

#include <concepts>

#include <heed/core/scope.h>
#include <heed/nn/module.h>

namespace heed::nn {

struct Watch;                                  // sees the values, and may replace them: watch.h
inline thread_local Watch* watches = nullptr;  // of this thread; null: none

template <class Y>
concept HasOutput = std::same_as<Y, Tensor> || std::same_as<decltype(Y::output), Tensor>;

class Scope {
 public:
  explicit Scope(const Module& m) : frame_{&m, &typeid(m), describe, core::current_scope} {
    if (core::members_wanted > 0 && !frame_.outer) [[unlikely]]
      m.state_dict();  // names all members
    core::enter(frame_);
  }
  ~Scope() { core::leave(frame_); }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  template <HasOutput Y> Y operator()(Y y) const {
    if (watches || static_cast<const Module*>(frame_.module)->forward_hooks) [[unlikely]] {
      if constexpr (std::same_as<Y, Tensor>) show("", y);
      else show("", y.output);
    }
    return y;
  }
  Tensor operator()(const char* point, Tensor y) const {
    if (watches) [[unlikely]]
      show(point, y);
    return y;
  }

 private:
  static std::string describe(const core::ScopeFrame& innermost);
  void show(const char* point, Tensor& y) const;  // watch.cpp
  core::ScopeFrame frame_;
};

void show_point(const char* point, Tensor& y);  // watch.cpp

/// The same for a function that layers call: a value of the running module.
inline Tensor seen(const char* point, Tensor y) {
  if (watches) [[unlikely]]
    show_point(point, y);
  return y;
}

}  // namespace heed::nn
