// Unicode's canonical normal forms: é as one code point (NFC), or as e and an accent (NFD). The tables
// (normal_form_tables.inc) are made by make_unicode_tables.py.
#pragma once

#include <string>
#include <string_view>

namespace heed::kit {

/// NFD: every code point decomposed, accents that follow each other in the order of their classes. O(n log n).
std::u32string decomposed(std::u32string_view text);

/// NFC: decomposed, and composed again where a code point exists for both. Bytes that are not UTF-8 stay as they are.
/// O(n log n); a text without anything to compose is copied at the speed of reading it.
std::string composed(std::string_view text);

/// NFD without accents (Mn).
std::u32string without_accents(std::u32string_view text);

}  // namespace heed::kit
