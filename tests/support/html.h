// What tests of pages share: the data inside a page, and the page as a browser shows it.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include <heed/examples/kit/json.h>

namespace heed::test {

/// The JSON between the data element's tags.
inline kit::Json data_of(const std::string& html) {
  const std::string open = "<script type=\"application/json\" id=\"data\">";
  const size_t begin = html.find(open) + open.size();
  return kit::parse_json(html.substr(begin, html.find("</script>", begin) - begin));
}

inline size_t count(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (size_t i = text.find(part); i != std::string::npos; i = text.find(part, i + 1)) ++n;
  return n;
}

inline std::vector<uint8_t> from_base64(const std::string& text) {
  std::vector<uint8_t> bytes;
  uint32_t group = 0;
  int bits = 0;
  for (const char c : text) {
    if (c == '=') break;
    const int digit = c >= 'a' ? c - 'a' + 26 : c >= 'A' ? c - 'A' : c >= '0' ? c - '0' + 52 : c == '+' ? 62 : 63;
    group = group << 6 | static_cast<uint32_t>(digit);
    if ((bits += 6) >= 8) bytes.push_back(static_cast<uint8_t>(group >> (bits -= 8)));
  }
  return bytes;
}

inline std::vector<float> floats_from_base64(const std::string& text) {
  const std::vector<uint8_t> bytes = from_base64(text);
  std::vector<float> values;
  for (size_t i = 0; i + 3 < bytes.size(); i += 4) {
    uint32_t bits = 0;
    for (size_t k = 0; k < 4; ++k) bits |= uint32_t{bytes[i + k]} << (8 * k);
    values.push_back(std::bit_cast<float>(bits));
  }
  return values;
}

/// The output of a command, stderr included; its program must be on the PATH.
inline std::string output_of(const std::string& command) {
  std::string text;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  std::array<char, 4096> buffer;
  for (size_t got; pipe && (got = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) text.append(buffer.data(), got);
  if (pipe) pclose(pipe);
  return text;
}

inline bool has_chromium() { return output_of("chromium --version").find("Chrom") != std::string::npos; }

/// The page's elements after its script has run, and its console messages.
inline std::string browse(const std::string& file, const std::string& hash) {
  return output_of(
      "chromium --headless --no-sandbox --disable-gpu --enable-logging=stderr --dump-dom "
      "--virtual-time-budget=2000 'file://" +
      file + hash + "'");
}

/// The values of an attribute, in the order of the elements.
inline std::vector<std::string> attributes(const std::string& html, const std::string& name) {
  std::vector<std::string> values;
  const std::string mark = ' ' + name + "=\"";
  for (size_t i = html.find(mark); i != std::string::npos; i = html.find(mark, i + 1)) {
    const size_t begin = i + mark.size();
    values.push_back(html.substr(begin, html.find('"', begin) - begin));
  }
  return values;
}

}  // namespace heed::test
