// A program that continues a text with a trained model: what `gpt2` and `llama` share.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include <heed/examples/kit/cli.h>
#include <heed/examples/kit/models/model_files.h>
#include <heed/examples/kit/writing.h>
#include <heed/nn/module.h>

namespace heed::kit {

struct WriterSettings {
  Common common{.seed = 0, .steps = 256, .steps_help = "tokens to write"};
  std::filesystem::path model, tokenizer, logits;
  std::string weights = "f32";
  WritingOptions writing{.sampling = {.temperature = 0.8}};

  /// Tokens that the text can have at most: each takes a byte of the prompt or more, and a few may begin a text.
  int64_t longest_text() const { return common.steps + static_cast<int64_t>(writing.prompt.size()) + 8; }
  bool keep_16_bit() const { return weights == "file"; }
};

/// Adds the options and reads the command line. Returns false if the program ends here, after --help.
[[nodiscard]] bool parse_writer(Cli& cli, WriterSettings& s, int argc, char** argv);

/// What a model needs to be for this.
struct Writer {
  nn::Module& model;
  int64_t vocab, context;
  int64_t parameters;  // counted before 16-bit weights replaced some
  GenerateTexts generate;
  std::function<Tensor(const Tensor& tokens)> logits;  // (1, n) -> (1, n, V)
};

/// Makes the weights as wide as --weights says, saves --logits, writes, and prints speed and --json. Returns the exit code.
int run_writer(const Cli& cli, WriterSettings& s, const Writer& writer, const FoundTokeniser& tokeniser);

template <class Model>
int run_writer(const Cli& cli, WriterSettings& s, Model& model, int64_t parameters, const FoundTokeniser& tokeniser) {
  return run_writer(cli, s,
                    {.model = model,
                     .vocab = model.options.vocab,
                     .context = model.options.context,
                     .parameters = parameters,
                     .generate = generates(model),
                     .logits = [&](const Tensor& tokens) { return model(tokens); }},
                    tokeniser);
}

}  // namespace heed::kit
