#include <heed/core/table.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include <heed/core/error.h>

namespace heed {

namespace {

// Characters on the screen: bytes that begin one.
size_t width(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

// Three digits, as "1.23", "12.3" and "123".
std::string three_digits(double x) { return decimals(x, x < 9.995 ? 2 : x < 99.95 ? 1 : 0); }

}  // namespace

std::string laid_out(const std::vector<std::vector<std::string>>& rows, const std::string& alignment) {
  std::vector<size_t> widths(alignment.size());
  for (const auto& row : rows)
    for (size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], width(row[c]));
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (size_t c = 0; c < row.size(); ++c) {
      const std::string gap(widths[c] - width(row[c]), ' ');
      line += (alignment[c] == 'r' ? gap + row[c] : row[c] + gap) + "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

std::string thousands(int64_t n) {
  std::string digits = std::to_string(n);
  for (auto i = static_cast<int64_t>(digits.size()) - 3; i > 0; i -= 3) digits.insert(static_cast<size_t>(i), ",");
  return digits;
}

std::string decimals(double x, int places) {
  if (!std::isfinite(x)) return "-";
  char digits[64];
  const auto [end, error] =
      std::to_chars(digits, digits + sizeof digits, std::clamp(x, -1e30, 1e30), std::chars_format::fixed, places);
  return std::string(digits, end);
}

std::string significant(double x, int digits) {
  char text[64];
  const auto [end, error] = std::to_chars(text, text + sizeof text, x, std::chars_format::general, digits);
  return std::string(text, end);
}

std::string size_of_bytes(int64_t bytes) {
  const char* unit = "B";
  double size = static_cast<double>(bytes);
  for (const char* larger : {"KiB", "MiB", "GiB"})
    if (size >= 1024.0) size /= 1024.0, unit = larger;
  const auto tenths = static_cast<int64_t>(size * 10.0 + 0.5);
  return cat(tenths / 10, ".", tenths % 10, " ", unit);
}

std::string duration(double seconds) {
  if (seconds < 1e-3) return three_digits(seconds * 1e6) + " µs";
  return seconds < 1.0 ? three_digits(seconds * 1e3) + " ms" : three_digits(seconds) + " s";
}

std::string with_prefix(double x) {
  if (x < 1000.0) return decimals(x, 0);
  const char* prefix = "";
  for (const char* larger : {" k", " M", " G", " T"})
    if (x >= 999.5) x /= 1000.0, prefix = larger;
  return three_digits(x) + prefix;
}

}  // namespace heed
