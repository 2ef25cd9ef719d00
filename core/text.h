// Text: numbers, names and UTF-8, the same in every locale.
//
// Numbers go through <charconv>, because "0.5" must not become "0,5" on a German machine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace heed {

/// The shortest decimal that reads back as the same double: "0.1", "1e-05", "inf", "nan".
std::string shortest(double value);

/// The number that the whole of `text` is, as std::from_chars reads it. Nothing if it is none, or
/// is out of range.
std::optional<double> parse_double(std::string_view text);
std::optional<int64_t> parse_int(std::string_view text);

/// `text` for an error message: in double quotes, control characters and broken UTF-8 as escapes
/// (a name from a file must not be able to steer the terminal), cut after about 100 bytes.
std::string quote(std::string_view text);

/// A name for an error message: as it is if it is made of letters, digits, '.', '_' and '-', else quote()d.
std::string readable(std::string_view name);

/// Takes one code point off the front of `text`. Nothing where that is not well-formed UTF-8:
/// overlong forms, surrogates and values above U+10FFFF are refused.
std::optional<char32_t> take_code_point(std::string_view& text);

/// Appends the UTF-8 form of a code point.
void append_utf8(std::string& text, char32_t code_point);

}  // namespace heed
