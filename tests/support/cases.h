// The cases that were checked, by name, for whoever counts them (tests/count_cases.sh). A case is one function with
// its options, in one layout and one dtype.
#pragma once

#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>

namespace heed::test {

/// Adds the case to the file that HEED_CASES names, as "kind<TAB>name"; without one it does nothing.
inline void note_case(const std::string& kind, const std::string& name) {
  if (const char* const file = std::getenv("HEED_CASES"))
    std::ofstream(file, std::ios::app) << kind << '\t' << name << '\n';
}

/// While it lives, answers are compared with what another way gives ("fused"): these are cases of their own.
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
