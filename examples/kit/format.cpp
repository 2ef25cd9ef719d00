#include <heed/examples/kit/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

namespace heed::kit {
namespace {

template <class Number, class... How> std::string to_text(Number x, How... how) {
  if (std::isnan(x)) return "nan";  // without the sign that to_chars would print
  char buffer[400];                 // -1.8e308 in fixed notation takes 310 digits before the point
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, x, how...);
  return std::string(buffer, result.ptr);
}

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }  // UTF-8

}  // namespace

std::string fixed(double x, int decimals) { return to_text(x, std::chars_format::fixed, std::clamp(decimals, 0, 60)); }
std::string general(double x, int digits) { return to_text(x, std::chars_format::general, std::clamp(digits, 1, 60)); }
std::string shortest(float x) { return to_text(x); }

std::string grouped(int64_t n) {
  std::string text = std::to_string(n);
  const auto first = static_cast<int64_t>(n < 0);  // where the digits begin
  for (auto at = static_cast<int64_t>(text.size()) - 3; at > first; at -= 3) text.insert(static_cast<size_t>(at), ",");
  return text;
}

std::string clock_time(double seconds) {
  const auto total = static_cast<int64_t>(std::clamp(std::round(seconds), 0.0, 3.6e9));
  const auto two = [](int64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  const std::string minutes = two(total / 60 % 60) + ":" + two(total % 60);
  return total < 3600 ? minutes : std::to_string(total / 3600) + ":" + minutes;
}

int text_width(const std::string& text) {
  return static_cast<int>(text.size() - std::count_if(text.begin(), text.end(), continues));
}

std::string right(const std::string& text, int columns) {
  return std::string(static_cast<size_t>(std::max(0, columns - text_width(text))), ' ') + text;
}

std::string fit(const std::string& text, int columns) {
  const int width = text_width(text);
  if (width <= columns) return text + std::string(columns - width, ' ');
  if (columns <= 0) return "";
  size_t end = 0;
  for (int kept = 0; kept < columns; ++end)  // `end` stops at the start of the last code point that is kept
    if (!continues(text[end]) && ++kept == columns) break;
  return text.substr(0, end) + "…";
}

std::string json_for_html(std::string_view text) {
  std::string quoted = "\"";
  while (!text.empty()) {
    const char32_t c = next_code_point(text);
    if (c == '"' || c == '\\') {
      quoted += {'\\', static_cast<char>(c)};
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (c < 0x20 || c == 0x7F || c == '<' || c == '>' || c == '&' || c == 0x2028 || c == 0x2029) {
      constexpr char digits[] = "0123456789abcdef";
      quoted += "\\u";
      for (int shift = 12; shift >= 0; shift -= 4) quoted += digits[c >> shift & 15];
    } else {
      append_utf8(quoted, c);
    }
  }
  return quoted + '"';
}

std::string joined(const std::vector<std::string>& words, const std::string& separator) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : separator) + word;
  return text;
}

}  // namespace heed::kit
