// A recurrent layer's steps as one op (core/ops/recurrence.h has the equations).
#pragma once

#include <vector>

#include <heed/autograd/tensor.h>
#include <heed/core/ops/recurrence.h>

namespace heed {

struct Recurrence {
  core::CellKind kind;
  bool reverse = false;               // from the last step to the first
  std::vector<int64_t> lengths = {};  // (B), each 1 … L: later steps are padding; empty: all L
};

struct RecurrenceState {
  Tensor hidden;     // (B, H)
  Tensor cell = {};  // (B, H), LSTM only
};

/// projected (B, L, G·H): the input times its weight; weight (G·H, H) and bias (G·H), which may be
/// empty, apply to the state. -> all states (B, L, H), of an LSTM (2, B, L, H): h, then c. They are 0
/// at padded steps, which change no state.
Tensor recurrence(const Tensor& projected, const RecurrenceState& start, const Tensor& weight, const Tensor& bias,
                  const Recurrence& how);

}  // namespace heed
