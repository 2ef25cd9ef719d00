#include "support/catch.h"

#include <tuple>

#include <heed/nn/models/config.h>
#include "support/errors.h"

using namespace heed;
using namespace heed::nn;
using test::message_of;

TEST_CASE("config: what is written is read back") {
  const GPTOptions gpt{.vocab = 11,
                       .context = 12,
                       .width = 16,
                       .heads = 2,
                       .layers = 3,
                       .dropout = 0.25,
                       .bias = true,
                       .gelu_tanh = true};
  const GPTOptions g = gpt_config(to_config(gpt), "c");
  CHECK(std::tie(g.vocab, g.context, g.width, g.heads, g.layers, g.dropout, g.bias, g.gelu_tanh) ==
        std::tie(gpt.vocab, gpt.context, gpt.width, gpt.heads, gpt.layers, gpt.dropout, gpt.bias, gpt.gelu_tanh));
  CHECK(to_config(g) == to_config(gpt));
  CHECK_FALSE(gpt_config(to_config(GPTOptions{}), "c").bias);
  const LlamaOptions llama{.vocab = 11,
                           .context = 12,
                           .width = 16,
                           .hidden = 20,
                           .layers = 3,
                           .heads = 4,
                           .kv_heads = 2,
                           .head_dim = 6,
                           .eps = 1e-6,
                           .rope_base = 5e5,
                           .rope_layout = RopeLayout::interleaved,
                           .tied = true,
                           .attention_bias = true};
  CHECK(to_config(llama_config(to_config(llama), "c")) == to_config(llama));
  CHECK(to_config(bert_config(to_config(BertOptions{.width = 48, .dropout = 0.5}), "c")) ==
        to_config(BertOptions{.width = 48, .dropout = 0.5}));
}

TEST_CASE("config: files of Hugging Face's hub are read") {
  const GPTOptions gpt = gpt_config(R"({"activation_function": "gelu_new", "architectures": ["GPT2LMHeadModel"],
    "attn_pdrop": 0.1, "bos_token_id": 50256, "embd_pdrop": 0.1, "initializer_range": 0.02, "layer_norm_epsilon": 1e-05,
    "model_type": "gpt2", "n_ctx": 1024, "n_embd": 768, "n_head": 12, "n_layer": 12, "n_positions": 1024,
    "resid_pdrop": 0.1, "summary_first_dropout": 0.1, "task_specific_params": {"text-generation": {"do_sample": true}},
    "vocab_size": 50257})",
                                    "config.json");
  CHECK(gpt.vocab == 50257);
  CHECK(gpt.width == 768);
  CHECK(gpt.bias);
  CHECK(gpt.gelu_tanh);
  const LlamaOptions llama = llama_config(R"({"architectures": ["LlamaForCausalLM"], "attention_bias": false,
    "hidden_act": "silu", "hidden_size": 576, "intermediate_size": 1536, "max_position_embeddings": 2048,
    "model_type": "llama", "num_attention_heads": 9, "num_hidden_layers": 30, "num_key_value_heads": 3,
    "rms_norm_eps": 1e-05, "rope_interleaved": false, "rope_scaling": null, "rope_theta": 10000.0,
    "tie_word_embeddings": true, "torch_dtype": "bfloat16", "vocab_size": 49152})",
                                          "config.json");
  CHECK(llama.kv_heads == 3);
  CHECK(llama.tied);
  CHECK(llama.rope_layout == RopeLayout::half_split);
  CHECK(
      llama_config(R"({"model_type":"llama","vocab_size":4,"hidden_size":4,"intermediate_size":4,"num_hidden_layers":1,
    "num_attention_heads":1,"max_position_embeddings":4,"rope_parameters":{"rope_type":"default","rope_theta":5e5}})",
                   "c")
          .rope_base == 5e5);
  CHECK(config_model_type(R"({"model_type": "bert"})", "c") == "bert");
}

TEST_CASE("config: a model that heed would compute wrongly is refused") {
  const auto gpt = [](const std::string& more) {
    return message_of<FormatError>([&] {
      gpt_config(
          R"({"model_type":"gpt2","vocab_size":4,"n_positions":4,"n_embd":4,"n_layer":1,"n_head":1)" + more + "}", "c");
    });
  };
  CHECK(gpt(R"(,"activation_function":"relu")") ==
        R"(c: "activation_function" is "relu": heed's GPT has "gelu" and "gelu_new")");
  CHECK(gpt(R"(,"n_inner":5)") == R"(c: "n_inner" is 5: heed's GPT has 16, four times "n_embd")");
  CHECK(gpt(R"(,"layer_norm_epsilon":1e-6)") == R"(c: "layer_norm_epsilon" is 1e-06: heed's GPT has 1e-05)");
  CHECK(gpt(R"(,"scale_attn_by_inverse_layer_idx":true)").find("heed's model does not have this") != std::string::npos);
  for (const char* type : {"gpt2", "llama", "bert"})
    for (const char* key : {"quantization_config", "compression_config"}) {
      const std::string text =
          R"({"model_type":")" + std::string(type) + R"(",")" + key + R"(":{"load_in_8bit":true}})";
      CHECK(message_of<FormatError>([&] {
              if (type == std::string("gpt2")) gpt_config(text, "c");
              else if (type == std::string("llama")) llama_config(text, "c");
              else bert_config(text, "c");
            }) == "c: has a \"" + std::string(key) +
                      "\": its weights are quantised, and such files are not read: get the model's file of F32, F16 or "
                      "BF16");
    }
  CHECK(gpt(R"(,"quantization_config":null)") == "no error");
  const auto llama = [](const std::string& text) { return message_of<FormatError>([&] { llama_config(text, "c"); }); };
  CHECK(
      llama(R"({"model_type":"llama","vocab_size":4,"hidden_size":4,"intermediate_size":4,"num_hidden_layers":1,
    "num_attention_heads":8,"max_position_embeddings":4})") ==
      R"(c: "hidden_size" is 4, "num_attention_heads" is 8: every head gets an equal part, unless there is "head_dim")");
  CHECK(llama("{") == "c:1:2: the text ends where a key in double quotes is expected");
  CHECK(llama("{}") == R"(c: "model_type" is missing: it belongs to a model's configuration)");
  CHECK(llama(R"({"model_type":"gpt2"})") == R"(c: the model is of type "gpt2": must be "llama")");
  CHECK(llama(R"({"model_type":"llama"})") == R"(c: "vocab_size" is missing: it belongs to a model's configuration)");
  CHECK(llama(R"({"model_type":"llama","vocab_size":-1})").find(R"(c: "vocab_size" is -1: must be in 1 … )") == 0);
  CHECK(llama(R"({"model_type":"llama","vocab_size":"many"})") == R"(c: "vocab_size": must be an integer)");
  CHECK(llama(R"({"model_type":"llama","rope_scaling":{"type":"linear","factor":2.0}})") ==
        R"(c: "rope_scaling.type" is "linear": heed's model has "default" only)");
  CHECK(llama(R"({"model_type":"llama","hidden_act":"gelu"})") ==
        R"(c: "hidden_act" is "gelu": heed's model has "silu" only)");
}
