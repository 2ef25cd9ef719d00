// Recurrent layers and cells: the plain formulas, padding, names, errors, derivatives.
#include "support/apart.h"
#include "support/catch.h"

#include <cmath>

#include <heed/autograd/gradcheck.h>
#include <heed/autograd/ops.h>
#include <heed/core/parallel.h>
#include <heed/nn/recurrent/recurrent.h>
#include <heed/nn/recurrent/recurrent_cells.h>
#include <heed/nn/summary.h>
#include "support/errors.h"
#include "support/module_check.h"

using namespace heed;
using namespace heed::nn;
using core::CellKind;
using test::apart;
using test::check_module;
using test::contains;
using test::message_of;

namespace {

// The equations, as recurrent.h has them.
struct PlainState {
  Tensor h, c;
};

PlainState plain_step(CellKind kind, const Tensor& x, const PlainState& s, const Tensor& w_ih, const Tensor& w_hh,
                      const Tensor& b_ih, const Tensor& b_hh) {
  const int64_t H = w_hh.size(1);
  const auto in = [&](int64_t k) {
    return linear(x, w_ih.slice(0, k * H, (k + 1) * H), b_ih.slice(0, k * H, (k + 1) * H));
  };
  const auto own = [&](int64_t k) {
    return linear(s.h, w_hh.slice(0, k * H, (k + 1) * H), b_hh.slice(0, k * H, (k + 1) * H));
  };
  if (kind == CellKind::rnn_tanh) return {tanh(in(0) + own(0)), {}};
  if (kind == CellKind::rnn_relu) return {relu(in(0) + own(0)), {}};
  if (kind == CellKind::gru) {
    const Tensor r = sigmoid(in(0) + own(0)), z = sigmoid(in(1) + own(1));
    const Tensor n = tanh(in(2) + r * own(2));
    return {(1.0 - z) * n + z * s.h, {}};
  }
  const Tensor i = sigmoid(in(0) + own(0)), f = sigmoid(in(1) + own(1)), g = tanh(in(2) + own(2));
  const Tensor c = f * s.c + i * g;
  return {sigmoid(in(3) + own(3)) * tanh(c), c};
}

std::vector<Tensor> gradients(const Tensor& y, const RecurrentLayer& m) {
  manual_seed(99);
  y.backward(randn(y.shape(), y.dtype()));
  std::vector<Tensor> found;
  for (const Tensor& p : m.parameters()) found.push_back(p.grad());
  return found;
}

template <class M> void check_against_plain(M layer, int64_t batch, int64_t steps) {
  for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
    M m = clone(layer);
    m.to(dtype);
    const double near = dtype == Dtype::f32 ? 1e-5 : 1e-13;
    const Tensor x = randn({batch, steps, m.input_size}, dtype);
    const Recurrent r = m(x);
    const RecurrentLayer::Weights& w = m.weights[0];
    const Tensor none = zeros({batch, m.hidden_size}, dtype);
    PlainState s{none, none};
    std::vector<Tensor> states;
    for (int64_t t = 0; t < steps; ++t) {
      s = plain_step(m.kind, x.select(1, t), s, w.ih, w.hh, w.bias_ih, w.bias_hh);
      states.push_back(s.h);
    }
    const Tensor expected = stack(states, 1);
    CHECK(apart(r.output, expected) < near);
    CHECK(apart(r.hidden.select(0, 0), s.h) < near);
    const std::vector<Tensor> fused = gradients(r.output, m);
    m.zero_grad();
    const std::vector<Tensor> plain = gradients(expected, m);
    for (size_t i = 0; i < plain.size(); ++i)
      CHECK(apart(fused[i], plain[i]) < near * (1.0 + amax(abs(plain[i])).item()));
  }
}

std::string names_and_shapes(const Module& m) {
  std::string text;
  for (const NamedTensor& entry : m.state_dict()) text += cat(entry.name, " ", entry.tensor.shape(), "\n");
  return text;
}

}  // namespace

