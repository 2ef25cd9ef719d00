// Views, shapes and copies against an oracle that knows indices only: a tensor is a function from an
// index to a number, and a view is another function made from it.
#include <functional>
#include <iterator>
#include <numeric>
#include <random>

#include <heed/core/ops/ops.h>

#include "support/catch.h"
#include "support/errors.h"

using namespace heed;
using namespace heed::core;

namespace {

using Index = std::vector<int64_t>;
using Numbers = std::vector<double>;

struct Oracle {
  Index shape;
  std::function<double(const Index&)> at;

  int64_t numel() const { return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>()); }
  Index unflatten(int64_t flat) const {
    Index index(shape.size());
    for (size_t i = shape.size(); i-- > 0;) {
      index[i] = flat % shape[i];
      flat /= shape[i];
    }
    return index;
  }
  Numbers numbers() const {
    Numbers all;
    for (int64_t i = 0; i < numel(); ++i) all.push_back(at(unflatten(i)));
    return all;
  }
};

int64_t flatten(const Index& index, const Index& shape) {
  int64_t flat = 0;
  for (size_t i = 0; i < shape.size(); ++i) flat = flat * shape[i] + index[i];
  return flat;
}

Shape shape_of(const Index& sizes) { return Shape(std::span(sizes)); }

Array counted(const Shape& shape, Dtype dtype = Dtype::f64) {
  return reshape(arange(0, static_cast<double>(shape.numel()), 1, dtype), shape);
}

struct Both {
  Array array;
  Oracle oracle;
};

Both start(const Index& shape) {
  return {counted(shape_of(shape)),
          {shape, [shape](const Index& i) { return static_cast<double>(flatten(i, shape)); }}};
}

class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}
  int64_t below(int64_t n) { return static_cast<int64_t>(engine_() % static_cast<uint32_t>(n)); }

 private:
  std::mt19937 engine_;  // its numbers are the standard's, on every platform
};

