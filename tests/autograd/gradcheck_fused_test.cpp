// The ops that are one kernel with a rule of their own (cross-entropy, attention, recurrences, masked products,
// dropout), with their options, in every layout: first and second derivatives in f64.
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <heed/autograd/ops.h>
#include <heed/autograd/ops/cross_entropy.h>
#include <heed/autograd/ops/dropout.h>
#include <heed/autograd/ops/einsum.h>
#include <heed/autograd/ops/fused_attention.h>
#include <heed/autograd/ops/masked_matmul.h>
#include <heed/autograd/ops/recurrence.h>
#include <heed/core/random.h>

#include "support/catch.h"
#include "support/gradcheck_rows.h"

using namespace heed;
using core::CellKind;
using test::In, test::Row;

namespace {

void add_cross_entropy(std::vector<Row>& rows) {
  const Tensor classes = tensor_i64({2, 0, 1, 2}), weight = tensor({0.5, 1, 2}, Dtype::f64);
  for (const bool weighted : {false, true})
    for (const int64_t ignored : {-100, 2})
      for (const double smoothing : {0.0, 0.1, 1.0})
        rows.push_back(
            {cat("cross_entropy_rows", weighted ? " weighted" : "", " ignoring ", ignored, " smoothed by ", smoothing),
             [=](In in) {
               return cross_entropy_rows(in[0], {.classes = classes,
                                                 .class_weight = weighted ? weight : Tensor(),
                                                 .ignore_index = ignored,
                                                 .smoothing = smoothing})
                   .loss;
             },
             {{4, 3}}});
  rows.push_back({"cross_entropy_rows of sequences",
                  [=](In in) { return cross_entropy_rows(in[0], {.classes = classes.reshape({2, 2})}).loss; },
                  {{2, 2, 3}}});
  rows.push_back({"cross_entropy_rows of one row",
                  [=](In in) { return cross_entropy_rows(in[0], {.classes = classes[1]}).loss; },
                  {{3}}});
}

void add_attention(std::vector<Row>& rows) {
  const Tensor shared = tensor({1, 0, 1, 1, 1, 0}, {2, 3}) > 0.0;
  const Tensor of_heads = tensor({1, 0, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1}, {1, 2, 2, 3}) > 0.0;
  const Tensor of_keys = tensor({1, 1, 0}, {1, 1, 1, 3}) > 0.0;
  struct How {
    const char* name;
    Tensor mask;
    AttentionRule rule;
  };
  const DropoutMask some{.p = 0.4, .seed = 3, .call = 5}, all{.p = 1.0, .seed = 3, .call = 5};
  const How options[] = {
      {"plain", {}, {.scale = 0.7}},
      {"causal", {}, {.scale = 0.7, .causal = true}},
      {"mask", shared, {.scale = 0.7}},
      {"mask of heads", of_heads, {.scale = 0.7}},
      {"mask of keys", of_keys, {.scale = 0.7}},
      {"mask and causal", of_heads, {.scale = -0.4, .causal = true}},
      {"scale 2", {}, {.scale = 2.0}},
      {"dropout", {}, {.scale = 0.7, .dropout = some}},
      {"dropout of everything", {}, {.scale = 0.7, .dropout = all}},
      {"all", of_heads, {.scale = 0.7, .causal = true, .dropout = some}},
  };
  for (const How& how : options) {
    const std::string with = std::string(", ") + how.name;
    rows.push_back({"fused_attention" + with,
                    [how](In in) { return fused_attention(in[0], in[1], in[2], how.rule, how.mask); },
                    {{1, 2, 2, 2}, {1, 2, 3, 2}, {1, 2, 3, 3}}});
    rows.push_back({"fused_attention of grouped heads" + with,
                    [how](In in) { return fused_attention(in[0], in[1], in[2], how.rule, how.mask); },
                    {{1, 2, 2, 2}, {1, 1, 3, 2}, {1, 1, 3, 1}}});
    if (how.mask.defined()) continue;
    rows.push_back({"fused_self_attention" + with,
                    [how](In in) { return fused_self_attention(in[0], 2, how.rule); },
                    {{1, 3, 12}}});
  }
}

void add_recurrences(std::vector<Row>& rows) {
  const std::pair<const char*, CellKind> kinds[] = {{"RNN tanh", CellKind::rnn_tanh},
                                                    {"RNN relu", CellKind::rnn_relu},
                                                    {"GRU", CellKind::gru},
                                                    {"LSTM", CellKind::lstm}};
  for (const auto& [name, kind] : kinds)
    for (const bool reverse : {false, true})
      for (const bool padded : {false, true})
        for (const bool bias : {true, false}) {
          const Recurrence how{kind, reverse, padded ? std::vector<int64_t>{3, 1} : std::vector<int64_t>{}};
          const bool lstm = kind == CellKind::lstm;
          const int64_t gates = 2 * core::gates_of(kind);
          Row row{cat("recurrence ", name, reverse ? " reverse" : "", padded ? " padded" : "", bias ? "" : " no bias"),
                  [=](In in) {
                    const RecurrenceState start{in[1], lstm ? in[3] : Tensor()};
                    return recurrence(in[0], start, in[2], bias ? in.back() : Tensor(), how);
                  },
                  {{2, 3, gates}, {2, 2}, {gates, 2}}};
          if (lstm) row.shapes.push_back({2, 2});
          if (bias) row.shapes.push_back({gates});
          rows.push_back(std::move(row));
        }
}

void add_masked_products(std::vector<Row>& rows) {
  const std::pair<const char*, Tensor> masks[] = {
      {"no mask", Tensor()},
      {"mask", tensor({1, 0, 1, 0, 0, 0}, {2, 3}) > 0.0},
      {"mask of each", tensor({1, 0, 1, 0, 0, 1, 1, 1, 1, 0, 0, 0}, {2, 2, 3}) > 0.0},
      {"mask of keys", tensor({0, 1, 1}) > 0.0}};
  for (const auto& [name, mask] : masks) {
    const std::string with = std::string(", ") + name;
    rows.push_back({"masked_dots" + with,
                    [mask = mask](In in) { return masked_dots(in[0], in[1], mask, -1.5); },
                    {{2, 2, 4}, {2, 3, 4}}});
    rows.push_back({"masked_matmul" + with,
                    [mask = mask](In in) {
                      const Tensor weights = mask.defined() ? where(mask, in[0], 0.0) : in[0];
                      return masked_matmul(weights, in[1], mask);
                    },
                    {{2, 2, 3}, {2, 3, 4}}});
    rows.push_back({"pair_dots" + with,
                    [mask = mask](In in) {
                      const Tensor dots = pair_dots(in[0], in[1], mask);
                      return mask.defined() ? where(mask, square(dots), 0.0) : square(dots);
                    },
                    {{2, 2, 4}, {2, 3, 4}}});
  }
}

void add_dropout_and_einsum(std::vector<Row>& rows) {
  for (const double p : {0.0, 0.3, 1.0})
    rows.push_back({cat("dropout ", p),
                    [p](In in) {
                      default_generator().set_counter(9);
                      return dropout(square(in[0]), p);
                    },
                    {{2, 3, 2}},
                    -2,
                    2,
                    {{0, 3}, {}}});
  const std::pair<const char*, std::vector<Shape>> equations[] = {{"ij,jk->ik", {{2, 3}, {3, 2}}},
                                                                  {"bij,bjk->bik", {{2, 2, 3}, {2, 3, 2}}},
                                                                  {"bhnd,bhmd->bhnm", {{1, 2, 2, 3}, {1, 2, 2, 3}}},
                                                                  {"ij->ji", {{2, 3}}},
                                                                  {"ij->", {{2, 3}}},
                                                                  {"ii->i", {{3, 3}}},
                                                                  {"i,j->ij", {{2}, {3}}},
                                                                  {"ij,ij->i", {{2, 3}, {2, 3}}},
                                                                  {"abcdefgh->hgfedcba", {{1, 2, 1, 1, 1, 2, 1, 1}}},
                                                                  {"...ij,jk->...ik", {{2, 2, 3}, {3, 2}}},
                                                                  {"ij,jk,k->i", {{2, 3}, {3, 2}, {2}}}};
  for (const auto& [equation, shapes] : equations)
    rows.push_back(
        {cat("einsum ", equation), [equation = std::string(equation)](In in) { return einsum(equation, in); }, shapes});
}

void check(void (*add)(std::vector<Row>&)) {
  std::vector<Row> rows;
  add(rows);
  test::check_rows(rows);
}

}  // namespace

TEST_CASE("derivatives of cross-entropy as one op") { check(add_cross_entropy); }
TEST_CASE("derivatives of attention as one op") { check(add_attention); }
TEST_CASE("derivatives of recurrences as one op") { check(add_recurrences); }
TEST_CASE("derivatives of masked products") { check(add_masked_products); }
TEST_CASE("derivatives of dropout and einsum") { check(add_dropout_and_einsum); }
