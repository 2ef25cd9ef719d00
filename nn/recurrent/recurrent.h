// Recurrent layers: RNN, GRU and LSTM over whole sequences.
//
//     RNN    h' = tanh(W_ih x + b_ih + W_hh h + b_hh)
//     GRU    r, z = σ(…)   n = tanh(W_in x + b_in + r (W_hn h + b_hn))   h' = (1 - z) n + z h
//     LSTM   i, f, o = σ(…)   g = tanh(…)   c' = f c + i g   h' = o tanh c'
//
// with the full formulas in core/ops/recurrence.h. Everything except W_hh h is one product for all
// steps. Names, shapes, order of gates and initial values (U(±1/√H)) are those of torch.nn with
// batch_first=True: weight_ih_l0 (G·H, I), weight_hh_l0 (G·H, H), bias_ih_l0, bias_hh_l0 (G·H),
// …_l1 for the next layer, …_reverse for the backward direction. LSTM's proj_size is not supported.
//
// One step at a time, as a decoder needs it: recurrent_cells.h.
//
// Shapes: B batch, L steps, I input, H hidden units, D directions (1 or 2), G gates.
#pragma once

#include <optional>
#include <vector>

#include <heed/core/ops/recurrence.h>
#include <heed/nn/module.h>

namespace heed::nn {

struct RecurrentOptions {
  int64_t num_layers = 1;
  bool bias = true;
  double dropout = 0.0;        // of each layer's output except the last, while training
  bool bidirectional = false;  // a second network reads from the end; outputs are concatenated
};

enum class Nonlinearity : uint8_t { tanh, relu };

struct RNNOptions {
  int64_t num_layers = 1;
  Nonlinearity nonlinearity = Nonlinearity::tanh;
  bool bias = true;
  double dropout = 0.0;
  bool bidirectional = false;
};

struct RecurrentCall {
  std::optional<Tensor> hidden = std::nullopt;  // (layers·D, B, H), the initial state instead of zeros
  std::optional<Tensor> cell = std::nullopt;    // the same, LSTM only
  /// (B): steps of each sequence, 1 … L; later ones are padding, which changes no state. The backward
  /// direction begins at the last real step. As torch.nn.utils.rnn.pack_padded_sequence.
  std::optional<std::vector<int64_t>> lengths = std::nullopt;
};

struct Recurrent {
  Tensor output;  // (B, L, D·H): the last layer's states; 0 at padded steps
  Tensor hidden;  // (layers·D, B, H): each layer's last state, forward then backward
  Tensor cell;    // the same, LSTM only
};

/// What RNN, GRU and LSTM share. x (B, L, I).
struct RecurrentLayer : Module {
  struct Weights {  // of one layer in one direction
    Tensor ih, hh, bias_ih, bias_hh;
  };

  core::CellKind kind;
  int64_t input_size, hidden_size, num_layers, directions;
  double dropout;
  std::vector<Weights> weights;  // layer·D + direction

  Recurrent operator()(const Tensor& x, const RecurrentCall& call = {}) const;
  void visit(Visitor& v) override;

 protected:
  RecurrentLayer(const char* name, core::CellKind kind, int64_t input_size, int64_t hidden_size,
                 const RecurrentOptions& options);
};

/// Elman 1990. REQUIRES, as GRU and LSTM: sizes and num_layers > 0, 0 <= dropout <= 1; else Error.
struct RNN : RecurrentLayer {
  RNN(Whole inputs, Whole hidden, const RNNOptions& = {});
};

/// Gated recurrent unit (Cho et al. 2014); the reset gate acts after the product, as in cuDNN.
struct GRU : RecurrentLayer {
  GRU(Whole inputs, Whole hidden, const RecurrentOptions& options = {})
      : RecurrentLayer("GRU", core::CellKind::gru, inputs, hidden, options) {}
};

/// Long short-term memory (Hochreiter & Schmidhuber 1997; forget gate: Gers et al. 2000).
struct LSTM : RecurrentLayer {
  LSTM(Whole inputs, Whole hidden, const RecurrentOptions& options = {})
      : RecurrentLayer("LSTM", core::CellKind::lstm, inputs, hidden, options) {}
};

}  // namespace heed::nn
