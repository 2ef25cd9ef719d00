#include <heed/core/xml.h>

#include <heed/core/text.h>

namespace heed {

char32_t next_code_point(std::string_view& text) {
  std::string_view rest = text;
  const std::optional<char32_t> c = take_code_point(rest);
  text = c ? rest : text.substr(1);
  return c.value_or(0xFFFD);
}

std::string escaped_xml(std::string_view text) {
  std::string escaped;
  while (!text.empty()) {
    const char32_t c = next_code_point(text);
    switch (c) {
      case '&': escaped += "&amp;"; break;
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '"': escaped += "&quot;"; break;
      case '\'': escaped += "&#39;"; break;
      default:  // XML 1.0 allows no other control characters, and neither U+FFFE nor U+FFFF
        if (c >= 0x20 || c == '\n' || c == '\t' || c == '\r')
          append_utf8(escaped, c == 0xFFFE || c == 0xFFFF ? 0xFFFD : c);
    }
  }
  return escaped;
}

}  // namespace heed
