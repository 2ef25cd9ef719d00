// What heed's pages have in common: one HTML file that loads nothing, made of the files of page/.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heed::kit {

/// The text of a file of page/, which the build turns into a string literal ("gpt.js"). Throws Error for other names.
std::string_view page_source(std::string_view name);

struct PageDocument {
  std::string title, note;                // text; the note is a paragraph below the title, if there is one
  std::string warning = {};               // another, for screen readers a note
  std::vector<std::string_view> styles;   // names of files of page/, in this order
  std::string_view body;                  // likewise
  std::string data = {};                  // JSON that is safe inside HTML (json_for_html)
  std::vector<std::string_view> scripts;  // names of files, one program together
};

/// The page as text, with a policy that forbids the network.
std::string html_document(const PageDocument& page);

std::string base64(std::span<const uint8_t> bytes);
std::string base64(std::span<const float> values);  // 4 bytes each, little-endian

}  // namespace heed::kit
