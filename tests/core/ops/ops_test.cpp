// Ops on Arrays beyond what the golden files say: sizes of zero, long sums, threads.
#include <cmath>
#include <functional>
#include <limits>

#include <heed/core/ops/ops.h>
#include <heed/core/parallel.h>
#include <heed/core/random.h>

#include "support/catch.h"
#include "support/hash.h"

using namespace heed;
using namespace heed::core;

namespace {

using Numbers = std::vector<double>;
constexpr double inf = std::numeric_limits<double>::infinity();

Array none(const Shape& shape) { return full(shape, 1.0); }

Array random_normal(const Shape& shape, Dtype dtype = Dtype::f32, uint64_t seed = 1) {
  Generator generator(seed);
  return randn(shape, dtype, generator);
}

}  // namespace

TEST_CASE("what happens to nothing") {
  CHECK(to_vector(sum(none({2, 0}), {1}, false)) == Numbers{0, 0});
  CHECK(item(sum(none({0}), {}, false)) == 0);
  CHECK(sum(none({2, 0, 3}), {0}, true).shape() == Shape{1, 0, 3});
  CHECK(to_vector(prod(none({2, 0}), 1, false)) == Numbers{1, 1});
  CHECK(to_vector(logsumexp(none({2, 0}), 1, false)) == Numbers{-inf, -inf});
  CHECK(logsumexp(none({2, 0}), 1, true).shape() == Shape{2, 1});
  CHECK(logsumexp(none({0, 2}), 1, false).shape() == Shape{0});
  CHECK(to_vector(logsumexp(none({0, 2}), 0, false)) == Numbers{-inf, -inf});
  CHECK(amax(none({0, 3}), {1}, false).shape() == Shape{0});  // nothing to be largest of, but of three each
  CHECK(argmax(none({0, 3}), 1, false).shape() == Shape{0});
  CHECK(cumsum(none({2, 0}), 1).shape() == Shape{2, 0});
  CHECK(softmax(none({2, 0}), 1).shape() == Shape{2, 0});
  CHECK(softmax(none({0, 2}), 1).shape() == Shape{0, 2});
  CHECK(log_softmax(none({0, 2}), 0).shape() == Shape{0, 2});
  CHECK(layer_norm(none({0, 2}), {}, {}, 1e-5).y.shape() == Shape{0, 2});
  CHECK(layer_norm(none({2, 0}), {}, {}, 1e-5).y.shape() == Shape{2, 0});
  CHECK(to_vector(matmul(none({2, 0}), none({0, 3}))) == Numbers(6, 0.0));
  CHECK(matmul(none({0, 3}), none({3, 2})).shape() == Shape{0, 2});
  CHECK(matmul(none({4, 0, 3}), none({3, 2})).shape() == Shape{4, 0, 2});
  CHECK(item(matmul(none({0}), none({0}))) == 0);
  CHECK(to_vector(linear(none({2, 0}), none({3, 0}), from_vector({1, 2, 3}, {3}))) == Numbers{1, 2, 3, 1, 2, 3});
  CHECK(linear(none({0, 3}), none({2, 3}), {}).shape() == Shape{0, 2});
  CHECK(to_vector(linear_weight_grad(none({0, 2}), none({0, 3}))) == Numbers(6, 0.0));
  CHECK(to_vector(core::cat(std::vector<Array>{none({0}), from_vector({1, 2}, {2}), none({0})}, 0)) == Numbers{1, 2});
  CHECK(gather(none({2, 3}), 0, full({0, 3}, 0, Dtype::i64)).shape() == Shape{0, 3});
  CHECK(index_select(none({2, 3}), 0, full({0}, 0, Dtype::i64)).shape() == Shape{0, 3});
  CHECK(index_select(none({0, 3}), 1, from_vector({2}, {1}, Dtype::i64)).shape() == Shape{0, 1});
  CHECK(embedding(none({3, 2}), full({0}, 0, Dtype::i64)).shape() == Shape{0, 2});
  CHECK(topk(none({2, 3}), 0, 1, true).values.shape() == Shape{2, 0});
  CHECK(zip(Binary::add, none({0, 3}), none({1, 3})).shape() == Shape{0, 3});
  CHECK(map(Unary::exp, none({0})).shape() == Shape{0});
  CHECK(where(compare(Compare::gt, none({0}), 0.0), none({0}), none({})).shape() == Shape{0});
  CHECK(eye(0, 3, Dtype::f32).shape() == Shape{0, 3});
  CHECK(tril(none({0, 3}), 0).shape() == Shape{0, 3});
  CHECK(arange(3, 0, 1, Dtype::f32).shape() == Shape{0});
  CHECK(linspace(0, 1, 0, Dtype::f32).shape() == Shape{0});
  CHECK(all(full({0}, 0, Dtype::boolean)));
  CHECK_FALSE(any(full({0}, 0, Dtype::boolean)));
  CHECK(all_finite(none({0})));
  CHECK(diagonal(none({0, 3})).shape() == Shape{0});
  CHECK(one_hot(full({0}, 0, Dtype::i64), 3).shape() == Shape{0, 3});
}

