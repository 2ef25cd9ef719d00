// PrefixTable: a set of texts, each with an id, that are looked up by the beginning of another text.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace heed::kit {

/// In sorted order, and narrowed down byte by byte: O(length · log size), whatever the texts are.
class PrefixTable {
 public:
  struct Entry {
    std::string text;
    int32_t id;
  };

  PrefixTable() = default;

  /// Of equal texts the lowest id counts; empty ones are left out.
  explicit PrefixTable(std::vector<Entry> entries) : entries_(std::move(entries)) {
    std::erase_if(entries_, [](const Entry& e) { return e.text.empty(); });
    std::sort(entries_.begin(), entries_.end(),
              [](const Entry& a, const Entry& b) { return std::tie(a.text, a.id) < std::tie(b.text, b.id); });
    entries_.erase(
        std::unique(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) { return a.text == b.text; }),
        entries_.end());
    for (const Entry& e : entries_) ++first_[byte(e.text, 0) + 1];
    for (size_t c = 0; c < 256; ++c) first_[c + 1] += first_[c];
  }

  /// Calls found(length, id) for each entry that `text` begins with, the shortest first.
  template <class Found> void each_prefix(std::string_view text, Found&& found) const {
    if (text.empty()) return;
    auto low = entries_.begin() + first_[byte(text, 0)], high = entries_.begin() + first_[byte(text, 0) + 1];
    for (size_t n = 1; low != high; ++n) {
      if (low->text.size() == n) found(n, low->id), ++low;
      if (n == text.size()) return;
      const unsigned char next = byte(text, n);
      low = std::partition_point(low, high, [&](const Entry& e) { return byte(e.text, n) < next; });
      high = std::partition_point(low, high, [&](const Entry& e) { return byte(e.text, n) == next; });
    }
  }

  /// The longest entry that `text` begins with: its length, or 0, and its id.
  std::pair<size_t, int32_t> longest_prefix(std::string_view text) const {
    std::pair<size_t, int32_t> best{0, -1};
    each_prefix(text, [&](size_t n, int32_t id) { best = {n, id}; });
    return best;
  }

  /// The id of exactly this text, or -1.
  int32_t find(std::string_view text) const {
    const auto at = std::lower_bound(entries_.begin(), entries_.end(), text,
                                     [](const Entry& e, std::string_view t) { return e.text < t; });
    return at != entries_.end() && at->text == text ? at->id : -1;
  }

  bool empty() const { return entries_.empty(); }

 private:
  static unsigned char byte(std::string_view text, size_t i) { return static_cast<unsigned char>(text[i]); }

  std::vector<Entry> entries_;
  std::array<ptrdiff_t, 257> first_{};  // of each first byte
};

}  // namespace heed::kit
