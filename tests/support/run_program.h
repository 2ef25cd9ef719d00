// Runs a built program and reads its output.
#pragma once

#include <cstdlib>
#include <string>

#include <sys/wait.h>

#include <heed/core/files/file.h>
#include <heed/examples/kit/json.h>

#include "support/temp_dir.h"

namespace heed::test {

struct Ran {
  int exit_code;  // 128 + the signal's number if a signal ended it
  std::string out, err;

  /// The last line of stdout, read as JSON.
  kit::Json json() const {
    const size_t end = out.find_last_not_of('\n');
    const size_t begin = out.find_last_of('\n', end);
    return kit::parse_json(
        out.substr(begin == std::string::npos ? 0 : begin + 1, end - (begin == std::string::npos ? 0 : begin + 1) + 1));
  }
};

/// Runs a shell command line; neither stdout nor stderr is a terminal.
inline Ran run_shell(const std::string& line) {
  const TempDir dir;
  const int status = std::system(("(" + line + ") </dev/null >" + dir / "out" + " 2>" + dir / "err").c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), core::read_file(dir / "out"),
          core::read_file(dir / "err")};
}

/// Runs one of the project's programs:  run_program("two_moons --seeds 3")
inline Ran run_program(const std::string& command) { return run_shell(HEED_BIN_DIR "/" + command); }

}  // namespace heed::test
