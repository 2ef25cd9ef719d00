// Numbers and durations as text, the same in every locale.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <heed/core/text.h>
#include <heed/core/xml.h>

namespace heed::kit {

/// "0.6200": a fixed number of decimals.
std::string fixed(double x, int decimals);

/// "0.001", "1.5e-07": up to `digits` significant digits, no trailing zeros.
std::string general(double x, int digits = 6);

/// The shortest text that reads back as the same number.
using heed::shortest;
std::string shortest(float x);

/// "2,000": an integer with thousands separated, for sentences.
std::string grouped(int64_t n);

/// "00:12", "1:02:03".
std::string clock_time(double seconds);

/// Columns that UTF-8 text takes in a terminal, one per code point.
int text_width(const std::string& text);

/// `text` cut to `columns`, ending in "…", or padded with spaces at its end.
std::string fit(const std::string& text, int columns);

/// `text` padded with spaces at its start, up to `columns`; never cut.
std::string right(const std::string& text, int columns);

/// A JSON string, with its quotes, that is safe inside HTML: `<`, `>`, `&`, U+2028 and U+2029 are
/// written as \uXXXX, so that no token can end a script or open a comment. Bytes that are not UTF-8
/// become U+FFFD.
std::string json_for_html(std::string_view text);

using heed::escaped_xml;  // text for HTML and SVG

/// Words with the separator between them: "tokenizer.json, vocab.txt".
std::string joined(const std::vector<std::string>& words, const std::string& separator = ", ");

}  // namespace heed::kit
