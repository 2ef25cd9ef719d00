// The attention page: which token attends to which, as one HTML file that any browser opens.
//
//     kit::AttentionPage page{.title = "le chat"};
//     page.sets.push_back({.name = "cross", .queries = french, .keys = english,
//                          .layers = weights});
//     kit::save_attention_page("attention.html", page);
//
// It has a head view (lines between two columns of tokens), a heat map with the weights in its cells and a
// table; it can be used with the mouse, the keyboard and a screen reader, loads nothing from anywhere, and
// follows the reader's light or dark mode. The address records what is shown, so that a view can be linked
// to. Tokens are untrusted: whatever they contain is shown as text. Same input, same bytes.
//
// Symbols: n queries, m keys.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace heed::kit {

/// Weights between a list of query tokens and a list of key tokens: an encoder's, a decoder's, or the
/// cross-attention between them.
struct AttentionSet {
  std::string name = {};
  std::vector<std::string> queries = {}, keys = {};
  std::vector<std::vector<std::vector<float>>> layers = {};  // [layer][head]: n·m weights, row by row
  std::vector<bool> allowed = {};                            // n·m, false is masked; empty: no mask
};

struct AttentionPage {
  std::string title = "Attention";
  std::string note = {};  // a paragraph below the title
  std::vector<AttentionSet> sets = {};
  int64_t exact_limit = 100'000;  // with more weights than this, all but the five largest of each row
                                  // are stored in 8 bits (error at most 1/510 of the head's range)
};

/// n·m; query i may attend key j iff j - i <= m - n: the last query sees all keys.
std::vector<bool> causal_mask(int64_t n, int64_t m);

/// The page as text. Weights that are not finite are shown as 0, and a note on the page says how many.
/// Throws ShapeError if sizes do not fit.
std::string attention_html(const AttentionPage& page);
void save_attention_page(const std::filesystem::path& file, const AttentionPage& page);

}  // namespace heed::kit
