// Loading a state dict in two steps: all of it is judged before any of it is taken over.
#pragma once

#include <functional>

#include <heed/nn/module.h>

namespace heed::nn {

/// Judges `state` for m, as Module::load_state_dict says, and returns what copies it in, which cannot fail. m must
/// outlive that. So a model and what belongs to it (resume.h) are loaded together or not at all.
std::function<void()> prepare_load(Module& m, const StateDict& state, const LoadOptions& options = {},
                                   LoadResult* result = nullptr);

/// Equal shapes, dtypes and bits: NaN equals itself here.
bool same_bits(const Tensor& a, const Tensor& b);

}  // namespace heed::nn
