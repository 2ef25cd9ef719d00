// Watch: sees the values of modules while they run, and may replace them. Under capture.h and patch.h.
//
// Layers and functions show values as scope.h says; while no watch lives, each costs one test of a pointer.
#pragma once

#include <functional>
#include <string>

#include <heed/nn/module.h>

namespace heed::nn {

/// Joins the watches of its thread, as the newest; each sees what the older ones have made of a value. To be destroyed
/// on that thread. What a watch itself calls is not watched.
struct Watch {
  Watch();
  virtual ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  /// y is the output of the call `at` if `point` is "", else the value of that name within it.
  virtual void see(const core::ScopeFrame& at, const char* point, Tensor& y) = 0;
  /// Whether this value would be used, so that the layer should form it.
  virtual bool wants(const core::ScopeFrame& at, const char* point) = 0;

  Watch* newer = nullptr;
};

/// No watch of this thread sees anything while it lives.
class NoWatch {
 public:
  NoWatch();
  ~NoWatch();
  NoWatch(const NoWatch&) = delete;
};

bool any_wants(const char* point);
inline bool wanted(const char* point) { return watches && any_wants(point); }

/// f(y), checked: it has y's shape and dtype, or is empty, and y was not changed in place.
Tensor checked_replacement(const char* what, const std::string& path, const std::function<Tensor(const Tensor&)>& f,
                           const Tensor& y);

}  // namespace heed::nn
