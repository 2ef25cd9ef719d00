// The numbers of a table that make_unicode_tables.py wrote.
#pragma once

#include <cstdint>
#include <string_view>

namespace heed::kit {

/// Five bits per character, '0' + bits + (32 if more follow), lowest bits first.
class TableNumbers {
 public:
  explicit TableNumbers(std::string_view text) : rest_(text) {}
  bool any() const { return !rest_.empty(); }

  uint32_t next() {
    uint32_t number = 0;
    for (int shift = 0;; shift += 5) {
      const auto bits = static_cast<uint32_t>(rest_[0] - '0');
      rest_.remove_prefix(1);
      number |= (bits & 31) << shift;
      if (bits < 32) return number;
    }
  }

  /// 0, 1, 2, 3 … -> 0, -1, 1, -2 …
  static int32_t unfolded(uint32_t n) {
    return n % 2 == 0 ? static_cast<int32_t>(n / 2) : -static_cast<int32_t>(n / 2) - 1;
  }
  int32_t next_signed() { return unfolded(next()); }

  /// A code point at a signed distance.
  static char32_t moved(char32_t c, int32_t by) { return static_cast<char32_t>(static_cast<int32_t>(c) + by); }

 private:
  std::string_view rest_;
};

/// Code points at steps of 1 or 2.
struct CodeRun {
  char32_t first, step, last;

  /// The run that follows one that ends at `last`: gap, step, count.
  static CodeRun read(TableNumbers& numbers, char32_t last) {
    CodeRun run{last + numbers.next(), numbers.next(), 0};
    run.last = run.first + run.step * (numbers.next() - 1);
    return run;
  }
  bool has(char32_t c) const { return first <= c && c <= last && (c - first) % step == 0; }
};

}  // namespace heed::kit