TEST_CASE("recurrent layers are their equations, also where a batch is cut into parts") {
  manual_seed(1);
  for (const int64_t batch : {1, 3, 70}) {
    INFO("batch " << batch);
    check_against_plain(RNN(3, 5), batch, 4);
    check_against_plain(RNN(3, 5, {.nonlinearity = Nonlinearity::relu}), batch, 4);
    check_against_plain(GRU(3, 5), batch, 4);
    check_against_plain(LSTM(3, 5), batch, 4);
    check_against_plain(GRU(7, 33), batch, 3);
    check_against_plain(LSTM(7, 33), batch, 3);
  }
}

TEST_CASE("recurrent layers have the names and shapes and initial values of torch.nn") {
  CHECK(names_and_shapes(GRU(3, 4, {.num_layers = 2, .bidirectional = true})) ==
        "weight_ih_l0 (12, 3)\nweight_hh_l0 (12, 4)\nbias_ih_l0 (12,)\nbias_hh_l0 (12,)\n"
        "weight_ih_l0_reverse (12, 3)\nweight_hh_l0_reverse (12, 4)\n"
        "bias_ih_l0_reverse (12,)\nbias_hh_l0_reverse (12,)\n"
        "weight_ih_l1 (12, 8)\nweight_hh_l1 (12, 4)\nbias_ih_l1 (12,)\nbias_hh_l1 (12,)\n"
        "weight_ih_l1_reverse (12, 8)\nweight_hh_l1_reverse (12, 4)\n"
        "bias_ih_l1_reverse (12,)\nbias_hh_l1_reverse (12,)\n");
  CHECK(names_and_shapes(LSTM(3, 4, {.bias = false})) == "weight_ih_l0 (16, 3)\nweight_hh_l0 (16, 4)\n");
  CHECK(names_and_shapes(RNN(3, 4)) == "weight_ih_l0 (4, 3)\nweight_hh_l0 (4, 4)\nbias_ih_l0 (4,)\nbias_hh_l0 (4,)\n");
  CHECK(names_and_shapes(GRUCell(3, 4)) == "weight_ih (12, 3)\nweight_hh (12, 4)\nbias_ih (12,)\nbias_hh (12,)\n");
  CHECK(names_and_shapes(LSTMCell(3, 4, {.bias = false})) == "weight_ih (16, 3)\nweight_hh (16, 4)\n");
  CHECK(names_and_shapes(RNNCell(3, 4)) == "weight_ih (4, 3)\nweight_hh (4, 4)\nbias_ih (4,)\nbias_hh (4,)\n");

  manual_seed(2);
  const GRU gru(10, 64);
  const GRUCell cell(10, 64);
  for (const Module* m : {static_cast<const Module*>(&gru), static_cast<const Module*>(&cell)})
    for (const Tensor& p : m->parameters()) {  // U(±1/8): the deviation is 1/8/√3
      CHECK(amax(abs(p)).item() <= 0.125);
      CHECK(amax(abs(p)).item() > 0.11);
      CHECK(std::sqrt(mean(square(p)).item()) == Approx(0.125 / std::sqrt(3.0)).epsilon(0.15));
    }
  CHECK(contains(summary(GRU(3, 4)), "total 108 elements, 108 of them trainable"));
  CHECK(contains(summary(GRU(3, 4)), "weight_ih_l0"));
}

TEST_CASE("padding changes neither states nor gradients, and the way back begins where a sequence ends") {
  manual_seed(3);
  const auto run = [](auto m) {
    m.to(Dtype::f64);
    const Tensor x = randn({3, 5, 2}, Dtype::f64);
    const std::vector<int64_t> lengths{3, 5, 1};
    Tensor other = x.clone();
    for (int64_t b = 0; b < 3; ++b)
      if (lengths[size_t(b)] < 5) {
        Tensor padding = other.select(0, b).slice(0, lengths[size_t(b)], 5);
        padding.fill_(1e6);
      }
    const Tensor given = parameter(x);
    const Recurrent r = m(given, {.lengths = lengths});
    const Recurrent q = m(other, {.lengths = lengths});
    CHECK(r.output.to_vector() == q.output.to_vector());
    CHECK(r.hidden.to_vector() == q.hidden.to_vector());
    (sum(square(r.output)) + sum(r.hidden)).backward();
    for (int64_t b = 0; b < 3; ++b) {
      const int64_t n = lengths[size_t(b)];
      const Recurrent alone = m(x.slice(0, b, b + 1).slice(1, 0, n));
      CHECK(apart(alone.output, r.output.slice(0, b, b + 1).slice(1, 0, n)) < 1e-14);
      CHECK(apart(alone.hidden, r.hidden.slice(1, b, b + 1)) < 1e-14);
      if (alone.cell.defined()) CHECK(apart(alone.cell, r.cell.slice(1, b, b + 1)) < 1e-14);
      if (n == 5) continue;
      CHECK(amax(abs(r.output.select(0, b).slice(0, n, 5))).item() == 0.0);
      CHECK(amax(abs(given.grad().select(0, b).slice(0, n, 5))).item() == 0.0);
      CHECK(amax(abs(given.grad().select(0, b).slice(0, 0, n))).item() > 0.0);
    }
  };
  run(RNN(2, 3, {.num_layers = 2, .bidirectional = true}));
  run(GRU(2, 3, {.num_layers = 2, .bidirectional = true}));
  run(LSTM(2, 3, {.num_layers = 2, .bidirectional = true}));
}

