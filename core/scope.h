// Scope: which modules are running on this thread, innermost last.
//
// nn::Scope (nn/module.h) pushes a module's address when its call begins; errors, anomaly mode
// and AttentionTrace use it to say where they are. It costs two pointer writes, and two tests for whoever watches
// (watch.h); names are looked up
// on request only.
#pragma once

#include <string>
#include <typeinfo>

#include <heed/core/watch.h>

namespace heed::core {

struct ScopeFrame {
  const void* module;
  const std::type_info* layer;                           // its class
  std::string (*describe)(const ScopeFrame& innermost);  // the path, from the outermost frame down
  const ScopeFrame* outer;
};

/// While positive, each outermost module called on this thread first visits its members (nn::Scope), for a
/// caller that needs to know which tensors are named (optim/ownership.h).
inline thread_local int members_wanted = 0;

/// Innermost frame of the calling thread; null outside of any module.
inline thread_local const ScopeFrame* current_scope = nullptr;

/// Puts a frame on the calling thread's list, and takes it off.
inline void enter(const ScopeFrame& frame) {
  current_scope = &frame;
  if (watch) [[unlikely]]
    watch->module_begins(frame);
}
inline void leave(const ScopeFrame& frame) {
  if (watch) [[unlikely]]
    watch->module_ends(frame);
  current_scope = frame.outer;
}

/// The class of the module running on this thread; null outside of any.
inline const std::type_info* current_layer() { return current_scope ? current_scope->layer : nullptr; }

/// "Linear": a class without its namespaces.
std::string class_name(const std::type_info& type);

/// "h.3.attn.out_proj", or "" outside of any module.
std::string scope_path();

}  // namespace heed::core
