// ReduceLROnPlateau: lowers the learning rate when a metric has stopped improving.
//
//     optim::ReduceLROnPlateau schedule(adamw, {.patience = 5});
//     … schedule.step(validation_loss);     // once per epoch, for example
//
// Options, defaults and values are torch.optim.lr_scheduler.ReduceLROnPlateau's.
#pragma once

#include <cstdint>

#include <heed/optim/optimizer.h>

namespace heed::optim {

enum class PlateauMode : uint8_t { min, max };  // is a lower or a higher value better?
enum class ThresholdMode : uint8_t { rel, abs };

struct ReduceLROnPlateauOptions {
  PlateauMode mode = PlateauMode::min;
  double factor = 0.1;      // lr becomes lr · factor
  int64_t patience = 10;    // steps without improvement before the rate drops
  double threshold = 1e-4;  // smallest improvement; rel: as a fraction of the best; abs: as a difference
  ThresholdMode threshold_mode = ThresholdMode::rel;
  int64_t cooldown = 0;  // steps after a reduction that do not count
  double min_lr = 0.0;
  double eps = 1e-8;  // smaller reductions are not made
};

/// Not a Schedule: its state depends on the values it saw. The optimizer must outlive it. NaN is
/// never better.
class ReduceLROnPlateau : public Resumable {
 public:
  ReduceLROnPlateau(Optimizer& optimizer, const ReduceLROnPlateauOptions& = {});
  void step(double metric);

  double lr() const { return optimizer_.groups()[0].lr; }
  double best() const { return best_; }

  /// best, num_bad_epochs, cooldown_counter, and _last_lr, the groups' rates now: PyTorch's names.
  ResumeState state_dict() const override;
  std::function<void()> prepare_load(const ResumeState& state) override;

 private:
  bool is_better(double metric) const;

  Optimizer& optimizer_;
  ReduceLROnPlateauOptions options_;
  double best_;
  int64_t bad_steps_ = 0, cooldown_left_ = 0;
};

}  // namespace heed::optim