TEST_CASE("recurrent dropout lies between layers, while training only") {
  manual_seed(4);
  GRU gru(2, 3, {.num_layers = 3, .dropout = 0.5});
  const Tensor x = randn({2, 4, 2});
  const uint64_t before = default_generator().counter();
  gru(x);
  CHECK(default_generator().counter() - before == 2);
  gru.eval();
  CHECK(gru(x).output.to_vector() == gru(x).output.to_vector());
  GRU all(2, 3, {.num_layers = 2, .dropout = 1.0});  // the second layer sees zeros
  CHECK(all(x).output.to_vector() == all(zeros({2, 4, 2})).output.to_vector());
}

TEST_CASE("a recurrent layer step by step is the layer, and a cell is one step") {
  manual_seed(5);
  const Tensor x = randn({2, 4, 3});
  const LSTM lstm(3, 5, {.num_layers = 2});
  const Recurrent whole = lstm(x);
  Recurrent part = lstm(x.slice(1, 0, 1));
  for (int64_t t = 1; t < 4; ++t) part = lstm(x.slice(1, t, t + 1), {.hidden = part.hidden, .cell = part.cell});
  CHECK(apart(part.hidden, whole.hidden) < 1e-6);
  CHECK(apart(part.cell, whole.cell) < 1e-6);

  const GRU gru(3, 5);
  GRUCell cell(3, 5);
  const RecurrentLayer::Weights& w = gru.weights[0];
  cell.load_state_dict({{{"weight_ih", w.ih}, {"weight_hh", w.hh}, {"bias_ih", w.bias_ih}, {"bias_hh", w.bias_hh}}});
  Tensor h = cell(x.select(1, 0));
  for (int64_t t = 1; t < 4; ++t) h = cell(x.select(1, t), h);
  CHECK(apart(h, gru(x).hidden.select(0, 0)) < 1e-6);
}

TEST_CASE("recurrent layers and cells hold what layers must") {
  manual_seed(6);
  const Tensor x = randn({2, 3, 2});
  const auto output = [](const auto& m, const std::vector<Tensor>& in) { return m(in[0]).output; };
  check_module(RNN(2, 3, {.num_layers = 2}), {x}, output);
  check_module(GRU(2, 3, {.num_layers = 2, .bidirectional = true}), {x}, output);
  check_module(LSTM(2, 3, {.bidirectional = true}), {x}, output);
  const auto cells = [](const LSTM& m, const std::vector<Tensor>& in) {
    return m(in[0], {.hidden = in[1], .cell = in[2], .lengths = {{3, 1}}}).cell;
  };
  check_module(LSTM(2, 3), {x, randn({1, 2, 3}), randn({1, 2, 3})}, cells, {.batch_first = false});
  const auto last = [](const GRU& m, const std::vector<Tensor>& in) {
    return m(in[0], {.hidden = in[1], .lengths = {{2, 3}}}).hidden;
  };
  check_module(GRU(2, 3, {.bias = false}), {x, randn({1, 2, 3})}, last, {.batch_first = false});

  const Tensor one = randn({2, 2}), h = randn({2, 3}), c = randn({2, 3});
  const auto step = [](const auto& m, const std::vector<Tensor>& in) { return m(in[0], in[1]); };
  check_module(RNNCell(2, 3), {one, h}, step);
  check_module(GRUCell(2, 3), {one, h}, step);
  for (const bool hidden : {true, false})
    check_module(LSTMCell(2, 3, {.bias = hidden}), {one, h, c},
                 [hidden](const LSTMCell& m, const std::vector<Tensor>& in) {
                   const RecurrenceState s = m(in[0], {in[1], in[2]});
                   return hidden ? s.hidden : s.cell;
                 });
}

