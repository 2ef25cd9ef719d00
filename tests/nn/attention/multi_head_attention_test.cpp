#include "support/apart.h"
#include "support/catch.h"

#include <cmath>

#include <heed/autograd/engine.h>
#include <heed/autograd/ops.h>
#include <heed/nn/attention/masks.h>
#include <heed/nn/attention/multi_head_attention.h>
#include <heed/nn/attention/scaled_dot_product_attention.h>
#include "support/errors.h"
#include "support/module_check.h"

using namespace heed;
using namespace heed::nn;
using test::apart;
using test::message_of;

namespace {

Tensor write(Tensor& to, const Tensor& from) {
  const NoGrad no_history;
  return to.copy_(from);
}

MultiHeadAttention in_f64(int64_t E, int64_t h, const MultiHeadOptions& o = {}) {
  MultiHeadAttention m(E, h, o);
  m.to(Dtype::f64);
  return m;
}

}  // namespace

TEST_CASE("theorem: one head with identity projections is attention") {
  manual_seed(1);
  MultiHeadAttention m = in_f64(4, 1);
  const Tensor I = eye(4, Dtype::f64);
  write(m.in_proj_weight, cat({I, I, I}));
  write(m.out_proj.weight, I);
  const Tensor q = randn({2, 3, 4}, Dtype::f64), k = randn({2, 5, 4}, Dtype::f64), v = randn({2, 5, 4}, Dtype::f64);
  const Attended a = m(q, k, v, {.need_weights = true}), b = attention(q, k, v);
  CHECK(apart(a.output, b.output) < 1e-14);
  CHECK(apart(a.weights.squeeze(1), b.weights) < 1e-14);
}

TEST_CASE("theorem: heads are independent") {
  manual_seed(2);
  MultiHeadAttention m = in_f64(6, 3);
  const Tensor x = randn({2, 5, 6}, Dtype::f64);
  const Tensor before = m(x).output;
  Tensor values_of_head_1 = m.in_proj_weight.detach().slice(0, 12 + 2, 12 + 4);
  values_of_head_1.fill_(0.0);
  const Tensor change = before - m(x).output;  // what head 1 had contributed passes through its columns of W_O
  const Tensor columns = m.out_proj.weight.detach().slice(1, 2, 4);
  const Tensor gram = matmul(columns.transpose(0, 1), columns);
  // Its projection on those two columns is all of it: solve the 2 × 2 normal equations.
  const Tensor b = matmul(change, columns);
  const double p = gram[0][0].item(), q = gram[0][1].item(), r = gram[1][1].item();
  const Tensor inverse = tensor({r, -q, -q, p}, {2, 2}, Dtype::f64) / (p * r - q * q);
  CHECK(amax(abs(change)).item() > 1e-3);
  CHECK(apart(matmul(matmul(b, inverse), columns.transpose(0, 1)), change) < 1e-12);
}

TEST_CASE("the path without weights equals the one with them, and cross-attention with oneself") {
  manual_seed(3);
  const MultiHeadAttention m = in_f64(8, 2);
  const Tensor x = randn({2, 5, 8}, Dtype::f64), y = x.clone();
  for (const AttentionOptions& call : {AttentionOptions{}, AttentionOptions{.causal = true},
                                       AttentionOptions{.mask = !eye_mask(5), .key_mask = padding_mask({5, 2}, 5)}}) {
    AttentionOptions with = call;
    with.need_weights = true;
    const Attended a = m(x, with);
    CHECK(a.weights.shape() == Shape{2, 2, 5, 5});
    const Attended fused = m(x, call);
    CHECK_FALSE(fused.weights.defined());
    CHECK(apart(a.output, fused.output) < 1e-13);
    CHECK(apart(a.output, m(x, y, y, call).output) < 1e-13);
  }
}

TEST_CASE("one module takes sequences of any length") {
  manual_seed(4);
  const MultiHeadAttention m(8, 2);
  for (int64_t n = 1; n <= 64; n *= 2) CHECK(m(randn({1, n, 8})).output.shape() == Shape{1, n, 8});
  const MultiHeadAttention wide(100, 5);
  CHECK(wide(randn({2, 4, 100}), randn({2, 6, 100}), randn({2, 6, 100}), {.key_mask = padding_mask({3, 2}, 6)})
            .output.shape() == Shape{2, 4, 100});
}

