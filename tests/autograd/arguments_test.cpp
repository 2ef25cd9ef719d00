// Lines that would compile and do something else: they do not compile, or they do what they say.
#include <cmath>
#include <map>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <heed/autograd/ops.h>
#include <heed/nn/layers/activations.h>
#include <heed/nn/layers/dropout.h>

#include "support/catch.h"
#include "support/errors.h"

using namespace heed;

namespace {

// What a call is given is a T; each concept says that the call compiles.
template <class T>
concept Indexes = requires(const Tensor& x, T a) { x[a]; };
template <class T>
concept SizeOf = requires(const Tensor& x, T a) { x.size(a); };
template <class T>
concept Transposes = requires(const Tensor& x, T a) { x.transpose(0, a); };
template <class T>
concept Squeezes = requires(const Tensor& x, T a) { x.squeeze(a); };
template <class T>
concept Unsqueezes = requires(const Tensor& x, T a) { x.unsqueeze(a); };
template <class T>
concept Selects = requires(const Tensor& x, T a) { x.select(a, 0); };
template <class T>
concept SelectsAt = requires(const Tensor& x, T a) { x.select(0, a); };
template <class T>
concept Slices = requires(const Tensor& x, T a) { x.slice(0, 0, a); };
template <class T>
concept SlicesAlong = requires(const Tensor& x, T a) { x.slice(a, 0, 1); };
template <class T>
concept Flattens = requires(const Tensor& x, T a) { x.flatten(a); };
template <class T>
concept Splits = requires(const Tensor& x, T a) { x.split(a); };
template <class T>
concept SplitsAlong = requires(const Tensor& x, T a) { x.split(1, a); };
template <class T>
concept Chunks = requires(const Tensor& x, T a) { x.chunk(a); };
template <class T>
concept Sums = requires(const Tensor& x, T a) { sum(x, a); };
template <class T>
concept Means = requires(const Tensor& x, T a) { mean(x, a); };
template <class T>
concept Vars = requires(const Tensor& x, T a) { var(x, a); };
template <class T>
concept Norms = requires(const Tensor& x, T a) { norm(x, a); };
template <class T>
concept AMaxes = requires(const Tensor& x, T a) { amax(x, a); };
template <class T>
concept AMins = requires(const Tensor& x, T a) { amin(x, a); };
template <class T>
concept Maxes = requires(const Tensor& x, T a) { max(x, a); };
template <class T>
concept Mins = requires(const Tensor& x, T a) { min(x, a); };
template <class T>
concept ArgMaxes = requires(const Tensor& x, T a) { argmax(x, a); };
template <class T>
concept ArgMins = requires(const Tensor& x, T a) { argmin(x, a); };
template <class T>
concept Prods = requires(const Tensor& x, T a) { prod(x, a); };
template <class T>
concept CumSums = requires(const Tensor& x, T a) { cumsum(x, a); };
template <class T>
concept LogSums = requires(const Tensor& x, T a) { logsumexp(x, a); };
template <class T>
concept TopKs = requires(const Tensor& x, T a) { topk(x, 1, a); };
template <class T>
concept TopKsOf = requires(const Tensor& x, T a) { topk(x, a); };
template <class T>
concept Sorts = requires(const Tensor& x, T a) { sort(x, a); };
template <class T>
concept ArgSorts = requires(const Tensor& x, T a) { argsort(x, a); };
template <class T>
concept Softmaxes = requires(const Tensor& x, T a) { softmax(x, a); };
template <class T>
concept LogSoftmaxes = requires(const Tensor& x, T a) { log_softmax(x, a); };
template <class T>
concept Cats = requires(std::vector<Tensor> xs, T a) { heed::cat(xs, a); };
template <class T>
concept Stacks = requires(std::vector<Tensor> xs, T a) { stack(xs, a); };
template <class T>
concept Unbinds = requires(const Tensor& x, T a) { unbind(x, a); };
template <class T>
concept Gathers = requires(const Tensor& x, T a) { gather(x, a, x); };
template <class T>
concept Scatters = requires(const Tensor& x, T a) { scatter_add(x, a, x, x); };
template <class T>
concept IndexSelects = requires(const Tensor& x, T a) { index_select(x, a, x); };
template <class T>
concept Trils = requires(const Tensor& x, T a) { tril(x, a); };
template <class T>
concept Trius = requires(const Tensor& x, T a) { triu(x, a); };
template <class T>
concept OneHots = requires(const Tensor& x, T a) { one_hot(x, a); };
template <class T>
concept Embeds = requires(const Tensor& x, T a) { embedding(x, x, a); };
template <class T>
concept Aranges = requires(T a) { arange(a); };
template <class T>
concept Linspaces = requires(T a) { linspace(0, 1, a); };
template <class T>
concept Eyes = requires(T a) { eye(a); };
template <class T>
concept RandPerms = requires(T a) { randperm(a); };
template <class T>
concept RandInts = requires(T a) { randint(0, a, {2}); };

// An axis, a position or a count takes every integer, and nothing that is one only to C++.
#define WHOLE_ONLY(Call)                                                    \
  static_assert(Call<int> && Call<int64_t> && Call<size_t> && Call<short>); \
  static_assert(!Call<bool> && !Call<KeepDim> && !Call<double> && !Call<float>)
WHOLE_ONLY(Indexes);
WHOLE_ONLY(SizeOf);
WHOLE_ONLY(Transposes);
WHOLE_ONLY(Squeezes);
WHOLE_ONLY(Unsqueezes);
WHOLE_ONLY(Selects);
WHOLE_ONLY(SelectsAt);
WHOLE_ONLY(Slices);
WHOLE_ONLY(SlicesAlong);
WHOLE_ONLY(Flattens);
WHOLE_ONLY(Splits);
WHOLE_ONLY(SplitsAlong);
WHOLE_ONLY(Chunks);
WHOLE_ONLY(Sums);
WHOLE_ONLY(Means);
WHOLE_ONLY(Vars);
WHOLE_ONLY(Norms);
WHOLE_ONLY(AMaxes);
WHOLE_ONLY(AMins);
WHOLE_ONLY(Maxes);
WHOLE_ONLY(Mins);
WHOLE_ONLY(ArgMaxes);
WHOLE_ONLY(ArgMins);
WHOLE_ONLY(Prods);
WHOLE_ONLY(CumSums);
WHOLE_ONLY(LogSums);
WHOLE_ONLY(TopKs);
WHOLE_ONLY(TopKsOf);
WHOLE_ONLY(Sorts);
WHOLE_ONLY(ArgSorts);
WHOLE_ONLY(Softmaxes);
WHOLE_ONLY(LogSoftmaxes);
WHOLE_ONLY(Cats);
WHOLE_ONLY(Stacks);
WHOLE_ONLY(Unbinds);
WHOLE_ONLY(Gathers);
WHOLE_ONLY(Scatters);
WHOLE_ONLY(IndexSelects);
WHOLE_ONLY(Trils);
WHOLE_ONLY(Trius);
WHOLE_ONLY(OneHots);
WHOLE_ONLY(Embeds);
WHOLE_ONLY(Aranges);
WHOLE_ONLY(Linspaces);
WHOLE_ONLY(Eyes);
WHOLE_ONLY(RandPerms);
WHOLE_ONLY(RandInts);

// keepdim is true, false or the constant: sum(x, 0, 1) does not mean both axes, so it means nothing.
template <class T>
concept SumKeeps = requires(const Tensor& x, T k) { sum(x, 0, k); };
template <class T>
concept MaxKeeps = requires(const Tensor& x, T k) { max(x, 0, k); };
static_assert(SumKeeps<bool> && SumKeeps<KeepDim> && !SumKeeps<int> && !SumKeeps<double>);
static_assert(MaxKeeps<bool> && MaxKeeps<KeepDim> && !MaxKeeps<int>);

// A probability or a slope is no switch: dropout(x, training) would drop everything.
template <class T>
concept Drops = requires(const Tensor& x, T p) { dropout(x, p); };
template <class T>
concept LeakyRelus = requires(const Tensor& x, T a) { leaky_relu(x, a); };
template <class T>
concept Elus = requires(const Tensor& x, T a) { elu(x, a); };
static_assert(Drops<double> && Drops<int> && !Drops<bool>);
static_assert(LeakyRelus<double> && !LeakyRelus<bool> && Elus<float> && !Elus<bool>);
static_assert(std::is_constructible_v<nn::Dropout, double> && !std::is_constructible_v<nn::Dropout, bool>);
static_assert(!std::is_constructible_v<nn::LeakyReLU, bool> && !std::is_constructible_v<nn::ELU, bool>);

// What is gone at the end of the line cannot be assigned to; a handle can.
static_assert(!std::is_assignable_v<Tensor, Tensor> && !std::is_assignable_v<Tensor, const Tensor&>);
static_assert(!std::is_assignable_v<core::Array, core::Array> &&
              !std::is_assignable_v<core::Array, const core::Array&>);
template <class X>
concept WritesARow = requires(X x, Tensor y) { x[0] = y; };
template <class X>
concept WritesASlice = requires(X x, Tensor y) { x.slice(0, 0, 1) = y; };
template <class X>
concept WritesAGradient = requires(X x, Tensor y) { x.grad() = y; };
template <class X>
concept WritesAResult = requires(X x, Tensor y) { x + y = y; };
static_assert(!WritesARow<Tensor> && !WritesASlice<Tensor> && !WritesAGradient<Tensor> && !WritesAResult<Tensor>);
static_assert(std::is_copy_assignable_v<Tensor> && std::is_nothrow_move_assignable_v<Tensor> &&
              std::is_nothrow_move_constructible_v<Tensor> && std::is_nothrow_swappable_v<Tensor>);
static_assert(std::is_copy_assignable_v<Extremum> && std::is_copy_assignable_v<std::vector<Tensor>>);

}  // namespace

