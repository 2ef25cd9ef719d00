#include <heed/examples/kit/pictures/attention_page.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <heed/core/error.h>
#include <heed/core/files/file.h>
#include <heed/examples/kit/format.h>

namespace heed::kit {
namespace {

// The page's own sources, page/*: a build makes a string literal of each (core/cmake/heed_kit.cmake; by hand:
// examples/kit/README.md).
constexpr char page_style[] =
#include "attention.css.inc"
    ;
constexpr char page_body[] =
#include "attention.html.inc"
    ;
constexpr char page_script[] =
#include "attention.js.inc"
    ;
constexpr char page_views[] =
#include "views.js.inc"
    ;
constexpr size_t longest_literal = 16'380;  // a limit of some compilers: split a file that grows beyond it
static_assert(sizeof page_style < longest_literal && sizeof page_body < longest_literal &&
              sizeof page_script < longest_literal && sizeof page_views < longest_literal);

constexpr size_t exact_of_a_row = 5;

std::string base64(const std::vector<uint8_t>& bytes) {
  constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) group = group << 8 | (k < count ? bytes[i + k] : 0);
    for (size_t k = 0; k < 4; ++k) text += k <= count ? digits[group >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

template <class List, class ToText> std::string json_list(const List& list, const ToText& to_text) {
  std::string text = "[";
  for (const auto& item : list) text += (text.size() > 1 ? "," : "") + to_text(item);
  return text + "]";
}

std::string number(float x) { return shortest(x); }

/// {"low":0,"step":0.0039,"bytes":"…","top":[[3,0.62,0,0.2],…]}: w = low + step · byte, and per row the
/// keys and exact weights of its largest elements.
std::string quantised(const std::vector<float>& weights, size_t keys) {
  const auto [low, high] = std::minmax_element(weights.begin(), weights.end());
  const double first = *low, step = (*high - first) / 255;
  std::vector<uint8_t> bytes;
  for (const float w : weights) bytes.push_back(step > 0 ? static_cast<uint8_t>(std::lround((w - first) / step)) : 0);
  std::string top = "[";
  for (size_t row = 0; row < weights.size(); row += keys) {
    const size_t kept = std::min(keys, exact_of_a_row);
    std::vector<size_t> order(keys);
    std::iota(order.begin(), order.end(), size_t{0});
    std::partial_sort(order.begin(), order.begin() + kept, order.end(), [&](size_t a, size_t b) {
      const float x = weights[row + a], y = weights[row + b];
      return x != y ? x > y : a < b;
    });
    top += row == 0 ? "[" : ",[";
    for (size_t k = 0; k < kept; ++k)
      top += (k == 0 ? "" : ",") + std::to_string(order[k]) + ',' + number(weights[row + order[k]]);
    top += ']';
  }
  return "{\"low\":" + number(*low) + ",\"step\":" + number(static_cast<float>(step)) + ",\"bytes\":\"" +
         base64(bytes) + "\",\"top\":" + top + "]}";
}

/// One string of 0 and 1 per query.
std::string mask_rows(const AttentionSet& set) {
  if (set.allowed.empty()) return "null";
  std::string text = "[";
  for (size_t i = 0; i < set.queries.size(); ++i) {
    text += i == 0 ? "\"" : ",\"";
    for (size_t j = 0; j < set.keys.size(); ++j) text += set.allowed[i * set.keys.size() + j] ? '1' : '0';
    text += '"';
  }
  return text + "]";
}

void check_set(const AttentionSet& set) {
  const size_t n = set.queries.size(), m = set.keys.size();
  const std::string here = cat("attention page: set '", set.name, "' of ", n, " queries and ", m, " keys");
  check<ShapeError>(n > 0 && m > 0, here, ": has no tokens: give one text per query and key");
  check<ShapeError>(!set.layers.empty(), here, ": has no layers: give the weights of at least one");
  check<ShapeError>(set.allowed.empty() || set.allowed.size() == n * m, here, ": the mask has ", set.allowed.size(),
                    " entries: give queries x keys of them, or none");
  for (size_t l = 0; l < set.layers.size(); ++l) {
    check<ShapeError>(!set.layers[l].empty(), here, ": layer ", l, " has no heads: give at least one");
    for (size_t h = 0; h < set.layers[l].size(); ++h) {
      const std::vector<float>& weights = set.layers[l][h];
      check<ShapeError>(weights.size() == n * m, here, ": layer ", l, ", head ", h, " has ", weights.size(),
                        " weights: give queries x keys of them, row by row");
    }
  }
}

std::string page_json(const AttentionPage& page) {
  int64_t count = 0;
  for (const AttentionSet& set : page.sets)
    for (const auto& layer : set.layers)
      for (const auto& head : layer) count += static_cast<int64_t>(head.size());
  const bool exact = count <= page.exact_limit;
  const auto sets = json_list(page.sets, [exact](const AttentionSet& set) {
    const auto heads = [&](const std::vector<float>& weights) {
      return exact ? json_list(weights, number) : quantised(weights, set.keys.size());
    };
    const auto layers = [&](const auto& layer) { return json_list(layer, heads); };
    return "{\"name\":" + json_for_html(set.name) + ",\"queries\":" + json_list(set.queries, json_for_html) +
           ",\"keys\":" + json_list(set.keys, json_for_html) + ",\"allowed\":" + mask_rows(set) +
           ",\n\"layers\":" + json_list(set.layers, layers) + "}";
  });
  return std::string("{\"exact\":") + (exact ? "true" : "false") + ",\"sets\":" + sets + "}";
}

/// Replaces what has no position on a colour scale by 0; returns how often.
int64_t take_out_non_finite(AttentionPage& page) {
  int64_t count = 0;
  for (AttentionSet& set : page.sets)
    for (auto& layer : set.layers)
      for (auto& head : layer)
        for (float& weight : head)
          if (!std::isfinite(weight)) weight = 0, ++count;
  return count;
}

}  // namespace

std::vector<bool> causal_mask(int64_t n, int64_t m) {
  std::vector<bool> allowed;
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < m; ++j) allowed.push_back(j - i <= m - n);
  return allowed;
}

std::string attention_html(const AttentionPage& given) {
  AttentionPage page = given;
  const int64_t left_out = take_out_non_finite(page);
  check<ShapeError>(!page.sets.empty(), "attention page: '", page.title,
                    "': has no sets: give at least one set of weights");
  for (const AttentionSet& set : page.sets) check_set(set);
  const std::string title = escaped_xml(page.title);
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
         "script-src 'unsafe-inline'; style-src 'unsafe-inline'\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta name=\"color-scheme\" content=\"light dark\">\n<title>" +
         title + "</title>\n<style>\n\n" + page_style + "</style>\n</head>\n<body>\n<header>\n<h1>" + title +
         "</h1>\n" + (page.note.empty() ? "" : "<p>" + escaped_xml(page.note) + "</p>\n") +
         (left_out == 0 ? ""
                        : "<p role=\"note\">Weights that are not finite (NaN or infinite) "
                          "and are shown as 0: " +
                              std::to_string(left_out) + ".</p>\n") +
         "</header>\n" + page_body + "<script type=\"application/json\" id=\"data\">\n" + page_json(page) +
         "\n</script>\n<script>\n" + page_script + "\n" + page_views + "</script>\n</body>\n</html>\n";
}

void save_attention_page(const std::filesystem::path& file, const AttentionPage& page) {
  core::write_file_atomic(file.string(), attention_html(page));
}

}  // namespace heed::kit
