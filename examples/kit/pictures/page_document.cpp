#include <heed/examples/kit/pictures/page_document.h>

#include <algorithm>
#include <bit>

#include <heed/core/error.h>
#include <heed/examples/kit/format.h>

namespace heed::kit {
namespace {

// The pages' own sources, page/*: a build makes a string literal of each (core/cmake/heed_kit.cmake; by hand:
// examples/kit/README.md).
namespace embedded {
constexpr char attention_css[] =
#include "attention.css.inc"
    ;
constexpr char attention_html[] =
#include "attention.html.inc"
    ;
constexpr char attention_js[] =
#include "attention.js.inc"
    ;
constexpr char elements_js[] =
#include "elements.js.inc"
    ;
constexpr char gpt_js[] =
#include "gpt.js.inc"
    ;
constexpr char head_view_js[] =
#include "head_view.js.inc"
    ;
constexpr char heat_view_js[] =
#include "heat_view.js.inc"
    ;
constexpr char lens_view_js[] =
#include "lens_view.js.inc"
    ;
constexpr char live_css[] =
#include "live.css.inc"
    ;
constexpr char live_html[] =
#include "live.html.inc"
    ;
constexpr char live_js[] =
#include "live.js.inc"
    ;
constexpr char measures_js[] =
#include "measures.js.inc"
    ;
constexpr char model_data_js[] =
#include "model_data.js.inc"
    ;
constexpr char model_view_js[] =
#include "model_view.js.inc"
    ;
constexpr char neuron_view_js[] =
#include "neuron_view.js.inc"
    ;
constexpr char patch_view_js[] =
#include "patch_view.js.inc"
    ;
constexpr char table_view_js[] =
#include "table_view.js.inc"
    ;
constexpr char tokeniser_js[] =
#include "tokeniser.js.inc"
    ;
}  // namespace embedded

struct PageSource {
  std::string_view name, text;
};
constexpr PageSource page_sources[] = {
    {"attention.css", embedded::attention_css},
    {"attention.html", embedded::attention_html},
    {"attention.js", embedded::attention_js},
    {"elements.js", embedded::elements_js},
    {"gpt.js", embedded::gpt_js},
    {"head_view.js", embedded::head_view_js},
    {"heat_view.js", embedded::heat_view_js},
    {"lens_view.js", embedded::lens_view_js},
    {"live.css", embedded::live_css},
    {"live.html", embedded::live_html},
    {"live.js", embedded::live_js},
    {"measures.js", embedded::measures_js},
    {"model_data.js", embedded::model_data_js},
    {"model_view.js", embedded::model_view_js},
    {"neuron_view.js", embedded::neuron_view_js},
    {"patch_view.js", embedded::patch_view_js},
    {"table_view.js", embedded::table_view_js},
    {"tokeniser.js", embedded::tokeniser_js},
};
constexpr size_t longest_literal = 16'380;  // a limit of some compilers: split a file that grows beyond it
static_assert(std::all_of(std::begin(page_sources), std::end(page_sources),
                          [](const PageSource& source) { return source.text.size() < longest_literal; }));

std::string joined_sources(const std::vector<std::string_view>& names) {
  std::string text;
  for (const std::string_view name : names) text += (text.empty() ? "" : "\n") + std::string(page_source(name));
  return text;
}

}  // namespace

std::string_view page_source(std::string_view name) {
  for (const PageSource& source : page_sources)
    if (source.name == name) return source.text;
  fail("page: '", name, "': is not a file of examples/kit/pictures/page");
}

std::string html_document(const PageDocument& page) {
  const std::string title = escaped_xml(page.title);
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
         "script-src 'unsafe-inline'; style-src 'unsafe-inline'\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta name=\"color-scheme\" content=\"light dark\">\n<title>" +
         title + "</title>\n<style>\n\n" + joined_sources(page.styles) + "</style>\n</head>\n<body>\n<header>\n<h1>" +
         title + "</h1>\n" + (page.note.empty() ? "" : "<p>" + escaped_xml(page.note) + "</p>\n") +
         (page.warning.empty() ? "" : "<p role=\"note\">" + escaped_xml(page.warning) + "</p>\n") + "</header>\n" +
         std::string(page_source(page.body)) + "<script type=\"application/json\" id=\"data\">\n" + page.data +
         "\n</script>\n<script>\n'use strict';\n" + joined_sources(page.scripts) +
         "start();\n</script>\n</body>\n</html>\n";
}

std::string base64(std::span<const uint8_t> bytes) {
  constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) group = group << 8 | (k < count ? bytes[i + k] : 0);
    for (size_t k = 0; k < 4; ++k) text += k <= count ? digits[group >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

std::string base64(std::span<const float> values) {
  std::vector<uint8_t> bytes;
  for (const float value : values)
    for (int shift = 0; shift < 32; shift += 8)
      bytes.push_back(static_cast<uint8_t>(std::bit_cast<uint32_t>(value) >> shift));
  return base64(std::span<const uint8_t>(bytes));
}

}  // namespace heed::kit
