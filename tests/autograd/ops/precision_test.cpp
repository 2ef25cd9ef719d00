// f32 against f64 over 200 random sizes, bounded by PyTorch's own f32 error.
#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <string>

#include <heed/autograd/engine.h>
#include <heed/autograd/ops.h>

#include "support/apart.h"
#include "support/catch.h"
#include "support/every_isa.h"

using namespace heed;

namespace {

Tensor wide(const Tensor& x) { return x.to(Dtype::f64); }

// max |y - exact| / scale.
double off(const Tensor& y, const Tensor& exact, const Tensor& scale) {
  return amax(abs(wide(y) - exact) / scale).item();
}

// The worst of each op over all sizes, against what PyTorch's f32 is off by at worst.
struct Worst {
  double pytorch, found = 0;
  void note(double error) { found = std::isnan(error) ? error : std::max(found, error); }
};

int64_t size(double most) { return static_cast<int64_t>(std::exp(rand({}).item() * std::log(most))); }

}  // namespace

// Measured with PyTorch 2.13 by tests/golden/measure_f32_error.py: the worst of 200 sizes. Where that is the rounding
// of the result alone, as in its cumsum, two roundings are allowed (in var, whose mean is f32, eight); products of a
// medium depth, half as much again, for they are summed 384 in a row.
TEST_CASE("reductions and rows of 200 random sizes are no further from f64 than PyTorch's", "[precision]") {
  std::map<std::string, Worst> worst = {
      {"sum", {5.9e-8 * 2}}, {"mean", {7.0e-8 * 2}},        {"norm", {9.4e-6}},         {"cumsum", {5.9e-8 * 2}},
      {"softmax", {3.8e-6}}, {"log_softmax", {5.1e-6}},     {"logsumexp", {1.1e-6}},    {"layer_norm", {7.3e-7}},
      {"var", {5.7e-8 * 8}}, {"cumsum grad", {5.9e-8 * 2}}, {"matmul", {1.3e-7 * 1.5}}, {"rms_norm", {7.3e-7}}};
  manual_seed(0);
  for (int i = 0; i < 200; ++i) {
    const Tensor x = randn({size(1e6)}), w = wide(x);
    const Tensor total = sum(abs(w));
    worst["sum"].note(off(sum(x), sum(w), total));
    worst["mean"].note(off(mean(x), mean(w), total / static_cast<double>(x.numel())));
    worst["norm"].note(off(norm(x), norm(w), norm(w)));
    worst["cumsum"].note(off(cumsum(x, 0), cumsum(w, 0), cumsum(abs(w), 0)));
    const Tensor p = parameter(zeros_like(x));
    cumsum(p, 0).backward(x);
    const auto from_the_end = [](const Tensor& t) { return sum(t) - cumsum(t, 0) + t; };
    worst["cumsum grad"].note(off(p.grad(), from_the_end(w), from_the_end(abs(w))));

    const Tensor rows = randn({4, size(2e4)}) * 5.0, wide_rows = wide(rows);
    const Tensor one = ones({}, Dtype::f64);
    const Tensor probabilities = softmax(wide_rows, -1);
    worst["softmax"].note(off(softmax(rows, -1), probabilities, probabilities));
    worst["log_softmax"].note(off(log_softmax(rows, -1), log_softmax(wide_rows, -1), one));
    worst["logsumexp"].note(off(logsumexp(rows, -1), logsumexp(wide_rows, -1), one));
    worst["layer_norm"].note(off(layer_norm(rows), layer_norm(wide_rows), one));
    worst["rms_norm"].note(off(rms_norm(rows, {}, 1e-6), rms_norm(wide_rows, {}, 1e-6), one));
    if (rows.size(1) > 8) worst["var"].note(off(var(rows, -1, 0.0), var(wide_rows, -1, 0.0), var(wide_rows, -1, 0.0)));

    const int64_t m = size(40), k = size(2e4);
    const Tensor a = randn({m, k}), b = randn({k, m});
    const Tensor scale = norm(wide(a), 1, true) * norm(wide(b), 0, true);
    worst["matmul"].note(off(matmul(a, b), matmul(wide(a), wide(b)), scale));
  }
  for (const auto& [name, of] : worst) {
    INFO(name);
    CHECK(of.found <= of.pytorch);
  }
}