// One random change of geometry, made on both sides.
void change(Both& x, Random& random) {
  const Oracle before = x.oracle;
  const Index& shape = before.shape;
  const int64_t rank = static_cast<int64_t>(shape.size());
  switch (random.below(7)) {
    case 0: {  // permute
      Index order(shape.size());
      std::iota(order.begin(), order.end(), int64_t{0});
      for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[size_t(random.below(int64_t(i)))]);
      Index to;
      for (int64_t axis : order) to.push_back(shape[size_t(axis)]);
      x.array = permute(x.array, shape_of(order));
      x.oracle = {to, [=](const Index& i) {
                    Index from(i.size());
                    for (size_t k = 0; k < i.size(); ++k) from[size_t(order[k])] = i[k];
                    return before.at(from);
                  }};
      break;
    }
    case 1: {  // slice
      if (rank == 0) return;
      const size_t axis = size_t(random.below(rank));
      const int64_t n = shape[axis], begin = random.below(n + 1), end = begin + random.below(n - begin + 1),
                    step = 1 + random.below(3);
      Index to = shape;
      to[axis] = (end - begin + step - 1) / step;
      x.array = slice(x.array, int64_t(axis) - (random.below(2) ? rank : 0), begin, end, step);
      x.oracle = {to, [=](const Index& i) {
                    Index from = i;
                    from[axis] = begin + i[axis] * step;
                    return before.at(from);
                  }};
      break;
    }
    case 2: {  // select
      if (rank < 2) return;
      const size_t axis = size_t(random.below(rank));
      if (shape[axis] == 0) return;
      const int64_t at = random.below(shape[axis]);
      Index to = shape;
      to.erase(to.begin() + int64_t(axis));
      x.array = select(x.array, int64_t(axis), random.below(2) ? at : at - shape[axis]);
      x.oracle = {to, [=](const Index& i) {
                    Index from = i;
                    from.insert(from.begin() + int64_t(axis), at);
                    return before.at(from);
                  }};
      break;
    }
    case 3: {  // unsqueeze
      if (rank > 5) return;
      const int64_t axis = random.below(rank + 1);
      Index to = shape;
      to.insert(to.begin() + axis, 1);
      x.array = unsqueeze(x.array, random.below(2) ? axis : axis - rank - 1);
      x.oracle = {to, [=](const Index& i) {
                    Index from = i;
                    from.erase(from.begin() + axis);
                    return before.at(from);
                  }};
      break;
    }
    case 4: {  // expand the axes of size 1, and a new one in front
      if (rank > 5 || before.numel() > 500) return;
      Index to = shape;
      for (int64_t& size : to)
        if (size == 1) size = random.below(4);
      to.insert(to.begin(), 1 + random.below(2));
      x.array = expand(x.array, shape_of(to));
      x.oracle = {to, [=](const Index& i) {
                    Index from(i.begin() + 1, i.end());
                    for (size_t k = 0; k < from.size(); ++k)
                      if (shape[k] == 1) from[k] = 0;
                    return before.at(from);
                  }};
      break;
    }
    case 5: {  // diagonal
      if (rank < 2) return;
      Index to(shape.begin(), shape.end() - 1);
      to.back() = std::min(shape[shape.size() - 2], shape.back());
      x.array = diagonal(x.array);
      x.oracle = {to, [=](const Index& i) {
                    Index from = i;
                    from.push_back(i.back());
                    return before.at(from);
                  }};
      break;
    }
    default: {  // reshape: join two axes, or cut one, or both
      Index to = shape;
      if (to.size() >= 2 && random.below(2)) {
        const size_t axis = size_t(random.below(int64_t(to.size()) - 1));
        to[axis] *= to[axis + 1];
        to.erase(to.begin() + int64_t(axis) + 1);
      }
      if (!to.empty() && to.size() < 6) {
        const size_t axis = size_t(random.below(int64_t(to.size())));
        for (int64_t d = 2; d <= 4; ++d)
          if (to[axis] > 0 && to[axis] % d == 0) {
            to[axis] /= d;
            to.insert(to.begin() + int64_t(axis), d);
            break;
          }
      }
      x.array = reshape(x.array, shape_of(to));
      x.oracle = {to, [=](const Index& i) { return before.at(before.unflatten(flatten(i, to))); }};
    }
  }
}

}  // namespace

TEST_CASE("random chains of views agree with their index functions") {
  const Index starts[] = {{2, 3, 4}, {5}, {}, {4, 4}, {2, 1, 3, 2}, {0, 3}, {6, 2, 2}};
  int views = 0;
  for (uint32_t seed = 0; seed < 2000; ++seed) {
    Random random(seed);
    Both x = start(starts[seed % std::size(starts)]);
    for (int step = 0; step < 5; ++step) {
      change(x, random);
      INFO("seed " << seed << ", step " << step);
      REQUIRE(x.array.shape() == shape_of(x.oracle.shape));
      REQUIRE(to_vector(x.array) == x.oracle.numbers());
      REQUIRE(x.array.numel() == x.oracle.numel());
      ++views;
    }
    REQUIRE(to_vector(clone(x.array)) == x.oracle.numbers());
    REQUIRE(clone(x.array).is_contiguous());
    REQUIRE(to_vector(map(Unary::neg, map(Unary::neg, x.array))) == x.oracle.numbers());
    REQUIRE(to_vector(zip(Binary::sub, zip(Binary::add, x.array, clone(x.array)), x.array)) == x.oracle.numbers());
    const Numbers all = x.oracle.numbers();
    REQUIRE(item(sum(x.array, {}, false)) == std::accumulate(all.begin(), all.end(), 0.0));
  }
  CHECK(views == 10000);
}

