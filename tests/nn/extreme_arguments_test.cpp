// Extreme arguments: the smallest and largest sizes, steps and numbers, given to everything that takes
// one. A call is refused as a heed::Error or does what it says; in neither case may an integer
// overflow (run it under UndefinedBehaviorSanitizer) or anything but an Error be thrown.
#include <cmath>
#include <cstdint>
#include <exception>
#include <functional>
#include <set>

#include <heed/autograd/ops.h>
#include <heed/nn/nn.h>

#include "support/catch.h"

using namespace heed;

namespace {

enum Outcome { refused, taken };
struct Call {
  Outcome outcome;
  const char* what;
  std::function<void()> make;
};

constexpr int64_t top = INT64_MAX, bottom = INT64_MIN, huge = int64_t{1} << 62, large = int64_t{1} << 44;
constexpr double inf = INFINITY, NaN = NAN;

Tensor x() { return tensor({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, {3, 4}); }
Tensor endless(int64_t n = top) { return ones({1}).expand({n}); }
Tensor ids(int64_t id) { return tensor_i64({id}); }

const std::vector<Call>& creation() {
  static const std::vector<Call> calls{
      {refused, "arange without a step", [] { arange(0, 1, 0); }},
      {refused, "arange to nan", [] { arange(0, NaN, 1); }},
      {refused, "arange from nan", [] { arange(NaN, 1, 1); }},
      {refused, "arange to inf", [] { arange(0, inf, 1); }},
      {refused, "arange to 1e300", [] { arange(0, 1e300, 1); }},
      {refused, "arange in steps of 1e-300", [] { arange(0, 1, 1e-300); }},
      {refused, "arange in steps of nan", [] { arange(0, 1, NaN); }},
      {refused, "arange over all doubles", [] { arange(-1e308, 1e308, 1); }},
      {taken, "arange away from its end", [] { arange(0, 5, -1e300); }},
      {refused, "arange of a negative count", [] { arange(-5); }},
      {refused, "arange of the largest count", [] { arange(top); }},
      {refused, "arange of the lowest count", [] { arange(bottom); }},
      {refused, "arange beyond i32", [] { arange(0, 1e10, 1e9, Dtype::i32); }},
      {refused, "arange of bools", [] { arange(3, Dtype::boolean); }},
      {refused, "linspace of -1", [] { linspace(0, 1, -1); }},
      {refused, "linspace of the lowest count", [] { linspace(0, 1, bottom); }},
      {refused, "linspace of the largest count", [] { linspace(0, 1, top); }},
      {taken, "linspace from nan", [] { linspace(NaN, 1, 3); }},
      {refused, "linspace from nan, whole", [] { linspace(NaN, 1, 3, Dtype::i64); }},
      {refused, "linspace beyond f32", [] { linspace(-1e300, 1e300, 3); }},
      {refused, "eye of -1", [] { eye(-1); }},
      {refused, "eye of 2^32", [] { eye(int64_t{1} << 32); }},
      {refused, "eye of the largest size", [] { eye(top); }},
      {refused, "eye of the lowest size", [] { eye(bottom); }},
      {refused, "zeros of 2^62 by 2^62", [] { zeros({huge, huge}); }},
      {refused, "zeros of -1", [] { zeros({-1}); }},
      {refused, "zeros of the largest size", [] { zeros({top}); }},
      {refused, "zeros of the lowest size", [] { zeros({bottom}); }},
      {refused, "zeros of 2^44", [] { zeros({large}); }},
      {refused, "zeros of 2^45 bools", [] { zeros({large, 8}, Dtype::boolean); }},
      {refused, "zeros of nothing by too much", [] { zeros({0, huge, 4}); }},
      {taken, "zeros of nothing by much", [] { zeros({0, top}).reshape({top, 0}); }},
      {refused, "full of 1e300", [] { full({2}, 1e300); }},
      {refused, "full i32 of 1e300", [] { full({2}, 1e300, Dtype::i32); }},
      {refused, "full i64 of 2^63", [] { full({2}, 0x1p63, Dtype::i64); }},
      {refused, "full bool of nan", [] { full({2}, NaN, Dtype::boolean); }},
      {refused, "tensor of too few values", [] { tensor({1, 2}, {top}); }},
      {refused, "tensor_i64 of too few values", [] { tensor_i64({1, 2}, {huge, 8}); }},
      {refused, "rand of 2^44", [] { rand({large}); }},
      {refused, "randn of the largest size", [] { randn({top}); }},
      {refused, "randint of no range", [] { randint(5, 5, {2}); }},
      {taken, "randint of every i64", [] { randint(bottom, top, {5}); }},
      {refused, "randint backwards", [] { randint(top, bottom, {5}); }},
      {refused, "randperm of -1", [] { randperm(-1); }},
      {refused, "randperm of the largest count", [] { randperm(top); }},
      {refused, "bernoulli of nan", [] { bernoulli({4}, NaN); }},
      {refused, "bernoulli of 2", [] { bernoulli({4}, 2); }},
      {refused, "one_hot of the largest count", [] { one_hot(tensor_i64({0, 1}), top); }},
      {refused, "one_hot of the lowest count", [] { one_hot(ids(0), bottom); }},
      {refused, "one_hot of class -1", [] { one_hot(ids(-1), 3); }},
      {refused, "one_hot of the lowest class", [] { one_hot(ids(bottom), 3); }},
      {refused, "one_hot of no classes", [] { one_hot(ids(0), 0); }},
      {taken, "one_hot of nothing", [] { one_hot(tensor_i64({}), 0); }},
  };
  return calls;
}

const std::vector<Call>& geometry() {
  static const std::vector<Call> calls{
      {taken, "expand to the largest size", [] { endless(); }},
      {refused, "expand to 2^62 by 2^62", [] { ones({1, 1}).expand({huge, huge}); }},
      {refused, "expand to a negative size", [] { ones({1}).expand({bottom}); }},
      {refused, "contiguous of a huge view", [] { endless(huge).contiguous(); }},
      {refused, "clone of a huge view", [] { endless().clone(); }},
      {refused, "exp of a huge view", [] { exp(endless(large)); }},
      {refused, "sum of two huge views", [] { endless(large) + endless(large); }},
      {refused, "comparison of a huge view", [] { (void)(endless(huge) > 0); }},
      {refused, "cat of huge views", [] { cat({endless(huge - 1), endless(huge - 1)}); }},
      {refused, "cat beyond 63 bits", [] { cat({endless(), endless()}); }},
      {refused, "stack of huge views", [] { stack({endless(), endless()}); }},
      {refused, "matmul of huge views",
       [] { matmul(ones({1, 1}).expand({int64_t{1} << 40, 2}), ones({1, 1}).expand({2, int64_t{1} << 20})); }},
      {refused, "matmul that is too large",
       [] { matmul(ones({1, 1}).expand({huge, 2}), ones({1, 1}).expand({2, huge})); }},
      {refused, "sum over one of two huge axes", [] { sum(ones({1, 1}).expand({2, huge}), 0); }},
      {refused, "argsort of a huge view", [] { argsort(endless()); }},
      {refused, "topk of a huge view", [] { topk(endless(), 1); }},
      {refused, "softmax of a huge view", [] { softmax(endless(huge), 0); }},
      {refused, "cumsum of a huge view", [] { cumsum(endless(huge), 0); }},
      {taken, "printing a huge view", [] { to_string(endless(int64_t{1} << 40)); }},
      {refused, "reading a huge view", [] { endless(huge).to_vector(); }},
      {refused, "select the lowest index", [] { x().select(0, bottom); }},
      {refused, "select the largest index", [] { x().select(0, top); }},
      {refused, "select along the lowest axis", [] { x().select(bottom, 0); }},
      {refused, "index the largest row", [] { x()[top]; }},
      {refused, "size of the largest axis", [] { x().size(top); }},
      {refused, "transpose the lowest axis", [] { x().transpose(bottom, 0); }},
      {refused, "permute the largest axis", [] { x().permute({0, top}); }},
      {refused, "unsqueeze at the largest position", [] { x().unsqueeze(top); }},
      {refused, "squeeze the lowest axis", [] { x().squeeze(bottom); }},
      {refused, "flatten from the lowest axis", [] { x().flatten(bottom); }},
      {taken, "slice of everything", [] { REQUIRE(x().slice(0, bottom, top).shape() == Shape{3, 4}); }},
      {taken, "slice of nothing", [] { REQUIRE(x().slice(0, top, bottom).shape() == Shape{0, 4}); }},
      {taken, "slice in the largest steps", [] { REQUIRE(x().slice(0, 0, 3, top).shape() == Shape{1, 4}); }},
      {refused, "slice in the lowest steps", [] { x().slice(0, 0, 3, bottom); }},
      {taken, "slice of a huge view", [] { REQUIRE(endless().slice(0, 0, top, 2).shape() == Shape{huge}); }},
      {taken, "slice of an empty axis", [] { zeros({0, 4}).slice(0, 0, top, top).slice(0, 0, 1, top); }},
      {taken, "seventy slices in steps of 2",
       [] {
         Tensor t = x();
         for (int i = 0; i < 70; ++i) t = t.slice(0, 0, 1, 2);
         REQUIRE(t.to_vector() == std::vector<double>{1, 2, 3, 4});
       }},
      {taken, "seventy slices in the largest steps",
       [] {
         Tensor t = x();
         for (int i = 0; i < 70; ++i) t = t.slice(1, 0, top, top);
         REQUIRE(t.to_vector() == std::vector<double>{1, 5, 9});
       }},
      {taken, "diagonal of an empty tensor with huge strides",
       [] { zeros({0, 1, 1, top}).permute({0, 3, 1, 2}).diagonal(); }},
      {refused, "split into the lowest size", [] { x().split(bottom); }},
      {taken, "split into the largest size", [] { REQUIRE(x().split(top).size() == 1); }},
      {taken, "split of a huge view", [] { REQUIRE(endless().split(huge + 1).size() == 2); }},
      {taken, "chunk into the largest count", [] { REQUIRE(x().chunk(top).size() == 3); }},
      {taken, "chunk of nothing", [] { REQUIRE(zeros({0, 3}).chunk(int64_t{1} << 40).size() == 1); }},
      {refused, "chunk into the lowest count", [] { x().chunk(bottom); }},
      {refused, "reshape to what overflows", [] { zeros({0}).reshape({huge, 4, -1}); }},
      {refused, "reshape to the lowest size", [] { x().reshape({bottom, -1}); }},
      {refused, "reshape to the largest size", [] { x().reshape({top, top}); }},
      {refused, "reshape an unknown size of nothing", [] { zeros({0}).reshape({-1, 0}); }},
      {refused, "sum_to a huge size", [] { x().sum_to({top}); }},
      {taken, "tril of the largest diagonal", [] { REQUIRE(tril(x(), top).to_vector() == x().to_vector()); }},
      {taken, "tril of the lowest diagonal", [] { REQUIRE(sum(tril(x(), bottom)).item() == 0); }},
      {taken, "triu of the largest diagonal", [] { REQUIRE(sum(triu(x(), top)).item() == 0); }},
      {taken, "triu of the lowest diagonal", [] { REQUIRE(triu(x(), bottom).to_vector() == x().to_vector()); }},
  };
  return calls;
}

const std::vector<Call>& numbers() {
  static const std::vector<Call> calls{
      {refused, "variance with correction nan", [] { var(x(), -1, NaN); }},
      {refused, "variance with correction inf", [] { var(x(), -1, inf); }},
      {taken, "variance with correction 1e300", [] { var(x(), -1, 1e300); }},
      {refused, "clamp between nothing", [] { clamp(x(), 1, -1); }},
      {refused, "clamp to nan", [] { clamp(x(), NaN, 1); }},
      {taken, "clamp between infinities", [] { clamp(x(), -inf, inf); }},
      {refused, "1e300 to i64", [] { tensor({1e300, -1e300}, Dtype::f64).to(Dtype::i64); }},
      {refused, "nan to i32", [] { tensor({NaN}).to(Dtype::i32); }},
      {refused, "3e9 to i32", [] { tensor({3e9}, Dtype::f64).to(Dtype::i32); }},
      {refused, "-inf to i64", [] { tensor({-inf}).to(Dtype::i64); }},
      {refused, "copy of nan into i64", [] { zeros({2}, Dtype::i64).copy_(tensor({NaN, 1})); }},
      {taken, "nan to bool", [] { tensor({NaN, 2}).to(Dtype::boolean); }},
      {taken, "1e300 to f32", [] { REQUIRE(tensor({1e300}, Dtype::f64).to(Dtype::f32).item() == inf); }},
      {taken, "i32 beyond its range",
       [] {
         Tensor t = full({4}, 2e9, Dtype::i32);
         t + t;
         t* t;
         t - -2e9;
         sum(t);
         prod(t, 0);
       }},
      {taken, "i64 beyond its range",
       [] {
         Tensor t = tensor_i64({top, bottom});
         t + t;
         t* t;
         t - t * -1.0;
         sum(t);
         prod(t, 0);
         cumsum(t, 0);
         -t;
       }},
      {taken, "the lowest i64 by -1",
       [] {
         ids(bottom) / ids(-1);
         floor_divide(ids(bottom), ids(-1));
       }},
      {taken, "i64 by zero", [] { REQUIRE(std::isnan((ids(0) / ids(0)).item())); }},
      {refused, "i64 by zero, rounded down", [] { floor_divide(ids(1), ids(0)); }},
      {taken, "i64 to the largest power", [] { pow(tensor_i64({3, -1, 0, 1}), tensor_i64({top, top, top, top})); }},
      {refused, "i64 to the lowest power", [] { pow(ids(2), ids(bottom)); }},
      {taken, "the lowest power of 0", [] { pow(zeros({1}), -inf); }},
      {taken, "add_ beyond i64",
       [] {
         Tensor t = ids(top);
         t.add_(t);
         t.mul_(3);
       }},
      {taken, "scatter_add beyond i64", [] { scatter_add(ids(top), 0, ids(0), ids(top)); }},
      {taken, "i64 compared with everything",
       [] {
         Tensor t = tensor_i64({top, bottom});
         (void)(t > 0x1p63);
         (void)(t < -0x1p63);
         eq(t, NaN);
         ne(t, inf);
         (void)(t >= 1e300);
       }},
      {refused, "topk of the largest count", [] { topk(x(), top); }},
      {refused, "topk of the lowest count", [] { topk(x(), bottom); }},
      {refused, "gather the lowest row", [] { gather(x(), 0, tensor_i64({bottom}, {1, 1})); }},
      {refused, "gather the largest row", [] { gather(x(), 0, tensor_i64({top}, {1, 1})); }},
      {refused, "index_select the largest row", [] { index_select(x(), 0, ids(top)); }},
      {refused, "embedding of the largest id", [] { embedding(x(), ids(top)); }},
      {refused, "embedding of the lowest id", [] { embedding(x(), ids(bottom)); }},
      {taken, "embedding with the lowest padding row", [] { embedding(parameter(x()), ids(1), bottom); }},
      {taken, "print of what floats hold", [] { to_string(tensor({NaN, inf, -inf, 1e-40, 1e38})); }},
      {taken, "sort of nothing", [] { sort(zeros({0})); }},
      {refused, "max of nothing", [] { max(zeros({0}), 0); }},
      {refused, "argmax along an empty axis", [] { argmax(zeros({3, 0}), 1); }},
      {taken, "gradient of a norm at 0",
       [] {
         Tensor p = parameter(zeros({3}));
         norm(p).backward();
         REQUIRE(p.grad().to_vector() == std::vector<double>(3));
       }},
      {refused, "dropout of nan", [] { dropout(x(), NaN); }},
      {refused, "dropout of 1.5", [] { nn::Dropout d(1.5); }},
      {refused, "cross_entropy of the largest class", [] { nn::cross_entropy(x(), tensor_i64({0, 1, top})); }},
      {refused, "cross_entropy of the lowest class", [] { nn::cross_entropy(x(), tensor_i64({0, 1, bottom})); }},
  };
  return calls;
}

const std::vector<Call>& layers() {
  static const std::vector<Call> calls{
      {refused, "Linear of a negative size", [] { nn::Linear l(-1, 2); }},
      {refused, "Linear of the largest sizes", [] { nn::Linear l(top, top); }},
      {refused, "Linear of 2^40 by 2^40", [] { nn::Linear l(int64_t{1} << 40, int64_t{1} << 40); }},
      {refused, "Embedding of 2^44 rows", [] { nn::Embedding e(large, 8); }},
      {refused, "LayerNorm of the largest width", [] { nn::LayerNorm n(top); }},
      {refused, "RMSNorm of the lowest width", [] { nn::RMSNorm n(bottom); }},
      {refused, "MultiHeadAttention of negative sizes", [] { nn::MultiHeadAttention m(-8, -2); }},
      {refused, "MultiHeadAttention of the lowest count of heads", [] { nn::MultiHeadAttention m(8, bottom); }},
      {refused, "GRU of a negative size", [] { nn::GRU g(-1, 3); }},
      {refused, "GRU of the largest size", [] { nn::GRU g(3, top); }},
      {refused, "LSTM of the largest size", [] { nn::LSTM g(3, top); }},
      {refused, "GRU of 2^62 layers", [] { nn::GRU g(huge, huge, {.num_layers = huge, .bidirectional = true}); }},
      {refused, "LSTM cell of the largest size", [] { nn::LSTMCell c(3, top); }},
      {refused, "GPT's attention of the largest width",
       [] { nn::CausalSelfAttention a({.vocab = 2, .context = 2, .width = top}); }},
      {refused, "GPT's MLP of the largest width", [] { nn::MLP m({.vocab = 2, .context = 2, .width = top}); }},
      {refused, "causal mask of the largest sizes", [] { nn::causal_mask(top, top); }},
      {refused, "causal mask of the lowest size", [] { nn::causal_mask(bottom); }},
      {refused, "padding mask of the largest size", [] { nn::padding_mask(std::vector<int64_t>{1, 2}, top); }},
      {taken, "window mask of the largest reach", [] { REQUIRE(all(nn::sliding_window_mask(3, 3, top, top))); }},
      {refused, "prefix mask of the largest size", [] { nn::prefix_mask({1}, top); }},
      {refused, "eye mask of the largest size", [] { nn::eye_mask(top); }},
      {refused, "sinusoidal table of the largest size", [] { nn::sinusoidal_table(top, 4); }},
  };
  return calls;
}

}  // namespace

TEST_CASE("extreme arguments are refused as heed::Error or do what they say") {
  std::set<std::string> names;
  for (const auto* table : {&creation(), &geometry(), &numbers(), &layers()}) {
    for (const Call& call : *table) {
      INFO(call.what);
      names.insert(call.what);
      std::string thrown;
      try {
        call.make();
      } catch (const Error& e) { thrown = e.what(); } catch (const std::exception& e) {
        FAIL_CHECK("not a heed::Error: " << e.what());
      }
      INFO(thrown);
      CHECK(thrown.empty() == (call.outcome == taken));
    }
  }
  CHECK(names.size() >= 150);
  CHECK(creation().size() + geometry().size() + numbers().size() + layers().size() == names.size());
}
