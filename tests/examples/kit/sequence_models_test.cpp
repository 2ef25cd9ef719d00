// The models and measures of the program `tasks`.
#include "support/catch.h"

#include <cmath>

#include <heed/autograd/ops.h>
#include <heed/examples/kit/metrics_log.h>
#include <heed/examples/kit/tasks/recurrent_models.h>
#include <heed/examples/kit/tasks/sequence_measures.h>
#include <heed/examples/kit/tasks/sequence_report.h>
#include <heed/examples/kit/tasks/sequence_run.h>
#include <heed/examples/kit/tasks/task_generators.h>

#include "support/errors.h"
#include "support/temp_dir.h"

using namespace heed;
using heed::kit::Example;
using heed::kit::Ids;
using heed::kit::ignored;
using heed::test::message_of;
using heed::test::TempDir;

namespace {

/// Takes its logits (B, L, V) from a table, by token and position.
struct ScriptedModel : kit::SequenceModel {
  std::function<int64_t(int64_t token, int64_t position)> says;
  int64_t vocabulary;
  Tensor operator()(const kit::SequenceBatch& batch) const override {
    const std::vector<double> ids = batch.input.to_vector();
    std::vector<double> logits(ids.size() * static_cast<size_t>(vocabulary), 0.0);
    const int64_t length = batch.input.size(1);
    for (size_t i = 0; i < ids.size(); ++i) {
      const int64_t said = says(static_cast<int64_t>(ids[i]), static_cast<int64_t>(i) % length);
      logits[i * static_cast<size_t>(vocabulary) + static_cast<size_t>(said)] = 10;
    }
    return tensor(logits, {batch.input.size(0), length, vocabulary});
  }
  void visit(nn::Visitor&) override {}
};

}  // namespace

TEST_CASE("tasks: learning rates by their formulas") {
  kit::Recipe r{.steps = 110, .warmup = 10, .schedule = "constant", .width = 64};
  CHECK(kit::learning_rate(r)(1.0, 0) == Approx(1.0 / 11));
  CHECK(kit::learning_rate(r)(1.0, 10) == 1.0);
  CHECK(kit::learning_rate(r)(1.0, 99) == 1.0);
  r.schedule = "linear";
  CHECK(kit::learning_rate(r)(2.0, 60) == Approx(1.0));
  CHECK(kit::learning_rate(r)(2.0, 110) == 0.0);
  r.schedule = "cosine";
  CHECK(kit::learning_rate(r)(2.0, 60) == Approx(1.0));
  CHECK(kit::learning_rate(r)(2.0, 35) == Approx(1 + std::sqrt(0.5)));
  r.schedule = "noam";
  CHECK(kit::learning_rate(r)(1.0, 3) == Approx(4 / std::pow(10, 1.5) / 8));
  CHECK(kit::learning_rate(r)(1.0, 99) == Approx(0.1 / 8));
}

TEST_CASE("tasks: measures of a model whose answers are known") {
  // Always predicts the token that it reads: right at two of the three positions that count, and in one of two
  // examples.
  ScriptedModel model;
  model.vocabulary = 4;
  model.says = [](int64_t token, int64_t) { return token; };
  const std::vector<Example> examples = {{.input = {1, 2, 3}, .target = {ignored, 2, 0}},
                                         {.input = {3, 0, 1}, .target = {3, ignored, ignored}}};
  const kit::Evaluation e = kit::evaluate(model, examples);
  CHECK(e.accuracy == Approx(2.0 / 3));
  CHECK(e.exact == 0.5);
  const double right = std::log(1 + 3 * std::exp(-10.0)), wrong = 10 + right;
  CHECK(e.loss == Approx((2 * right + wrong) / 3));
  CHECK(model.training);

  // Blind: counts 3 1 1 2 (each one higher than seen); the most frequent is 0.
  const std::vector<Example> training = {{.target = {0, 0, ignored}}, {.target = {3}}};
  const kit::Evaluation blind = kit::blind(training, {{.target = {0, 3}}, {.target = {0}}}, 4);
  CHECK(blind.loss == Approx((2 * std::log(7.0 / 3) + std::log(7.0 / 2)) / 3));
  CHECK(blind.accuracy == Approx(2.0 / 3));
  CHECK(blind.exact == 0.5);

  // Greedy decoding: predicts the next integer, so the answer shows that the model read its own output.
  model.says = [](int64_t token, int64_t) { return (token + 1) % 4; };
  const std::vector<Example> count = {{.input = {0, 2, 0, 0}, .target = {ignored, 3, 3, 3}}};
  CHECK(kit::greedy_answers(model, count) == std::vector<Ids>{{ignored, 3, 0, 1}});

  // Writing: 0 1 2, then 3, the end.
  kit::Dice dice(1, 0);
  CHECK(kit::written_by(model, 3, 3, 10, 1, dice).size() == 1);

  // Closing brackets have the ids 1 and 3; all that counts is which of them has the larger logit.
  model.says = [](int64_t token, int64_t) { return token; };
  const std::vector<Example> brackets = {{.input = {1, 0, 3, 1}, .target = {1, 2, 3, 3}}};
  CHECK(kit::closing_accuracy(model, brackets, 2) == Approx(2.0 / 3));
  CHECK(message_of([&] { kit::evaluate(model, {}); }) == "evaluate: no examples: give at least one");
}

