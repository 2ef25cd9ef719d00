#include <heed/examples/kit/progress.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <utility>
#include <vector>

#include <heed/examples/kit/format.h>
#include <heed/examples/kit/pictures/terminal_plot.h>
#include <heed/examples/kit/terminal.h>

namespace heed::kit {
namespace {

double seconds(std::chrono::steady_clock::duration d) { return std::chrono::duration<double>(d).count(); }

std::string rate_text(double rate, const char* step) {
  if (rate >= 1) return general(rate, 3) + step + "/s";
  return general(1 / rate, 3) + " s" + (*step ? " per step" : "");
}

std::string repeated(const char* glyph, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += glyph;
  return text;
}

/// " [a, b]" of those that are not empty.
std::string bracketed(const std::vector<std::string>& parts) {
  std::string inside;
  for (const auto& part : parts)
    if (!part.empty()) inside += (inside.empty() ? "" : ", ") + part;
  return inside.empty() ? inside : " [" + inside + "]";
}

/// "loss 1.2345"; a large value is shown with five significant digits.
std::string shown(const std::pair<std::string, double>& value) {
  const bool long_one = std::abs(value.second) >= 1e6;
  return value.first + ' ' + (long_one ? general(value.second, 5) : fixed(value.second, 4));
}

std::string all_shown(const ProgressState& s) {
  std::string text;
  for (const auto& value : s.values) text += (text.empty() ? "" : ", ") + shown(value);
  return text;
}

/// " █▅▃▁": the history, if there is one.
std::string course(const ProgressState& s) {
  constexpr int columns = 8;
  return s.history.size() < 2 ? "" : ' ' + sparkline(s.history, columns);
}

double time_left(const ProgressState& s) {
  return static_cast<double>(std::max<int64_t>(s.total - s.done, 0)) / s.rate;
}

}  // namespace

std::string progress_bar(const ProgressState& s, int columns, bool unicode) {
  const double part =
      s.total > 0 ? std::clamp(static_cast<double>(s.done) / static_cast<double>(s.total), 0.0, 1.0) : 1.0;
  const std::string percent = std::to_string(static_cast<int>(100 * part));
  const std::string head = s.name + ' ' + std::string(3 - percent.size(), ' ') + percent + "%";
  const std::string count = ' ' + std::to_string(s.done) + '/' + std::to_string(s.total);
  const std::string first = s.values.empty() ? "" : shown(s.values[0]), values = all_shown(s);
  const std::string times = clock_time(s.elapsed) + (s.rate > 0 ? '<' + clock_time(time_left(s)) : std::string());
  const std::string rate = s.rate > 0 ? rate_text(s.rate, "") : std::string();

  // From all parts to the fewest: the first selection that leaves room for a bar of ten characters,
  // otherwise the first that fits without a bar.
  const std::string drawn = unicode ? course(s) : "";
  const std::vector<std::string> tails = {count + bracketed({times, rate, values + drawn}),
                                          count + bracketed({times, rate, values}),
                                          count + bracketed({times, values}),
                                          count + bracketed({values}),
                                          count + bracketed({first}),
                                          count};
  for (const int bar : {10, 0})
    for (const std::string& tail : tails) {
      const int room = columns - text_width(head + tail) - 1;
      if (room < bar - (bar == 0)) continue;
      if (bar == 0) return head + tail;
      const int length = std::min(40, room);
      const int filled = static_cast<int>(part * length);
      return head + ' ' + repeated(unicode ? "━" : "#", filled) + repeated(unicode ? "─" : "-", length - filled) + tail;
    }
  return fit(head, columns);
}

std::string progress_line(const ProgressState& s, bool unicode) {
  std::string line = s.name + ": step " + std::to_string(s.done) + " of " + std::to_string(s.total);
  if (!s.values.empty()) line += ", " + all_shown(s);
  if (s.rate > 0) line += ", " + rate_text(s.rate, " steps");
  if (s.done >= s.total) return line + ", " + clock_time(s.elapsed) + " in all" + (unicode ? course(s) : "");
  return s.rate > 0 ? line + ", " + clock_time(time_left(s)) + " left" : line;
}

void SmoothedRate::add(double steps, double duration) {
  const double keep = std::exp(-duration / 10);  // a second that was ten seconds ago has weight 1/e
  steps_ = keep * steps_ + steps;
  seconds_ = keep * seconds_ + duration;
}

void History::add(double value) {
  constexpr size_t most = 512;
  sum_ += value;
  if (++count_ < width_) return;
  means_.push_back(sum_ / static_cast<double>(width_));
  sum_ = 0, count_ = 0;
  if (means_.size() < most) return;
  for (size_t i = 0; i < most / 2; ++i) means_[i] = (means_[2 * i] + means_[2 * i + 1]) / 2;
  means_.resize(most / 2);
  width_ *= 2;
}

Progress::Progress(std::string name, int64_t total, ProgressOptions options)
    : options_(options), bar_(is_terminal(Stream::err)), start_(Clock::now()), last_draw_(start_) {
  state_.name = std::move(name);
  state_.total = total;
  if (!options.quiet) line_.emplace(bar_);
}

Progress::~Progress() {
  if (!drawn_current_) draw(Clock::now());
}

void Progress::start_at(int64_t done) { state_.done = last_done_ = done; }

void Progress::update(int64_t done) {
  state_.done = done;
  drawn_current_ = options_.quiet;
  if (options_.quiet) return;
  const auto now = Clock::now();
  if (seconds(now - last_draw_) >= (bar_ ? 0.1 : options_.line_seconds)) draw(now);
}

void Progress::update(int64_t done, const std::string& value_name, double value) {
  show(value_name, value);
  if (value_name == state_.values.front().first && !options_.quiet) history_.add(value);
  update(done);
}

void Progress::show(const std::string& value_name, double value) {
  for (auto& [name, shown_value] : state_.values)
    if (name == value_name) {
      shown_value = value;
      return;
    }
  state_.values.emplace_back(value_name, value);
}

void Progress::note(const std::string& line) {
  if (options_.quiet) return;
  std::cerr << line << std::endl;
  if (bar_) draw(Clock::now());
}

void Progress::draw(Clock::time_point now) {
  rate_.add(static_cast<double>(state_.done - last_done_), seconds(now - last_draw_));
  last_done_ = state_.done;
  last_draw_ = now;
  state_.elapsed = seconds(now - start_);
  state_.rate = rate_.value();
  state_.history = history_.values();
  drawn_current_ = true;
  // One column stays free: a line that fills the last one wraps on some terminals.
  line_->show(bar_ ? progress_bar(state_, terminal_width(Stream::err) - 1, unicode_wanted())
                   : progress_line(state_, unicode_wanted()));
}

}  // namespace heed::kit
