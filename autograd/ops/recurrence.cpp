#include <heed/autograd/ops/recurrence.h>

#include <heed/autograd/engine.h>
#include <heed/autograd/joint.h>
#include <heed/autograd/ops.h>

namespace heed {

using core::CellKind;

namespace {

// One step, gate by gate: x and p (B, G·H).
RecurrenceState plain_step(CellKind kind, const Tensor& x, const Tensor& p, const RecurrenceState& state) {
  if (kind == CellKind::rnn_tanh) return {tanh(x + p)};
  if (kind == CellKind::rnn_relu) return {relu(x + p)};
  const std::vector<Tensor> gx = x.chunk(core::gates_of(kind), -1);
  const std::vector<Tensor> gp = p.chunk(core::gates_of(kind), -1);
  if (kind == CellKind::gru) {
    const Tensor r = sigmoid(gx[0] + gp[0]), z = sigmoid(gx[1] + gp[1]);
    const Tensor n = tanh(gx[2] + r * gp[2]);
    return {(1.0 - z) * n + z * state.hidden};
  }
  const Tensor i = sigmoid(gx[0] + gp[0]), f = sigmoid(gx[1] + gp[1]);
  const Tensor g = tanh(gx[2] + gp[2]), o = sigmoid(gx[3] + gp[3]);
  const Tensor c = f * state.cell + i * g;
  return {o * tanh(c), c};
}

// The whole recurrence in Tensors, for recorded gradients.
Tensor plain_recurrence(const Tensor& projected, RecurrenceState state, const Tensor& weight, const Tensor& bias,
                        const Recurrence& how) {
  const int64_t steps = projected.size(1);
  const bool lstm = how.kind == CellKind::lstm;
  std::vector<Tensor> hidden(static_cast<size_t>(steps)), cells(hidden);
  for (int64_t s = 0; s < steps; ++s) {
    const int64_t t = how.reverse ? steps - 1 - s : s;
    RecurrenceState next = plain_step(how.kind, projected.select(1, t), linear(state.hidden, weight, bias), state);
    Tensor h = next.hidden, c = next.cell;
    if (!how.lengths.empty()) {
      const Tensor real = (tensor_i64(how.lengths) > static_cast<double>(t)).unsqueeze(-1);
      h = where(real, h, 0.0);
      next.hidden = where(real, next.hidden, state.hidden);
      if (lstm) {
        c = where(real, c, 0.0);
        next.cell = where(real, next.cell, state.cell);
      }
    }
    hidden[static_cast<size_t>(t)] = h;
    cells[static_cast<size_t>(t)] = c;
    state = next;
  }
  if (!lstm) return stack(hidden, 1);
  return stack({stack(hidden, 1), stack(cells, 1)}, 0);
}

}  // namespace

Tensor recurrence(const Tensor& projected, const RecurrenceState& start, const Tensor& weight, const Tensor& bias,
                  const Recurrence& how) {
  const auto inputs = [](const std::vector<Tensor>& in, const Recurrence& how) {
    return core::RecurrenceInputs{how.kind,      how.reverse,   how.lengths,   in[0].array(),
                                  in[1].array(), in[2].array(), in[3].array(), in[4].array()};
  };
  const std::vector<Tensor> in{projected, start.hidden, start.cell, weight, bias};
  const core::RecurrenceOutputs out = core::recurrence(inputs(in, how));
  return op("recurrence", out.states, in, keep(in, out.gates, how.lengths),
            [inputs, kind = how.kind, reverse = how.reverse](auto& g, auto& y, auto& in, auto& gates, auto& lengths) {
              const Recurrence how{kind, reverse, lengths};
              if (!grad_enabled()) {
                core::RecurrenceGrad d = core::recurrence_grad(inputs(in, how), {y.array(), gates.array()}, g.array());
                return std::vector<Tensor>{Tensor(d.projected), Tensor(d.hidden), Tensor(d.cell), Tensor(d.weight),
                                           Tensor(d.bias)};
              }
              // Differentiates the plain form with respect to fresh views of the inputs: if one input
              // depends on another, only its direct use here counts.
              std::vector<Tensor> views, wanted, grads(in.size());
              for (const Tensor& x : in) {
                views.push_back(x.defined() ? x.reshape(x.shape()) : Tensor());
                if (views.back().requires_grad()) wanted.push_back(views.back());
              }
              const Tensor again = plain_recurrence(views[0], {views[1], views[2]}, views[3], views[4], how);
              const std::vector<Tensor> found = grad(again, wanted, {.seed = g, .create_graph = true});
              size_t next = 0;
              for (size_t i = 0; i < in.size(); ++i)
                if (views[i].requires_grad()) grads[i] = found[next++];
              return grads;
            });
}

}  // namespace heed
