// Positions: attention treats its keys as a set, so a token's position must be encoded in the token.
#pragma once

#include <heed/nn/layers/dropout.h>

namespace heed::nn {

/// The table of Vaswani et al. 2017, section 3.5, as (n, d):
///
///     P[i][2j] = sin(i / 10000^(2j/d)),  P[i][2j+1] = cos(i / 10000^(2j/d))
///
/// Each pair is a point on a circle that turns by ω_j = 10000^(-2j/d) per step, so moving δ steps
/// forward is a rotation by δ ω_j from any position.
Tensor sinusoidal_table(int64_t n, int64_t d, Dtype dtype = Dtype::f32);

/// The check of every layer of positions: x is floating, and `first` is in 0 … places.
void check_first(const char* layer, const Tensor& x, int64_t first, int64_t places);

struct PositionOptions {
  double dropout = 0.0;
  int64_t max_length = 1000;
};

/// x (…, n, d) -> dropout(x + P[first … first+n-1]). No parameters, nothing in the state dict.
struct SinusoidalPositions : Module {
  Tensor table;  // (max_length, d), f64
  Dropout dropout;

  explicit SinusoidalPositions(Whole width, const PositionOptions& = {});
  Tensor operator()(const Tensor& x, int64_t first = 0) const;
  void visit(Visitor& v) override { v("dropout", dropout); }
};

/// The same with a learnt table: weight (max_length, d), N(0, 1) as an Embedding.
struct LearnedPositions : Module {
  Tensor weight;
  Dropout dropout;

  explicit LearnedPositions(Whole width, const PositionOptions& = {});
  Tensor operator()(const Tensor& x, int64_t first = 0) const;
  void visit(Visitor& v) override {
    v("weight", weight);
    v("dropout", dropout);
  }
};

}  // namespace heed::nn