TEST_CASE("created arrays") {
  CHECK(to_vector(arange(0, 1, 0.25, Dtype::f64)) == Numbers{0, 0.25, 0.5, 0.75});
  CHECK(to_vector(arange(5, 0, -2, Dtype::i64)) == Numbers{5, 3, 1});
  CHECK(to_vector(linspace(0, 1, 1, Dtype::f64)) == Numbers{0});
  CHECK(to_vector(linspace(-1, 1, 5, Dtype::f64)) == Numbers{-1, -0.5, 0, 0.5, 1});
  const Numbers points = to_vector(linspace(0.1, 0.7, 1001, Dtype::f64));
  CHECK(points.front() == 0.1);
  CHECK(points.back() == 0.7);
  for (size_t i = 1; i < points.size(); ++i) CHECK(points[i] > points[i - 1]);
  CHECK(to_vector(eye(2, 3, Dtype::f32)) == Numbers{1, 0, 0, 0, 1, 0});
  CHECK(to_vector(one_hot(from_vector({2, 0}, {2}, Dtype::i64), 3)) == Numbers{0, 0, 1, 1, 0, 0});
  CHECK(one_hot(from_vector({2, 0}, {2}, Dtype::i64), 3).dtype() == Dtype::i64);
}

TEST_CASE("long sums keep their digits") {
  const int64_t n = 1 << 20;
  // 0.1 in f32, a million times: added one by one the sum is off by 1 %.
  const Array x = full({n}, 0.1);
  const double exact = double(0.1f) * double(n);
  CHECK(std::abs(item(sum(x, {}, false)) - exact) <= 1e-6 * exact);
  const Array rows = full({4, n / 4}, 0.1), columns = full({n / 4, 4}, 0.1),
              strided = slice(full({n / 4, 8}, 0.1), 1, 0, 8, 2);
  for (const Array& sums : {sum(rows, {1}, false), sum(columns, {0}, false), sum(strided, {0}, false),
                            sum(transpose(columns, 0, 1), {1}, false)})
    for (double value : to_vector(sums)) CHECK(std::abs(value - exact / 4) <= 1e-6 * exact / 4);
  CHECK(std::abs(item(sum(reshape(strided, {-1}), {}, false)) - exact) <= 1e-6 * exact);
  // Terms that cancel: the error stays that of the largest partial sums.
  const Array y = random_normal({n});
  const Numbers values = to_vector(y);
  long double truth = 0;
  for (double v : values) truth += v;
  CHECK(std::abs(item(sum(y, {}, false)) - double(truth)) <= 1e-6 * std::sqrt(double(n)));
}

TEST_CASE("whole numbers wrap, and their quotients are fractions") {
  const auto i32 = [](Numbers values) { return from_vector(values, {int64_t(values.size())}, Dtype::i32); };
  CHECK(to_vector(zip(Binary::add, i32({2147483647}), 1.0)) == Numbers{-2147483648.0});
  CHECK(to_vector(zip(Binary::mul, i32({65536, -3}), i32({65536, 5}))) == Numbers{0, -15});
  const Array quotient = zip(Binary::div, i32({7, -7, 7, -7, -2147483648.0}), i32({2, 2, -2, -2, -1}));
  CHECK(quotient.dtype() == Dtype::f32);
  CHECK(to_vector(quotient) == Numbers{3.5, -3.5, -3.5, 3.5, 2147483648.0});
  CHECK(to_vector(floor_divide(i32({7, -7, 7, -7, -2147483648.0}), i32({2, 2, -2, -2, -1}))) ==
        Numbers{3, -4, -4, 3, -2147483648.0});
  CHECK(to_vector(sum(full({3}, 1, Dtype::boolean), {}, false)) == Numbers{3});
  CHECK(to_vector(cumsum(full({3}, 1, Dtype::boolean), 0)) == Numbers{1, 2, 3});
  CHECK(item(prod(full({3}, 1, Dtype::boolean), 0, false)) == 1);
}

TEST_CASE("cumsum runs from either end, along any axis of any view") {
  const Array x = transpose(from_vector({1, 2, 3, 4, 5, 6}, {3, 2}, Dtype::f64), 0, 1);  // 1 3 5 / 2 4 6
  CHECK(to_vector(cumsum(x, 1)) == Numbers{1, 4, 9, 2, 6, 12});
  CHECK(to_vector(cumsum(x, 1, true)) == Numbers{9, 8, 5, 12, 10, 6});
  CHECK(to_vector(cumsum(x, 0)) == Numbers{1, 3, 5, 3, 7, 11});
  CHECK(to_vector(cumsum(x, 0, true)) == Numbers{3, 7, 11, 2, 4, 6});
}