TEST_CASE("a reduction over all axes keeps them as sum(x, {}, keepdim)") {
  const Tensor x = tensor({1, 2, 3, 4, 5, 6}, {2, 3});
  CHECK(sum(x, {}, keepdim).shape() == Shape{1, 1});
  CHECK(sum(x, {}, true).item() == 21);
  CHECK(sum(x, {}, false).shape() == Shape{});
  CHECK(mean(x, 0, keepdim).shape() == Shape{1, 3});
  CHECK(sum(x, {0, 1}).shape() == Shape{});
}

TEST_CASE("var(x, axis, keepdim) keeps the axis, with Bessel's correction") {
  const Tensor x = tensor({1, 2, 3, 4, 5, 9}, {2, 3});
  for (const Tensor& y : {var(x, -1, keepdim), var(x, -1, true), var(x, -1, 1.0, keepdim), var(x, -1, 1, true)}) {
    CHECK(y.shape() == Shape{2, 1});
    CHECK(y.to_vector() == std::vector<double>{1, 7});
  }
  CHECK(var(x, -1, false).to_vector() == std::vector<double>{1, 7});
  CHECK(var(x, 0, 0).to_vector() == std::vector<double>{2.25, 2.25, 9});
  CHECK(test::message_of([&] {
          var(x, -1, std::nan(""));
        }).starts_with("var: (2, 3), correction nan: must be a finite number"));
}

