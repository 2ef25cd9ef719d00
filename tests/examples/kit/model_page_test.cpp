// The live page: the weights inside it, its escapes, what is refused; and, where chromium is installed, that what it
// computes is what heed computes. (More of this, for maintainers: tests/page/.)
#include "support/catch.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include <heed/autograd/ops.h>
#include <heed/core/error.h>
#include <heed/core/files/file.h>
#include <heed/core/text.h>
#include <heed/examples/kit/format.h>
#include <heed/examples/kit/pictures/attention_page.h>
#include <heed/examples/kit/pictures/model_page.h>
#include <heed/examples/kit/pictures/page_document.h>
#include <heed/examples/kit/tokens/char_tokeniser.h>
#include <heed/nn/attention/attention_trace.h>
#include <heed/nn/lora.h>
#include "support/errors.h"
#include "support/html.h"
#include "support/temp_dir.h"

using namespace heed;
using namespace heed::test;

namespace {

const kit::CharTokeniser letters(std::string_view("\n </>abscript!-"));  // 15 characters

nn::GPT some_gpt() {
  manual_seed(5);
  nn::GPT model(
      {.vocab = letters.size(), .context = 12, .width = 8, .heads = 2, .layers = 2, .bias = true, .gelu_tanh = true});
  const NoGrad no_history;
  for (Tensor& p : model.parameters()) p.mul_(20.0);  // far from uniform
  return model;
}

nn::Llama some_llama() {
  manual_seed(6);
  return nn::Llama(
      {.vocab = letters.size(), .context = 200, .width = 8, .hidden = 6, .layers = 1, .heads = 2, .kv_heads = 1});
}

kit::Json tensors_of(const std::string& html) { return data_of(html).at("tensors"); }

}  // namespace

TEST_CASE("kit model page: in f32 every weight is stored to the last bit, each once") {
  const nn::GPT model = some_gpt();
  const kit::Json tensors = tensors_of(kit::model_html(model, letters, {.weights = kit::PageWeights::f32}));
  const nn::StateDict state = model.state_dict();
  CHECK(tensors.as_object().size() == state.size() - 1);  // lm_head is wte
  CHECK(tensors.find("lm_head.weight") == nullptr);
  for (const auto& [name, stored] : tensors.as_object()) {
    INFO(name);
    const Tensor& given = *state.find(name);
    const std::vector<double> wanted = given.to_vector();
    const std::vector<float> found = floats_from_base64(stored.at("data").as_string());
    CHECK(std::equal(found.begin(), found.end(), wanted.begin(), wanted.end()));
    CHECK(stored.at("shape").as_list().size() == static_cast<size_t>(given.dim()));
    CHECK(stored.find("scales") == nullptr);
  }
}

TEST_CASE("kit model page: in 8 bits a row has a scale, and no weight is wrong by more than half of it") {
  const nn::Llama model = some_llama();
  const std::string html = kit::model_html(model, letters);
  CHECK(html.size() < kit::model_html(model, letters, {.weights = kit::PageWeights::f32}).size());
  const kit::Json tensors = tensors_of(html);
  const nn::StateDict state = model.state_dict();
  for (const auto& [name, stored] : tensors.as_object()) {
    INFO(name);
    const Tensor& given = *state.find(name);
    const std::vector<double> wanted = given.to_vector();
    if (given.dim() == 1) {
      CHECK(floats_from_base64(stored.at("data").as_string()).size() == wanted.size());
      continue;
    }
    const std::vector<uint8_t> bytes = from_base64(stored.at("data").as_string());
    const std::vector<float> scales = floats_from_base64(stored.at("scales").as_string());
    REQUIRE(bytes.size() == wanted.size());
    REQUIRE(scales.size() == static_cast<size_t>(given.size(0)));
    for (size_t i = 0; i < bytes.size(); ++i) {
      const float scale = scales[i / static_cast<size_t>(given.size(1))];
      CHECK(std::abs(scale * static_cast<int8_t>(bytes[i]) - wanted[i]) <= 0.501 * scale);
    }
  }
}

