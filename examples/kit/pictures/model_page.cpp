#include <heed/examples/kit/pictures/model_page.h>

#include <algorithm>
#include <cmath>
#include <span>

#include <heed/autograd/ops.h>
#include <heed/core/error.h>
#include <heed/core/files/file.h>
#include <heed/core/text.h>
#include <heed/examples/kit/format.h>
#include <heed/examples/kit/json.h>
#include <heed/examples/kit/pictures/page_document.h>
#include <heed/examples/kit/writing.h>

namespace heed::kit {
namespace {

/// {"shape":[2,3],"data":"…"}, f32; a matrix in 8 bits has "scales" too: element (i, j) is scales[i] · data[i, j].
std::string tensor_json(const nn::NamedTensor& named, PageWeights weights) {
  const NoGrad no_history;
  const Tensor tensor = named.tensor.to(Dtype::f32).contiguous();
  const std::span<const float> values(tensor.array().data<float>(), static_cast<size_t>(tensor.numel()));
  check(std::all_of(values.begin(), values.end(), [](float w) { return std::isfinite(w); }), "model page: weight ",
        named.name, ' ', tensor.shape(), ": is not finite everywhere: a model that has diverged has no page");
  std::string shape;
  for (int axis = 0; axis < tensor.dim(); ++axis) shape += (axis == 0 ? "" : ",") + std::to_string(tensor.size(axis));
  std::vector<float> scales;
  std::vector<uint8_t> data;
  if (weights == PageWeights::i8 && tensor.dim() == 2) {
    const auto columns = static_cast<size_t>(tensor.size(1));
    for (size_t begin = 0; begin < values.size(); begin += columns) {
      const std::span<const float> row = values.subspan(begin, columns);
      float most = 0;
      for (const float w : row) most = std::max(most, std::abs(w));
      const float scale = most / 127;
      scales.push_back(scale);
      for (const float w : row) data.push_back(static_cast<uint8_t>(scale > 0 ? std::lround(w / scale) : 0));
    }
  }
  return "{\"shape\":[" + shape + "]," +
         (scales.empty() ? "\"data\":\"" + base64(values)
                         : "\"scales\":\"" + base64(std::span<const float>(scales)) + "\",\"data\":\"" +
                               base64(std::span<const uint8_t>(data))) +
         "\"}";
}

/// Of tensors under several names the first.
std::string tensors_json(const nn::Module& model, PageWeights weights) {
  std::string text = "{";
  const nn::StateDict state = model.state_dict();
  for (size_t i = 0; i < state.size(); ++i) {
    const nn::NamedTensor& named = state[i];
    check<ShapeError>(!named.name.ends_with("lora_A") && !named.name.ends_with("lora_B"), "model page: ", named.name,
                      ": the page knows no adapters: merge them first with merge_low_rank()");
    const bool tied = std::any_of(state.begin(), state.begin() + static_cast<ptrdiff_t>(i), [&](const auto& other) {
      return other.tensor.array().template data<float>() == named.tensor.array().template data<float>();
    });
    if (!tied)
      text += (text.size() == 1 ? "\n" : ",\n") + json_for_html(named.name) + ':' + tensor_json(named, weights);
  }
  return text + "}";
}

Json::Object sizes_of(const nn::GPT& model) {
  const nn::GPTOptions& o = model.options;
  return {{"kind", "gpt"},      {"vocab", o.vocab},      {"context", o.context},           {"width", o.width},
          {"heads", o.heads},   {"kvHeads", o.heads},    {"headWidth", o.width / o.heads}, {"hidden", 4 * o.width},
          {"layers", o.layers}, {"eps", model.ln_f.eps}, {"geluTanh", o.gelu_tanh}};
}

Json::Object sizes_of(const nn::Llama& model) {
  const nn::LlamaOptions& o = model.options;
  const Json::Object rope = {{"base", o.rope_base}, {"interleaved", o.rope_layout == nn::RopeLayout::interleaved}};
  return {{"kind", "llama"},
          {"vocab", o.vocab},
          {"context", o.context},
          {"width", o.width},
          {"heads", o.heads},
          {"kvHeads", o.kv_heads.value_or(o.heads)},
          {"headWidth", o.head_dim.value_or(o.width / o.heads)},
          {"hidden", o.hidden},
          {"layers", o.layers},
          {"eps", o.eps},
          {"rope", rope}};
}

/// What stands for an empty text if nothing begins every text: a newline, if there is one, else the first token.
Ids first_ids(const Tokeniser& tokeniser) {
  if (tokeniser.bos()) return {*tokeniser.bos()};
  try {
    return tokeniser.encode("\n");
  } catch (const IndexError&) { return {0}; }
}

Json id_list(const Ids& ids) { return Json::List(ids.begin(), ids.end()); }

template <class Model>
std::string page_of(const Model& model, const Tokeniser& tokeniser, const ModelPageOptions& options) {
  check(tokeniser.size() <= model.options.vocab, "model page: a tokeniser of ", tokeniser.size(),
        " tokens, a model of ", model.options.vocab, ": they do not belong together: give the model's own");
  check(options.window > 1, "model page: a window of ", options.window, " tokens: must be 2 or more");
  const Ids begin = options.begin_with_bos && tokeniser.bos() ? Ids{*tokeniser.bos()} : Ids();
  Ids all(static_cast<size_t>(tokeniser.size()));
  for (size_t id = 0; id < all.size(); ++id) all[id] = static_cast<int64_t>(id);
  std::string names;
  for (const std::string& name : shown_tokens(tokeniser, all))
    names += (names.empty() ? "" : ",") + json_for_html(name);

  PageDocument page{.title = options.title,
                    .note = options.note,
                    .styles = {"attention.css", "live.css"},
                    .body = "live.html",
                    .scripts = {"elements.js", "measures.js", "attention.js", "model_view.js", "head_view.js",
                                "heat_view.js", "neuron_view.js", "lens_view.js", "patch_view.js", "table_view.js",
                                "gpt.js", "tokeniser.js", "model_data.js", "live.js"}};
  page.data = "{\"sizes\":" + to_json(sizes_of(model)) +
              ",\"bits\":" + (options.weights == PageWeights::i8 ? "8" : "32") +
              ",\"window\":" + std::to_string(options.window) + ",\"begin\":" + to_json(id_list(begin)) +
              ",\"empty\":" + to_json(id_list(first_ids(tokeniser))) +
              ",\"end\":" + (tokeniser.eos() ? std::to_string(*tokeniser.eos()) : "null") +
              ",\"text\":" + json_for_html(options.text) + ",\"other\":" + json_for_html(options.other_text) +
              ",\n\"names\":[" + names + "],\n\"tokeniser\":" + json_for_html(tokeniser.to_text()) +
              ",\n\"tensors\":" + tensors_json(model, options.weights) + "}";
  return html_document(page);
}

}  // namespace

std::string model_html(const nn::GPT& model, const Tokeniser& tokeniser, const ModelPageOptions& options) {
  return page_of(model, tokeniser, options);
}

std::string model_html(const nn::Llama& model, const Tokeniser& tokeniser, const ModelPageOptions& options) {
  return page_of(model, tokeniser, options);
}

void write_model_page(const std::filesystem::path& file, const nn::GPT& model, const Tokeniser& tokeniser,
                      const ModelPageOptions& options) {
  core::write_file_atomic(file.string(), model_html(model, tokeniser, options));
}

void write_model_page(const std::filesystem::path& file, const nn::Llama& model, const Tokeniser& tokeniser,
                      const ModelPageOptions& options) {
  core::write_file_atomic(file.string(), model_html(model, tokeniser, options));
}

}  // namespace heed::kit
