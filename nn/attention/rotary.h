// Rotary positions (RoPE, Su et al. 2021): queries and keys are rotated by an angle that grows with
// their position, so that a score depends only on the distance between two tokens.
//
//     pair j of a head of width d, at position i:    θ_j = base^(-2j/d),  φ = i θ_j
//     (a, b)  ->  (a cos φ - b sin φ,  a sin φ + b cos φ)                            ibid., eq. 15
//
//     (R_i q) · (R_l k) = q · R_(l - i) k
//
// Which elements form pair j is a convention, and weights trained for one give fluent nonsense under
// the other. So it must always be stated:
//
//     interleaved   (x_2j, x_2j+1)       the paper, Meta's Llama, llama2.c
//     half_split    (x_j, x_j+d/2)       Hugging Face's Llama, GPT-NeoX
#pragma once

#include <cstdint>

#include <heed/nn/module.h>

namespace heed::nn {

enum class RopeLayout : uint8_t { interleaved, half_split };

struct RopeOptions {
  double base = 10000.0;
  int64_t max_length = 2048;
};

/// No parameters, nothing in the state dict.
struct RotaryPositions : Module {
  Tensor cosines, sines;  // (max_length, d / 2), f64
  RopeLayout layout;

  /// ShapeError unless the width d of a head is even.
  RotaryPositions(Whole width, RopeLayout layout, const RopeOptions& = {});

  /// x (…, n, d), whose rows stand at positions first … first + n - 1 -> the same, rotated.
  /// ShapeError if the table is too narrow or too short.
  Tensor operator()(const Tensor& x, int64_t first = 0) const;
  void visit(Visitor&) override {}
};

/// A projection onto heads, weight (heads d, in) or bias (heads d), trained for one layout, with
/// its rows reordered for the other. Apply it to the projections of queries and keys, not of values.
Tensor convert_rope(const Tensor& projection, int64_t heads, RopeLayout from, RopeLayout to);

}  // namespace heed::nn
