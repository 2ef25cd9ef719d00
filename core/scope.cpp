#include <heed/core/scope.h>

#include <heed/core/error.h>

namespace heed::core {

const ScopeFrame*& current_scope() {
  static thread_local const ScopeFrame* innermost = nullptr;
  return innermost;
}

std::string scope_path() {
  const ScopeFrame* frame = current_scope();
  return frame ? frame->describe(*frame) : std::string();
}

std::string scope_suffix() {
  const std::string path = scope_path();
  return path.empty() ? path : " [in " + path + "]";
}

}  // namespace heed::core
