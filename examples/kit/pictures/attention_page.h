// The attention page: which token attends to which, as one HTML file that any browser opens.
//
//     kit::AttentionPage page{.title = "le chat"};
//     page.sets.push_back({.name = "cross", .queries = french, .keys = english,
//                          .layers = weights});
//     kit::save_attention_page("attention.html", page);
//
// It opens with every head as a small picture, at the sharpest one, and says what each seems to do. It has a head view
// (lines between two columns of tokens), a heat map with the weights in its cells, a table and, if it is given queries
// and keys, a neuron view (how a weight comes about, element by element). It can be used with the mouse, the keyboard
// and a screen reader, loads nothing from anywhere, and follows the reader's light or dark mode. The address records
// what is shown, so that a view can be linked to. Tokens are untrusted: whatever they contain is shown as text. Same
// input, same bytes. A page with the model itself inside is model_page.h.
//
// Symbols: n queries, m keys.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <heed/nn/attention/attention_trace.h>

namespace heed::kit {

/// The queries and keys of one head: score (i, j) is scale times the sum of q[i, e] k[j, e] over e.
struct HeadVectors {
  std::vector<float> q = {}, k = {};  // n·width and m·width, row by row
  int64_t width = 0;
  float scale = 1;
};

/// Weights between a list of query tokens and a list of key tokens: an encoder's, a decoder's, or the
/// cross-attention between them.
struct AttentionSet {
  std::string name = {};
  std::vector<std::string> queries = {}, keys = {};
  std::vector<std::vector<std::vector<float>>> layers = {};  // [layer][head]: n·m weights, row by row
  std::vector<bool> allowed = {};                            // n·m, false is masked; empty: no mask
  std::vector<std::vector<HeadVectors>> vectors = {};        // [layer][head], for the neuron view; or none
  int64_t second = 0;  // of two sentences in one list: where the second begins; 0: there is one
};

struct AttentionPage {
  std::string title = "Attention";
  std::string note = {};  // a paragraph below the title
  std::vector<AttentionSet> sets = {};
  int64_t exact_limit = 100'000;  // with more weights than this, all but the five largest of each row
                                  // are stored in 8 bits (error at most 1/510 of the head's range)
};

/// Another layer: the weights that a trace has recorded, of one sequence of its batch (0), and queries and keys if it has
/// them. ShapeError unless they are (B, heads, n, m).
void add_layer(AttentionSet& set, const nn::AttentionEntry& entry);

/// The sets of a trace: one called "self" or, of nn::Transformer's layers, "cross", "encoder" and "decoder", as far as there
/// are any. `source` are the tokens that the encoder reads, `target` those of the decoder or the only stack. What is 0 in
/// all layers and heads of a set is taken for masked.
std::vector<AttentionSet> attention_sets(const std::vector<nn::AttentionEntry>& trace,
                                         const std::vector<std::string>& source,
                                         const std::vector<std::string>& target);

/// n·m; query i may attend key j iff j - i <= m - n: the last query sees all keys.
std::vector<bool> causal_mask(int64_t n, int64_t m);

/// The page as text. Weights that are not finite are shown as 0, and a note on the page says how many.
/// Throws ShapeError if sizes do not fit.
std::string attention_html(const AttentionPage& page);

/// The same weights for bertviz (Vig 2019), which takes them as keyword arguments once the lists of layers, each
/// (1, heads, n, m), are tensors:
///
///     data = json.load(open("attention.json"))
///     tensors = {key: [torch.tensor(a) for a in value] for key, value in data.items() if key.endswith("attention")}
///     bertviz.head_view(**{**data, **tensors})
///
/// Equal lists of queries and keys are {"attention", "tokens"}, different ones {"cross_attention", "encoder_tokens",
/// "decoder_tokens"}. Masked weights stay what they are; weights that are not finite become null.
std::string bertviz_json(const AttentionSet& set);

void save_attention_page(const std::filesystem::path& file, const AttentionPage& page);

}  // namespace heed::kit
