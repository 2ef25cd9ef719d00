#include <heed/examples/kit/tasks/sequence_run.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numbers>

#include <heed/autograd/ops.h>
#include <heed/core/error.h>
#include <heed/examples/kit/interrupt.h>
#include <heed/examples/kit/metrics_log.h>
#include <heed/examples/kit/pictures/film.h>
#include <heed/examples/kit/progress.h>
#include <heed/nn/layers/losses.h>
#include <heed/nn/resume.h>

namespace heed::kit {

optim::Rate learning_rate(const Recipe& r) {
  return [r](double lr, int64_t step) {
    const auto t = static_cast<double>(step), warmup = static_cast<double>(r.warmup);
    if (r.schedule == "noam")
      return lr * std::min(std::pow(t + 1, -0.5), (t + 1) * std::pow(std::max(warmup, 1.0), -1.5)) /
             std::sqrt(static_cast<double>(r.width));
    if (step < r.warmup) return lr * (t + 1) / (warmup + 1);
    if (r.schedule == "constant") return lr;
    const double length = std::max(1.0, static_cast<double>(r.steps) - warmup);
    const double left = std::clamp((static_cast<double>(r.steps) - t) / length, 0.0, 1.0);
    return r.schedule == "linear" ? lr * left : lr * 0.5 * (1 - std::cos(std::numbers::pi * left));
  };
}

Learner::Learner(std::string name_, std::unique_ptr<SequenceModel> model_, const Recipe& recipe)
    : name(std::move(name_)), model(std::move(model_)), clip(recipe.clip) {
  const nn::DecayGroups groups = nn::decay_groups(*model);
  adamw = std::make_unique<optim::AdamW>(
      std::vector<optim::ParamGroup>{{groups.decay, std::nullopt, recipe.weight_decay},
                                     {groups.no_decay, std::nullopt, 0.0}},
      optim::AdamWOptions{.lr = recipe.lr, .beta1 = recipe.beta1, .beta2 = recipe.beta2, .eps = recipe.eps});
  schedule = std::make_unique<optim::Schedule>(*adamw, learning_rate(recipe));
}

double Learner::learn(const SequenceBatch& batch) {
  const auto begin = std::chrono::steady_clock::now();
  const Tensor loss = nn::cross_entropy((*model)(batch), batch.target);
  adamw->zero_grad();
  loss.backward();
  if (clip > 0) optim::clip_grad_norm(model->parameters(), clip, {.error_if_nonfinite = true});
  adamw->step();
  schedule->step();
  seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  tokens += batch.tokens();
  return loss.item();
}

std::vector<nn::Part> SequenceRun::parts() {
  std::vector<nn::Part> all{{"step", step}};
  for (Learner& learner : learners) {
    all.emplace_back("model." + learner.name, *learner.model);
    all.emplace_back("optimizer." + learner.name, *learner.adamw);
    all.emplace_back("schedule." + learner.name, *learner.schedule);
  }
  return all;
}

void SequenceRun::save(const std::filesystem::path& file, const Traits& traits) {
  nn::save_checkpoint(file, parts(), metadata_of(traits));
}

void SequenceRun::resume(const std::filesystem::path& file, const Traits& traits) {
  const nn::Checkpoint saved = nn::load(file);
  check_same_run(file, saved.metadata, traits);
  check_weights(saved.state, file.string(), "model.");
  nn::load_checkpoint(saved, parts());
  for (Learner& learner : learners) learner.schedule->set_steps(step);  // --steps may have been raised
}

nn::Report examine(Learner& learner, const TaskData& data, const Recipe& recipe, bool untrained) {
  std::vector<SequenceBatch> batches;
  for (int64_t i = 0; i < 3; ++i) batches.push_back(collate(data.batch(i, recipe.batch)));
  const auto loss = [&](const SequenceBatch& b) { return nn::cross_entropy((*learner.model)(b), b.target); };
  return nn::examine(
      *learner.model, loss, *learner.adamw, batches,
      {.untrained = untrained, .lr = learning_rate(recipe)(recipe.lr, recipe.warmup), .before_step = [&] {
         if (learner.clip > 0) optim::clip_grad_norm(learner.model->parameters(), learner.clip);
       }});
}

std::string metric_name(const SequenceRun& run, size_t learner, const std::string& metric) {
  return learner == 0 ? metric : metric + "_" + run.learners[learner].name;
}

void train(SequenceRun& run, const TaskData& data, const Measure& measure, const TrainOptions& o) {
  MetricsLog log(o.metrics, run.step);
  Progress progress("training", o.recipe.steps, {.quiet = o.quiet});
  progress.start_at(run.step);
  bool reached = false;
  const std::vector<int64_t> filmed = film_steps(o.recipe.steps);
  const auto watch = [&] {
    if (o.watch && std::binary_search(filmed.begin(), filmed.end(), run.step)) o.watch(run.step);
  };
  watch();
  while (run.step < o.recipe.steps && !interrupted() && !reached) {
    const SequenceBatch batch = collate(data.batch(run.step, o.recipe.batch));
    std::vector<std::pair<std::string, double>> line;
    for (size_t i = 0; i < run.learners.size(); ++i)
      line.emplace_back(metric_name(run, i, "loss"), run.learners[i].learn(batch));
    ++run.step;
    progress.update(run.step, "loss", line[0].second);
    if (run.step % o.eval_every == 0 || run.step == o.recipe.steps) {
      for (size_t i = 0; i < run.learners.size(); ++i)
        for (const auto& [metric, value] : measure(*run.learners[i].model)) {
          line.emplace_back(metric_name(run, i, metric), value);
          if (i == 0 && metric == "test_loss") progress.show("validation", value);
          if (i == 0 && o.goal > 0 && metric == o.goal_metric) reached = value >= o.goal;
        }
    }
    log.write(run.step, line);
    watch();
    if (run.step % o.save_every != 0) continue;
    run.save(o.checkpoint, o.traits);
    if (o.page) o.page->save(run.step);
  }
  run.save(o.checkpoint, o.traits);
}

}  // namespace heed::kit
