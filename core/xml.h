// Text for HTML, SVG and other XML.
#pragma once

#include <string>
#include <string_view>

namespace heed {

/// Takes one code point off the front; U+FFFD for a byte that is not UTF-8.
char32_t next_code_point(std::string_view& text);

/// `&`, `<`, `>` and quotes as entities, no control characters, U+FFFD for bytes that are not UTF-8.
std::string escaped_xml(std::string_view text);

}  // namespace heed
