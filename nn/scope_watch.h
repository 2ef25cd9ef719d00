// ScopeWatch: does a layer open a Scope? For check_module.
#pragma once

#include <heed/autograd/observe.h>
#include <heed/nn/module.h>

namespace heed::nn {

/// Counts the ops that run while the module at `outermost` is not on the list of scopes.
struct ScopeWatch final : Observer {
  const void* outermost;
  int ops = 0, outside = 0;
  explicit ScopeWatch(const void* m) : outermost(m), before_(observer) { observer = this; }
  ~ScopeWatch() override { observer = before_; }
  void input(const Tensor&) override {}
  void gradient(const char*, const Tensor&, bool) override {}
  void output(const char*, const core::Array&) override {
    const core::ScopeFrame* frame = core::current_scope;
    while (frame && frame->module != outermost) frame = frame->outer;
    ++ops;
    outside += frame == nullptr;
  }

 private:
  Observer* before_;
};

}  // namespace heed::nn
