#include <heed/core/text.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <locale>
#include <numeric>
#include <sstream>
#include <system_error>
#include <utility>
#include <vector>

#include <heed/core/error.h>

namespace heed {

std::string shortest(double value) {
  if (std::isnan(value)) return "nan";  // without the sign, which to_chars would print
  char digits[32];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
  return std::string(digits, end);
}

std::optional<double> parse_double(std::string_view text) {
  double value = 0;
#ifdef __cpp_lib_to_chars
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
#else  // a standard library whose from_chars supports integers only
  if (text.empty() || text[0] == '+' || std::isspace(static_cast<unsigned char>(text[0]))) return std::nullopt;
  std::istringstream stream{std::string(text)};
  stream.imbue(std::locale::classic());
  if (!(stream >> value) || stream.peek() != std::istringstream::traits_type::eof()) return std::nullopt;
#endif
  return value;
}

namespace {

template <class T> std::optional<T> parse_whole(std::string_view text) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Line and paragraph separators, and characters that change the direction of writing (Unicode, UAX #9).
bool misleads(char32_t c) {
  return c == 0x061c || (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

}  // namespace

std::optional<int64_t> parse_int(std::string_view text) { return parse_whole<int64_t>(text); }
std::optional<uint64_t> parse_uint(std::string_view text) { return parse_whole<uint64_t>(text); }

namespace {

// Moves the first character of `text` to `out`, as an escape if it is not valid UTF-8 or
// could control a terminal.
void take_harmless(std::string& out, std::string_view& text) {
  constexpr char hex[] = "0123456789abcdef";
  const unsigned char first = static_cast<unsigned char>(text[0]);
  const std::string_view before = text;
  const std::optional<char32_t> code = take_code_point(text);
  if (!code || *code < 0x20 || (*code >= 0x7f && *code < 0xa0)) {
    // C0, DEL and C1 control characters, or a byte of broken UTF-8.
    if (!code) text.remove_prefix(1);
    const unsigned value = code ? static_cast<unsigned>(*code) : first;
    out += {'\\', 'x', hex[value >> 4], hex[value & 15]};
  } else if (misleads(*code)) {
    out += {'\\', 'u', hex[*code >> 12 & 15], hex[*code >> 8 & 15], hex[*code >> 4 & 15], hex[*code & 15]};
  } else {
    out += before.substr(0, before.size() - text.size());
  }
}

}  // namespace

std::string quote(std::string_view text) {
  constexpr size_t limit = 100;
  std::string out = "\"";
  while (!text.empty() && out.size() < limit) {
    const char c = text[0];
    if (c == '"' || c == '\\' || c == '\n') {
      out += {'\\', c == '\n' ? 'n' : c};
      text.remove_prefix(1);
    } else {
      take_harmless(out, text);
    }
  }
  return out + (text.empty() ? "\"" : "…\"");
}

std::string harmless(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (text[0] == '\n' || text[0] == '\t') out += text[0], text.remove_prefix(1);
    else take_harmless(out, text);
  }
  return out;
}

std::string readable(std::string_view name) {
  const bool plain =
      std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~' && c != '"' && c != '\\'; });
  return plain && !name.empty() && name.size() <= 100 ? std::string(name) : quote(name);
}

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before, above,
      row(b.size() + 1);  // the rows of the two previous prefixes of a, and of this one
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    before = std::exchange(above, row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row.back();
}

std::optional<char32_t> take_code_point(std::string_view& text) {
  if (text.empty()) return std::nullopt;
  const unsigned char first = static_cast<unsigned char>(text[0]);
  const size_t length = first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : first >> 3 == 30 ? 4 : 0;
  if (length == 0 || text.size() < length) return std::nullopt;
  char32_t code = length == 1 ? first : first & (0x7f >> length);
  for (size_t i = 1; i < length; ++i) {
    const unsigned char next = static_cast<unsigned char>(text[i]);
    if (next >> 6 != 2) return std::nullopt;
    code = code << 6 | (next & 0x3f);
  }
  constexpr char32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};  // for each length
  const bool surrogate = code >= 0xd800 && code < 0xe000;
  if (code < smallest[length] || code > 0x10ffff || surrogate) return std::nullopt;
  text.remove_prefix(length);
  return code;
}

void append_utf8(std::string& text, char32_t code) {
  auto tail = [&](int shift) { text += static_cast<char>(0x80 | (code >> shift & 0x3f)); };
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xc0 | code >> 6), tail(0);
  } else if (code < 0x10000) {
    text += static_cast<char>(0xe0 | code >> 12), tail(6), tail(0);
  } else {
    text += static_cast<char>(0xf0 | code >> 18), tail(12), tail(6), tail(0);
  }
}

std::string json_string(std::string_view text) {
  constexpr char hex[] = "0123456789abcdef";
  const std::string_view whole = text;
  std::string out = "\"";
  while (!text.empty()) {
    const std::string_view before = text;
    if (!take_code_point(text)) fail<FormatError>("json: ", quote(whole), ": is not UTF-8, which JSON requires");
    const char c = before[0];
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) out += {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
        else out += before.substr(0, before.size() - text.size());
    }
  }
  return out + '"';
}

}  // namespace heed
