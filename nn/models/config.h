// Configurations of models as JSON, with Hugging Face's keys: what their config.json holds, and what heed stores as
// "config" in the metadata of a model.safetensors, so that the file alone is enough to use the model.
//
//     nn::save("model.safetensors", trained.state_dict(), {{"config", nn::to_config(trained.options)}});
//     const nn::Checkpoint file = nn::load("model.safetensors");
//     nn::GPT gpt(nn::gpt_config(file.get("config"), "model.safetensors"));
//
// Keys that say how a model is trained or printed are skipped, and so are those that Hugging Face's class of this type
// does not have; one that changes the model in a way that heed does not know is an Error, so that no file loads and
// computes something else.
#pragma once

#include <string>
#include <string_view>

#include <heed/nn/models/bert.h>
#include <heed/nn/models/gpt.h>
#include <heed/nn/models/llama.h>

namespace heed::nn {

std::string to_config(const GPTOptions& options);
std::string to_config(const LlamaOptions& options);
std::string to_config(const BertOptions& options);

/// The "model_type": "gpt2", "llama", "bert". `source` is named in messages. Throws FormatError if there is none.
std::string config_model_type(std::string_view json, std::string_view source);

/// Throws FormatError if the text is no JSON, a size is missing or not positive, the model is one that heed does not have,
/// or its weights are quantised ("quantization_config").
GPTOptions gpt_config(std::string_view json, std::string_view source);
LlamaOptions llama_config(std::string_view json, std::string_view source);
BertOptions bert_config(std::string_view json, std::string_view source);

}  // namespace heed::nn