TEST_CASE("reductions of random views agree with their index functions") {
  for (uint32_t seed = 0; seed < 1000; ++seed) {
    Random random(seed);
    Both x = start({3, 2, 4, 2});
    for (int step = 0; step < 4; ++step) change(x, random);
    const Oracle& o = x.oracle;
    Shape axes;
    std::vector<bool> gone(o.shape.size());
    for (size_t i = 0; i < o.shape.size(); ++i)
      if (random.below(2)) axes.push_back(int64_t(i)), gone[i] = true;
    if (axes.rank() == 0) continue;
    Index kept;
    for (size_t i = 0; i < o.shape.size(); ++i) kept.push_back(gone[i] ? 1 : o.shape[i]);
    const int64_t n = shape_of(kept).numel();
    Numbers sums(size_t(n), 0.0), highest(size_t(n), -1.0);
    for (int64_t flat = 0; flat < o.numel(); ++flat) {
      Index index = o.unflatten(flat);
      const double value = o.at(index);
      for (size_t i = 0; i < index.size(); ++i)
        if (gone[i]) index[i] = 0;
      const size_t to = size_t(flatten(index, kept));
      sums[to] += value;
      highest[to] = std::max(highest[to], value);
    }
    INFO("seed " << seed);
    REQUIRE(to_vector(sum(x.array, axes, true)) == sums);
    REQUIRE(sum(x.array, axes, true).shape() == shape_of(kept));
    REQUIRE(to_vector(sum(x.array, axes, false)) == sums);
    if (o.numel() > 0) REQUIRE(to_vector(amax(x.array, axes, false)) == highest);
    REQUIRE(to_vector(sum_to(x.array, shape_of(kept))) == sums);
  }
}

TEST_CASE("views alias, copies do not") {
  const Array x = counted({2, 3, 4});
  const Array views[] = {transpose(x, 0, 2),
                         permute(x, {1, 0, 2}),
                         slice(x, 1, 1, 3),
                         select(x, 0, 1),
                         expand(unsqueeze(x, 0), {5, 2, 3, 4}),
                         squeeze(unsqueeze(x, 1), 1),
                         diagonal(x),
                         reshape(x, {6, 4}),
                         reshape(x, {2, -1}),
                         contiguous(x),
                         to(x, Dtype::f64)};
  for (const Array& view : views) CHECK(view.storage() == x.storage());
  const Array copies[] = {clone(x), contiguous(transpose(x, 0, 1)), to(x, Dtype::f32),
                          reshape(transpose(x, 0, 1), {24})};
  for (const Array& copy : copies) CHECK_FALSE(copy.storage() == x.storage());
  copy_into(select(transpose(x, 0, 2), 0, 3), full({}, -1.0, Dtype::f64));
  CHECK(to_vector(slice(x, 2, 3, 4)) == Numbers(6, -1.0));
  CHECK(to_vector(slice(x, 2, 0, 1)) == Numbers{0, 4, 8, 12, 16, 20});
}

TEST_CASE("reshape copies only where it must") {
  const Array x = counted({4, 6});
  CHECK(reshape(slice(x, 0, 1, 3), {2, 2, 3}).storage() == x.storage());     // rows in one piece
  CHECK(reshape(slice(x, 1, 0, 6, 2), {4, 3, 1}).storage() == x.storage());  // evenly spaced
  CHECK(reshape(slice(x, 1, 0, 6, 2), {12}).storage() == x.storage());       // still: 6 is 3 steps of 2
  CHECK(reshape(transpose(x, 0, 1), {2, 3, 4}).storage() == x.storage());    // cuts an axis of the view
  CHECK_FALSE(reshape(transpose(x, 0, 1), {24}).storage() == x.storage());
  CHECK_FALSE(reshape(slice(x, 1, 0, 4), {16}).storage() == x.storage());
  CHECK(reshape(expand(counted({1, 3}), {2, 3}), {6}).is_contiguous());
  CHECK(to_vector(reshape(transpose(x, 0, 1), {24})) == to_vector(transpose(x, 0, 1)));
}

