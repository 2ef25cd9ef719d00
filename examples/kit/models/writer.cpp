#include <heed/examples/kit/models/writer.h>

#include <iostream>

#include <heed/autograd/ops.h>
#include <heed/core/files/npy.h>
#include <heed/core/text.h>
#include <heed/examples/kit/format.h>
#include <heed/examples/kit/interrupt.h>
#include <heed/nn/layers/compact_weight.h>

namespace heed::kit {

bool parse_writer(Cli& cli, WriterSettings& s, int argc, char** argv) {
  cli.group(
      "Model",
      {{"model", &s.model, "the weights: a file, or a folder with model.safetensors and config.json"},
       {"tokenizer", &s.tokenizer, "its tokens", {.value = "FILE", .shown_default = "the files beside the model"}},
       {"weights",
        &s.weights,
        "how weights are kept; file: as they are in it, if that is 16 bits",
        {.choices = {"f32", "file", "f16", "bf16", "i8"}}}});
  cli.group("Writing", writing_options(s.writing));
  cli.group("Looking inside",
            {{"logits", &s.logits, "save the logits of the prompt, (tokens, vocabulary), as .npy", {.value = "FILE"}}});
  cli.common(s.common);
  cli.json_keys({{"tokens", "ids of the text, without the one that begins every text"},
                 {"text", "the text"},
                 {"tokens_per_s", "writing speed, the time to read the prompt included"},
                 {"parameters", "number of parameters"}});
  if (!cli.parse(argc, argv)) return false;
  check<UsageError>(!s.model.empty(), "--model: is missing: give the weights of a trained model");
  s.writing.tokens = s.common.steps;
  cli.refuse_unused(unused_writing_options(s.writing, "--steps"));
  s.writing.seed = static_cast<uint64_t>(s.common.seed);
  watch_interrupts();
  return true;
}

int run_writer(const Cli& cli, WriterSettings& s, const Writer& writer, const FoundTokeniser& found) {
  const Tokeniser& tokeniser = *found;
  check_tokens_fit(tokeniser, writer.vocab, found.source);
  writer.model.eval();
  if (s.weights == "f16") nn::compact(writer.model, core::CompactType::f16);
  if (s.weights == "bf16") nn::compact(writer.model, core::CompactType::bf16);
  if (s.weights == "i8") nn::compact(writer.model, core::CompactType::i8);

  if (!s.logits.empty()) {
    const NoGrad no_history;
    const Ids ids = prompt_ids(tokeniser, s.writing);
    check<UsageError>(static_cast<int64_t>(ids.size()) <= writer.context, "--logits: the prompt has ", ids.size(),
                      " tokens, the model's context is ", writer.context, ": give a shorter --prompt");
    core::save_npy(s.logits.string(), writer.logits(tensor_i64(ids, {1, static_cast<int64_t>(ids.size())}))[0].array());
    std::cerr << "made " << readable(s.logits.string()) << '\n';
  }
  const Written written = write_text(writer.generate, tokeniser, s.writing, std::cout);
  std::cout << "\n";
  if (!s.common.quiet)
    std::cerr << fixed(written.tokens_per_s, 1) << " tokens/s, " << grouped(writer.parameters)
              << " parameters; tokens of " << readable(found.source) << '\n';
  cli.print_json({{"tokens", Json::List(written.tokens.begin(), written.tokens.end())},
                  {"text", written.text},
                  {"tokens_per_s", written.tokens_per_s},
                  {"parameters", writer.parameters}});
  return interrupt_exit_code();
}

}  // namespace heed::kit