TEST_CASE("padding is not seen: what stands there does not matter, bit by bit") {
  manual_seed(5);
  const MultiHeadAttention m(8, 2);
  const Tensor x = randn({1, 3, 8}), memory = randn({1, 6, 8});
  Tensor other = memory.clone();
  Tensor tail = other.slice(1, 4, 6);
  tail.fill_(9.0);
  const Tensor mask = padding_mask({4}, 6);
  CHECK(m(x, memory, memory, {.key_mask = mask}).output.to_vector() ==
        m(x, other, other, {.key_mask = mask}).output.to_vector());
}

TEST_CASE("a query without any key gives the output bias, with finite gradients") {
  manual_seed(6);
  MultiHeadAttention m = in_f64(4, 2);
  const Tensor x = parameter(randn({1, 3, 4}, Dtype::f64));
  const Tensor y = m(x, {.key_mask = padding_mask({0}, 3)}).output;
  CHECK(apart(y, m.out_proj.bias.expand({1, 3, 4})) == 0.0);
  sum(square(y)).backward();
  CHECK(x.grad().to_vector() == std::vector<double>(12, 0.0));
}

TEST_CASE("dropout works while training only") {
  manual_seed(7);
  MultiHeadAttention m(8, 2, {.dropout = 0.5});
  const Tensor x = randn({1, 5, 8});
  CHECK(m(x).output.to_vector() != m(x).output.to_vector());
  m.eval();
  CHECK(m(x).output.to_vector() == m(x).output.to_vector());
}

TEST_CASE("initial values are PyTorch's") {
  manual_seed(8);
  const int64_t E = 64;
  const MultiHeadAttention m(E, 4);
  const double bound = std::sqrt(6.0 / (4.0 * E));
  const Tensor w = m.in_proj_weight.detach().to(Dtype::f64);
  CHECK(amax(abs(w)).item() <= bound);
  CHECK(amax(abs(w)).item() > 0.99 * bound);
  CHECK(mean(square(w)).item() == Approx(bound * bound / 3).epsilon(0.03));
  CHECK(amax(abs(m.out_proj.weight.detach())).item() <= 1 / std::sqrt(double(E)));
  CHECK(amax(abs(m.in_proj_bias.detach())).item() == 0.0);
  const MultiHeadAttention extra(1024, 4, {.add_bias_kv = true});  // N(0, 1/E), as xavier_normal_
  for (const Tensor& bias : {extra.bias_k, extra.bias_v})
    CHECK(mean(square(bias.detach().to(Dtype::f64))).item() == Approx(1.0 / 1024).epsilon(0.15));
  CHECK(amax(abs(m.out_proj.bias.detach())).item() == 0.0);
}

TEST_CASE("names and shapes are those of torch.nn.MultiheadAttention") {
  const auto names = [](const MultiHeadAttention& m) {
    std::string all;
    for (const NamedTensor& entry : m.state_dict()) all += cat(entry.name, entry.tensor.shape(), " ");
    return all;
  };
  CHECK(names(MultiHeadAttention(4, 2)) ==
        "in_proj_weight(12, 4) in_proj_bias(12,) out_proj.weight(4, 4) out_proj.bias(4,) ");
  CHECK(names(MultiHeadAttention(4, 2, {.bias = false})) == "in_proj_weight(12, 4) out_proj.weight(4, 4) ");
  CHECK(names(MultiHeadAttention(4, 2, {.kdim = 3, .vdim = 5})) ==
        "q_proj_weight(4, 4) k_proj_weight(4, 3) v_proj_weight(4, 5) in_proj_bias(12,) "
        "out_proj.weight(4, 4) out_proj.bias(4,) ");
}