TEST_CASE("second derivatives through cells in a chain count every way once") {
  manual_seed(7);
  GRUCell cell(2, 3);
  cell.to(Dtype::f64);
  gradcheck(
      [&](const std::vector<Tensor>& in) {
        GRUCell m = cell;
        m.weight_hh = in[1];
        Tensor h = m(in[0]);
        for (int t = 0; t < 3; ++t) h = m(in[0] * h.slice(1, 0, 2), h);
        return h;
      },
      {randn({2, 2}, Dtype::f64), cell.weight_hh.detach()});
}

TEST_CASE("recurrent layers say what does not fit") {
  CHECK(message_of<ShapeError>([] { GRU(0, 4); }) == "GRU: input 0, hidden 4, layers 1: each must be at least 1");
  CHECK(message_of<ShapeError>([] { LSTM(3, 4, {.num_layers = 0}); }) ==
        "LSTM: input 3, hidden 4, layers 0: each must be at least 1");
  CHECK(message_of([] { RNN(3, 4, {.dropout = 1.5}); }) == "RNN: dropout = 1.5: a probability lies in 0 … 1");
  const GRU gru(3, 4);
  CHECK(message_of<ShapeError>([&] { gru(zeros({2, 3})); }) ==
        "GRU: input (2, 3): must be (B, L, 3), batch first, L >= 1: give one sequence a batch axis "
        "with unsqueeze(0) [in GRU]");
  CHECK(message_of<ShapeError>([&] { gru(zeros({2, 0, 3})); }) ==
        "GRU: input (2, 0, 3): must be (B, L, 3), batch first, L >= 1 [in GRU]");
  CHECK(message_of<ShapeError>([&] { gru(zeros({2, 5, 3}), {.hidden = zeros({2, 4})}); }) ==
        "GRU: input (2, 5, 3), hidden (2, 4): must be (layers·directions, B, hidden) = (1, 2, 4): "
        "give it the axis of layers with unsqueeze(0) [in GRU]");
  CHECK(message_of<ShapeError>([&] { GRU(3, 4, {.num_layers = 3})(zeros({2, 5, 3}), {.hidden = zeros({2, 3, 4})}); }) ==
        "GRU: input (2, 5, 3), hidden (2, 3, 4): must be (layers·directions, B, hidden) = (3, 2, 4): put "
        "the axis of layers first with transpose(0, 1) [in GRU]");
  CHECK(message_of<ShapeError>([&] { GRU(1, 4)(zeros({2, 5})); }) ==
        "GRU: input (2, 5): must be (B, L, 1), batch first, L >= 1: give each step its one feature with "
        "unsqueeze(-1) [in GRU]");
  CHECK(message_of<DtypeError>([&] { gru(zeros({2, 5, 3}, Dtype::f64)); }) ==
        "GRU: input float64 (2, 5, 3), weights float32: dtypes differ: convert one with to(Dtype) [in "
        "GRU]");
  CHECK(message_of<DtypeError>([&] { gru(zeros({2, 5, 3}), {.hidden = zeros({1, 2, 4}, Dtype::f64)}); }) ==
        "GRU: input float32, hidden float64: dtypes differ: convert one with to(Dtype) [in GRU]");
  CHECK(message_of([&] { gru(zeros({2, 5, 3}), {.cell = zeros({1, 2, 4})}); }) ==
        "GRU: a cell state is given: only an LSTM has one [in GRU]");
  CHECK(message_of<ShapeError>([&] { LSTM(3, 4)(zeros({2, 5, 3}), {.cell = zeros({1, 2})}); }) ==
        "LSTM: input (2, 5, 3), cell (1, 2): must be (layers·directions, B, hidden) = (1, 2, 4) "
        "[in LSTM]");
  CHECK(message_of<ShapeError>([&] { gru(zeros({2, 5, 3}), {.lengths = {{1, 2, 3}}}); }) ==
        "GRU: input (2, 5, 3), 3 lengths: must be one for each sequence, 2 [in GRU]");
  for (const int64_t n : {0, 6})
    CHECK(message_of<ShapeError>([&] { gru(zeros({2, 5, 3}), {.lengths = {{1, n}}}); }) ==
          cat("GRU: input (2, 5, 3), length ", n, " of sequence 1: must be in 1 … 5, the number of steps [in GRU]"));
}

