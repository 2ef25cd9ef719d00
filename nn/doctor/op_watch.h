// OpWatch: what the ops of a training step show while they run.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <heed/autograd/observe.h>
#include <heed/nn/doctor/report.h>
#include <heed/nn/module.h>

namespace heed::nn {

/// The outputs of one activation function in one module, over all batches.
struct Units {
  std::string path, op;
  int64_t turn = 0;             // of several in one call: 0, 1, …
  std::vector<double> largest;  // |y| per unit (last axis)
  int64_t rows = 0, elements = 0, saturated = 0;

  int64_t dead() const;  // units whose output was 0 in every row, or next to nothing beside the others'
};

/// What the loss makes of its logits.
struct Guess {
  int64_t classes = 0;
  double even = 0.0;  // mean of log Σ exp x - mean x: the loss if every class is as likely as another; >= ln classes
  bool probabilities = false;  // the rows are such already
};

struct OpOutput {
  std::string op, path;
  double checksum;
  bool training;  // the flag of the module at work
};

class OpWatch final : public Observer {
 public:
  OpWatch() : outer_(std::exchange(observer, this)) {}
  ~OpWatch() override { observer = outer_; }
  OpWatch(const OpWatch&) = delete;
  OpWatch& operator=(const OpWatch&) = delete;

  std::vector<Units> units;
  std::vector<LayerGradient> gradients;           // in the order of the backward pass
  std::map<const void*, std::string> users;       // the elements of an op's input -> the module that used them first
  std::map<const Node*, std::string> leaf_users;  // the same by leaf
  std::optional<Guess> guess;                     // of the last softmax with logarithm, which is the loss's
  std::vector<OpOutput> outputs;                  // of each op, if wanted
  bool wants_outputs = false;

  void begin_call() { turns_.clear(); }  // before each loss

  void input(const Tensor& x) override;
  void output(const char* op, const core::Array& y) override;
  void gradient(const char* op, const Tensor& g, bool into) override;

 private:
  void activation(const std::string& op, const core::Array& y);

  Observer* outer_;
  std::optional<core::Array> last_input_;
  std::map<std::string, int64_t> turns_;  // how often an activation has run in this call
};

/// What identifies a tensor's elements: ties and handles share it.
const void* elements_address(const core::Array& x);

}  // namespace heed::nn
