// The last line of a terminal, redrawn in place: a progress bar. It has one owner.
//
// While a LiveLine lives, all output of std::cout and std::cerr passes through it: the bar is erased before
// other text, and redrawn only after that text has ended its line. So printing code need not know of the
// bar: no text is printed onto it, and it is never drawn into the middle of a line. Without a terminal each
// drawing is a line of its own, between whole lines of other text.
#pragma once

#include <memory>
#include <string>

namespace heed::kit {

class LiveLine {
 public:
  explicit LiveLine(bool terminal);
  ~LiveLine();  // leaves the line as it is and starts a new one; restores the streams
  LiveLine(const LiveLine&) = delete;
  LiveLine& operator=(const LiveLine&) = delete;

  /// Draws `text` in place of the line shown; does nothing while other text has not ended its line.
  void show(const std::string& text);

 private:
  class Passage;
  void take_away();

  bool terminal_;
  std::unique_ptr<Passage> out_, err_;
  bool shown_ = false;
};

}  // namespace heed::kit
