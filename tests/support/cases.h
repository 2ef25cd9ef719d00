// The names of the cases checked, to be counted by tests/count_cases.sh. A case is one function with
// its options, in one layout and one dtype.
#pragma once

#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>

namespace heed::test {

/// Appends the case to the file that HEED_CASES names, as "kind<TAB>name"; does nothing without HEED_CASES.
inline void note_case(const std::string& kind, const std::string& name) {
  if (const char* const file = std::getenv("HEED_CASES"))
    std::ofstream(file, std::ios::app) << kind << '\t' << name << '\n';
}

/// While it lives, results are those of another implementation ("fused"), counted as cases of their own.
class Way {
 public:
  explicit Way(std::string name) : before_(std::exchange(current(), std::move(name))) {}
  ~Way() { current() = before_; }
  Way(const Way&) = delete;
  Way& operator=(const Way&) = delete;

  /// ", fused", or nothing.
  static std::string suffix() { return current().empty() ? "" : ", " + current(); }

 private:
  static std::string& current() {
    static std::string name;
    return name;
  }

  std::string before_;
};

}  // namespace heed::test