TEST_CASE("multi-head attention holds what layers must") {
  manual_seed(9);
  const Tensor q = randn({2, 2, 4}), k = randn({2, 3, 4});
  test::check_module(MultiHeadAttention(4, 2), {q}, [](const MultiHeadAttention& m, const std::vector<Tensor>& in) {
    return m(in[0], {.causal = true}).output;
  });
  test::check_module(MultiHeadAttention(4, 2), {q, k}, [](const MultiHeadAttention& m, const std::vector<Tensor>& in) {
    return m(in[0], in[1], in[1], {.need_weights = true}).output;
  });
  test::check_module(
      MultiHeadAttention(4, 2, {.add_bias_kv = true, .add_zero_attn = true}), {q},
      [](const MultiHeadAttention& m, const std::vector<Tensor>& in) { return m(in[0], {.causal = true}).output; });
  test::check_module(
      MultiHeadAttention(4, 2, {.bias = false, .kdim = 3, .vdim = 2}), {q, randn({2, 3, 3}), randn({2, 3, 2})},
      [](const MultiHeadAttention& m, const std::vector<Tensor>& in) { return m(in[0], in[1], in[2]).output; });
}

TEST_CASE("multi-head attention: a learnt key and one of zeros, after the others, for every query") {
  manual_seed(10);
  const Tensor q = randn({2, 3, 4}, Dtype::f64), k = randn({2, 3, 4}, Dtype::f64);
  const MultiHeadAttention both = in_f64(4, 2, {.add_bias_kv = true, .add_zero_attn = true});
  CHECK(both.bias_k.shape() == Shape{1, 1, 4});
  std::string names;
  for (const NamedTensor& entry : both.state_dict()) names += entry.name + " ";
  CHECK(names == "in_proj_weight in_proj_bias bias_k bias_v out_proj.weight out_proj.bias ");

  // With every other key masked, these two are still seen, and nothing else.
  const Attended a = both(q, k, k, {.key_mask = padding_mask({0, 2}, 3), .causal = true, .need_weights = true});
  REQUIRE(a.weights.shape() == Shape{2, 2, 3, 5});
  CHECK(apart(sum(a.weights, -1), ones({2, 2, 3}, Dtype::f64)) < 1e-14);
  CHECK(amax(abs(a.weights[0].slice(-1, 0, 3))).item() == 0.0);
  CHECK(amin(a.weights.slice(-1, 3, 5)).item() > 0.0);
  CHECK(a.weights[1][0][0][1].item() == 0.0);  // causality still holds among the others
  CHECK(a.weights[1][0][1][1].item() > 0.0);

  // A floating mask does the same as a boolean one, and fused and plain agree.
  const Tensor added = where(causal_mask(3), zeros({3, 3}, Dtype::f64), -INFINITY);
  CHECK(apart(both(q, k, k, {.mask = added, .key_mask = padding_mask({0, 2}, 3)}).output, a.output) < 1e-14);
  CHECK(apart(both(q, q, q, {.causal = true}).output, both(q, {.causal = true, .need_weights = true}).output) < 1e-14);

  // A key of zeros has score 0 and adds nothing: what is left of the weights is the share of the
  // others.
  const MultiHeadAttention zero = in_f64(4, 2, {.add_zero_attn = true});
  const Tensor w = zero(q, k, k, {.need_weights = true}).weights;
  CHECK(w.shape() == Shape{2, 2, 3, 4});
  const Tensor others = w.slice(-1, 0, 3);
  const KeysValues memory = zero.keys_values(k, k);
  const Attended by_hand = attention(split_heads(linear(q, zero.in_proj_weight.slice(0, 0, 4)), 2), memory.k, memory.v);
  CHECK(apart(others / sum(others, -1, keepdim), by_hand.weights) < 1e-14);
}

TEST_CASE("multi-head attention: the mean of the heads' weights, on request") {
  manual_seed(11);
  const MultiHeadAttention m = in_f64(8, 4);
  const Tensor x = randn({2, 3, 8}, Dtype::f64);
  const Tensor each = m(x, {.need_weights = true}).weights;
  const Tensor average = m(x, {.need_weights = true, .average_weights = true}).weights;
  CHECK(average.shape() == Shape{2, 3, 3});
  CHECK(apart(average, mean(each, 1)) == 0.0);
}

