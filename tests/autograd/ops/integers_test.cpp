// Integers: what is divided, compared and summed gives what the mathematics says, as in PyTorch; what
// an integer cannot hold is refused by every op that meets it.
#include <cmath>
#include <functional>
#include <limits>

#include <heed/autograd/ops.h>
#include <heed/core/ops/ops.h>

#include "support/catch.h"
#include "support/errors.h"

using namespace heed;
using test::message_of;

namespace {

using Values = std::vector<double>;
constexpr int64_t lowest = std::numeric_limits<int64_t>::min(), highest = std::numeric_limits<int64_t>::max();
constexpr double inf = std::numeric_limits<double>::infinity();
const double NaN = std::nan("");

Tensor i32(const Values& values) { return tensor(values, Dtype::i32); }

int64_t only(const Tensor& x) { return x.data<int64_t>()[0]; }

}  // namespace

TEST_CASE("/ of integers is true division, in float32") {
  const struct {
    Tensor got;
    Values right;
  } rows[] = {
      {tensor_i64({3, 5, -7}) / tensor_i64({2, 2, 2}), {1.5, 2.5, -3.5}},
      {i32({7, -7}) / i32({2, 4}), {3.5, -1.75}},
      {arange(5) / 4.0, {0, 0.25, 0.5, 0.75, 1}},
      {arange(5) / 2.5, {0, 0.4f, 0.8f, 1.2f, 1.6f}},
      {1.0 / tensor_i64({4, 2}), {0.25, 0.5}},
      {tensor_i64({1, -1}) / tensor_i64({0, 0}), {inf, -inf}},
      {(ones({2}) > 0.5) / (ones({2}) > 0.5), {1, 1}},
      {sum(eq(arange(4), tensor_i64({0, 1, 9, 3}))) / 4.0, {0.75}},
      {tensor_i64({lowest}) / tensor_i64({-1}), {0x1p63}},
      {tensor_i64({16777217}) / 1.0, {16777216}},  // rounded to float32 first
  };
  for (const auto& row : rows) {
    CHECK(row.got.dtype() == Dtype::f32);
    CHECK(row.got.to_vector() == row.right);
  }
  CHECK(message_of<DtypeError>([] {
          core::zip_into(core::Binary::div, arange(3).array(), arange(3).array());
        }).starts_with("div: (3,) int64: cannot hold the fractions of a division: use floor_divide"));
}

TEST_CASE("floor_divide rounds down, and integers stay integers") {
  const Tensor q = floor_divide(tensor_i64({7, -7, 7, -7, 6}), tensor_i64({2, 2, -2, -2, 3}));
  CHECK(q.dtype() == Dtype::i64);
  CHECK(q.to_vector() == Values{3, -4, -4, 3, 2});
  CHECK(floor_divide(arange(6), 2).to_vector() == Values{0, 0, 1, 1, 2, 2});
  CHECK(floor_divide(-7, i32({2, 3})).to_vector() == Values{-4, -3});
  CHECK(only(floor_divide(tensor_i64({lowest}), tensor_i64({-1}))) == lowest);  // wraps
  CHECK(floor_divide(tensor({7, -7, 1, 5.5, 1, -1}), tensor({2, 2, 0.1, -0.5, inf, inf})).to_vector() ==
        Values{3, -4, 9, -11, 0, -1});
  CHECK(floor_divide(tensor({1, -1}), 0.0).to_vector() == Values{inf, -inf});
  CHECK(std::signbit(floor_divide(tensor({-0.0}), 2.0).item()));
  CHECK(floor_divide(arange(6).reshape({2, 3}), tensor_i64({1, 2}, {2, 1})).to_vector() == Values{0, 1, 2, 1, 2, 2});
  CHECK(message_of([] { floor_divide(arange(3), tensor_i64({1, 0, 1})); }) ==
        "floor_divide: (3,) by (3,) int64: a divisor is 0, and an integer cannot be infinite: convert with "
        "to(Dtype::f32)");
  CHECK_THROWS_AS(floor_divide(arange(3), 0), Error);
  CHECK_THROWS_AS(floor_divide(arange(3), 2.5), DtypeError);
  CHECK_THROWS_AS(floor_divide(arange(3) > 1, arange(3) > 1), DtypeError);
  const Tensor x = parameter(tensor({5, 7}));
  sum(floor_divide(x, 2.0)).backward();
  CHECK(x.grad().to_vector() == Values{0, 0});
}