TEST_CASE("handles of tensors live in containers, pairs and structures, and swap") {
  Tensor a = ones({2}), b = zeros({3});
  std::swap(a, b);
  CHECK((a.shape() == Shape{3} && b.shape() == Shape{2}));
  std::tie(a, b) = std::tuple(b, a);
  CHECK((a.shape() == Shape{2} && b.shape() == Shape{3}));
  std::vector<Tensor> list{a, b};
  list.insert(list.begin(), zeros({4}));
  list.erase(list.begin() + 1);
  list[0] = a;
  CHECK(list[0].shape() == Shape{2});
  std::map<std::string, Tensor> named{{"a", a}};
  named["b"] = std::move(b);
  named = std::map<std::string, Tensor>{{"c", a}};
  CHECK(named.at("c").shape() == Shape{2});
  std::optional<Tensor> perhaps;
  perhaps = a;
  perhaps = std::nullopt;
  Extremum best{a, a};
  best = max(tensor({1, 3, 2}), 0);
  CHECK(best.values.item() == 3);
}

TEST_CASE("a row, a slice and a gradient are written by copy_ and set_grad") {
  Tensor x = zeros({2, 2});
  x[0].copy_(ones({2}));
  x.slice(1, 1, 2).copy_(tensor({5, 6}, {2, 1}));
  CHECK(x.to_vector() == std::vector<double>{1, 5, 0, 6});
  Tensor w = parameter(x);
  w.set_grad(ones({2, 2}));
  CHECK(w.grad().to_vector() == std::vector<double>{1, 1, 1, 1});
}

TEST_CASE("data<T>() refuses another element type") {
  const Tensor whole = tensor_i64({3, 5});
  CHECK(whole.data<int64_t>()[1] == 5);
  CHECK(test::message_of<DtypeError>([&] { (void)whole.data<float>(); }) ==
        "array: (2,) int64 read as float32: data<T>() needs the element type: convert with to(Dtype)");
  CHECK_THROWS_AS(whole.data<int32_t>(), DtypeError);
  CHECK_THROWS_AS(ones({3}).data<double>(), DtypeError);
  CHECK_THROWS_AS((ones({3}) > 0.5).data<float>(), DtypeError);
  CHECK_THROWS_AS(Tensor().data<float>(), ShapeError);
}

TEST_CASE("an unsigned number that int64_t does not hold is the largest, not one from the end") {
  const Tensor x = tensor({1, 2, 3, 4, 5, 6}, {3, 2});
  constexpr size_t none = SIZE_MAX;  // std::string::npos, or what 0 - 1 is
  CHECK(x.slice(0, 0, none).shape() == Shape{3, 2});
  CHECK(x.slice(0, none, none).shape() == Shape{0, 2});
  CHECK(x.split(none).size() == 1);
  CHECK(test::message_of<IndexError>([&] { x[none]; }).starts_with("select: (3, 2): index 9223372036854775807"));
  CHECK(test::message_of<IndexError>([&] {
          sum(x, none);
        }).starts_with("sum: (3, 2): there is no axis 9223372036854775807"));
  CHECK(test::message_of([&] { topk(x, none); }).starts_with("topk: (3, 2) with k = 9223372036854775807"));
}

TEST_CASE("ops that are made of others speak in their own names") {
  const Tensor whole = arange(3), one = scalar(1.0);
  CHECK(test::message_of<DtypeError>([&] { var(whole); }).starts_with("var: (3,) of int64: "));
  CHECK(test::message_of<DtypeError>([&] { norm(whole); }).starts_with("norm: (3,) of int64: "));
  CHECK(test::message_of<IndexError>([&] { unbind(one, 0); }).starts_with("unbind: (): a scalar has no axis 0"));
  CHECK(test::message_of<DtypeError>([&] { scalar(1e300); }).starts_with("scalar: () float32 and the number 1e+300"));
  CHECK(test::message_of<ShapeError>([&] {
          masked_fill(ones({3, 4}), ones({5}) > 0.0, 1.0);
        }).starts_with("masked_fill: "));
}
