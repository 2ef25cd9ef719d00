// A run: models that learn side by side, on the same batches, with the same recipe.
//
// Side by side, so that models that are compared have seen the same examples in the same order; each is
// timed by itself. A run can stop at any step and resume as if it had never stopped: save(), resume().
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <heed/examples/kit/resume.h>
#include <heed/examples/kit/runs/run_page.h>
#include <heed/examples/kit/tasks/sequence_models.h>
#include <heed/examples/kit/tasks/sequences.h>
#include <heed/nn/doctor/examine.h>
#include <heed/nn/resume.h>
#include <heed/optim/optim.h>

namespace heed::kit {

/// AdamW, decay on matrices only (0: Adam), and a learning rate of this shape:
///     constant     lr
///     linear       lr down to 0
///     cosine       the same along half a cosine
///     noam         lr width^-½ min(step^-½, step warmup^-³⁄²)      Vaswani et al. 2017, section 5.3
/// after a linear warm-up.
struct Recipe {
  int64_t steps = 1000, batch = 64, warmup = 0;
  std::string schedule = "constant";
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  double weight_decay = 0.0;
  double clip = 0.0;   // largest norm of the gradient; 0: no clipping
  int64_t width = 64;  // for noam
};

optim::Rate learning_rate(const Recipe& recipe);

struct Learner {
  std::string name;
  std::unique_ptr<SequenceModel> model;
  std::unique_ptr<optim::AdamW> adamw;
  std::unique_ptr<optim::Schedule> schedule;
  double clip;
  double seconds = 0;  // of training, since this program started
  int64_t tokens = 0;  // trained on in that time

  Learner(std::string name, std::unique_ptr<SequenceModel> model, const Recipe& recipe);

  /// One step; returns the loss before it.
  double learn(const SequenceBatch& batch);
};

struct SequenceRun {
  std::vector<Learner> learners;  // the first is the task's own model
  int64_t step = 0;

  /// Tensors under "model.<learner>.", "optimizer.<learner>." and "schedule.<learner>."; step and the default
  /// generator's state, and `traits`, as metadata.
  void save(const std::filesystem::path& file, const Traits& traits);

  /// Throws UsageError where a trait differs, saying which (resume.h).
  void resume(const std::filesystem::path& file, const Traits& traits);

 private:
  std::vector<nn::Part> parts();
};

/// What is wrong with a learner's run? Seen on the first batches.
nn::Report examine(Learner& learner, const TaskData& data, const Recipe& recipe, bool untrained);

/// The name of a learner's metric: "loss" for the first learner, "loss_gru" for another.
std::string metric_name(const SequenceRun& run, size_t learner, const std::string& metric);

/// What is measured every `eval_every` steps, per learner: {"test_accuracy", 0.97}.
using Measure = std::function<std::vector<std::pair<std::string, double>>(SequenceModel&)>;

struct TrainOptions {
  Recipe recipe;
  std::filesystem::path checkpoint, metrics;  // files
  Traits traits = {};
  int64_t eval_every = 100, save_every = 500;
  std::string goal_metric = {};  // stop when this metric of the first learner …
  double goal = 0;               // … reaches this; 0: never
  bool quiet = false;
  RunPage* page = nullptr;                       // rewritten with each checkpoint
  std::function<void(int64_t step)> watch = {};  // called before the first step and after each of film_steps()
};

/// Trains up to the last step, the goal or an interruption; saves at the end.
void train(SequenceRun& run, const TaskData& data, const Measure& measure, const TrainOptions& options);

}  // namespace heed::kit
