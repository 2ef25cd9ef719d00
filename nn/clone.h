// Independent copies of modules, and their names.
#pragma once

#include <string>
#include <vector>

#include <heed/nn/module.h>

namespace heed::nn {

/// Replaces every tensor of m by a copy of its own; tied tensors stay tied.
void unshare(Module& m);

/// An independent copy: training it does not change m.
template <class M> M clone(const M& m) {
  M copy = m;
  unshare(copy);
  return copy;
}

/// "Linear": the class of m, without namespaces.
std::string class_name(const Module& m);

struct NamedModule {
  std::string name;  // "" for m itself
  const Module* module;
};

/// m itself, then those inside it, in the order of visit().
std::vector<NamedModule> named_modules(const Module& m);

/// Calls f(name, layer) for each Layer inside the model, in the order of visit().
template <class Layer, class F> void for_each(Module& model, F&& f) {
  for (const NamedModule& inner : named_modules(model))
    if (const auto* layer = dynamic_cast<const Layer*>(inner.module)) f(inner.name, const_cast<Layer&>(*layer));
}

}  // namespace heed::nn