TEST_CASE("any number may be compared with integers") {
  const Tensor a = arange(5);
  const struct {
    Tensor got;
    Values right;
  } rows[] = {
      {a > 2.5, {0, 0, 0, 1, 1}},        {a < 2.5, {1, 1, 1, 0, 0}},       {a >= 2.5, {0, 0, 0, 1, 1}},
      {a <= 2.5, {1, 1, 1, 0, 0}},       {eq(a, 2.5), {0, 0, 0, 0, 0}},    {ne(a, 2.5), {1, 1, 1, 1, 1}},
      {a < 1e300, {1, 1, 1, 1, 1}},      {a > -1e300, {1, 1, 1, 1, 1}},    {a < -inf, {0, 0, 0, 0, 0}},
      {a < NaN, {0, 0, 0, 0, 0}},        {ne(a, NaN), {1, 1, 1, 1, 1}},    {eq(a, NaN), {0, 0, 0, 0, 0}},
      {i32({1, 2}) < 3e9, {1, 1}},       {eq(i32({1, 2}), 3e9), {0, 0}},   {eq(a > 2, 1.0), {0, 0, 0, 1, 1}},
      {eq(a > 2, 0.5), {0, 0, 0, 0, 0}}, {(a > 2) < 0.5, {1, 1, 1, 0, 0}},
  };
  for (const auto& row : rows) CHECK(row.got.to_vector() == row.right);
  // The neighbours of 2⁵³ and of the largest integers are told apart.
  const Tensor large = tensor_i64({highest, highest - 1, lowest, (int64_t{1} << 53) + 1});
  CHECK((large < 0x1p63).to_vector() == Values{1, 1, 1, 1});
  CHECK((large >= 0x1p63).to_vector() == Values{0, 0, 0, 0});
  CHECK(eq(large, -0x1p63).to_vector() == Values{0, 0, 1, 0});
  CHECK((large > 0x1p53).to_vector() == Values{1, 1, 0, 1});
  // Floats beyond float32's range, too.
  CHECK((tensor({3e38, inf, NaN}) < 1e300).to_vector() == Values{1, 0, 0});
  CHECK((tensor({3e38, inf, NaN}) > 1e300).to_vector() == Values{0, 1, 0});
}

TEST_CASE("sums and products of i32 and bool are i64") {
  const Tensor large = full({3}, 2e9, Dtype::i32);
  for (const Tensor& y : {sum(large), sum(large, 0, keepdim)}) {
    CHECK(y.dtype() == Dtype::i64);
    CHECK(only(y) == 6000000000);
  }
  CHECK(only(prod(full({2}, 1e5, Dtype::i32), 0)) == 10000000000);
  CHECK(cumsum(large, 0).to_vector() == Values{2e9, 4e9, 6e9});
  CHECK(cumsum(large, 0).dtype() == Dtype::i64);
  CHECK(sum(full({2, 3}, 2e9, Dtype::i32), 1).to_vector() == Values{6e9, 6e9});
  CHECK(sum(full({2, 1}, 7, Dtype::i32), 1).dtype() == Dtype::i64);  // nothing is added, and still
  CHECK(sum(arange(3) > 0).dtype() == Dtype::i64);
}

TEST_CASE("sums, products and powers of integers wrap around") {
  const Tensor ends = tensor_i64({highest, lowest});
  const auto wrapped = [](const Tensor& x) {
    return std::vector<int64_t>(x.data<int64_t>(), x.data<int64_t>() + x.numel());
  };
  using Whole64 = std::vector<int64_t>;
  CHECK(wrapped(ends + 1.0) == Whole64{lowest, lowest + 1});
  CHECK(wrapped(ends - 1.0) == Whole64{highest - 1, highest});
  CHECK(wrapped(ends * ends) == Whole64{1, 0});
  CHECK(wrapped(-ends) == Whole64{-highest, lowest});
  CHECK(wrapped(sum(tensor_i64({highest, highest}))) == Whole64{-2});
  CHECK(wrapped(sum(tensor_i64({highest, highest, 1, 2}, {2, 2}), 0)) == Whole64{lowest, lowest + 1});
  CHECK(wrapped(prod(tensor_i64({highest, 2}), 0)) == Whole64{-2});
  CHECK(wrapped(cumsum(tensor_i64({highest, 1}), 0)) == Whole64{highest, lowest});
  CHECK(wrapped(scatter_add(tensor_i64({highest}), 0, tensor_i64({0}), tensor_i64({1}))) == Whole64{lowest});
  CHECK(wrapped(pow(tensor_i64({3, -2, 10, 0}), 5.0)) == Whole64{243, -32, 100000, 0});
  CHECK(wrapped(pow(tensor_i64({3, 2, 7}), tensor_i64({40, 64, 0}))) == Whole64{-6289078614652622815, 0, 1});
  CHECK((full({2}, 2e9, Dtype::i32) + full({2}, 2e9, Dtype::i32)).to_vector() == Values{-294967296, -294967296});
}

