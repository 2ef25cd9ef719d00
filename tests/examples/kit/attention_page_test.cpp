// The attention page: its data, its escapes, its size; and, where chromium is installed, the page
// as a browser shows it.
#include "support/catch.h"

#include <cmath>
#include <filesystem>

#include <heed/autograd/ops.h>
#include <heed/core/error.h>
#include <heed/core/files/file.h>
#include <heed/core/text.h>
#include <heed/examples/kit/json.h>
#include <heed/examples/kit/pictures/attention_page.h>
#include "support/errors.h"
#include "support/html.h"
#include "support/temp_dir.h"

using namespace heed;
using namespace heed::test;

namespace {

const std::vector<std::string> hostile = {
    "</script><img src=x onerror=alert(1)>", "<!--", "\u2028", "\xff", "\"'\\", "]]>", "\u202Eabc", " "};

/// Rows that sum to one, all weights distinct.
std::vector<float> some_weights(size_t n, size_t m, unsigned seed) {
  std::vector<float> weights;
  for (size_t i = 0; i < n; ++i) {
    std::vector<float> row;
    float sum = 0;
    for (size_t j = 0; j < m; ++j) {
      seed = seed * 1664525u + 1013904223u;
      row.push_back(0.01f + static_cast<float>(seed >> 8));
      sum += row.back();
    }
    for (const float w : row) weights.push_back(w / sum);
  }
  return weights;
}

kit::AttentionPage example() {
  kit::AttentionPage page{.title = "a </title><script>alert(1)</script>", .note = "1 < 2 & 3"};
  kit::AttentionSet cross{.name = "cross", .queries = {"le", "chat"}, .keys = hostile};
  for (unsigned layer = 0; layer < 2; ++layer) {
    cross.layers.emplace_back();
    for (unsigned head = 0; head < 3; ++head)
      cross.layers.back().push_back(some_weights(2, hostile.size(), 7 * layer + head));
  }
  kit::AttentionSet decoder{.name = "decoder",
                            .queries = {"a", "b"},
                            .keys = {"a", "b"},
                            .layers = {{{1, 0, 0.25, 0.75}}},
                            .allowed = kit::causal_mask(2, 2)};
  page.sets = {cross, decoder};
  return page;
}

}  // namespace

TEST_CASE("kit attention page: the weights are stored to the last bit") {
  const kit::AttentionPage page = example();
  const kit::Json data = data_of(kit::attention_html(page));
  CHECK(data.at("exact").as_bool());
  const auto& sets = data.at("sets").as_list();
  REQUIRE(sets.size() == 2);
  for (size_t s = 0; s < sets.size(); ++s)
    for (size_t l = 0; l < page.sets[s].layers.size(); ++l)
      for (size_t h = 0; h < page.sets[s].layers[l].size(); ++h) {
        const auto& stored = sets[s].at("layers").as_list()[l].as_list()[h].as_list();
        const auto& given = page.sets[s].layers[l][h];
        REQUIRE(stored.size() == given.size());
        for (size_t i = 0; i < given.size(); ++i) CHECK(static_cast<float>(stored[i].as_number()) == given[i]);
      }
  CHECK(sets[0].at("allowed").is_null());
  CHECK(sets[1].at("allowed").as_list()[0].as_string() == "10");
  CHECK(sets[1].at("allowed").as_list()[1].as_string() == "11");
}

TEST_CASE("kit attention page: tokens and titles are text, whatever they contain") {
  const std::string html = kit::attention_html(example());
  CHECK(count(html, "<script") == 2);  // the data and the program
  CHECK(count(html, "</script") == 2);
  CHECK(count(html, "<!--") == 0);
  CHECK(count(html, "<img") == 0);
  CHECK(count(html, "\u2028") == 0);
  CHECK(html.find("<title>a &lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;</title>") != std::string::npos);
  CHECK(html.find("<p>1 &lt; 2 &amp; 3</p>") != std::string::npos);
  const kit::Json data = data_of(html);
  const auto& keys = data.at("sets").as_list()[0].at("keys").as_list();
  REQUIRE(keys.size() == hostile.size());
  for (size_t i = 0; i < keys.size(); ++i)
    CHECK(keys[i].as_string() == (hostile[i] == "\xff" ? std::string("\uFFFD") : hostile[i]));
}

TEST_CASE("kit attention page: its style, fixed parts and scripts are the files of page/, unchanged") {
  const std::string html = kit::attention_html(example());
  for (const char* file : {"attention.css", "attention.html", "elements.js", "measures.js", "attention.js",
                           "model_view.js", "head_view.js", "heat_view.js", "neuron_view.js", "table_view.js"}) {
    INFO(file);
    CHECK(count(html, core::read_file(std::string(HEED_TESTS_DIR) + "/../examples/kit/pictures/page/" + file)) == 1);
  }
}

