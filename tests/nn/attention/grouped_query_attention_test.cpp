// Grouped-query attention, and the gated feed-forward networks of the same models.
#include "support/catch.h"

#include <heed/autograd/ops.h>
#include <heed/nn/attention/grouped_query_attention.h>
#include <heed/nn/attention/masks.h>
#include <heed/nn/attention/multi_head_attention.h>
#include <heed/nn/attention/scaled_dot_product_attention.h>
#include <heed/nn/layers/gated_feed_forward.h>
#include "support/apart.h"
#include "support/errors.h"
#include "support/module_check.h"

using namespace heed;
using namespace heed::nn;
using test::apart;
using test::message_of;

namespace {

void put(Tensor& to, const Tensor& from) {
  const NoGrad no_history;
  to.copy_(from);
}

std::string names_and_shapes(const Module& m) {
  std::string all;
  for (const NamedTensor& entry : m.state_dict()) all += cat(entry.name, entry.tensor.shape(), " ");
  return all;
}

}  // namespace

TEST_CASE("grouped-query attention with as many groups as heads is multi-head attention") {
  manual_seed(1);
  MultiHeadAttention whole(8, 4);
  GroupedQueryAttention apart_(8, 4, {.bias = true});
  whole.to(Dtype::f64);
  apart_.to(Dtype::f64);
  put(apart_.q_proj.weight, whole.in_proj_weight.slice(0, 0, 8));
  put(apart_.k_proj.weight, whole.in_proj_weight.slice(0, 8, 16));
  put(apart_.v_proj.weight, whole.in_proj_weight.slice(0, 16, 24));
  for (Linear* const l : {&apart_.q_proj, &apart_.k_proj, &apart_.v_proj, &apart_.o_proj})
    put(l->bias, zeros({8}, Dtype::f64));
  put(apart_.o_proj.weight, whole.out_proj.weight);
  const Tensor x = randn({2, 5, 8}, Dtype::f64);
  for (const bool weights : {false, true}) {
    const Attended a = apart_(x, {.causal = true, .need_weights = weights}),
                   b = whole(x, {.causal = true, .need_weights = weights});
    CHECK(apart(a.output, b.output) < 1e-14);
    if (weights) CHECK(apart(a.weights, b.weights) < 1e-15);
  }
}

TEST_CASE("grouped-query attention is multi-head attention whose heads of keys are repeated") {
  manual_seed(2);
  const Tensor x = randn({2, 5, 8}, Dtype::f64);
  for (const int64_t groups : {1, 2}) {  // 1: multi-query
    GroupedQueryAttention few(8, 4, {.num_kv_heads = groups}), all(8, 4);
    few.to(Dtype::f64);
    all.to(Dtype::f64);
    const auto repeated = [&](const Tensor& w) {  // (g d, E) -> (h d, E)
      return repeat_heads(w.detach().reshape({1, groups, 2, 8}), 4).reshape({8, 8});
    };
    put(all.q_proj.weight, few.q_proj.weight);
    put(all.k_proj.weight, repeated(few.k_proj.weight));
    put(all.v_proj.weight, repeated(few.v_proj.weight));
    put(all.o_proj.weight, few.o_proj.weight);
    const Tensor mask = padding_mask({5, 3}, 5);
    CHECK(apart(few(x, {.key_mask = mask}).output, all(x, {.key_mask = mask}).output) < 1e-14);
    const Attended a = few(x, {.mask = causal_mask(5), .need_weights = true});
    CHECK(a.weights.shape() == Shape{2, 4, 5, 5});
    CHECK(apart(a.output, few(x, {.causal = true}).output) < 1e-14);
  }
}

TEST_CASE("grouped-query attention: names are Llama's, heads may have a width of their own") {
  CHECK(names_and_shapes(GroupedQueryAttention(8, 4, {.num_kv_heads = 2})) ==
        "q_proj.weight(8, 8) k_proj.weight(4, 8) v_proj.weight(4, 8) o_proj.weight(8, 8) ");
  const GroupedQueryAttention m(6, 4, {.num_kv_heads = 1, .head_dim = 4, .bias = true});
  CHECK(names_and_shapes(m) ==
        "q_proj.weight(16, 6) q_proj.bias(16,) k_proj.weight(4, 6) k_proj.bias(4,) "
        "v_proj.weight(4, 6) v_proj.bias(4,) o_proj.weight(6, 16) o_proj.bias(6,) ");
  CHECK(m(zeros({1, 3, 6})).output.shape() == Shape{1, 3, 6});
}

