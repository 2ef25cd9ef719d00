// Loading a state dict in two steps: all of it is checked before any of it is applied.
#pragma once

#include <functional>
#include <optional>

#include <heed/nn/module.h>

namespace heed::nn {

/// Checks `state` for m, as Module::load_state_dict says, and returns a function that copies it in and cannot fail. m
/// must outlive it. So a model and its optimizer (resume.h) are loaded together or not at all.
std::function<void()> prepare_load(Module& m, const StateDict& state, const LoadOptions& options = {},
                                   LoadResult* result = nullptr);

/// " (did you mean h.0.attn?)", or "" if none of the candidates is near. Only short names, and not too many, are
/// compared: a foreign state may hold anything.
std::string suggestion(const std::string& name, const std::vector<std::string>& candidates);

/// The first element of x that is finite and would be infinite in `dtype`: 1e300 in f32; nothing if there is none.
std::optional<double> beyond_range(const Tensor& x, Dtype dtype);

/// Equal shapes, dtypes and bits: NaN equals itself here.
bool same_bits(const Tensor& a, const Tensor& b);

}  // namespace heed::nn
