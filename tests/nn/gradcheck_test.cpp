// Losses and normalised attention with every option, in every layout: first and second derivatives in f64.
#include <string>
#include <utility>
#include <vector>

#include <heed/autograd/ops.h>
#include <heed/nn/attention/attention.h>
#include <heed/nn/layers/losses.h>

#include "support/catch.h"
#include "support/gradcheck_rows.h"

using namespace heed;
using namespace heed::nn;
using test::In, test::Row;

namespace {

constexpr std::pair<const char*, Reduction> reductions[] = {{", mean", Reduction::mean},
                                                            {", sum", Reduction::sum},
                                                            {", none", Reduction::none},
                                                            {", batchmean", Reduction::batchmean}};

void add_losses(std::vector<Row>& rows) {
  const Tensor factor = tensor({1, 2, 3}, Dtype::f64);
  const Tensor sign = tensor({1, -1, 1, 1, -1, -1, -1, 1, 1, -1, 1, -1}, {4, 3}, Dtype::f64);
  for (const auto& reduction : reductions) {
    const char* const name = reduction.first;
    const Reduction r = reduction.second;
    const auto add = [&](const char* loss, auto f, double low = -2) {
      rows.push_back({std::string(loss) + name, [=](In in) { return f(in[0], in[1]); }, {{4, 3}, {4, 3}}, low, 2});
    };
    using T = const Tensor&;
    add("mse_loss", [r](T p, T t) { return mse_loss(p, t, {r}); });
    add("l1_loss", [r](T p, T t) { return l1_loss(p, t, {r}); });
    add("huber_loss", [r](T p, T t) { return huber_loss(p, t, {.reduction = r}); });
    add("huber_loss 0.35", [r](T p, T t) { return huber_loss(p, t, {.delta = 0.35, .reduction = r}); });
    add("hinge_loss", [=](T p, T t) { return hinge_loss(p * t, sign, {r}); });
    add("bce_with_logits", [r](T p, T t) { return bce_with_logits(p, sigmoid(t), {.reduction = r}); });
    add("bce_with_logits weighted",
        [=](T p, T t) { return bce_with_logits(p, sigmoid(t), {.pos_weight = factor, .reduction = r}); });
    add("kl_div", [r](T p, T t) { return kl_div(p, t, {.reduction = r}); }, 0.1);
    add("kl_div of logarithms", [r](T p, T t) { return kl_div(p, t, {.log_target = true, .reduction = r}); });
  }
}

void add_class_losses(std::vector<Row>& rows) {
  const Tensor target = tensor_i64({2, 0, 1, 1}), weight = tensor({0.5, 1, 2}, Dtype::f64);
  for (const auto& [name, reduction] : reductions)
    for (const bool weighted : {false, true})
      for (const int64_t ignored : {-100, 1}) {
        const Reduction r = reduction;
        const std::optional<Tensor> w = weighted ? std::optional(weight) : std::nullopt;
        const std::string with = cat(weighted ? " weighted" : "", " ignoring ", ignored, name);
        for (const double smoothing : {0.0, 0.2})
          rows.push_back({cat("cross_entropy smoothed by ", smoothing, with),
                          [=](In in) {
                            return cross_entropy(
                                in[0], target,
                                {.weight = w, .ignore_index = ignored, .label_smoothing = smoothing, .reduction = r});
                          },
                          {{4, 3}}});
        rows.push_back(
            {"nll_loss" + with,
             [=](In in) { return nll_loss(in[0], target, {.weight = w, .ignore_index = ignored, .reduction = r}); },
             {{4, 3}}});
      }
}

void add_attention(std::vector<Row>& rows) {
  const std::pair<const char*, Normaliser> normalisers[] = {{"softmax", Normaliser::softmax},
                                                            {"kernel_sum", Normaliser::kernel_sum},
                                                            {"sparsemax", Normaliser::sparsemax},
                                                            {"sigmoid", Normaliser::sigmoid}};
  const Tensor mask = tensor({1, 0, 1, 0, 0, 0}, {2, 3}) > 0.0;
  const Tensor keys = tensor({1, 1, 0}, {1, 3}) > 0.0, added = tensor({0.3, -0.2, 0, 1, 0, -1}, {2, 3}, Dtype::f64);
  for (const auto& [name, normaliser] : normalisers) {
    const bool kernel = normaliser == Normaliser::kernel_sum;
    const std::pair<const char*, AttentionOptions> options[] = {{"", {}},
                                                                {", mask", {.mask = mask}},
                                                                {", added", {.mask = added}},
                                                                {", key_mask", {.key_mask = keys}},
                                                                {", causal", {.causal = true}}};
    for (const auto& [with, given] : options) {
      if (kernel && given.mask && is_floating(given.mask->dtype())) continue;  // scores are values of a kernel
      AttentionOptions o = given;
      o.normaliser = normaliser;
      // Rows of equal scores are where sparsemax has a corner.
      rows.push_back({cat("attend by ", name, with),
                      [=](In in) { return attend(in[0], in[1], o).output; },
                      {{1, 2, 3}, {1, 3, 2}},
                      kernel ? 0.2 : -2.0,
                      2});
      if (kernel) continue;
      rows.push_back({cat("attention by ", name, with),
                      [=](In in) {
                        AttentionOptions scaled = o;
                        scaled.scale = 0.9;
                        return attention(in[0], in[1], in[2], scaled).output;
                      },
                      {{1, 2, 2}, {1, 3, 2}, {1, 3, 2}}});
    }
  }
}

void check(void (*add)(std::vector<Row>&)) {
  std::vector<Row> rows;
  add(rows);
  test::check_rows(rows);
}

}  // namespace

TEST_CASE("derivatives of losses with every reduction") { check(add_losses); }
TEST_CASE("derivatives of losses of classes with every option") { check(add_class_losses); }
TEST_CASE("derivatives of attention by every normaliser, under every mask") { check(add_attention); }