TEST_CASE("kit attention page: self-contained, with a policy that forbids the network") {
  const std::string html = kit::attention_html(example());
  CHECK(html.find("content=\"default-src 'none'; script-src 'unsafe-inline'; style-src "
                  "'unsafe-inline'\"") != std::string::npos);
  CHECK(count(html, "src=") - count(html, "img src=") == 0);
  CHECK(count(html, "http://") == 1);  // the namespace of SVG
  CHECK(count(html, "https://") == 0);
  CHECK(count(html, "href=") == 0);
  CHECK(html.find("innerHTML") == std::string::npos);
  CHECK(html.find("Attention is not an explanation") != std::string::npos);
  CHECK(html.find("prefers-color-scheme") != std::string::npos);
  CHECK(html.find("prefers-reduced-motion") != std::string::npos);
  CHECK(html.find("aria-live") != std::string::npos);
  CHECK(html == kit::attention_html(example()));
}

TEST_CASE("kit attention page: many weights are stored in 8 bits, the five largest per row exactly") {
  kit::AttentionPage page;
  const size_t n = 11, m = 13;
  kit::AttentionSet set{.name = "gpt",
                        .queries = std::vector<std::string>(n, "q"),
                        .keys = std::vector<std::string>(m, "k"),
                        .layers = {{some_weights(n, m, 3), std::vector<float>(n * m, 0.125f)}}};
  page.sets = {set};
  page.exact_limit = 2 * n * m;
  CHECK(data_of(kit::attention_html(page)).at("exact").as_bool());
  page.exact_limit -= 1;
  const kit::Json data = data_of(kit::attention_html(page));
  CHECK_FALSE(data.at("exact").as_bool());
  for (size_t head = 0; head < 2; ++head) {
    const auto& given = set.layers[0][head];
    const kit::Json& stored = data.at("sets").as_list()[0].at("layers").as_list()[0].as_list()[head];
    const double low = stored.at("low").as_number(), step = stored.at("step").as_number();
    const auto bytes = from_base64(stored.at("bytes").as_string());
    REQUIRE(bytes.size() == n * m);
    const auto [smallest, largest] = std::minmax_element(given.begin(), given.end());
    for (size_t i = 0; i < n * m; ++i)
      CHECK(std::abs(low + step * bytes[i] - given[i]) <= (*largest - *smallest) / 510 + 1e-7);
    for (size_t i = 0; i < n; ++i) {
      const auto& top = stored.at("top").as_list()[i].as_list();
      REQUIRE(top.size() == 10);
      std::vector<float> row(given.begin() + i * m, given.begin() + (i + 1) * m), sorted = row;
      std::sort(sorted.rbegin(), sorted.rend());
      for (size_t k = 0; k < 5; ++k) {
        CHECK(static_cast<float>(top[2 * k + 1].as_number()) == sorted[k]);
        CHECK(row[top[2 * k].as_integer()] == sorted[k]);
      }
    }
  }
}

TEST_CASE("kit attention page: in 8 bits, masked weights are not stored") {
  const std::vector<std::string> tokens(3, "t");
  kit::AttentionPage page{.sets = {{.name = "s",
                                    .queries = tokens,
                                    .keys = tokens,
                                    .layers = {{{1, 0, 0, 0.25, 0.75, 0, 0.5, 0, 0.5}}},
                                    .allowed = kit::causal_mask(3, 3)}},
                          .exact_limit = 0};
  const kit::Json stored =
      data_of(kit::attention_html(page)).at("sets").as_list()[0].at("layers").as_list()[0].as_list()[0];
  CHECK(from_base64(stored.at("bytes").as_string()) == std::vector<uint8_t>{255, 64, 191, 128, 0, 128});
}

TEST_CASE("kit attention page: queries and keys, and where the second sentence begins") {
  kit::AttentionPage page = example();
  kit::AttentionSet& set = page.sets[1];  // one head, two tokens
  set.second = 1;
  set.vectors = {{{.q = {1, 0.1f, -3, 4}, .k = {5, 6, 7, 8}, .width = 2, .scale = 0.5f}}};
  const kit::Json stored = data_of(kit::attention_html(page)).at("sets").as_list()[1];
  CHECK(stored.at("second").as_integer() == 1);
  const kit::Json& head = stored.at("vectors").as_list()[0].as_list()[0];
  CHECK(floats_from_base64(head.at("q").as_string()) == set.vectors[0][0].q);
  CHECK(floats_from_base64(head.at("k").as_string()) == set.vectors[0][0].k);
  CHECK(head.at("width").as_integer() == 2);
  CHECK(head.at("scale").as_number() == 0.5);
  CHECK(data_of(kit::attention_html(page)).at("sets").as_list()[0].find("vectors") == nullptr);
}

