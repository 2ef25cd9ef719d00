#include <heed/examples/kit/models/gpt_files.h>

#include <algorithm>
#include <set>

#include <heed/core/text.h>
#include <heed/examples/kit/cli.h>
#include <heed/examples/kit/models/model_size.h>
#include <heed/nn/checkpoint.h>
#include <heed/nn/models/config.h>

namespace heed::kit {

namespace {

// Heads of width 64, as in all four of OpenAI's sizes, and the rest from the shapes.
nn::GPTOptions options_from_shapes(const core::SafeTensors& tensors, const std::string& source) {
  const auto shape = [&](const std::string& name) {
    for (const std::string prefix : {"transformer.", ""})
      if (tensors.contains(prefix + name) && tensors.shape(prefix + name).rank() == 2)
        return tensors.shape(prefix + name);
    fail<FormatError>(quote(source), ": has no matrix ", name, " and no configuration: not a GPT-2");
  };
  const Shape tokens = shape("wte.weight"), positions = shape("wpe.weight");
  std::set<std::string> blocks;
  for (const std::string& name : tensors.names())
    if (const size_t h = name.find("h."); h == 0 || (h != std::string::npos && name[h - 1] == '.'))
      blocks.insert(name.substr(h, name.find('.', h + 2) - h));
  return {.vocab = tokens[0],
          .context = positions[0],
          .width = tokens[1],
          .heads = std::max<int64_t>(tokens[1] / 64, 1),
          .layers = static_cast<int64_t>(blocks.size()),
          .bias = true,
          .gelu_tanh = true};
}

}  // namespace

LoadedGPT load_gpt(const std::filesystem::path& path, const std::filesystem::path& tokenizer,
                   const nn::PretrainedOptions& options, const std::string& option) {
  const ModelFiles files(path, option);
  const core::SafeTensors tensors = files.open();
  const std::string config = files.config(tensors);
  const nn::GPTOptions sizes = config.empty() ? options_from_shapes(tensors, files.weights.string())
                                              : nn::gpt_config(config, files.config_source(tensors));
  check_size(sizes, elements_of(tensors), files.config_source(tensors));
  LoadedGPT loaded{nn::GPT(sizes), files.tokeniser(tensors, tokenizer), 0};
  loaded.parameters = loaded.model.num_parameters();
  check_tokens_fit(*loaded.tokeniser, loaded.model.options.vocab, loaded.tokeniser.source);
  const bool ours = tensors.metadata().count("config") > 0;  // saved by save_gpt(), with heed's names and layouts
  load_weights(loaded.model, tensors, files.weights.string(), ours ? nn::Renames() : nn::gpt2_names(), options);
  return loaded;
}

void save_gpt(const std::filesystem::path& file, const nn::GPT& model, const Tokeniser& tokeniser) {
  const nn::StateDict state = model.state_dict();
  for (const nn::NamedTensor& entry : state)
    check(!entry.name.ends_with(".lora_A"), "save_gpt: ", entry.name,
          ": a file of a GPT has no low-rank adapters: merge them with merge_low_rank(model) first, or save "
          "state_dict() with nn::save");
  nn::save(file, state, {{"config", nn::to_config(model.options)}, {"tokeniser", tokeniser.to_text()}});
}

}  // namespace heed::kit