TEST_CASE("a running sum ends where it should, in both directions, strided, in f32 and f64", "[precision]") {
  for (const int64_t n : {1000, 100000, 1000000}) {
    const Tensor x = full({n}, 0.1);
    const double exact = static_cast<double>(n) * static_cast<double>(0.1f);
    CHECK(cumsum(x, 0)[n - 1].item() == Approx(exact).epsilon(6e-8));
    const Tensor two = full({n, 2}, 0.1);
    CHECK(cumsum(two, 0)[n - 1][1].item() == Approx(exact).epsilon(6e-8));
    const Tensor p = parameter(zeros({n}));
    cumsum(p, 0).backward(x);
    CHECK(p.grad()[0].item() == Approx(exact).epsilon(6e-8));
    const Tensor wide_x = full({n}, 0.1, Dtype::f64);
    CHECK(std::fabs(cumsum(wide_x, 0)[n - 1].item() / (static_cast<double>(n) * 0.1) - 1) < 2.3e-16);
  }
  const Tensor beyond = cumsum(tensor({3e38, 3e38, -3e38, INFINITY, 1, -INFINITY, 2}), 0);  // as PyTorch
  CHECK(beyond[1].item() == INFINITY);
  CHECK(beyond[2].item() == Approx(3e38));
  CHECK(beyond[4].item() == INFINITY);
  CHECK(std::isnan(beyond[6].item()));
  CHECK(cumsum(tensor({1, INFINITY, 2}, Dtype::f64), 0)[2].item() == INFINITY);
}

TEST_CASE("an element to which very many are added rounds like a sum", "[precision]") {
  const int64_t n = 300000;
  const Tensor tenths = full({n}, 0.1), at_first = zeros({n}, Dtype::i64);
  const double exact = static_cast<double>(n) * static_cast<double>(0.1f);
  CHECK(scatter_add(zeros({2}), 0, at_first, tenths)[0].item() == Approx(exact).epsilon(6e-8));
  Tensor x = parameter(zeros({2}));
  const Tensor table = parameter(zeros({3, 2}));
  index_select(x, 0, at_first).backward(tenths);
  CHECK(x.grad()[0].item() == Approx(exact).epsilon(6e-8));
  x.zero_grad();
  gather(x, 0, at_first).backward(tenths);
  CHECK(x.grad()[0].item() == Approx(exact).epsilon(6e-8));
  // Of a table's rows one is asked for often, one twice, one never.
  const Tensor ids = cat({at_first, tensor_i64({2, 2})});
  embedding(table, ids).backward(full({n + 2, 2}, 0.1));
  CHECK(table.grad()[0][1].item() == Approx(exact).epsilon(6e-8));
  CHECK(table.grad()[1][0].item() == 0.0);
  CHECK(table.grad()[2][0].item() == Approx(0.2).epsilon(1e-7));
  const Tensor padded = parameter(zeros({3, 2}));
  embedding(padded, ids, 0).backward(full({n + 2, 2}, 0.1));
  CHECK(padded.grad()[0][0].item() == 0.0);
}

TEST_CASE("long products and their gradients round once, not once a factor", "[precision]") {
  manual_seed(1);
  const Tensor x = randn({1000}) * 0.001 + 1.0, w = wide(x);
  CHECK(prod(x, 0).item() == Approx(prod(w, 0).item()).epsilon(6e-8));
  const Tensor p = parameter(x);
  prod(p, 0).backward();
  CHECK(off(p.grad(), prod(w, 0) / w, prod(w, 0) / w) < 6.1e-8);
}

TEST_CASE("a class far above the others: log-softmax keeps what they have, in every gradient", "[precision]") {
  for (const double gap : {1.0, 8.0, 16.0, 20.0, 40.0, 80.0}) {
    CAPTURE(gap);
    const double rest = 2 * std::exp(-gap);
    const Tensor x = parameter(tensor({gap, 0, 0}));
    const Tensor y = log_softmax(x, -1);
    CHECK(y[0].item() == Approx(-std::log1p(rest)).epsilon(3e-7));
    const Tensor loss = -y[0];
    const Tensor recorded = grad(loss, {x}, {.create_graph = true})[0];
    loss.backward();
    for (const Tensor& g : {x.grad(), recorded.detach()}) {
      CHECK(g[0].item() == Approx(-rest / (1 + rest)).epsilon(6e-7));
      CHECK(g[1].item() == Approx(rest / 2 / (1 + rest)).epsilon(gap * 2e-7));
    }
  }
}

TEST_CASE("sums and rows are as exact under every instruction set") {
  heed::test::require_under_every_isa("test_autograd", "[precision]");
}
