#include <heed/nn/watch.h>

#include <algorithm>

#include <heed/nn/clone.h>
#include <heed/nn/forward_hooks.h>

namespace heed::nn {

namespace {

thread_local int closed_eyes = 0;  // how many NoWatch live

void show_all(const core::ScopeFrame& at, const char* point, Tensor& y) {
  if (closed_eyes > 0) return;
  const NoWatch inside;
  for (Watch* watch = watches; watch; watch = watch->newer) watch->see(at, point, y);
}

}  // namespace

Watch::Watch() {
  Watch** last = &watches;
  while (*last) last = &(*last)->newer;
  *last = this;
}

Watch::~Watch() {
  Watch** link = &watches;
  while (*link && *link != this) link = &(*link)->newer;
  if (*link) *link = newer;
}

NoWatch::NoWatch() { ++closed_eyes; }
NoWatch::~NoWatch() { --closed_eyes; }

void show_point(const char* point, Tensor& y) {
  if (core::current_scope) show_all(*core::current_scope, point, y);
}

bool any_wants(const char* point) {
  if (closed_eyes > 0 || !core::current_scope) return false;
  bool any = false;  // all are asked: they take note of the points that there are
  for (Watch* watch = watches; watch; watch = watch->newer) any = watch->wants(*core::current_scope, point) || any;
  return any;
}

Tensor checked_replacement(const char* what, const std::string& path, const std::function<Tensor(const Tensor&)>& f,
                           const Tensor& y) {
  const uint32_t version = y.array().storage().version();
  Tensor changed = f(y);
  check<AutogradError>(y.array().storage().version() == version, what, ": ", path, " ", y.shape(),
                       ": was changed in place: return the new value instead, as in y * 2.0");
  if (!changed.defined()) return changed;
  check<ShapeError>(changed.shape() == y.shape(), what, ": ", path, " ", y.shape(), ": its replacement is ",
                    changed.shape(), ": must have the same shape");
  check<DtypeError>(changed.dtype() == y.dtype(), what, ": ", path, " ", y.dtype(), " ", y.shape(),
                    ": its replacement is ", changed.dtype(), ": must have the same dtype: convert it with to(Dtype)");
  return changed;
}

// A call within a call of the same module (operator() calls attend_to()) is a part of it, and shows nothing.
void Scope::show(const char* point, Tensor& y) const {
  if (*point == '\0') {
    if (frame_.outer && frame_.outer->module == frame_.module) return;
    run_forward_hooks(*static_cast<const Module*>(frame_.module), y);
  }
  show_all(frame_, point, y);
}

ForwardHookHandle add_forward_hook(Module& m, ForwardHook hook) {
  check(hook != nullptr, "on_forward: ", class_name(m), ", an empty function: pass one that takes (module, output)");
  if (!m.forward_hooks) m.forward_hooks = std::make_shared<ForwardHooks>();
  auto function = std::make_shared<ForwardHook>(std::move(hook));
  m.forward_hooks->functions.push_back(function);
  return {m.forward_hooks, function};
}

void ForwardHookHandle::remove() {
  if (const auto hooks = hooks_.lock()) std::erase(hooks->functions, function_.lock());
  hooks_.reset();
}

void run_forward_hooks(const Module& m, Tensor& output) {
  const std::shared_ptr<ForwardHooks> hooks = m.forward_hooks;
  if (!hooks) return;
  const std::vector<std::shared_ptr<ForwardHook>> now = hooks->functions;  // a hook may change the list
  for (const auto& function : now) {
    if (std::ranges::find(hooks->functions, function) == hooks->functions.end()) continue;  // removed meanwhile
    const auto of_output = [&](const Tensor& y) { return (*function)(m, y); };
    Tensor changed = checked_replacement("on_forward", class_name(m), of_output, output);
    if (changed.defined()) output = std::move(changed);
  }
}

}  // namespace heed::nn
