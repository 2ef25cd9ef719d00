#include <heed/nn/models/config.h>

#include <map>
#include <optional>
#include <sstream>
#include <variant>

#include <heed/core/files/json_reader.h>
#include <heed/core/text.h>

namespace heed::nn {

namespace {

using core::JsonReader;

// The scalar members of a configuration, those of inner objects under "outer.inner"; null and lists are left out.
class Config {
 public:
  Config(std::string_view json, std::string_view source) : source_(source) {
    JsonReader reader(json, source);
    read(reader, "");
    reader.finish();
  }

  bool has_under(const std::string& prefix) const {
    const auto next = values_.lower_bound(prefix);
    return next != values_.end() && next->first.starts_with(prefix);
  }
  bool has(const std::string& key) const { return values_.count(key) > 0; }

  int64_t size(const std::string& key) const {
    const auto value = find<int64_t>(key, "an integer");
    check<FormatError>(value.has_value(), source_, ": ", quote(key),
                       " is missing: it belongs to a model's configuration");
    constexpr int64_t most = int64_t{1} << 31;
    check<FormatError>(*value > 0 && *value <= most, source_, ": ", quote(key), " is ", *value, ": must be in 1 … ",
                       most);
    return *value;
  }
  int64_t size(const std::string& key, int64_t otherwise) const { return has(key) ? size(key) : otherwise; }

  double number(const std::string& key, double otherwise) const {
    if (!has(key)) return otherwise;
    if (const auto* whole = std::get_if<int64_t>(&values_.at(key))) return static_cast<double>(*whole);
    return *find<double>(key, "a number");
  }
  bool flag(const std::string& key, bool otherwise) const {
    return find<bool>(key, "true or false").value_or(otherwise);
  }
  std::string text(const std::string& key, const std::string& otherwise) const {
    return find<std::string>(key, "a string").value_or(otherwise);
  }

  /// Throws unless the key is absent or has this value.
  void require(const std::string& key, const char* value) const {
    const std::string given = text(key, value);
    check<FormatError>(given == value, source_, ": ", quote(key), " is ", quote(given), ": heed's model has ",
                       quote(value), " only");
  }
  void require(const std::string& key, bool value) const {
    check<FormatError>(flag(key, value) == value, source_, ": ", quote(key), " is ", value ? "false" : "true",
                       ": heed's model does not have this");
  }

 private:
  using Value = std::variant<bool, int64_t, double, std::string>;

  void read(JsonReader& reader, const std::string& outer) {
    reader.object([&](const std::string& inner) {
      const std::string key = outer + inner;
      switch (reader.peek()) {
        case JsonReader::Kind::boolean: values_[key] = reader.boolean(); break;
        case JsonReader::Kind::integer: values_[key] = reader.integer(); break;
        case JsonReader::Kind::number: values_[key] = reader.number(); break;
        case JsonReader::Kind::string: values_[key] = reader.string(); break;
        case JsonReader::Kind::object: read(reader, key + "."); break;
        default: reader.skip();
      }
    });
  }

  template <class T> std::optional<T> find(const std::string& key, const char* what) const {
    const auto found = values_.find(key);
    if (found == values_.end()) return std::nullopt;
    const T* value = std::get_if<T>(&found->second);
    check<FormatError>(value != nullptr, source_, ": ", quote(key), ": must be ", what);
    return *value;
  }

  std::string source_;
  std::map<std::string, Value> values_;
};

// {"a":1,"b":true}
class Writer {
 public:
  Writer& add(const char* key, const std::string& value) { return put(key, json_string(value)); }
  Writer& add(const char* key, const char* value) { return add(key, std::string(value)); }
  Writer& add(const char* key, int64_t value) { return put(key, std::to_string(value)); }
  Writer& add(const char* key, double value) { return put(key, shortest(value)); }
  Writer& add(const char* key, bool value) { return put(key, value ? "true" : "false"); }
  std::string text() const { return text_ + '}'; }

