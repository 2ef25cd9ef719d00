#include <heed/examples/kit/pictures/attention_page.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <heed/core/error.h>
#include <heed/core/files/file.h>
#include <heed/examples/kit/format.h>
#include <heed/examples/kit/pictures/page_document.h>

namespace heed::kit {
namespace {

constexpr size_t exact_of_a_row = 5;

template <class List, class ToText> std::string json_list(const List& list, const ToText& to_text) {
  std::string text = "[";
  for (const auto& item : list) text += (text.size() > 1 ? "," : "") + to_text(item);
  return text + "]";
}

std::string number(float x) { return shortest(x); }

/// {"low":0,"step":0.0039,"bytes":"…","top":[[3,0.62,0,0.2],…]}: w = low + step · byte, for weights that are not
/// masked; and per row the keys and exact weights of its largest elements.
std::string quantised(const std::vector<float>& weights, size_t keys, const std::vector<bool>& allowed) {
  const auto [low, high] = std::minmax_element(weights.begin(), weights.end());
  const double first = *low, step = (*high - first) / 255;
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i < weights.size(); ++i)
    if (allowed.empty() || allowed[i])
      bytes.push_back(step > 0 ? static_cast<uint8_t>(std::lround((weights[i] - first) / step)) : 0);
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
         base64(std::span<const uint8_t>(bytes)) + "\",\"top\":" + top + "]}";
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

/// ,"vectors":[[{"q":"…","k":"…","width":8,"scale":0.35},…],…], or nothing.
std::string vectors_json(const AttentionSet& set) {
  if (set.vectors.empty()) return "";
  const auto head = [](const HeadVectors& v) {
    return "{\"q\":\"" + base64(std::span<const float>(v.q)) + "\",\"k\":\"" + base64(std::span<const float>(v.k)) +
           "\",\"width\":" + std::to_string(v.width) + ",\"scale\":" + number(v.scale) + "}";
  };
  return ",\n\"vectors\":" + json_list(set.vectors, [&](const auto& layer) { return json_list(layer, head); });
}

void check_vectors(const AttentionSet& set, const std::string& here) {
  check<ShapeError>(set.vectors.empty() || set.vectors.size() == set.layers.size(), here, ": has vectors of ",
                    set.vectors.size(), " layers: give those of all ", set.layers.size(), ", or none");
  for (size_t l = 0; l < set.vectors.size(); ++l) {
    check<ShapeError>(set.vectors[l].size() == set.layers[l].size(), here, ": layer ", l, " has vectors of ",
                      set.vectors[l].size(), " heads: give those of all ", set.layers[l].size());
    for (const HeadVectors& v : set.vectors[l]) {
      const auto width = static_cast<size_t>(std::max<int64_t>(v.width, 0));
      check<ShapeError>(width > 0 && v.q.size() == set.queries.size() * width && v.k.size() == set.keys.size() * width,
                        here, ": layer ", l, " has a head of width ", v.width, " with ", v.q.size(), " and ",
                        v.k.size(), " elements of queries and keys: give width of them for each token");
      const auto finite = [](float x) { return std::isfinite(x); };
      check(std::all_of(v.q.begin(), v.q.end(), finite) && std::all_of(v.k.begin(), v.k.end(), finite), here,
            ": layer ", l, " has queries or keys that are not finite: leave out the vectors");
    }
  }
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
  check<ShapeError>(set.second == 0 || (set.second > 0 && set.second < static_cast<int64_t>(n) && n == m), here,
                    ": the second sentence begins at ", set.second,
                    ": must be a position within both, of equal length");
  check_vectors(set, here);
}

std::string page_json(const AttentionPage& page) {
  int64_t count = 0;
  for (const AttentionSet& set : page.sets)
    for (const auto& layer : set.layers)
      for (const auto& head : layer) count += static_cast<int64_t>(head.size());
  const bool exact = count <= page.exact_limit;
  const auto sets = json_list(page.sets, [exact](const AttentionSet& set) {
    const auto heads = [&](const std::vector<float>& weights) {
      return exact ? json_list(weights, number) : quantised(weights, set.keys.size(), set.allowed);
    };
    const auto layers = [&](const auto& layer) { return json_list(layer, heads); };
    return "{\"name\":" + json_for_html(set.name) + ",\"queries\":" + json_list(set.queries, json_for_html) +
           ",\"keys\":" + json_list(set.keys, json_for_html) + ",\"allowed\":" + mask_rows(set) +
           (set.second > 0 ? ",\"second\":" + std::to_string(set.second) : "") + vectors_json(set) +
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

void add_layer(AttentionSet& set, const nn::AttentionEntry& entry) {
  check<ShapeError>(entry.weights.dim() == 4 && entry.weights.size(0) > 0, "attention page: set '", set.name,
                    "': weights ", entry.weights.shape(), " of ", entry.path, ": must be (B, heads, queries, keys)");
  const auto floats = [](const Tensor& x, int64_t head) {
    const std::vector<double> values = x[0][head].to_vector();
    return std::vector<float>(values.begin(), values.end());
  };
  const int64_t heads = entry.weights.size(1);
  set.layers.emplace_back();
  for (int64_t h = 0; h < heads; ++h) set.layers.back().push_back(floats(entry.weights, h));
  if (!entry.q.defined()) return;
  set.vectors.emplace_back();
  for (int64_t h = 0; h < heads; ++h)
    set.vectors.back().push_back({.q = floats(entry.q, h),
                                  .k = floats(entry.k, h),
                                  .width = entry.q.size(-1),
                                  .scale = static_cast<float>(entry.scale)});
}

std::vector<AttentionSet> attention_sets(const std::vector<nn::AttentionEntry>& trace,
                                         const std::vector<std::string>& source,
                                         const std::vector<std::string>& target) {
  std::vector<AttentionSet> sets = {{.name = "cross", .queries = target, .keys = source},
                                    {.name = "encoder", .queries = source, .keys = source},
                                    {.name = source.empty() ? "self" : "decoder", .queries = target, .keys = target}};
  const auto in = [](const nn::AttentionEntry& entry, const char* name) {
    return entry.path.find(name) != std::string::npos;
  };
  for (const nn::AttentionEntry& entry : trace) {
    const bool encodes = !source.empty() && !in(entry, "decoder");
    add_layer(sets[in(entry, "multihead_attn") ? 0 : encodes ? 1 : 2], entry);
  }
  std::erase_if(sets, [](const AttentionSet& set) { return set.layers.empty(); });
  for (AttentionSet& set : sets) {
    check_set(set);
    set.allowed.assign(set.queries.size() * set.keys.size(), false);
    for (const auto& layer : set.layers)
      for (const auto& head : layer)
        for (size_t i = 0; i < head.size(); ++i)
          if (head[i] != 0) set.allowed[i] = true;
    if (std::count(set.allowed.begin(), set.allowed.end(), false) == 0) set.allowed.clear();
  }
  return sets;
}

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
  return html_document(
      {.title = page.title,
       .note = page.note,
       .warning = left_out == 0
                      ? ""
                      : cat("Weights that are not finite (NaN or infinite) and are shown as 0: ", left_out, "."),
       .styles = {"attention.css"},
       .body = "attention.html",
       .data = page_json(page),
       .scripts = {"elements.js", "measures.js", "attention.js", "model_view.js", "head_view.js", "heat_view.js",
                   "neuron_view.js", "table_view.js"}});
}

std::string bertviz_json(const AttentionSet& set) {
  check_set(set);
  const size_t m = set.keys.size();
  const auto head = [m](const std::vector<float>& weights) {
    std::string text = "[";
    for (size_t i = 0; i < weights.size(); ++i)
      text += (i % m == 0 ? i == 0 ? "[" : "],[" : ",") + (std::isfinite(weights[i]) ? number(weights[i]) : "null");
    return text + "]]";
  };
  const bool own = set.queries == set.keys;
  const std::string layers =
      json_list(set.layers, [&](const auto& layer) { return '[' + json_list(layer, head) + ']'; });
  if (own) return "{\"attention\":" + layers + ",\"tokens\":" + json_list(set.keys, json_for_html) + "}";
  return "{\"cross_attention\":" + layers + ",\"encoder_tokens\":" + json_list(set.keys, json_for_html) +
         ",\"decoder_tokens\":" + json_list(set.queries, json_for_html) + "}";
}

void save_attention_page(const std::filesystem::path& file, const AttentionPage& page) {
  core::write_file_atomic(file.string(), attention_html(page));
}

}  // namespace heed::kit