TEST_CASE("slices are picked and added along any axis of any view") {
  const Array x = reshape(arange(0, 24, 1, Dtype::f64), {2, 3, 4});
  const Array at = from_vector({2, 0, 2, 1}, {4}, Dtype::i64);
  const Array views[] = {x, permute(clone(permute(x, {2, 0, 1})), {1, 2, 0}),
                         slice(reshape(arange(0, 48, 1, Dtype::f64), {2, 3, 8}), 2, 0, 8, 2)};
  for (const Array& view : views)
    for (int64_t axis : {1, 2}) {
      const Array y = index_select(view, axis, at);
      Array back = full(view.shape(), 0.0, Dtype::f64), expected = clone(back);
      for (int64_t n = 0; n < 4; ++n) {
        const int64_t position = int64_t(to_vector(at)[size_t(n)]);
        CHECK(to_vector(select(y, axis, n)) == to_vector(select(view, axis, position)));
        const Array slot = select(expected, axis, position);
        copy_into(slot, zip(Binary::add, slot, select(view, axis, position)));
      }
      CHECK(to_vector(index_add(back, axis, at, y)) == to_vector(expected));
    }
  CHECK(to_vector(index_add(full({3}, 1, Dtype::i64), 0, at, full({4}, 2, Dtype::i64))) == Numbers{3, 3, 5});
}

TEST_CASE("matrix products read any layout") {
  const Array a = random_normal({5, 7}, Dtype::f64, 1), b = random_normal({7, 3}, Dtype::f64, 2);
  const auto through = [](const Array& x, int layout) {
    if (layout == 0) return x;
    if (layout == 1) return transpose(clone(transpose(x, 0, 1)), 0, 1);
    const Array wide = full({2 * x.size(0), 3 * x.size(1)}, std::nan(""), Dtype::f64);
    const Array part = slice(slice(wide, 0, 1, 2 * x.size(0), 2), 1, 2, 3 * x.size(1), 3);
    copy_into(part, x);
    return part;
  };
  const Numbers expected = to_vector(matmul(a, b));
  for (int left = 0; left < 3; ++left)
    for (int right = 0; right < 3; ++right) {
      const Numbers got = to_vector(matmul(through(a, left), through(b, right)));
      for (size_t i = 0; i < got.size(); ++i) CHECK(got[i] == Approx(expected[i]).epsilon(1e-14));
    }
}

TEST_CASE("an absent weight of a norm is one, an absent bias zero") {
  const Array x = random_normal({6, 37}, Dtype::f64), w = full({37}, 1.0, Dtype::f64), b = full({37}, 0.0, Dtype::f64);
  CHECK(to_vector(layer_norm(x, {}, {}, 1e-5).y) == to_vector(layer_norm(x, w, b, 1e-5).y));
  CHECK(to_vector(rms_norm(x, {}, 1e-5).y) == to_vector(rms_norm(x, w, 1e-5).y));
  const Normalized norm = layer_norm(x, {}, {}, 1e-5), rms = rms_norm(x, {}, 1e-5);
  CHECK(to_vector(layer_norm_grad(x, {}, false, norm, x).x) == to_vector(layer_norm_grad(x, w, false, norm, x).x));
  CHECK(to_vector(rms_norm_grad(x, {}, rms, x).x) == to_vector(rms_norm_grad(x, w, rms, x).x));
}