TEST_CASE("a number that the dtype cannot hold is refused by every op that meets one") {
  const Tensor a = arange(5), mask = a > 2.0, f = ones({2});
  Tensor target = arange(5);
  const struct {
    const char* op;
    std::function<void()> make;
  } refused[] = {
      {"add", [&] { a + 0.5; }},
      {"add", [&] { a + NaN; }},
      {"sub", [&] { a - 0.5; }},
      {"sub", [&] { 0.5 - a; }},
      {"mul", [&] { a * 0.1; }},
      {"mul", [&] { i32({1}) * 3e9; }},
      {"mul", [&] { f * 1e300; }},
      {"div", [&] { a / 1e300; }},
      {"pow", [&] { pow(a, 0.5); }},
      {"pow", [&] { pow(a, -1.0); }},
      {"pow", [&] { pow(a, tensor_i64({1, 1, 1, -1, 1})); }},
      {"where", [&] { where(mask, a, 0.5); }},
      {"where", [&] { where(mask, 0.5, a); }},
      {"where", [&] { where(mask, mask, 2.0); }},
      {"masked_fill", [&] { masked_fill(a, mask, -inf); }},
      {"maximum", [&] { maximum(a, 0.5); }},
      {"minimum", [&] { minimum(a, 1e300); }},
      {"clamp", [&] { clamp(a, 0.5, 2.0); }},
      {"clamp", [&] { clamp(a, 0.0, inf); }},
      {"floor_divide", [&] { floor_divide(a, 2.5); }},
      {"mul_", [&] { target.mul_(0.5); }},
      {"fill_", [&] { target.fill_(0.5); }},
      {"fill_", [&] { Tensor(f).fill_(1e300); }},
      {"mul_", [&] { Tensor(f).mul_(1e300); }},
      {"where", [&] { where(f > 0.0, f, 1e300); }},
      {"fill_", [&] { target.fill_(0x1p53); }},
      {"add_", [&] { target.add_(a, 0.5); }},
      {"copy_", [&] { target.copy_(tensor({1, 2, NaN, 4, 5})); }},
      {"full", [&] { full({2}, 0.5, Dtype::i64); }},
      {"full", [&] { full({2}, 1e300, Dtype::i32); }},
      {"full", [&] { full({2}, 1e300); }},
      {"full", [&] { full({2}, NaN, Dtype::boolean); }},
      {"scalar", [&] { scalar(2147483648.0, Dtype::i32); }},
      {"tensor", [&] { tensor({0.5, 1.7}, Dtype::i64); }},
      {"tensor", [&] { tensor({1, 1e300}); }},
      {"arange", [&] { arange(0, 3, 0.5, Dtype::i64); }},
      {"arange", [&] { arange(0, 4e9, 1e9, Dtype::i32); }},
      {"linspace", [&] { linspace(0, 1, 3, Dtype::i64); }},
      {"to", [&] { tensor({1e300}, Dtype::f64).to(Dtype::i64); }},
      {"to", [&] { tensor({NaN}).to(Dtype::i32); }},
      {"to", [&] { tensor({2147483648.0}).to(Dtype::i32); }},
      {"to", [&] { tensor_i64({int64_t{1} << 31}).to(Dtype::i32); }},
      {"to", [&] { tensor({0x1p63}).to(Dtype::i64); }},
  };
  for (const auto& row : refused) {
    const std::string text = message_of<DtypeError>(row.make);
    INFO(row.op << "\n" << text);
    CHECK(text.starts_with(std::string(row.op) + ": "));
    CHECK(test::follows_grammar(text));
  }
  CHECK(target.to_vector() == Values{0, 1, 2, 3, 4});  // nothing was written
  CHECK(message_of<DtypeError>([&] { target.fill_(0x1p60); }) ==
        "fill_: (5,) int64 and the number 1.15292e+18: int64 cannot hold it: a number argument is float64, exact below "
        "2^53 only: pass a tensor, tensor_i64({…})");
}