TEST_CASE("recurrent cells say what does not fit") {
  CHECK(message_of<ShapeError>([] { LSTMCell(3, 0); }) == "LSTMCell: input 3, hidden 0: each must be at least 1");
  const GRUCell cell(3, 4);
  CHECK(message_of<ShapeError>([&] { cell(zeros({3})); }) ==
        "GRUCell: input (3,): must be (B, 3): give one example a batch axis with unsqueeze(0) "
        "[in GRUCell]");
  CHECK(message_of<ShapeError>([&] { cell(zeros({2, 4})); }) == "GRUCell: input (2, 4): must be (B, 3) [in GRUCell]");
  CHECK(message_of<ShapeError>([&] { cell(zeros({2, 3}), zeros({4})); }) ==
        "GRUCell: input (2, 3), state (4,): must be (B, hidden) = (2, 4) [in GRUCell]");
}

TEST_CASE("the op recurrence says what does not fit") {
  const auto run = [](const Shape& x, const Shape& h, const Shape& w, const Shape& b, Dtype dtype = Dtype::f32) {
    return message_of([&] { recurrence(zeros(x), {zeros(h, dtype)}, zeros(w), zeros(b), {CellKind::gru}); });
  };
  CHECK(run({2, 5, 12}, {2, 4}, {8, 4}, {12}) ==
        "recurrence: projected input (2, 5, 12), weight (8, 4): must be (B, L, G H) and (G H, H) "
        "with G = 3 gates");
  CHECK(run({2, 5, 12}, {3, 4}, {12, 4}, {12}) ==
        "recurrence: projected input (2, 5, 12), state (3, 4): must be (2, 4)");
  CHECK(run({2, 5, 12}, {2, 4}, {12, 4}, {4}) == "recurrence: weight (12, 4), bias (4,): must be (12,)");
  CHECK(run({2, 5, 12}, {2, 4}, {12, 4}, {12}, Dtype::f64) ==
        "recurrence: input float32, state or parameter float64: dtypes differ: convert one with "
        "to(Dtype)");
  CHECK(message_of([] {
          recurrence(zeros({2, 5, 16}), {zeros({2, 4}), zeros({4})}, zeros({16, 4}), zeros({16}), {CellKind::lstm});
        }) == "recurrence: projected input (2, 5, 16), state (2, 4) and (4,): must be (2, 4)");
}

TEST_CASE("recurrent layers give the same bits for any number of threads") {
  const int before = num_threads();
  const auto run = [](int threads) {
    set_num_threads(threads);
    manual_seed(8);
    const LSTM lstm(5, 12, {.num_layers = 2, .bidirectional = true});
    const Recurrent r = lstm(randn({100, 6, 5}));
    (sum(square(r.output)) + sum(r.cell)).backward();
    std::vector<double> bits = r.output.to_vector();
    for (const Tensor& p : lstm.parameters())
      for (const double v : p.grad().to_vector()) bits.push_back(v);
    return bits;
  };
  const std::vector<double> one = run(1);
  CHECK(run(2) == one);
  CHECK(run(3) == one);
  set_num_threads(before);
}

TEST_CASE("a recurrent layer takes an empty batch") {
  const GRU gru(3, 4);
  const Tensor x = parameter(zeros({0, 5, 3}));
  const Recurrent r = gru(x);
  CHECK(r.output.shape() == Shape{0, 5, 4});
  CHECK(r.hidden.shape() == Shape{1, 0, 4});
  sum(r.output).backward();
  CHECK(amax(abs(gru.weights[0].hh.grad())).item() == 0.0);
}
