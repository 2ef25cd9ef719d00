#include <heed/nn/recurrent/recurrent_cells.h>

#include <cmath>

#include <heed/autograd/ops.h>
#include <heed/nn/init.h>

namespace heed::nn {

using core::CellKind;

RecurrentCell::RecurrentCell(const char* name, CellKind kind_, int64_t input, int64_t hidden, bool bias) : kind(kind_) {
  check<ShapeError>(input > 0 && hidden > 0, name, ": input ", input, ", hidden ", hidden, ": each must be at least 1");
  const double bound = 1.0 / std::sqrt(static_cast<double>(hidden));
  const auto fresh = [bound](const Shape& shape) {
    Tensor x = parameter(zeros(shape));
    return uniform_(x, -bound, bound);
  };
  const int64_t rows = times(core::gates_of(kind), hidden);
  weight_ih = fresh({rows, input});
  weight_hh = fresh({rows, hidden});
  if (bias) {
    bias_ih = fresh({rows});
    bias_hh = fresh({rows});
  }
}

RecurrenceState RecurrentCell::step(const char* name, const Tensor& x, const RecurrenceState& state) const {
  const int64_t input = weight_ih.size(1), hidden = weight_hh.size(1);
  check<ShapeError>(x.dim() == 2 && x.size(1) == input, name, ": input ", x.shape(), ": must be (B, ", input, ")",
                    x.dim() == 1 ? ": give one example a batch axis with unsqueeze(0)" : "");
  const Shape shape{x.size(0), hidden};
  for (const Tensor* given : {&state.hidden, &state.cell})
    check<ShapeError>(!given->defined() || given->shape() == shape, name, ": input ", x.shape(), ", state ",
                      given->shape(), ": must be (B, hidden) = ", shape);
  const auto or_zeros = [&](const Tensor& given) { return given.defined() ? given : zeros(shape, x.dtype()); };
  const bool lstm = kind == CellKind::lstm;
  const Tensor projected = linear(x, weight_ih, bias_ih).unsqueeze(1);  // one step: (B, 1, G·H)
  const Tensor states = recurrence(projected, {or_zeros(state.hidden), lstm ? or_zeros(state.cell) : Tensor()},
                                   weight_hh, bias_hh, {kind});
  if (!lstm) return {states.squeeze(1)};
  return {states.select(0, 0).squeeze(1), states.select(0, 1).squeeze(1)};
}

void RecurrentCell::visit(Visitor& v) {
  v("weight_ih", weight_ih);
  v("weight_hh", weight_hh);
  v("bias_ih", bias_ih);
  v("bias_hh", bias_hh);
}

RNNCell::RNNCell(Whole input_size, Whole hidden_size, const RNNCellOptions& o)
    : RecurrentCell("RNNCell", o.nonlinearity == Nonlinearity::relu ? CellKind::rnn_relu : CellKind::rnn_tanh,
                    input_size, hidden_size, o.bias) {}

}  // namespace heed::nn
