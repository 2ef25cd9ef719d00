#include <heed/nn/recurrent/recurrent.h>

#include <cmath>

#include <heed/autograd/ops.h>
#include <heed/autograd/ops/recurrence.h>
#include <heed/nn/attention/masks.h>
#include <heed/nn/attention/unseen.h>
#include <heed/nn/init.h>

namespace heed::nn {

using core::CellKind;

namespace {

const char* name_of(CellKind kind) { return kind == CellKind::gru ? "GRU" : kind == CellKind::lstm ? "LSTM" : "RNN"; }

// The state after the last step of a direction, from all states (B, L, H).
Tensor last_state(const Tensor& states, const Recurrence& how) {
  const int64_t batch = states.size(0), steps = states.size(1);
  if (how.reverse) return states.select(1, 0);
  if (how.lengths.empty()) return states.select(1, steps - 1);
  std::vector<int64_t> rows;
  for (int64_t b = 0; b < batch; ++b) rows.push_back(b * steps + how.lengths[static_cast<size_t>(b)] - 1);
  return index_select(states.reshape({batch * steps, states.size(2)}), 0, tensor_i64(rows));
}

// Common mistakes: (B, H) lacks the axis of layers, (B, layers, H) has it second.
void check_state(const char* name, const char* which, const Tensor& x, const Tensor& state, const Shape& wanted) {
  check<DtypeError>(state.dtype() == x.dtype(), name, ": input ", x.dtype(), ", ", which, " ", state.dtype(),
                    ": dtypes differ: convert one with to(Dtype)");
  const Shape one_layer{wanted[1], wanted[2]}, batch_first{wanted[1], wanted[0], wanted[2]};
  check<ShapeError>(state.shape() == wanted, name, ": input ", x.shape(), ", ", which, " ", state.shape(),
                    ": must be (layers·directions, B, hidden) = ", wanted,
                    state.shape() == one_layer && wanted[0] == 1 ? ": give it the axis of layers with unsqueeze(0)"
                    : state.shape() == batch_first               ? ": put the axis of layers first with transpose(0, 1)"
                                                                 : "");
}

void check_lengths(const char* name, const Tensor& x, const std::optional<std::vector<int64_t>>& lengths) {
  if (!lengths) return;
  check<ShapeError>(static_cast<int64_t>(lengths->size()) == x.size(0), name, ": input ", x.shape(), ", ",
                    lengths->size(), " lengths: must be one for each sequence, ", x.size(0));
  for (size_t b = 0; b < lengths->size(); ++b)
    check<ShapeError>((*lengths)[b] >= 1 && (*lengths)[b] <= x.size(1), name, ": input ", x.shape(), ", length ",
                      (*lengths)[b], " of sequence ", b, ": must be in 1 … ", x.size(1), ", the number of steps");
}

}  // namespace

RecurrentLayer::RecurrentLayer(const char* name, CellKind kind_, int64_t input, int64_t hidden,
                               const RecurrentOptions& o)
    : kind(kind_),
      input_size(input),
      hidden_size(hidden),
      num_layers(o.num_layers),
      directions(o.bidirectional ? 2 : 1),
      dropout(o.dropout) {
  check<ShapeError>(input > 0 && hidden > 0 && num_layers > 0, name, ": input ", input, ", hidden ", hidden,
                    ", layers ", num_layers, ": each must be at least 1");
  check(dropout >= 0.0 && dropout <= 1.0, name, ": dropout = ", dropout, ": a probability lies in 0 … 1");
  const double bound = 1.0 / std::sqrt(static_cast<double>(hidden));
  const auto fresh = [bound](const Shape& shape) {
    Tensor x = parameter(zeros(shape));
    return uniform_(x, -bound, bound);
  };
  const int64_t rows = times(core::gates_of(kind), hidden);
  const int64_t states = times(directions, hidden);
  for (int64_t i = 0; i < times(directions, num_layers); ++i) {
    const int64_t width = i < directions ? input : states;
    Weights w{fresh({rows, width}), fresh({rows, hidden}), {}, {}};
    if (o.bias) {
      w.bias_ih = fresh({rows});
      w.bias_hh = fresh({rows});
    }
    weights.push_back(w);
  }
}

Recurrent RecurrentLayer::operator()(const Tensor& x, const RecurrentCall& call) const {
  const Scope scope(*this);
  const char* const name = name_of(kind);
  const bool lstm = kind == CellKind::lstm;
  check<ShapeError>(x.dim() == 3 && x.size(1) > 0 && x.size(2) == input_size, name, ": input ", x.shape(),
                    ": must be (B, L, ", input_size, "), batch first, L >= 1",
                    x.dim() == 2 && x.size(1) == input_size ? ": give one sequence a batch axis with unsqueeze(0)"
                    : x.dim() == 2 && input_size == 1       ? ": give each step its one feature with unsqueeze(-1)"
                                                            : "");
  const Tensor& w_ih = weights.front().ih;
  check<DtypeError>(x.dtype() == w_ih.dtype(), name, ": input ", x.dtype(), " ", x.shape(), ", weights ", w_ih.dtype(),
                    ": dtypes differ: convert one with to(Dtype)");
  const Shape state_shape{num_layers * directions, x.size(0), hidden_size};
  check(!call.cell || lstm, name, ": a cell state is given: only an LSTM has one");
  if (call.hidden) check_state(name, "hidden", x, *call.hidden, state_shape);
  if (call.cell) check_state(name, "cell", x, *call.cell, state_shape);
  check_lengths(name, x, call.lengths);

  const Tensor none = zeros({x.size(0), hidden_size}, x.dtype());
  std::vector<Tensor> last_hidden, last_cell;
  Tensor y = call.lengths ? without_padding(x, padding_mask(*call.lengths, x.size(1))) : x;
  for (int64_t layer = 0; layer < num_layers; ++layer) {
    if (layer > 0 && training && dropout != 0.0) y = heed::dropout(y, dropout);
    std::vector<Tensor> sides;  // (B, L, H), one per direction
    for (int64_t direction = 0; direction < directions; ++direction) {
      const int64_t i = layer * directions + direction;
      const Weights& w = weights[static_cast<size_t>(i)];
      const Recurrence how{kind, direction == 1, call.lengths.value_or(std::vector<int64_t>())};
      const RecurrenceState start{call.hidden ? call.hidden->select(0, i) : none, !lstm       ? Tensor()
                                                                                  : call.cell ? call.cell->select(0, i)
                                                                                              : none};
      const Tensor states = recurrence(linear(y, w.ih, w.bias_ih), start, w.hh, w.bias_hh, how);
      sides.push_back(lstm ? states.select(0, 0) : states);
      last_hidden.push_back(last_state(sides.back(), how));
      if (lstm) last_cell.push_back(last_state(states.select(0, 1), how));
    }
    y = directions == 1 ? sides[0] : cat(sides, -1);
  }
  const Tensor hidden = scope("hidden", stack(last_hidden));
  const Tensor cell = lstm ? scope("cell", stack(last_cell)) : Tensor();
  return {scope(std::move(y)), hidden, cell};
}

void RecurrentLayer::visit(Visitor& v) {
  for (int64_t i = 0; i < num_layers * directions; ++i) {
    Weights& w = weights[static_cast<size_t>(i)];
    const std::string suffix = cat("_l", i / directions, i % directions == 1 ? "_reverse" : "");
    v("weight_ih" + suffix, w.ih);
    v("weight_hh" + suffix, w.hh);
    v("bias_ih" + suffix, w.bias_ih);
    v("bias_hh" + suffix, w.bias_hh);
  }
}

RNN::RNN(Whole inputs, Whole hidden, const RNNOptions& o)
    : RecurrentLayer("RNN", o.nonlinearity == Nonlinearity::relu ? CellKind::rnn_relu : CellKind::rnn_tanh, inputs,
                     hidden, {o.num_layers, o.bias, o.dropout, o.bidirectional}) {}

}  // namespace heed::nn
