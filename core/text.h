// Text: numbers, names and UTF-8, the same in every locale.
//
// Numbers go through <charconv>, because "0.5" must not become "0,5" on a German machine.
#pragma once

#include <cstddef>
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
std::optional<uint64_t> parse_uint(std::string_view text);

/// `text` for an error message: in double quotes, cut after about 100 bytes, with escapes for control
/// characters, for those that break lines or turn the direction of writing, and for broken UTF-8.
/// Whatever comes from a file or a command line is printed so: a name must not steer the terminal.
std::string quote(std::string_view text);

/// The same escapes without quotes and without a cut; line ends and tabs stay. Every message of an Error
/// has been through it (error.h), so that no author has to think of it. A program that shows a text that
/// it was given, or learnt from one, shows it so.
std::string harmless(std::string_view text);

/// A name or a path: as it is where nothing can be mistaken (printable ASCII without
/// blanks and quotes, at most 100 bytes), else in quote()s.
std::string readable(std::string_view name);

/// `text` as JSON writes it, with its quotes. Throws FormatError where it is not UTF-8.
std::string json_string(std::string_view text);

/// How many bytes to insert, delete, replace or swap with their neighbour to turn a into b (optimal string alignment).
/// O(|a| |b|): for "did you mean".
size_t edit_distance(std::string_view a, std::string_view b);

/// Takes one code point off the front of `text`. Nothing where that is not well-formed UTF-8:
/// overlong forms, surrogates and values above U+10FFFF are refused.
std::optional<char32_t> take_code_point(std::string_view& text);

/// Appends the UTF-8 form of a code point.
void append_utf8(std::string& text, char32_t code_point);

}  // namespace heed