TEST_CASE("slices follow Python's rule") {
  const Array x = counted({5});
  const struct {
    int64_t begin, end, step;
    Numbers expected;
  } cases[] = {
      {0, 5, 1, {0, 1, 2, 3, 4}}, {1, 4, 2, {1, 3}}, {-2, 5, 1, {3, 4}}, {0, -1, 1, {0, 1, 2, 3}}, {3, 2, 1, {}},
      {-100, 100, 3, {0, 3}},     {5, 9, 1, {}},     {4, 5, 100, {4}},   {0, 5, 4, {0, 4}},        {0, 5, 5, {0}}};
  for (const auto& c : cases) CHECK(to_vector(slice(x, 0, c.begin, c.end, c.step)) == c.expected);
}

TEST_CASE("is_contiguous") {
  CHECK(counted({}).is_contiguous());
  CHECK(counted({2, 3}).is_contiguous());
  CHECK(counted({0, 3}).is_contiguous());
  CHECK(transpose(counted({1, 3}), 0, 1).is_contiguous());  // an axis of one has no stride to speak of
  CHECK(slice(counted({4, 3}), 0, 1, 3).is_contiguous());
  CHECK(slice(counted({4, 3}), 0, 1, 2, 7).is_contiguous());
  CHECK_FALSE(transpose(counted({2, 3}), 0, 1).is_contiguous());
  CHECK_FALSE(slice(counted({4, 3}), 1, 0, 2).is_contiguous());
  CHECK_FALSE(expand(counted({1, 3}), {2, 3}).is_contiguous());
}

TEST_CASE("broadcasting follows NumPy's rule for all pairs of small shapes") {
  std::vector<Index> shapes{{}};
  for (int64_t a : {1, 2}) {
    shapes.push_back({a});
    for (int64_t b : {1, 2}) {
      shapes.push_back({a, b});
      for (int64_t c : {1, 2}) shapes.push_back({a, b, c});
    }
  }
  for (const Index& left : shapes)
    for (const Index& right : shapes) {
      const Both a = start(left), b = start(right);
      const Array y = zip(Binary::sub, a.array, b.array);
      Index to(std::max(left.size(), right.size()), 1);
      for (const Index* s : {&left, &right})
        for (size_t i = 0; i < s->size(); ++i)
          to[to.size() - s->size() + i] = std::max(to[to.size() - s->size() + i], (*s)[i]);
      REQUIRE(y.shape() == shape_of(to));
      CHECK(to_vector(y) ==
            to_vector(zip(Binary::sub, clone(expand(a.array, y.shape())), clone(expand(b.array, y.shape())))));
    }
}

TEST_CASE("broadcasting follows NumPy's rule for ten thousand random pairs") {
  int errors = 0;
  for (uint32_t seed = 0; seed < 10000; ++seed) {
    Random random(seed);
    Index left(size_t(random.below(5))), right(size_t(random.below(5)));
    for (Index* s : {&left, &right})
      for (int64_t& size : *s) size = random.below(8) < 4 ? 1 : random.below(4) == 0 ? random.below(2) * 3 : 2;
    // From the right: equal, or one of them 1; a missing axis is 1.
    bool fits = true;
    Index to(std::max(left.size(), right.size()));
    for (size_t i = 1; i <= to.size(); ++i) {
      const int64_t m = i <= left.size() ? left[left.size() - i] : 1,
                    n = i <= right.size() ? right[right.size() - i] : 1;
      fits &= m == n || m == 1 || n == 1;
      to[to.size() - i] = m == 1 ? n : m;
    }
    INFO(shape_of(left) << " and " << shape_of(right));
    if (!fits) {
      ++errors;
      REQUIRE_THROWS_AS(broadcast("add", shape_of(left), shape_of(right)), ShapeError);
      REQUIRE_THROWS_AS(zip(Binary::add, full(shape_of(left), 1), full(shape_of(right), 1)), ShapeError);
      continue;
    }
    REQUIRE(broadcast("add", shape_of(left), shape_of(right)) == shape_of(to));
    REQUIRE(broadcasts_to(shape_of(left), shape_of(to)));
    REQUIRE(broadcasts_to(shape_of(right), shape_of(left)) == (to == left));
    const Both a = start(left), b = start(right);
    const Oracle sum{to, [&](const Index& i) {
                       const auto part = [&](const Oracle& o) {
                         Index from(i.end() - int64_t(o.shape.size()), i.end());
                         for (size_t k = 0; k < from.size(); ++k)
                           if (o.shape[k] == 1) from[k] = 0;
                         return o.at(from);
                       };
                       return part(a.oracle) * 100 + part(b.oracle);
                     }};
    REQUIRE(to_vector(zip(Binary::add, zip(Binary::mul, a.array, 100.0), b.array)) == sum.numbers());
  }
  CHECK(errors > 500);
}

