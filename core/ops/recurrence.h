// Recurrent networks: a state is carried through a sequence, step by step.
//
//     RNN    h' = tanh(x + p)   or relu(x + p)
//     GRU    r = σ(x_r + p_r)   z = σ(x_z + p_z)   n = tanh(x_n + r p_n)   h' = (1 - z) n + z h
//     LSTM   i = σ(x_i + p_i)   f = σ(x_f + p_f)   g = tanh(x_g + p_g)     o = σ(x_o + p_o)
//            c' = f c + i g     h' = o tanh c'
//
// (Elman 1990; Cho et al. 2014, with the reset gate after the product; Hochreiter & Schmidhuber
// 1997 with the forget gate of Gers et al. 2000; all as in torch.nn.) x is the input's
// projection, given for all steps at once; p = h Wᵀ + b is the state's, the only product that must
// wait for the previous step. The gates are stacked in the order written above: G = 1, 3 or 4.
//
// Sequences are independent, so the batch is divided among threads. Same bits for any number of threads.
// The plain loops of one step are in kernels/plain_gates.h.
//
// Shapes: B batch, L steps, H hidden units. O(B L G H²) time; what is kept is O(B L G H).
#pragma once

#include <cstdint>
#include <vector>

#include <heed/core/array.h>

namespace heed::core {

enum class CellKind : uint8_t { rnn_tanh, rnn_relu, gru, lstm };

/// Gates whose projections are stacked in one weight.
constexpr int64_t gates_of(CellKind kind) { return kind == CellKind::gru ? 3 : kind == CellKind::lstm ? 4 : 1; }

struct RecurrenceInputs {
  CellKind kind;
  bool reverse;                  // from the last step to the first
  std::vector<int64_t> lengths;  // (B), each 1 … L: later steps are padding; empty: all L
  Array projected;               // (B, L, G·H)
  Array hidden, cell;            // (B, H), before the first step; cell for LSTM only
  Array weight, bias;            // (G·H, H) and (G·H); bias may be undefined
};

struct RecurrenceOutputs {
  Array states;  // (B, L, H), of an LSTM (2, B, L, H): h and c. 0 at padding
  Array gates;   // for recurrence_grad
};

/// Throws ShapeError or DtypeError if the inputs do not fit together.
RecurrenceOutputs recurrence(const RecurrenceInputs& inputs);

struct RecurrenceGrad {
  Array projected, hidden, cell, weight, bias;
};

/// `grad` has the shape of outputs.states.
RecurrenceGrad recurrence_grad(const RecurrenceInputs& inputs, const RecurrenceOutputs& outputs, const Array& grad);

}  // namespace heed::core
