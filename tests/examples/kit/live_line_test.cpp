// The bar and all other output share one terminal: what the screen shows in the end.
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include <heed/examples/kit/live_line.h>

#include "support/catch.h"
#include "support/run_program.h"

using namespace heed;

namespace {

/// The lines of a screen on which `text` was printed: \r returns to the line's start, ESC [ K clears the rest.
std::vector<std::string> screen(const std::string& text) {
  std::vector<std::string> lines(1);
  size_t column = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    std::string& line = lines.back();
    if (text[i] == '\n') {
      lines.emplace_back();
      column = 0;
    } else if (text[i] == '\r') {
      column = 0;
    } else if (text.compare(i, 3, "\033[K") == 0) {
      line.resize(column);
      i += 2;
    } else {
      line.resize(std::max(line.size(), column + 1), ' ');
      line[column++] = text[i];
    }
  }
  return lines;
}

/// stdout and stderr on one screen.
struct Captured {
  std::ostringstream text;
  std::streambuf *out = std::cout.rdbuf(text.rdbuf()), *err = std::cerr.rdbuf(text.rdbuf());
  ~Captured() {
    std::cout.rdbuf(out);
    std::cerr.rdbuf(err);
  }
};

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("kit live line: text replaces the bar, and the bar is drawn again below it") {
  const Captured captured;
  {
    kit::LiveLine line(true);
    line.show("bar 1");
    CHECK(screen(captured.text.str()) == Lines{"bar 1"});
    std::cout << "row " << 1 << '\n';
    CHECK(screen(captured.text.str()) == Lines{"row 1", ""});
    line.show("bar 2, longer");
    line.show("bar 3");
    std::cerr << "warning" << std::endl;
    line.show("bar 4");
    CHECK(screen(captured.text.str()) == Lines{"row 1", "warning", "bar 4"});
  }
  std::cout << "after\n";
  CHECK(screen(captured.text.str()) == Lines{"row 1", "warning", "bar 4", "after", ""});
}

TEST_CASE("kit live line: a line of text that has not ended is not broken by the bar") {
  for (const bool terminal : {true, false}) {
    const Captured captured;
    {
      kit::LiveLine line(terminal);
      line.show("bar");
      std::cout << "half a ";
      line.show("bar");
      std::cout << "row" << '\n' << std::flush;
      line.show("bar");
    }
    CHECK(screen(captured.text.str()) ==
          (terminal ? Lines{"half a row", "bar", ""} : Lines{"bar", "half a row", "bar", ""}));
  }
}

TEST_CASE("kit live line: one within another, and an exception through both") {
  const Captured captured;
  try {
    kit::LiveLine outer(true);
    outer.show("outer");
    kit::LiveLine inner(true);
    inner.show("inner");
    std::cout << "text\n";
    throw 1;
  } catch (int) { std::cerr << "error\n"; }
  CHECK(screen(captured.text.str()) == Lines{"text", "error", ""});
}

TEST_CASE("kit live line: a table printed on a terminal with a bar, and both streams in one file") {
  const auto run = [](const std::string& line) { return test::run_shell(line); };
  const test::TempDir dir;
  const std::string command = HEED_BIN_DIR "/attention_scores --steps 2 --out '" + dir.path().string() + "'";
  const auto rows_are_whole = [](const Lines& lines) {
    int rows = 0;
    for (const std::string& line : lines) {
      if (line.find("scores") != std::string::npos && line.find('%') != std::string::npos)
        CHECK(line.find("scores") == 0);  // the bar, alone on its line
      if (line.rfind("  ", 0) == 0 && line.find(" % ") != std::string::npos) ++rows;
    }
    return rows;
  };
  const std::string both = run(command + " 2>&1").out;
  CHECK(both.find('\r') == std::string::npos);
  CHECK(rows_are_whole(screen(both)) >= 10);
  if (std::system("script -qec true /dev/null >/dev/null 2>&1") != 0) return;  // no terminal is available here
  const std::string seen = run("TERM=xterm LANG=C.UTF-8 script -qec \"" + command + "\" /dev/null").out;
  std::string plain;
  for (size_t i = 0; i < seen.size(); ++i)
    if (seen.compare(i, 2, "\r\n") != 0) plain += seen[i];
  CHECK(plain.find('\r') != std::string::npos);
  CHECK(rows_are_whole(screen(plain)) >= 10);
}