TEST_CASE("kit attention page: a trace through encoder and decoder gives three sets, one text gives one") {
  const Tensor ones22 = full({1, 2, 2, 2}, 0.5), cross = full({1, 2, 2, 3}, 0.25), source = full({1, 2, 3, 3}, 0.125);
  const Tensor causal = tensor({1, 0, 0.5, 0.5}, {1, 1, 2, 2});
  const std::vector<std::string> read{"a", "b", "c"}, written{"x", "y"};
  const auto sets = kit::attention_sets(
      {{"encoder.layers.0.self_attn", source},
       {"decoder.layers.0.self_attn", ones22},
       {"decoder.layers.0.multihead_attn", cross, full({1, 2, 2, 4}, 2), full({1, 2, 3, 4}, 3), 0.5}},
      read, written);
  REQUIRE(sets.size() == 3);
  CHECK(sets[0].name == "cross");
  CHECK(sets[0].keys == read);
  CHECK(sets[0].layers ==
        std::vector<std::vector<std::vector<float>>>{{std::vector<float>(6, 0.25f), std::vector<float>(6, 0.25f)}});
  REQUIRE(sets[0].vectors.size() == 1);
  CHECK(sets[0].vectors[0][1].k == std::vector<float>(12, 3));
  CHECK(sets[0].vectors[0][1].scale == 0.5f);
  CHECK(sets[1].name == "encoder");
  CHECK(sets[1].queries == read);
  CHECK(sets[1].allowed.empty());
  CHECK(sets[2].name == "decoder");
  const auto own = kit::attention_sets({{"h.0.attn", causal}, {"h.1.attn", causal}}, {}, written);
  REQUIRE(own.size() == 1);
  CHECK(own[0].name == "self");
  CHECK(own[0].layers.size() == 2);
  CHECK(own[0].allowed == std::vector<bool>{true, false, true, true});
  CHECK(message_of<ShapeError>([&] { kit::attention_sets({{"h.0.attn", zeros({2, 2})}}, {}, written); }) ==
        "attention page: set 'self': weights (2, 2) of h.0.attn: must be (B, heads, queries, keys)");
}

TEST_CASE("kit attention page: bertviz's JSON has a list per layer, each of one text, its heads and rows") {
  const kit::AttentionSet own{
      .queries = {"<", "b"}, .keys = {"<", "b"}, .layers = {{{1, 0, 0.25, 0.75}, {1, 0, NAN, 1}}}};
  const kit::Json self = kit::parse_json(kit::bertviz_json(own));
  CHECK(kit::to_json(self.at("attention")) == "[[[[[1,0],[0.25,0.75]],[[1,0],[null,1]]]]]");
  CHECK(self.at("tokens").as_list()[0].as_string() == "<");
  const kit::Json cross = kit::parse_json(
      kit::bertviz_json({.queries = {"x"}, .keys = {"a", "b"}, .layers = {{{0.5, 0.5}}, {{0.25, 0.75}}}}));
  CHECK(kit::to_json(cross.at("cross_attention")) == "[[[[[0.5,0.5]]]],[[[[0.25,0.75]]]]]");
  CHECK(cross.at("encoder_tokens").as_list().size() == 2);
  CHECK(cross.at("decoder_tokens").as_list().size() == 1);
}

TEST_CASE("kit attention page: the causal mask aligns the last query with the last key") {
  CHECK(kit::causal_mask(2, 2) == std::vector<bool>{true, false, true, true});
  CHECK(kit::causal_mask(2, 3) == std::vector<bool>{true, true, false, true, true, true});
  CHECK(kit::causal_mask(3, 1) == std::vector<bool>{false, false, true});
}

