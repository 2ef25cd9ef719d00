// Progress on stderr: a bar on a terminal, plain lines anywhere else.
//
//     kit::Progress progress("training", steps, {.quiet = common.quiet});
//     for (int64_t step = 1; step <= steps; ++step) {
//       …
//       progress.update(step, "loss", loss);
//     }
//
//     training  42% ━━━━━━━━━───────────── 840/2000 [00:12<00:17, 71.2/s, loss 1.2345 █▅▃▂▂▁▁▁]
//
// The bars at its end are the first value's way since the start.
//
// It is redrawn at most ten times per second, so update() may be called at every step. For one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <heed/examples/kit/live_line.h>

namespace heed::kit {

/// What a line of progress says.
struct ProgressState {
  std::string name;
  int64_t done = 0;
  int64_t total = 0;
  double elapsed = 0;                                       // seconds
  double rate = 0;                                          // steps per second, smoothed; 0 while unknown
  std::vector<std::pair<std::string, double>> values = {};  // {"loss", 1.2345}, in order of first appearance
  std::vector<double> history = {};                         // of the first value; without it no bars are shown
};

/// One line of at most `columns`. What does not fit is left out: the history, the rate, then the times, then the
/// bar. Without `unicode` there is no history.
std::string progress_bar(const ProgressState& state, int columns, bool unicode = true);

/// "training: step 840 of 2000, loss 1.234, 71.2 steps/s, 00:17 left". The last line has the history, too.
std::string progress_line(const ProgressState& state, bool unicode = true);

/// The course of a value in a few hundred numbers, however many there are: means of neighbours.
class History {
 public:
  void add(double value);
  const std::vector<double>& values() const { return means_; }

 private:
  std::vector<double> means_;  // each of `width_` values
  int64_t width_ = 1, count_ = 0;
  double sum_ = 0;
};

/// Steps per second, as an exponential mean over time: recent seconds count most, so that the
/// estimate follows a change within about ten seconds.
class SmoothedRate {
 public:
  void add(double steps, double seconds);
  double value() const { return seconds_ > 0 ? steps_ / seconds_ : 0; }

 private:
  double steps_ = 0;
  double seconds_ = 0;
};

struct ProgressOptions {
  bool quiet = false;       // nothing at all
  double line_seconds = 5;  // without a terminal: seconds between lines
};

class Progress {
 public:
  Progress(std::string name, int64_t total, ProgressOptions options = {});
  ~Progress();  // draws the last state and ends the line, also during an exception
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Steps that an earlier run has taken: they count as done, but not in the rate.
  void start_at(int64_t done);

  void update(int64_t done);
  void update(int64_t done, const std::string& value_name, double value);

  /// Sets a value to be shown from now on, such as a validation loss, without drawing.
  void show(const std::string& value_name, double value);

  /// A line of its own on stderr, above the bar. (Other output of std::cout and std::cerr also appears above
  /// the bar, see live_line.h.)
  void note(const std::string& line);

 private:
  using Clock = std::chrono::steady_clock;
  void draw(Clock::time_point now);

  ProgressState state_;
  ProgressOptions options_;
  bool bar_;                      // on a terminal
  std::optional<LiveLine> line_;  // none with quiet
  bool drawn_current_ = true;     // the last state is on the screen
  SmoothedRate rate_;
  History history_;
  Clock::time_point start_, last_draw_;
  int64_t last_done_ = 0;
};

}  // namespace heed::kit
