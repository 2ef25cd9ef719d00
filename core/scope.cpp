#include <heed/core/scope.h>

#include <algorithm>
#include <cstdlib>
#if __has_include(<cxxabi.h>)
#include <cxxabi.h>
#endif

#include <heed/core/error.h>

namespace heed::core {

std::string class_name(const std::type_info& type) {
  std::string name = type.name();
#if __has_include(<cxxabi.h>)
  int status = 0;
  if (char* const readable = abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status)) {
    name = readable;
    std::free(readable);
  }
#endif
  const size_t arguments = std::min(name.find('<'), name.size());  // a template's argument list keeps its namespaces
  const size_t colon = name.rfind("::", arguments);
  return colon == std::string::npos ? name : name.substr(colon + 2);
}

std::string scope_path() {
  const ScopeFrame* frame = current_scope;
  return frame ? frame->describe(*frame) : std::string();
}

std::string scope_suffix() {
  const std::string path = scope_path();
  return path.empty() ? path : " [in " + path + "]";
}

}  // namespace heed::core