TEST_CASE("multi-head attention in two steps is the same") {
  manual_seed(12);
  for (const MultiHeadOptions& o : {MultiHeadOptions{}, MultiHeadOptions{.bias = false, .kdim = 3, .vdim = 5}}) {
    const MultiHeadAttention m = in_f64(8, 2, o);
    const Tensor q = randn({2, 3, 8}, Dtype::f64), k = randn({2, 4, o.kdim.value_or(8)}, Dtype::f64),
                 v = randn({2, 4, o.vdim.value_or(8)}, Dtype::f64);
    const KeysValues memory = m.keys_values(k, v);
    CHECK(memory.k.shape() == Shape{2, 2, 4, 4});
    CHECK(apart(m.attend_to(q, memory).output, m(q, k, v).output) < 1e-15);
    CHECK(apart(m.attend_to(q.slice(1, 2, 3), memory).output, m(q, k, v).output.slice(1, 2, 3)) < 1e-14);
  }
}

TEST_CASE("multi-head attention says what does not fit") {
  CHECK(message_of<ShapeError>([] { MultiHeadAttention(10, 3); }) ==
        "MultiHeadAttention: width 10, 3 heads: every head gets an equal part: make the width a "
        "multiple of the heads");
  CHECK(message_of([] { MultiHeadAttention(4, 2, {.dropout = 1.5}); }) ==
        "MultiHeadAttention: dropout = 1.5: a probability lies in 0 … 1");
  const MultiHeadAttention m(4, 2);
  CHECK(message_of<ShapeError>([&] { m(zeros({3, 4})); }) ==
        "MultiHeadAttention: query (3, 4), key (3, 4), value (3, 4): must be (B, n, 4), (B, m, 4) "
        "and (B, m, 4), batch first: "
        "give one sequence a batch axis with unsqueeze(0) [in MultiHeadAttention]");
  const auto said = [&](const Shape& q, const Shape& k, const Shape& v) {
    return message_of<ShapeError>([&] { m(zeros(q), zeros(k), zeros(v)); });
  };
  const std::string where = " [in MultiHeadAttention]";
  CHECK(said({2, 3, 4}, {2, 4, 5}, {2, 5, 4}) ==
        "MultiHeadAttention: query (2, 3, 4), key (2, 4, 5), value (2, 5, 4): must be (B, n, 4), (B, m, 4) "
        "and (B, m, 4), batch first: the keys look transposed: put one key in each row with key.transpose(1, 2)" +
            where);
  CHECK(said({2, 3, 6}, {2, 5, 6}, {2, 5, 6}).ends_with("batch first: project the inputs to these widths" + where));
  CHECK(said({3, 2, 4}, {5, 2, 4}, {5, 2, 4})
            .ends_with("batch first: the batch looks second: put it first with transpose(0, 1)" + where));
  CHECK(said({2, 3, 4}, {2, 5, 4}, {2, 6, 4})
            .ends_with("batch first: use one batch size for all, and one value per key" + where));
  CHECK(said({2, 3, 4, 1}, {2, 5, 4}, {2, 5, 4}).ends_with("batch first" + where));
  CHECK(message_of<DtypeError>([&] {
          m(zeros({1, 3, 4}), {.mask = tensor_i64({1, 0, 1})});
        }).find("a mask is boolean") != std::string::npos);
  CHECK(message_of<ShapeError>([&] { m.keys_values(zeros({1, 3, 4}), zeros({1, 2, 4})); }) ==
        "MultiHeadAttention: key (1, 3, 4), value (1, 2, 4): must be (B, m, kdim) and (B, m, vdim), "
        "batch first [in MultiHeadAttention]");
  CHECK(message_of<ShapeError>(
            [&] { m.attend_to(zeros({2, 1, 4}), m.keys_values(zeros({1, 3, 4}), zeros({1, 3, 4}))); }) ==
        "MultiHeadAttention: query (2, 1, 4), keys (1, 2, 3, 2), values (1, 2, 3, 2): must be (B, n, "
        "4), and both (B, 2, m, 2), of keys_values() for the same batch [in MultiHeadAttention]");
}
