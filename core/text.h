// Text: numbers, names and UTF-8, the same in every locale.
//
// Numbers are converted by <charconv>, because "0.5" must not become "0,5" on a German machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace heed {

/// The shortest decimal that reads back as the same double: "0.1", "1e-05", "inf", "nan".
std::string shortest(double value);

/// All of `text` as a number, read by std::from_chars. Nothing if it is not a number or
/// is out of range.
std::optional<double> parse_double(std::string_view text);
std::optional<int64_t> parse_int(std::string_view text);
std::optional<uint64_t> parse_uint(std::string_view text);

/// `text` for an error message: in double quotes, cut after about 100 bytes, with escapes for control
/// characters, for those that break lines or change the direction of writing, and for broken UTF-8.
/// Use it for all text from files and command lines: a name must not control the terminal.
std::string quote(std::string_view text);

/// The same escapes without quotes and without a cut; newlines and tabs stay. Every message of an Error
/// passes through it (error.h), so that no author has to think of it. A program should print any text that
/// it was given, or generated from such text, through it.
std::string harmless(std::string_view text);

/// A name or a path: unchanged if it is unambiguous (printable ASCII without
/// spaces and quotes, at most 100 bytes), else through quote().
std::string readable(std::string_view name);

/// `text` as a JSON string, with quotes. Throws FormatError if it is not UTF-8.
std::string json_string(std::string_view text);

/// How many bytes to insert, delete, replace or swap with their neighbour to turn a into b (optimal string alignment).
/// O(|a| |b|): for "did you mean".
size_t edit_distance(std::string_view a, std::string_view b);

/// Removes and returns the first code point of `text`. Nothing if it is not well-formed UTF-8:
/// overlong forms, surrogates and values above U+10FFFF are refused.
std::optional<char32_t> take_code_point(std::string_view& text);

/// Appends the UTF-8 form of a code point.
void append_utf8(std::string& text, char32_t code_point);

}  // namespace heed