TEST_CASE("kit attention page: sizes that do not fit are refused") {
  const auto refusal = [](const auto& spoil) {
    kit::AttentionPage page{.title = "t",
                            .sets = {{.name = "s", .queries = {"a"}, .keys = {"x", "y"}, .layers = {{{0.5, 0.5}}}}}};
    spoil(page);
    return message_of<Error>([&] { kit::attention_html(page); });
  };
  const std::string here = "attention page: set 's' of 1 queries and 2 keys: ";
  CHECK(refusal([](auto&) {}) == "no error");
  CHECK(refusal([](auto& page) { page.sets.clear(); }) ==
        "attention page: 't': has no sets: give at least one set of weights");
  CHECK(refusal([](auto& page) { page.sets[0].queries.clear(); }) ==
        "attention page: set 's' of 0 queries and 2 keys: has no tokens: give one text per "
        "query and key");
  CHECK(refusal([](auto& page) { page.sets[0].layers.clear(); }) ==
        here + "has no layers: give the weights of at least one");
  CHECK(refusal([](auto& page) { page.sets[0].layers[0].clear(); }) ==
        here + "layer 0 has no heads: give at least one");
  CHECK(refusal([](auto& page) { page.sets[0].layers[0][0].pop_back(); }) ==
        here + "layer 0, head 0 has 1 weights: give queries x keys of them, row by row");
  CHECK(refusal([](auto& page) { page.sets[0].allowed = {true}; }) ==
        here + "the mask has 1 entries: give queries x keys of them, or none");
  CHECK(refusal([](auto& page) { page.sets[0].second = 1; }) ==
        here + "the second sentence begins at 1: must be a position within both, of equal length");
  CHECK(refusal([](auto& page) { page.sets[0].vectors = {{}, {}}; }) ==
        here + "has vectors of 2 layers: give those of all 1, or none");
  CHECK(refusal([](auto& page) { page.sets[0].vectors = {{}}; }) ==
        here + "layer 0 has vectors of 0 heads: give those of all 1");
  CHECK(
      refusal([](auto& page) { page.sets[0].vectors = {{{.q = {1}, .k = {1}, .width = 1}}}; }) ==
      here +
          "layer 0 has a head of width 1 with 1 and 1 elements of queries and keys: give width of them for each token");
  CHECK(refusal([](auto& page) { page.sets[0].vectors = {{{.q = {NAN}, .k = {1, 2}, .width = 1}}}; }) ==
        here + "layer 0 has queries or keys that are not finite: leave out the vectors");
}

TEST_CASE("kit attention page: weights that are not finite are shown as 0, and the page says so") {
  for (const int64_t exact_limit : {100, 0}) {
    kit::AttentionPage page{.sets = {{.name = "s", .queries = {"a", "b"}, .keys = {"a", "b"}}},
                            .exact_limit = exact_limit};
    page.sets[0].layers = {{{3e38f, NAN, -3e38f, INFINITY}}};  // also a range that f32 cannot hold
    const std::string html = kit::attention_html(page);
    CHECK(html.find("Weights that are not finite (NaN or infinite) and are shown as 0: 2.") != std::string::npos);
    const std::string data = html.substr(html.find("id=\"data\""), 400);
    for (const char* bad : {"nan", "inf"}) CHECK(data.find(bad) == std::string::npos);
    page.sets[0].layers = {{{1, 0, 0, 1}}};
    CHECK(kit::attention_html(page).find("not finite") == std::string::npos);
  }
}

TEST_CASE("kit attention page: a browser shows the weights that C++ wrote", "[slow]") {
  if (!has_chromium()) {
    WARN("chromium is not installed: the page was not opened");
    return;
  }
  const heed::test::TempDir dir;
  const kit::AttentionPage page = example();
  kit::save_attention_page(dir / "page.html", page);

  std::string seen = browse(dir / "page.html", "#view=heat&set=0&layer=1&heads=2");
  CHECK(seen.find("CONSOLE") == std::string::npos);  // no error, and nothing was blocked
  std::vector<float> shown;
  for (const std::string& weight : attributes(seen, "data-weight"))
    shown.push_back(static_cast<float>(parse_double(weight).value()));
  CHECK(shown == page.sets[0].layers[1][2]);

  seen = browse(dir / "page.html", "#view=head&set=1&token=q1");
  CHECK(seen.find("'b' (#1) attends 0.75 to 'b' (#1), 0.25 to 'a' (#0) (head 0)") != std::string::npos);
  CHECK(count(seen, "<line ") == 2);
  CHECK(seen.find("CONSOLE") == std::string::npos);

  // The first query may see the first key only: what is masked is not listed.
  seen = browse(dir / "page.html", "#view=head&set=1&token=q0");
  CHECK(seen.find("'a' (#0) attends 1.00 to 'a' (#0) (head 0)") != std::string::npos);

  seen = browse(dir / "page.html", "#view=heat&set=1");
  CHECK(count(seen, "<td class=\"masked\"") == 1);
  seen = browse(dir / "page.html", "#view=table&set=1&token=q1");
  CHECK(seen.find("<td>0.2500</td>") != std::string::npos);
}
