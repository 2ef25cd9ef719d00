// What programs made of snippets share. A snippet is included where a reader would write it: after the lines that
// declare what it uses, as in   #include <snippets/nn_sequential_h_1.inc>.
#pragma once

#include <filesystem>
#include <iomanip>
#include <sstream>
#include <string>

#include <heed/core/text.h>

#include "support/catch.h"
#include "support/temp_dir.h"

namespace heed::test {

template <class T> std::string printed(const T& value) {
  std::ostringstream out;
  out << std::boolalpha << value;
  return out.str();
}
inline std::string printed(double value) { return shortest(value); }

/// Snippets that write files do so in a folder of their own while it lives.
class InTempDir {
 public:
  InTempDir() : before_(std::filesystem::current_path()) { std::filesystem::current_path(dir_.path()); }
  ~InTempDir() { std::filesystem::current_path(before_); }
  InTempDir(const InTempDir&) = delete;
  InTempDir& operator=(const InTempDir&) = delete;

 private:
  TempDir dir_;
  std::filesystem::path before_;
};

}  // namespace heed::test

// "f(x);  // -> 3" in a snippet is SAYS("3", f(x)).
#define SAYS(text, ...) CHECK(heed::test::printed(__VA_ARGS__) == text)

// What stands for … in a snippet; define it anew before the #include where it must be something.
#define ELLIPSIS