namespace {

/// An attention with given weights: records them as a layer would.
struct RecordingModel : kit::SequenceModel {
  std::vector<double> weights;  // (1, heads, n, n)
  int64_t heads, n;
  Tensor operator()(const kit::SequenceBatch& batch) const override {
    nn::AttentionTrace::record(tensor(weights, {1, heads, n, n}));
    return zeros({batch.input.size(0), batch.input.size(1), 2});
  }
  void visit(nn::Visitor&) override {}
};

}  // namespace

TEST_CASE("tasks: where the best head looks") {
  RecordingModel model;
  model.heads = 2, model.n = 3;
  model.weights = {1, 0, 0,  0,  1,  0, 0,  0,  1,   // attends to itself: mirrors the middle only
                   0, 0, .9, .5, .5, 0, .6, .4, 0};  // mirrors with .9, .5 and .6
  const std::vector<Example> one = {{.input = {5, 6, 5}, .target = {5, 6, 5}}};
  CHECK(kit::mirror_weight(model, one) == Approx(2.0 / 3));
  // 5 occurs again at position 2; position 1 follows its first occurrence.
  CHECK(kit::prefix_match(model, one) == Approx(0.4));
}

TEST_CASE("tasks: an attention is named by its layer and kind") {
  CHECK(kit::attention_name("gpt.h.0.attn") == "layer 0, self-attention");
  CHECK(kit::attention_name("encoder.layers.0.self_attn") == "encoder layer 0, self-attention");
  CHECK(kit::attention_name("translator.transformer.decoder.layers.12.multihead_attn") ==
        "decoder layer 12, cross-attention");
  CHECK(kit::attention_map({.path = "attention.1", .weights = full({1, 3, 1, 1}, 1.0)}, {"a"}, {"b"}).title ==
        "layer 1, self-attention, mean of 3 heads");
}

TEST_CASE("tasks: hard ALiBi's first heads see a window, the others all that precedes") {
  const Tensor mask = kit::hard_alibi_mask(4, 3)[0];
  CHECK(mask[0].to_vector() == std::vector<double>{1, 0, 0, 0, 1, 0, 0, 0, 1});
  CHECK(mask[1].to_vector() == std::vector<double>{1, 0, 0, 1, 1, 0, 0, 1, 1});
  CHECK(mask[2].to_vector() == std::vector<double>{1, 0, 0, 1, 1, 0, 1, 1, 1});
  CHECK(mask[3].to_vector() == mask[2].to_vector());
}

TEST_CASE("tasks: no causal model depends on what it has not read") {
  manual_seed(1);
  const kit::ModelSize size{5, 6, 8, 2, 2, 0.0};
  std::vector<std::unique_ptr<kit::SequenceModel>> models;
  models.push_back(std::make_unique<kit::GptModel>(size));
  models.push_back(std::make_unique<kit::HardAlibiModel>(size));
  models.push_back(std::make_unique<kit::StreamModel>(size, kit::StreamOptions{.hidden = 8}));
  models.push_back(std::make_unique<kit::StreamModel>(size, kit::StreamOptions{.sinusoidal = true, .tied = true}));
  models.push_back(std::make_unique<kit::RecurrentModel<nn::GRU>>(size));
  models.push_back(std::make_unique<kit::RecurrentModel<nn::LSTM>>(size));
  for (const auto& model : models) {
    const NoGrad no_history;
    const Tensor a = (*model)(kit::collate({{.input = {1, 2, 3, 4}, .target = {0, 0, 0, 0}}}));
    const Tensor b = (*model)(kit::collate({{.input = {1, 2, 0, 1}, .target = {0, 0, 0, 0}}}));
    CHECK(a.slice(1, 0, 2).contiguous().to_vector() == b.slice(1, 0, 2).contiguous().to_vector());
    CHECK(a[0][2].to_vector() != b[0][2].to_vector());
  }
}

TEST_CASE("tasks: a recurrent model of equal size is the widest that is not larger") {
  const kit::ModelSize size{11, 9, 0, 1, 2, 0.0};
  for (const int64_t parameters : {1000, 5000, 20000}) {
    const auto gru = kit::widest_recurrent<nn::GRU>(parameters, size);
    const auto lstm = kit::widest_recurrent<nn::LSTM>(parameters, size);
    for (const auto& model : {gru.get(), lstm.get()}) {
      CHECK(model->num_parameters() <= parameters);
      CHECK(model->num_parameters() > parameters - 24 * std::sqrt(parameters));
    }
    kit::ModelSize wider = size;
    wider.width = dynamic_cast<kit::RecurrentModel<nn::GRU>&>(*gru).recurrent.hidden_size + 1;
    CHECK(kit::RecurrentModel<nn::GRU>(wider).num_parameters() > parameters);
  }
}

TEST_CASE("tasks: the first step that reaches a level") {
  const TempDir dir;
  kit::MetricsLog log(dir.path() / "m.jsonl");
  for (const double x : {0.2, 0.95, 0.9, 1.0}) log.write(static_cast<int64_t>(10 * x), {{"a", x}});
  CHECK(kit::first_step(dir.path() / "m.jsonl", "a", 0.9) == kit::Json(9));
  CHECK(kit::first_step(dir.path() / "m.jsonl", "a", 1.1).is_null());
  CHECK(kit::first_step(dir.path() / "m.jsonl", "b", 0.1).is_null());
}
