// Unicode, as far as tokenisers ask: classes of code points, and lower case. unicode_tables.inc, which names the version,
// holds the tables; make_unicode_tables.py makes it, and says why marks and punctuation are those of an older version.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace heed::kit {

/// The general category, as far as it matters here: L*, N*, P*, Mn, and Cc, Cf and Co. White space is the property
/// White_Space, which wins over the category: U+0085 is, U+001C and U+FEFF are not.
enum class CharClass : uint8_t { other, letter, number, punctuation, accent, control, white_space };

CharClass class_of(char32_t c);

/// Which letters may stand side by side in a piece of GPT-4o's: capital (Lu, Lt), small (Ll), or either: letters without
/// case and marks (Lm, Lo, M*).
enum class LetterCase : uint8_t { none, capital, small, either };

LetterCase case_of(char32_t c);

/// Appends the lower case of c, which for İ (U+0130) is two code points.
void append_lower(std::u32string& text, char32_t c);

/// The first character of a text: a code point, or as much of a broken sequence as could have been the beginning of one.
struct Character {
  char32_t code;   // not_utf8 for a broken sequence
  size_t length;   // in bytes
  bool cut_short;  // the text ends within a sequence that more bytes could complete
  static constexpr char32_t not_utf8 = 0x110000;
};
Character first_character(std::string_view text);

}  // namespace heed::kit
