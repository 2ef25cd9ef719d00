// UTF-8, one code point at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace heed::kit {

struct CodePoint {
  char32_t value;
  int bytes;    // taken from the text; 1 where they are not UTF-8
  bool valid;   // false: value is U+FFFD. Overlong forms and surrogates are not valid.
};

/// The code point at `position`.
/// REQUIRES: position < text.size()
CodePoint code_point_at(std::string_view text, size_t position);

void append_utf8(std::string& text, char32_t code_point);

/// Throws FormatError naming the byte at which the text stops being UTF-8.
std::vector<char32_t> code_points(std::string_view text);
std::string utf8(char32_t code_point);

}  // namespace heed::kit
