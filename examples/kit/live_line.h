// The last line of a terminal, drawn over again and again: a progress bar. It has one owner.
//
// While a LiveLine lives, all that std::cout and std::cerr print passes through it: the line is taken
// away before, and drawn again only where a line has ended. So no author has to know that there is a
// bar: a table cannot land on it, nor the bar in the middle of a table's line. Elsewhere than on a
// terminal each drawing is a line of its own, and comes between whole lines of other text.
#pragma once

#include <memory>
#include <string>

namespace heed::kit {

class LiveLine {
 public:
  explicit LiveLine(bool terminal);
  ~LiveLine();  // leaves the line as it is and goes to the next; the streams are as they were
  LiveLine(const LiveLine&) = delete;
  LiveLine& operator=(const LiveLine&) = delete;

  /// Draws `text` in place of what is shown; not at all where other text has not ended its line yet.
  void show(const std::string& text);

 private:
  class Passage;
  void take_away();

  bool terminal_;
  std::unique_ptr<Passage> out_, err_;
  bool shown_ = false;
};

}  // namespace heed::kit