TEST_CASE("kit model page: sizes, tokens and texts, what they contain is text") {
  const kit::ModelPageOptions options{.title = "</title>", .note = "1 < 2", .text = "</script>", .other_text = "<!--"};
  const std::string html = kit::model_html(some_gpt(), letters, options);
  const kit::Json data = data_of(html), &sizes = data.at("sizes");
  CHECK(sizes.at("kind").as_string() == "gpt");
  CHECK(sizes.at("context").as_integer() == 12);
  CHECK(sizes.at("geluTanh").as_bool());
  CHECK(data.at("text").as_string() == "</script>");
  CHECK(data.at("other").as_string() == "<!--");
  CHECK(data.at("begin").as_list().empty());
  CHECK(data.at("empty").as_list()[0].as_integer() == 0);  // the newline
  CHECK(data.at("end").is_null());
  CHECK(data.at("names").as_list()[4].as_string() == "/");
  CHECK(kit::parse_json(data.at("tokeniser").as_string()).at("type").as_string() == "characters");
  CHECK(count(html, "<script") == 2);
  CHECK(count(html, "</script") == 2);
  CHECK(count(html, "<!--") == 0);
  CHECK(html == kit::model_html(some_gpt(), letters, options));

  const kit::Json llama = data_of(kit::model_html(some_llama(), letters)).at("sizes");
  CHECK(llama.at("kvHeads").as_integer() == 1);
  CHECK_FALSE(llama.at("rope").at("interleaved").as_bool());
}

TEST_CASE("kit model page: self-contained, of files of page/ that are all in one page or the other") {
  const std::string live = kit::model_html(some_gpt(), letters);
  CHECK(live.find("default-src 'none'") != std::string::npos);
  CHECK(count(live, "http://") == 1);  // the namespace of SVG
  CHECK(count(live, "https://") == 0);
  CHECK(live.find("innerHTML") == std::string::npos);
  const std::string still = kit::attention_html({.sets = {{.queries = {"a"}, .keys = {"a"}, .layers = {{{1}}}}}});
  size_t files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(HEED_TESTS_DIR) / "../examples/kit/pictures/page")) {
    if (entry.path().extension() == ".md") continue;
    INFO(entry.path().string());
    const std::string text = core::read_file(entry.path().string());
    CHECK(kit::page_source(entry.path().filename().string()) == text);
    CHECK(std::max(count(live, text), count(still, text)) == 1);
    ++files;
  }
  CHECK(files > 15);
  CHECK(message_of<Error>([] { kit::page_source("other.js"); }) ==
        "page: 'other.js': is not a file of examples/kit/pictures/page");
}

TEST_CASE("kit model page: what it cannot show is refused") {
  nn::GPT model = some_gpt();
  CHECK(message_of<Error>([&] { kit::model_html(model, letters, {.window = 1}); }) ==
        "model page: a window of 1 tokens: must be 2 or more");
  const kit::CharTokeniser more(std::string_view("abcdefghijklmnopqrstuvwxyz"));
  CHECK(message_of<Error>([&] { kit::model_html(model, more); }) ==
        "model page: a tokeniser of 26 tokens, a model of 15: they do not belong together: give the model's own");
  nn::GPT adapted = some_gpt();
  nn::add_low_rank(adapted, {.rank = 2});
  CHECK(message_of<ShapeError>([&] { kit::model_html(adapted, letters); }).find("merge_low_rank()") !=
        std::string::npos);
  {
    const NoGrad no_history;
    model.ln_f.weight.mul_(INFINITY);
  }
  CHECK(message_of<Error>([&] { kit::model_html(model, letters); }) ==
        "model page: weight ln_f.weight (8,): is not finite everywhere: a model that has diverged has no page");
}

TEST_CASE("kit model page: a browser computes what heed computes", "[slow]") {
  if (!has_chromium()) {
    WARN("chromium is not installed: the page was not opened");
    return;
  }
  const TempDir dir;
  const nn::GPT model = some_gpt();
  const std::string text = "abs/cript";
  kit::write_model_page(dir / "model.html", model, letters, {.text = text, .weights = kit::PageWeights::f32});
  const std::string seen = browse(dir / "model.html", "#view=heat&layer=1&heads=1&temperature=1");
  CHECK(seen.find("CONSOLE") == std::string::npos);  // no error, and nothing was blocked

  const NoGrad no_history;
  const kit::Ids ids = letters.encode(text);
  const auto n = static_cast<int64_t>(ids.size());
  nn::AttentionTrace trace;
  const Tensor p = softmax(model(tensor_i64(ids, {1, n}))[0][n - 1], -1);
  const std::vector<double> wanted = trace.entries().at(1).weights[0][1].to_vector();
  const std::vector<std::string> shown = attributes(seen, "data-weight");
  REQUIRE(shown.size() == wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) CHECK(std::abs(parse_double(shown[i]).value() - wanted[i]) < 1e-5);

  const std::vector<double> probabilities = p.to_vector();
  const auto best = std::max_element(probabilities.begin(), probabilities.end());
  const std::string percent = kit::fixed(100 * *best, 1);
  INFO(letters.decode({best - probabilities.begin()}) << " has " << percent);
  CHECK(seen.find("'" + letters.decode({best - probabilities.begin()}) + "' " + percent) != std::string::npos);
}
