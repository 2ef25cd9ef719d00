// Recurrent cells: one step of an RNN, a GRU or an LSTM, for your own loops.
//
//     GRUCell cell(input_size, hidden_size);
//     Tensor h = zeros({batch, hidden_size});
//     for (…) h = cell(x, h);
//
// Equations as in recurrent.h. Names and initial values as in torch.nn: weight_ih (G·H, I),
// weight_hh (G·H, H), bias_ih, bias_hh (G·H), all U(±1/√H). For whole sequences the layers
// there are faster.
//
// Shapes: B batch, I input, H hidden units.
#pragma once

#include <heed/autograd/ops/recurrence.h>
#include <heed/nn/recurrent/recurrent.h>

namespace heed::nn {

struct CellOptions {
  bool bias = true;
};

/// What the three cells share.
struct RecurrentCell : Module {
  core::CellKind kind;
  Tensor weight_ih, weight_hh, bias_ih, bias_hh;

  void visit(Visitor& v) override;

 protected:
  RecurrentCell(const char* name, core::CellKind kind, int64_t input_size, int64_t hidden_size, bool bias);
  /// x (B, I), state (B, H); an empty state means zeros.
  RecurrenceState step(const char* name, const Tensor& x, const RecurrenceState& state) const;
};

struct RNNCellOptions {
  Nonlinearity nonlinearity = Nonlinearity::tanh;
  bool bias = true;
};

/// x (B, I), hidden (B, H) -> (B, H).
struct RNNCell : RecurrentCell {
  RNNCell(Whole input_size, Whole hidden_size, const RNNCellOptions& = {});
  Tensor operator()(const Tensor& x, const Tensor& hidden = {}) const {
    const Scope scope(*this);
    return scope(step("RNNCell", x, {hidden}).hidden);
  }
};

/// x (B, I), hidden (B, H) -> (B, H).
struct GRUCell : RecurrentCell {
  GRUCell(Whole input_size, Whole hidden_size, const CellOptions& options = {})
      : RecurrentCell("GRUCell", core::CellKind::gru, input_size, hidden_size, options.bias) {}
  Tensor operator()(const Tensor& x, const Tensor& hidden = {}) const {
    const Scope scope(*this);
    return scope(step("GRUCell", x, {hidden}).hidden);
  }
};

/// x (B, I), {hidden, cell} (B, H) each -> {hidden, cell}.
struct LSTMCell : RecurrentCell {
  LSTMCell(Whole input_size, Whole hidden_size, const CellOptions& options = {})
      : RecurrentCell("LSTMCell", core::CellKind::lstm, input_size, hidden_size, options.bias) {}
  RecurrenceState operator()(const Tensor& x, const RecurrenceState& state = {}) const {
    const Scope scope(*this);
    const RecurrenceState next = step("LSTMCell", x, state);
    const Tensor cell = scope("cell", next.cell);
    return {scope(next.hidden), cell};
  }
};

}  // namespace heed::nn