TEST_CASE("with rotary positions attention sees order, and only distances") {
  manual_seed(3);
  GroupedQueryAttention m(8, 2, {.rope = RotaryPositions(4, RopeLayout::interleaved)});
  m.to(Dtype::f64);
  const Tensor x = randn({1, 6, 8}, Dtype::f64), order = tensor_i64({1, 0, 2, 3, 4, 5});
  const Tensor y = m(x).output;
  CHECK(apart(index_select(m(index_select(x, 1, order)).output, 1, order), y) > 1e-3);
  // Two more positions in front, which no query may see, change nothing for the rest.
  const Tensor longer = cat({randn({1, 2, 8}, Dtype::f64), x}, 1);
  const Tensor hidden = (arange(8) >= 2.0).reshape({1, 8});
  CHECK(apart(m(longer, {.key_mask = hidden}).output.slice(1, 2, 8), y) < 1e-13);
}

TEST_CASE("grouped-query attention holds what layers must") {
  manual_seed(4);
  const Tensor x = randn({2, 3, 8});
  const auto causal = [](const GroupedQueryAttention& m, const std::vector<Tensor>& in) {
    return m(in[0], {.causal = true}).output;
  };
  test::check_module(GroupedQueryAttention(8, 4, {.num_kv_heads = 2, .bias = true}), {x}, causal);
  test::check_module(
      GroupedQueryAttention(8, 2, {.num_kv_heads = 1, .rope = RotaryPositions(4, RopeLayout::half_split)}), {x},
      causal);
  GroupedQueryAttention dropping(8, 2, {.dropout = 0.5});
  CHECK(apart(dropping(x).output, dropping(x).output) > 0.0);
  dropping.eval();
  CHECK(apart(dropping(x).output, dropping(x).output) == 0.0);
}

TEST_CASE("grouped-query attention says what does not fit") {
  CHECK(message_of<ShapeError>([] { GroupedQueryAttention(8, 4, {.num_kv_heads = 3}); }) ==
        "GroupedQueryAttention: 4 heads, 3 heads of keys and values: each of these serves an equal "
        "number of heads: make the first a multiple of the second");
  CHECK(message_of<ShapeError>([] { GroupedQueryAttention(10, 4); }) ==
        "GroupedQueryAttention: width 10, 4 heads: every head gets an equal part: make the width a "
        "multiple of the heads, or give head_dim");
  CHECK(message_of([] { GroupedQueryAttention(8, 4, {.dropout = -1.0}); }) ==
        "GroupedQueryAttention: dropout = -1: a probability lies in 0 … 1");
  CHECK(message_of<ShapeError>(
            [] { GroupedQueryAttention(8, 4, {.rope = RotaryPositions(8, RopeLayout::half_split)}); }) ==
        "GroupedQueryAttention: heads of width 2, rope of width 8: must be equal: make "
        "RotaryPositions(2, …)");
  CHECK(message_of<ShapeError>([] { GroupedQueryAttention(8, 4)(zeros({3, 8})); }) ==
        "GroupedQueryAttention: input (3, 8): must be (B, n, 8), batch first: give one sequence a batch "
        "axis with unsqueeze(0) [in GroupedQueryAttention]");
}

TEST_CASE("gated feed-forward networks: the gate opens and closes the other half") {
  manual_seed(5);
  SwiGLU swiglu(4, {.hidden = 6});
  GEGLU geglu(4, {.hidden = 6, .bias = true});
  CHECK(names_and_shapes(swiglu) == "gate_proj.weight(6, 4) up_proj.weight(6, 4) down_proj.weight(4, 6) ");
  const Tensor x = randn({2, 3, 4});
  CHECK(apart(swiglu(x), swiglu.down_proj(silu(swiglu.gate_proj(x)) * swiglu.up_proj(x))) == 0.0);
  test::check_module(swiglu, {x});
  test::check_module(geglu, {x});
  put(swiglu.gate_proj.weight, zeros({6, 4}));  // silu(0) = 0: shut
  CHECK(swiglu(x).to_vector() == std::vector<double>(24, 0.0));
  SwiGLU dropping(4, {.hidden = 64, .dropout = 0.5});
  CHECK(apart(dropping(x), dropping(x)) > 0.0);
  dropping.eval();
  CHECK(apart(dropping(x), dropping(x)) == 0.0);
}
