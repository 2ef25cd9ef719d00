// gradcheck: is a derivative rule right? Compare it with differences of the function itself.
//
//     gradcheck([](const std::vector<Tensor>& in) { return matmul(in[0], in[1]); }, {a, b});
//
// The rules give gᵢ = Jᵢᵀ w, where w is the gradient that arrives; differences give the slope of
// ⟨w, f(x + t v)⟩ at t = 0. Both compute ⟨w, J v⟩, so they must agree for any w and v
// (Maclaurin et al. 2015, HIPS autograd, test_util). Slopes are central differences at shrinking
// steps, extrapolated to step 0 with an estimate of their error (Ridders 1982), which allows tolerances
// a thousand times tighter than those of plain differences.
//
// Second order: x, w -> Σᵢ ⟨uᵢ, gᵢ⟩ is a function like any other and is checked in the same way.
// This also compares the fused rules with the formulas that replace them in recorded gradients.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <heed/autograd/tensor.h>

namespace heed {

struct GradcheckOptions {
  int order = 2;             // 2: derivatives of the derivatives, too
  int directions = 3;        // random directions for each input
  int64_t coordinates = 64;  // an input with at most this many elements is also checked at each of them
  double atol = 1e-8;        // rule and slope may differ by atol + rtol·|slope| + 2·slope's error
  double rtol = 1e-6;
  double step = 1e-3;                   // the first and widest difference
  uint64_t seed = 0;                    // of w and v
  std::vector<std::string> names = {};  // of the inputs, for messages; "input 0", … where there is none
};

/// Throws AutogradError unless the derivatives of f at `inputs` are right, naming the input, the
/// direction and both values. Also if two calls of f give different values, or if f jumps and so
/// has no slope.
///
/// Inputs are f64 (DtypeError otherwise) and of any layout: f sees copies with the same strides,
/// in memory that is NaN wherever the input is not. Repeated elements (stride 0) are written out.
/// Cost: about 4 calls of f for each direction, in each order.
void gradcheck(const std::function<Tensor(const std::vector<Tensor>&)>& f, const std::vector<Tensor>& inputs,
               const GradcheckOptions& = {});

/// For a function of one tensor:  gradcheck([](const Tensor& x) { return softmax(x, -1); }, x).
void gradcheck(const std::function<Tensor(const Tensor&)>& f, const Tensor& x, const GradcheckOptions& = {});

}  // namespace heed
