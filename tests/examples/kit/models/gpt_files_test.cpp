// A GPT in one file of heed's, or in a folder as Hugging Face's hub has GPT-2.
#include <map>
#include <string>
#include <vector>

#include <heed/autograd/ops.h>
#include <heed/core/files/file.h>
#include <heed/core/files/safetensors.h>
#include <heed/examples/kit/cli.h>
#include <heed/examples/kit/json.h>
#include <heed/examples/kit/models/gpt_files.h>
#include <heed/examples/kit/tokens/byte_pair.h>
#include <heed/examples/kit/tokens/char_tokeniser.h>
#include <heed/nn/models/config.h>

#include "support/catch.h"
#include "support/errors.h"
#include "support/temp_dir.h"

using namespace heed;
using heed::test::contains;
using heed::test::message_of;
using heed::test::TempDir;

namespace {

const nn::GPTOptions sizes{
    .vocab = 256, .context = 9, .width = 64, .heads = 1, .layers = 2, .bias = true, .gelu_tanh = true};

nn::GPT gpt2() {
  manual_seed(4);
  nn::GPT gpt(sizes);
  const NoGrad off;
  for (nn::NamedTensor& entry : gpt.named_parameters())
    if (entry.tensor.dim() == 1) entry.tensor.copy_(randn(entry.tensor.shape()));
  return gpt;
}

// As the hub has it: matrices of the blocks as (in, out), the mask as a tensor, no lm_head.
std::map<std::string, core::Array> theirs(const nn::GPT& gpt, const std::string& prefix) {
  std::map<std::string, core::Array> tensors;
  for (const nn::NamedTensor& entry : gpt.state_dict()) {
    if (entry.name == "lm_head.weight") continue;
    const bool turned = entry.name.find("h.") == 0 && entry.tensor.dim() == 2;
    tensors.emplace(prefix + entry.name, (turned ? entry.tensor.transpose(0, 1).contiguous() : entry.tensor).array());
  }
  for (const char* layer : {"h.0.", "h.1."}) {
    tensors.emplace(prefix + layer + "attn.bias", tril(ones({1, 1, 9, 9})).array());
    tensors.emplace(prefix + layer + "attn.masked_bias", scalar(-1e4).array());
  }
  return tensors;
}

void write_tokens(const TempDir& dir) {
  core::write_file_atomic(dir / "tokenizer.json", kit::BytePairTokeniser::train("", 256).to_text());
}

std::vector<double> logits(const nn::GPT& gpt) {
  const NoGrad off;
  return gpt(tensor_i64({1, 200, 33, 4}, {1, 4})).to_vector();
}

}  // namespace

TEST_CASE("GPT files: what is saved is loaded, with its tokens") {
  const TempDir dir;
  manual_seed(1);
  nn::GPT gpt({.vocab = 5, .context = 4, .width = 8, .heads = 2, .layers = 1, .dropout = 0.25});
  const kit::CharTokeniser tokens(std::string_view("abcde"));
  kit::save_gpt(dir / "model.safetensors", gpt, tokens);
  for (const std::string& path : {dir / "model.safetensors", dir.path().string()}) {
    kit::LoadedGPT loaded = kit::load_gpt(path);
    CHECK(loaded.parameters == gpt.num_parameters());
    CHECK(loaded.model.options.heads == 2);
    CHECK(loaded.model.options.dropout == 0.25);
    CHECK_FALSE(loaded.model.options.bias);
    CHECK(loaded.tokeniser->encode("cab") == kit::Ids{2, 0, 1});
    gpt.eval(), loaded.model.eval();
    const Tensor ids = tensor_i64({4, 1, 0}, {1, 3});
    CHECK(loaded.model(ids).to_vector() == gpt(ids).to_vector());
    CHECK(loaded.model.lm_head.weight.data<float>() == loaded.model.wte.weight.data<float>());  // still tied
  }
}

TEST_CASE("GPT files: Hugging Face's folder, with and without prefix and configuration") {
  const nn::GPT gpt = gpt2();
  for (const char* prefix : {"transformer.", ""})
    for (const bool with_config : {true, false}) {
      CAPTURE(prefix, with_config);
      const TempDir dir;
      core::save_safetensors(dir / "model.safetensors", theirs(gpt, prefix));
      write_tokens(dir);
      if (with_config) core::write_file_atomic(dir / "config.json", nn::to_config(sizes));
      kit::LoadedGPT loaded = kit::load_gpt(dir.path());
      loaded.model.eval();
      CHECK(loaded.model.options.gelu_tanh);
      CHECK(logits(loaded.model) == logits(gpt));
      CHECK(loaded.tokeniser->size() == 256);
    }
}

TEST_CASE("GPT files: 16-bit weights are kept on demand") {
  const TempDir dir;
  const nn::GPT gpt = gpt2();
  kit::save_gpt(dir / "model.safetensors", gpt, kit::BytePairTokeniser::train("", 256));
  const kit::LoadedGPT wide = kit::load_gpt(dir.path(), {}, {.keep_16_bit = true});  // there are none in this file
  CHECK(logits(wide.model) == logits(gpt));
  CHECK(wide.parameters == gpt.num_parameters());
}

TEST_CASE("GPT files: what does not belong together is refused, in one line") {
  const nn::GPT gpt = gpt2();
  const auto load = [](const TempDir& dir) { return message_of([&] { kit::load_gpt(dir.path()); }); };
  {
    const TempDir dir;  // neither tokens nor configuration
    core::save_safetensors(dir / "model.safetensors", {{"w", ones({2, 2}).array()}});
    CHECK(contains(load(dir), "has no matrix wte.weight and no configuration: not a GPT-2"));
  }
  {
    const TempDir dir;  // another kind of model
    core::save_safetensors(dir / "model.safetensors", theirs(gpt, ""));
    write_tokens(dir);
    core::write_file_atomic(dir / "config.json", nn::to_config(nn::LlamaOptions{}));
    CHECK(contains(load(dir), "the model is of type \"llama\": must be \"gpt2\""));
    core::write_file_atomic(dir / "config.json", std::string("[1]"));
    CHECK(contains(load(dir), "config.json"));
    nn::GPTOptions wider = sizes;
    wider.width = 65536, wider.heads = 1024;
    core::write_file_atomic(dir / "config.json", nn::to_config(wider));
    CHECK(contains(load(dir), "do not belong together"));
    wider = sizes;
    wider.layers = 1;
    core::write_file_atomic(dir / "config.json", nn::to_config(wider));
    CHECK(contains(load(dir), "h.1.ln_1.weight"));  // left over
  }
  {
    const TempDir dir;  // more tokens than the model has
    core::save_safetensors(dir / "model.safetensors", theirs(gpt, ""));
    core::write_file_atomic(dir / "config.json", nn::to_config(sizes));
    core::write_file_atomic(dir / "tokenizer.json", kit::BytePairTokeniser::train("the the the", 258).to_text());
    CHECK(load(dir) == "--tokenizer: \"" + dir / "tokenizer.json" +
                           "\": has 258 tokens, the model has 256: they do not belong together: give the file of the "
                           "model's tokens");
  }
}
