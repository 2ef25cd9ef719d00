#include <heed/core/ops/recurrence.h>

#include <algorithm>

#include <heed/core/op_name.h>
#include <heed/core/ops/gemm.h>
#include <heed/core/ops/ops.h>
#include <heed/core/parallel.h>
#include <heed/core/work.h>

namespace heed::core {

namespace {

constexpr int64_t sequences_at_a_time = 32;

void check_recurrence(const RecurrenceInputs& in) {
  const bool has_cell = in.kind == CellKind::lstm;
  const Array &x = in.projected, &w = in.weight;
  const int64_t rows = gates_of(in.kind) * (w.rank() == 2 ? w.size(1) : 0);
  check<ShapeError>(x.rank() == 3 && w.rank() == 2 && w.size(0) == rows && x.size(2) == rows,
                    "recurrence: projected input ", x.shape(), ", weight ", w.shape(),
                    ": must be (B, L, G H) and (G H, H) with G = ", gates_of(in.kind), " gates");
  const Shape state{x.size(0), w.size(1)};
  check<ShapeError>(in.hidden.shape() == state && (!has_cell || in.cell.shape() == state),
                    "recurrence: projected input ", x.shape(), ", state ", in.hidden.shape(),
                    has_cell ? cat(" and ", in.cell.shape()) : "", ": must be ", state);
  check<ShapeError>(!in.bias.defined() || in.bias.shape() == Shape{rows}, "recurrence: weight ", w.shape(), ", bias ",
                    in.bias.shape(), ": must be (", rows, ",)");
  for (const Array* other : {&w, &in.hidden, &in.cell, &in.bias})
    check<DtypeError>(!other->defined() || other->dtype() == x.dtype(), "recurrence: input ", x.dtype(),
                      ", state or parameter ", other->dtype(), ": dtypes differ: convert one with to(Dtype)");
  check<ShapeError>(in.lengths.empty() || static_cast<int64_t>(in.lengths.size()) == x.size(0),
                    "recurrence: ", in.lengths.size(), " lengths for a batch of ", x.size(0),
                    ": must be one per sequence");
  for (const int64_t n : in.lengths)
    check<ShapeError>(n >= 1 && n <= x.size(1), "recurrence: length ", n, ", input ", x.shape(),
                      ": a length lies in 1 … ", x.size(1), ", the number of steps");
}

// The memory layout. Step t of sequence b is row b·L + t of every array that has L steps.
template <class T> struct RecurrenceLayout {
  const RecurrenceInputs& in;
  int64_t B, L, H, G;
  Array contiguous_weight, contiguous_bias;
  Array transposed_weight;  // for many steps: else each would transpose it again

  explicit RecurrenceLayout(const RecurrenceInputs& inputs)
      : in(inputs),
        B(inputs.projected.size(0)),
        L(inputs.projected.size(1)),
        H(inputs.weight.size(1)),
        G(gates_of(inputs.kind)),
        contiguous_weight(contiguous(inputs.weight)),
        contiguous_bias(inputs.bias.defined() ? contiguous(inputs.bias) : inputs.bias),
        transposed_weight(transpose(contiguous_weight, 0, 1)) {
    if (L > 1) transposed_weight = contiguous(transposed_weight);
  }

  bool lstm() const { return in.kind == CellKind::lstm; }
  /// Values that a step keeps for its gradient, in units of H. An RNN's output is enough.
  int64_t kept() const { return lstm() ? 5 : in.kind == CellKind::gru ? 4 : 0; }
  int64_t length(int64_t b) const { return in.lengths.empty() ? L : in.lengths[static_cast<size_t>(b)]; }
  bool padding(int64_t b, int64_t t) const { return t >= length(b); }
  int64_t step(int64_t s) const { return in.reverse ? L - 1 - s : s; }
  /// The state that step t of sequence b began with, among all states and the initial ones.
  const T* before(const Array& states, const Array& initial, int64_t b, int64_t t) const {
    const bool first = t == (in.reverse ? length(b) - 1 : 0);
    return first ? initial.data<T>() + b * H : states.data<T>() + (b * L + t + (in.reverse ? 1 : -1)) * H;
  }
  /// p = h Wᵀ + b for `rows` states.
  void project(const T* h, int64_t rows, T* p) const {
    gemm(Gemm<T>{.m = rows,
                 .n = G * H,
                 .k = H,
                 .a = h,
                 .a_row = H,
                 .a_col = 1,
                 .b = transposed_weight.data<T>(),
                 .b_row = transposed_weight.strides()[0],
                 .b_col = transposed_weight.strides()[1],
                 .c = p,
                 .c_row = G * H,
                 .bias = contiguous_bias.defined() ? contiguous_bias.data<T>() : nullptr});
  }
  /// dh += dp W for `rows` projections, each `distance` from the next.
  void project_back(const T* dp, int64_t distance, int64_t rows, T* dh) const {
    gemm(Gemm<T>{.m = rows,
                 .n = H,
                 .k = G * H,
                 .a = dp,
                 .a_row = distance,
                 .a_col = 1,
                 .b = contiguous_weight.data<T>(),
                 .b_row = H,
                 .b_col = 1,
                 .c = dh,
                 .c_row = H,
                 .accumulate = true});
  }
};

constexpr int tanh_of = static_cast<int>(Unary::tanh), relu_of = static_cast<int>(Unary::relu),
              tanh_grad = static_cast<int>(UnaryGrad::tanh_from_output), relu_grad = static_cast<int>(UnaryGrad::relu),
              add_of = static_cast<int>(Binary::add);

}  // namespace

RecurrenceOutputs recurrence(const RecurrenceInputs& in) {
  const OpName named("recurrence");
  check_recurrence(in);
  return dispatch_floating(in.projected.dtype(), "recurrence", [&]<class T>() {
    const RecurrenceLayout<T> at(in);
    const int64_t B = at.B, L = at.L, H = at.H, G = at.G, K = at.kept();
    const Dtype dtype = in.projected.dtype();
    const Array projected = contiguous(in.projected), state_projected({B, G * H}, dtype);
    const Array h = clone(in.hidden), c = at.lstm() ? clone(in.cell) : Array();
    RecurrenceOutputs out{Array(at.lstm() ? Shape{2, B, L, H} : Shape{B, L, H}, dtype), Array({B, L, K * H}, dtype)};
    const Array hidden = at.lstm() ? select(out.states, 0, 0) : out.states;
    const Array cells = at.lstm() ? select(out.states, 0, 1) : Array();
    const KernelsOf<T>& kernel = kernels_of<T>();
    const auto activation = kernel.unary[in.kind == CellKind::rnn_relu ? relu_of : tanh_of];

    parallel_for(B, sequences_at_a_time, [&](int64_t begin, int64_t end) {
      for (int64_t s = 0; s < L; ++s) {
        const int64_t t = at.step(s);
        at.project(h.data<T>() + begin * H, end - begin, state_projected.data<T>() + begin * G * H);
        for (int64_t b = begin; b < end; ++b) {
          const int64_t row = b * L + t;
          T* const y = hidden.data<T>() + row * H;
          if (at.padding(b, t)) {
            std::fill_n(y, H, T(0));
            if (at.lstm()) std::fill_n(cells.data<T>() + row * H, H, T(0));
            continue;
          }
          const T* const x = projected.data<T>() + row * G * H;
          T* const p = state_projected.data<T>() + b * G * H;
          T* const state = h.data<T>() + b * H;
          T* const gates = out.gates.data<T>() + row * K * H;
          if (at.lstm()) {
            T* const cell = c.data<T>() + b * H;
            kernel.lstm(x, p, cell, gates, cell, state, H);
            std::copy_n(cell, H, cells.data<T>() + row * H);
          } else if (in.kind == CellKind::gru) {
            kernel.gru(x, p, state, gates, state, H);
          } else {
            kernel.binary[add_of](x, 1, p, 1, p, H);
            activation(p, 1, state, H);
          }
          std::copy_n(state, H, y);
        }
      }
    });
    count_work(2.0 * static_cast<double>(B * L * G * H * H), projected, in.weight, out.states, out.gates);
    return out;
  });
}

RecurrenceGrad recurrence_grad(const RecurrenceInputs& in, const RecurrenceOutputs& out, const Array& grad) {
  const OpName named("recurrence_grad");
  return dispatch_floating(in.projected.dtype(), "recurrence", [&]<class T>() {
    const RecurrenceLayout<T> at(in);
    const int64_t B = at.B, L = at.L, H = at.H, G = at.G, K = at.kept();
    const Dtype dtype = in.projected.dtype();
    const Array by = contiguous(grad), h0 = contiguous(in.hidden);
    const Array c0 = at.lstm() ? contiguous(in.cell) : Array();
    const Array hidden = at.lstm() ? select(out.states, 0, 0) : out.states;
    const Array cells = at.lstm() ? select(out.states, 0, 1) : Array();
    const T* const g_hidden = by.data<T>();
    const T* const g_cells = g_hidden + B * L * H;
    const KernelsOf<T>& kernel = kernels_of<T>();
    const auto add = kernel.binary[add_of];
    const auto activation_grad = kernel.unary_grad[in.kind == CellKind::rnn_relu ? relu_grad : tanh_grad];

    RecurrenceGrad d;
    d.projected = Array({B, L, G * H}, dtype);
    d.hidden = full({B, H}, 0.0, dtype);  // of the state that the latest processed step began with
    if (at.lstm()) d.cell = full({B, H}, 0.0, dtype);
    // Both projections are summed before the gates; only the GRU's candidate tells them apart.
    const Array dp = in.kind == CellKind::gru ? Array({B, L, G * H}, dtype) : d.projected;
    const Array begun_with({B, L, H}, dtype);  // h, one step earlier
    count_work(2.0 * static_cast<double>(B * L * G * H * H), by, in.weight, out.gates, d.projected);  // of the states

    parallel_for(B, sequences_at_a_time, [&](int64_t begin, int64_t end) {
      for (int64_t s = L - 1; s >= 0; --s) {
        const int64_t t = at.step(s);
        for (int64_t b = begin; b < end; ++b) {
          const int64_t row = b * L + t;
          T* const dx = d.projected.data<T>() + row * G * H;
          T* const d_state_projected = dp.data<T>() + row * G * H;
          T* const earlier = begun_with.data<T>() + row * H;
          if (at.padding(b, t)) {
            std::fill_n(dx, G * H, T(0));
            std::fill_n(d_state_projected, G * H, T(0));
            std::fill_n(earlier, H, T(0));
            continue;
          }
          std::copy_n(at.before(hidden, h0, b, t), H, earlier);
          const T* const gates = out.gates.data<T>() + row * K * H;
          T* const dh = d.hidden.data<T>() + b * H;
          add(dh, 1, g_hidden + row * H, 1, dh, H);
          if (at.lstm()) {
            T* const dc = d.cell.data<T>() + b * H;
            add(dc, 1, g_cells + row * H, 1, dc, H);
            kernel.lstm_grad(gates, at.before(cells, c0, b, t), dh, dc, dx, dc, H);
            std::fill_n(dh, H, T(0));
          } else if (in.kind == CellKind::gru) {
            kernel.gru_grad(gates, earlier, dh, dx, d_state_projected, dh, H);
          } else {
            activation_grad(hidden.data<T>() + row * H, dh, dx, H);
            std::fill_n(dh, H, T(0));
          }
        }
        at.project_back(dp.data<T>() + (begin * L + t) * G * H, L * G * H, end - begin, d.hidden.data<T>() + begin * H);
      }
    });
    d.weight = linear_weight_grad(dp, begun_with);
    if (in.bias.defined()) d.bias = sum(dp, {0, 1}, false);
    return d;
  });
}

}  // namespace heed::core