TEST_CASE("a number that the dtype holds is taken, to the last one") {
  CHECK(full({1}, 2147483647, Dtype::i32).to_vector() == Values{2147483647});
  CHECK(full({1}, -2147483648.0, Dtype::i32).to_vector() == Values{-2147483648.0});
  CHECK(only(full({1}, 0x1p53 - 1, Dtype::i64)) == (int64_t{1} << 53) - 1);
  CHECK(full({1}, inf).to_vector() == Values{inf});
  CHECK(std::isnan(full({1}, NaN, Dtype::f64).item()));
  CHECK(full({1}, 0.1).item() == double{0.1f});  // floats round
  CHECK(tensor({2.9, -2.9, 2147483647.5}, Dtype::f64).to(Dtype::i32).to_vector() == Values{2, -2, 2147483647});
  CHECK(only(tensor({-0x1p63}).to(Dtype::i64)) == lowest);
  CHECK(tensor({NaN, 2, 0}).to(Dtype::boolean).to_vector() == Values{1, 1, 0});
  CHECK(linspace(0, 4, 3, Dtype::i64).to_vector() == Values{0, 2, 4});
  CHECK(arange(6, 0, -2, Dtype::i32).to_vector() == Values{6, 4, 2});
}

TEST_CASE("an op names itself and the operand that is empty") {
  const Tensor x = ones({2, 3}), none;
  Tensor w = parameter(ones({2}));
  const struct {
    std::string says;
    std::function<void()> make;
  } rows[] = {
      {"mul: an empty Tensor: the operand has", [&] { w - 0.1 * w.grad(); }},
      {"sub: an empty Tensor: the right operand has", [&] { w - w.grad(); }},
      {"mul: an empty Tensor: the left operand has", [&] { w.grad() * w; }},
      {"div: an empty Tensor: the operand has", [&] { none / 2.0; }},
      {"eq: an empty Tensor: the operand has", [&] { eq(none, 1.0); }},
      {"lt: an empty Tensor: the left operand has", [&] { (void)(none < x); }},
      {"exp: an empty Tensor: the operand has", [&] { exp(none); }},
      {"matmul: an empty Tensor: the left operand has", [&] { matmul(none, x); }},
      {"matmul: an empty Tensor: the right operand has", [&] { matmul(x, none); }},
      {"linear: an empty Tensor: the left operand has", [&] { linear(none, x, {}); }},
      {"sum: an empty Tensor: the operand has", [&] { sum(none); }},
      {"amax: an empty Tensor: the operand has", [&] { amax(none); }},
      {"argmax: an empty Tensor: the operand has", [&] { argmax(none, 0); }},
      {"softmax: an empty Tensor: the operand has", [&] { softmax(none, 0); }},
      {"cumsum: an empty Tensor: the operand has", [&] { cumsum(none, 0); }},
      {"where: an empty Tensor: the mask has", [&] { where(none, x, x); }},
      {"where: an empty Tensor: the left operand has", [&] { where(x > 0.0, none, x); }},
      {"cat: an empty Tensor: the list has", [&] { heed::cat({x, none}, 0); }},
      {"embedding: an empty Tensor: the table has", [&] { embedding(none, arange(2)); }},
      {"gather: an empty Tensor: the index has", [&] { gather(x, 0, none); }},
      {"clone: an empty Tensor: the source has", [&] { none.clone(); }},
      {"item: an empty Tensor: the operand has", [&] { (void)none.item(); }},
      {"to_vector: an empty Tensor: the ", [&] { (void)none.to_vector(); }},
      {"add_: an empty Tensor: the right operand has",
       [&] {
         Tensor y = ones({2});
         y.add_(none);
       }},
      {"fill_: an empty Tensor: the operand has", [&] { Tensor().fill_(1); }},
  };
  for (const auto& row : rows) {
    const std::string text = message_of<ShapeError>(row.make);
    INFO(row.says << "\n" << text);
    CHECK(text.starts_with(row.says));
    CHECK(test::contains(text, "a grad() is empty before backward()"));
  }
}

TEST_CASE("floor_divide and its kin have gradients of 0 where a gradient that arrives is infinite") {
  const Tensor x = parameter(tensor({5, 7})), y = parameter(tensor({2, 2}));
  floor_divide(x, y).backward(tensor({inf, NaN}));
  CHECK(x.grad().to_vector() == Values{0, 0});
  CHECK(y.grad().to_vector() == Values{0, 0});
  for (Tensor (*const stairs)(const Tensor&) : {&floor, &ceil, &round, &sign}) {
    const Tensor z = parameter(tensor({0.5, 1.5}));
    stairs(z).backward(tensor({inf, NaN}));
    CHECK(z.grad().to_vector() == Values{0, 0});
  }
}
