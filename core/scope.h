// Scope: which modules are at work on this thread, innermost last.
//
// nn::Scope (nn/module.h) pushes a module's address when its call begins; errors, anomaly mode, the
// profiler and AttentionTrace ask where they are. Nothing is paid beyond two pointer writes; names
// are looked for only when somebody asks.
#pragma once

#include <string>
#include <typeinfo>

namespace heed::core {

struct ScopeFrame {
  const void* module;
  const std::type_info* layer;                           // its class
  std::string (*describe)(const ScopeFrame& innermost);  // the path, from the outermost frame down
  const ScopeFrame* outer;
};

/// While positive, each outermost module that works on this thread visits its members first (nn::Scope):
/// somebody wants to know which tensors are named (optim/ownership.h).
inline thread_local int members_wanted = 0;

/// Innermost frame of the calling thread; null outside of any module.
inline thread_local const ScopeFrame* current_scope = nullptr;

/// The class of the module at work on this thread; null outside of any.
inline const std::type_info* current_layer() { return current_scope ? current_scope->layer : nullptr; }

/// "Linear": a class without its namespaces.
std::string class_name(const std::type_info& type);

/// "h.3.attn.out_proj", or "" outside of any module.
std::string scope_path();

}  // namespace heed::core