 private:
  Writer& put(const char* key, const std::string& value) {
    text_ += cat(text_.empty() ? "{" : ",", '"', key, "\":", value);
    return *this;
  }
  std::string text_;
};

void check_type(std::string_view json, std::string_view source, const char* wanted) {
  const std::string type = config_model_type(json, source);
  check<FormatError>(type == wanted, source, ": the model is of type ", quote(type), ": must be ", quote(wanted));
  const Config c(json, source);
  for (const char* key : {"quantization_config", "compression_config"})
    check<FormatError>(!c.has_under(key), source, ": has a ", quote(key),
                       ": its weights are quantised, and such files are not read: get the model's file of F32, F16 or "
                       "BF16");
}

}  // namespace

std::string config_model_type(std::string_view json, std::string_view source) {
  const std::string type = Config(json, source).text("model_type", "");
  check<FormatError>(!type.empty(), source, ": \"model_type\" is missing: it belongs to a model's configuration");
  return type;
}

std::string to_config(const GPTOptions& o) {
  return Writer()
      .add("model_type", "gpt2")
      .add("vocab_size", o.vocab)
      .add("n_positions", o.context)
      .add("n_embd", o.width)
      .add("n_layer", o.layers)
      .add("n_head", o.heads)
      .add("activation_function", o.gelu_tanh ? "gelu_new" : "gelu")
      .add("bias", o.bias)  // not Hugging Face's, whose models always have biases
      .add("resid_pdrop", o.dropout)
      .add("embd_pdrop", o.dropout)
      .add("attn_pdrop", o.dropout)
      .text();
}

GPTOptions gpt_config(std::string_view json, std::string_view source) {
  check_type(json, source, "gpt2");
  const Config c(json, source);
  GPTOptions o{.vocab = c.size("vocab_size"),
               .context = c.has("n_ctx") ? c.size("n_positions", c.size("n_ctx")) : c.size("n_positions"),
               .width = c.size("n_embd"),
               .heads = c.size("n_head"),
               .layers = c.size("n_layer"),
               .dropout = c.number("resid_pdrop", 0.1),
               .bias = c.flag("bias", true)};
  const std::string activation = c.text("activation_function", "gelu_new");
  o.gelu_tanh = activation == "gelu_new" || activation == "gelu_pytorch_tanh";
  check<FormatError>(o.gelu_tanh || activation == "gelu", source, ": \"activation_function\" is ", quote(activation),
                     ": heed's GPT has \"gelu\" and \"gelu_new\"");
  const int64_t inner = c.size("n_inner", 4 * o.width);
  check<FormatError>(inner == 4 * o.width, source, ": \"n_inner\" is ", inner, ": heed's GPT has ", 4 * o.width,
                     ", four times \"n_embd\"");
  const double eps = c.number("layer_norm_epsilon", 1e-5);
  check<FormatError>(eps == 1e-5, source, ": \"layer_norm_epsilon\" is ", eps, ": heed's GPT has 1e-05");
  c.require("scale_attn_weights", true);
  c.require("scale_attn_by_inverse_layer_idx", false);
  c.require("add_cross_attention", false);
  c.require("tie_word_embeddings", true);
  return o;
}

std::string to_config(const LlamaOptions& o) {
  return Writer()
      .add("model_type", "llama")
      .add("vocab_size", o.vocab)
      .add("max_position_embeddings", o.context)
      .add("hidden_size", o.width)
      .add("intermediate_size", o.hidden)
      .add("num_hidden_layers", o.layers)
      .add("num_attention_heads", o.heads)
      .add("num_key_value_heads", o.kv_heads.value_or(o.heads))
      .add("head_dim", o.head_dim.value_or(o.width / o.heads))
      .add("hidden_act", "silu")
      .add("rms_norm_eps", o.eps)
      .add("rope_theta", o.rope_base)
      .add("rope_interleaved", o.rope_layout == RopeLayout::interleaved)  // Hugging Face's models are never
      .add("tie_word_embeddings", o.tied)
      .add("attention_bias", o.attention_bias)
      .text();
}

LlamaOptions llama_config(std::string_view json, std::string_view source) {
  check_type(json, source, "llama");
  const Config c(json, source);
  c.require("hidden_act", "silu");
  c.require("mlp_bias", false);
  for (const char* key : {"rope_scaling.type", "rope_scaling.rope_type", "rope_parameters.rope_type"})
    c.require(key, "default");
  LlamaOptions o{.vocab = c.size("vocab_size"),
                 .context = c.size("max_position_embeddings"),
                 .width = c.size("hidden_size"),
                 .hidden = c.size("intermediate_size"),
                 .layers = c.size("num_hidden_layers"),
                 .heads = c.size("num_attention_heads"),
                 .eps = c.number("rms_norm_eps", 1e-6),
                 .rope_base = c.number("rope_theta", c.number("rope_parameters.rope_theta", 10000.0)),
                 .tied = c.flag("tie_word_embeddings", false),
                 .attention_bias = c.flag("attention_bias", false)};
  o.kv_heads = c.size("num_key_value_heads", o.heads);
  if (c.has("head_dim")) o.head_dim = c.size("head_dim");
  check<FormatError>(o.head_dim || o.width % o.heads == 0, source, ": \"hidden_size\" is ", o.width,
                     ", \"num_attention_heads\" is ", o.heads,
                     ": every head gets an equal part, unless there is \"head_dim\"");
  if (c.flag("rope_interleaved", false)) o.rope_layout = RopeLayout::interleaved;
  return o;
}

std::string to_config(const BertOptions& o) {
  return Writer()
      .add("model_type", "bert")
      .add("vocab_size", o.vocab)
      .add("max_position_embeddings", o.positions)
      .add("type_vocab_size", o.types)
      .add("hidden_size", o.width)
      .add("num_attention_heads", o.heads)
      .add("num_hidden_layers", o.layers)
      .add("intermediate_size", o.hidden)
      .add("hidden_act", "gelu")
      .add("hidden_dropout_prob", o.dropout)
      .add("layer_norm_eps", o.eps)
      .text();
}

BertOptions bert_config(std::string_view json, std::string_view source) {
  check_type(json, source, "bert");
  const Config c(json, source);
  c.require("hidden_act", "gelu");
  c.require("position_embedding_type", "absolute");
  return {.vocab = c.size("vocab_size"),
          .positions = c.size("max_position_embeddings"),
          .types = c.size("type_vocab_size", 2),
          .width = c.size("hidden_size"),
          .heads = c.size("num_attention_heads"),
          .layers = c.size("num_hidden_layers"),
          .hidden = c.size("intermediate_size"),
          .dropout = c.number("hidden_dropout_prob", 0.1),
          .eps = c.number("layer_norm_eps", 1e-12)};
}

}  // namespace heed::nn