TEST_CASE("the same bits for any number of threads") {
  struct Work {
    const char* name;
    std::function<Array()> run;
  };
  const Array x = random_normal({257, 513}), big = random_normal({1 << 20}, Dtype::f32, 2),
              y = random_normal({257, 513}, Dtype::f32, 3);
  const Array w = random_normal({513}, Dtype::f32, 4), d = to(x, Dtype::f64),
              cube = random_normal({64, 48, 96}, Dtype::f32, 5);
  const Array turned = transpose(random_normal({513, 257}, Dtype::f32, 6), 0, 1);
  const Normalized norm = layer_norm(x, w, w, 1e-5), rms = rms_norm(x, w, 1e-5);
  const Work works[] = {
      {"sum of all", [&] { return sum(big, {}, false); }},
      {"sum of all, f64", [&] { return sum(d, {}, false); }},
      {"sum of a transpose", [&] { return sum(turned, {}, false); }},
      {"sum of rows", [&] { return sum(x, {1}, false); }},
      {"sum of columns", [&] { return sum(x, {0}, false); }},
      {"sum over outer axes", [&] { return sum(cube, {0, 2}, false); }},
      {"sum over the middle", [&] { return sum(cube, {1}, true); }},
      {"sum_to", [&] { return sum_to(cube, {48, 1}); }},
      {"amax", [&] { return amax(x, {0}, false); }},
      {"prod", [&] { return prod(zip(Binary::add, zip(Binary::mul, x, 0.01), 1.0), 1, false); }},
      {"argmax", [&] { return argmax(x, 0, false); }},
      {"cumsum", [&] { return cumsum(x, 0); }},
      {"exp", [&] { return map(Unary::exp, x); }},
      {"gelu of a transpose", [&] { return map(Unary::gelu, turned); }},
      {"add with broadcasting", [&] { return zip(Binary::add, x, w); }},
      {"mul of a transpose", [&] { return zip(Binary::mul, x, turned); }},
      {"gelu's gradient", [&] { return map_grad(UnaryGrad::gelu, x, y); }},
      {"where", [&] { return where(compare(Compare::gt, x, 0.0), x, y); }},
      {"softmax", [&] { return softmax(x, -1); }},
      {"softmax over columns", [&] { return softmax(x, 0); }},
      {"softmax's gradient", [&] { return softmax_grad(y, x, -1); }},
      {"log_softmax", [&] { return log_softmax(x, -1); }},
      {"logsumexp", [&] { return logsumexp(x, -1, false); }},
      {"layer_norm", [&] { return layer_norm(x, w, w, 1e-5).y; }},
      {"layer_norm's gradient", [&] { return layer_norm_grad(x, w, true, norm, y).x; }},
      {"layer_norm's weight gradient", [&] { return layer_norm_grad(x, w, true, norm, y).weight; }},
      {"layer_norm's bias gradient", [&] { return layer_norm_grad(x, w, true, norm, y).bias; }},
      {"rms_norm", [&] { return rms_norm(x, w, 1e-5).y; }},
      {"rms_norm's weight gradient", [&] { return rms_norm_grad(x, w, rms, y).weight; }},
      {"matmul", [&] { return matmul(x, transpose(y, 0, 1)); }},
      {"matmul of batches", [&] { return matmul(cube, transpose(cube, 1, 2)); }},
      {"matmul with a column", [&] { return matmul(x, w); }},
      {"linear", [&] { return linear(x, y, random_normal({257}, Dtype::f32, 7)); }},
      {"linear's weight gradient", [&] { return linear_weight_grad(x, y); }},
      {"clone of a transpose", [&] { return clone(turned); }},
      {"topk", [&] { return topk(x, 5, 1, true).values; }},
  };
  const int before = num_threads();
  for (const Work& work : works) {
    INFO(work.name);
    set_num_threads(1);
    const uint64_t one = test::fnv1a(work.run());
    for (int threads : {2, 3, 7}) {
      set_num_threads(threads);
      CHECK(test::fnv1a(work.run()) == one);
    }
  }
  set_num_threads(before);
}

TEST_CASE("a product's rows do not depend on how many there are") {
  // What a cache relies on: the last query alone, and among others.
  const Array q = random_normal({8, 16}), k = random_normal({16, 24}, Dtype::f32, 2);
  const Array all = softmax(matmul(q, k), -1), last = softmax(matmul(slice(q, 0, 7, 8), k), -1);
  const Numbers a = to_vector(slice(all, 0, 7, 8)), b = to_vector(last);
  for (size_t i = 0; i < a.size(); ++i) CHECK(a[i] == Approx(b[i]).epsilon(1e-5));
}

TEST_CASE("argmax of long rows: the first of equal elements, and the first NaN") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const Dtype dtype : {Dtype::f32, Dtype::f64, Dtype::i64}) {
    INFO(dtype);
    const auto where = [&](const Array& row) { return item(argmax(row, 0, false)); };
    const auto row_with = [&](std::initializer_list<std::pair<int64_t, double>> elements) {
      const Array row = full({201}, -3.0, dtype);
      for (const auto& [at, value] : elements) copy_into(slice(row, 0, at, at + 1), full({1}, value, dtype));
      return row;
    };
    CHECK(where(row_with({})) == 0);
    CHECK(where(row_with({{200, 1}})) == 200);
    CHECK(where(row_with({{130, 7}, {66, 7}, {10, 6}})) == 66);
    CHECK(where(row_with({{3, 0}, {5, -0.0}})) == 3);
    if (dtype == Dtype::i64) continue;
    CHECK(where(row_with({{20, inf}, {90, inf}})) == 20);
    CHECK(where(row_with({{150, nan}, {140, nan}, {10, inf}})) == 140);
    CHECK(where(full({100}, -inf, dtype)) == 0);
  }
}