TEST_CASE("dtypes convert as C++ does, through any layout") {
  const Array x = from_vector({0, 1, -2.75, 300.5, -0.25, 3}, {2, 3}, Dtype::f64);
  const Array turned = transpose(x, 0, 1);
  CHECK(to_vector(to(turned, Dtype::f32)) == Numbers{0, 300.5, 1, -0.25, -2.75, 3});
  CHECK(to_vector(to(turned, Dtype::i32)) == Numbers{0, 300, 1, 0, -2, 3});
  CHECK(to_vector(to(turned, Dtype::i64)) == Numbers{0, 300, 1, 0, -2, 3});
  CHECK(to_vector(to(turned, Dtype::boolean)) == Numbers{0, 1, 1, 1, 1, 1});
  CHECK(to_vector(to(to(x, Dtype::boolean), Dtype::f32)) == Numbers{0, 1, 1, 1, 1, 1});
  const int64_t large = (int64_t{1} << 53) + 1;
  const Array whole({1}, Dtype::i64);
  *whole.data<int64_t>() = large;
  CHECK(*clone(whole).data<int64_t>() == large);  // not by way of double
  CHECK(*reshape(transpose(expand(whole, {2, 1}), 0, 1), {2}).data<int64_t>() == large);
}

TEST_CASE("copy_into broadcasts, converts, and reads overlapping views first") {
  const Array x = counted({2, 3});
  copy_into(x, from_vector({7, 8, 9}, {3}, Dtype::i64));
  CHECK(to_vector(x) == Numbers{7, 8, 9, 7, 8, 9});
  const Array y = counted({6});
  copy_into(slice(y, 0, 1, 6), slice(y, 0, 0, 5));
  CHECK(to_vector(y) == Numbers{0, 0, 1, 2, 3, 4});
  const Array m = counted({3, 3});
  copy_into(m, transpose(m, 0, 1));
  CHECK(to_vector(m) == Numbers{0, 3, 6, 1, 4, 7, 2, 5, 8});
  copy_into(m, m);
  CHECK(to_vector(m) == Numbers{0, 3, 6, 1, 4, 7, 2, 5, 8});
  const Array z = counted({5});
  copy_into(z, select(z, 0, 4));
  CHECK(to_vector(z) == Numbers(5, 4.0));
  copy_into(slice(z, 0, 2, 2), counted({0}));
  CHECK(to_vector(z) == Numbers(5, 4.0));
}

TEST_CASE("shapes") {
  Shape s{2, 3};
  s.push_back(4);
  s.insert(0, 5);
  s.insert(2, 6);
  CHECK(s == Shape{5, 2, 6, 3, 4});
  s.erase(0);
  s.erase(3);
  CHECK(s == Shape{2, 6, 3});
  CHECK(s.numel() == 36);
  CHECK(Shape{}.numel() == 1);
  CHECK(Shape{0, 3}.numel() == 0);
  CHECK(heed::cat(Shape{}, Shape{1}, Shape{2, 3}) == "()(1,)(2, 3)");
  CHECK_FALSE(Shape{2} == Shape{2, 1});
  CHECK(contiguous_strides({2, 3, 4}) == Strides{12, 4, 1});
  CHECK(contiguous_strides({2, 0, 4}) == Strides{4, 4, 1});
}
