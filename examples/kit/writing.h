// Writing with a language model: the options of the command line, and the text as it comes.
//
//     kit::WritingOptions writing{.prompt = "Once", .tokens = 200};
//     cli.group("Writing", kit::writing_options(writing));
//     …
//     const kit::Written text = kit::write_text(kit::generates(model), *tokeniser, writing, std::cout);
#pragma once

#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include <heed/examples/kit/cli.h>
#include <heed/examples/kit/tokens/tokeniser.h>
#include <heed/nn/models/generate.h>

namespace heed::kit {

struct WritingOptions {
  std::string prompt = {};
  int64_t tokens = 300;  // at most, after the prompt
  nn::SamplingOptions sampling = {};
  std::string stop = {};  // the text ends before this
  uint64_t seed = 0;
  bool begin_with_bos = true;  // the tokeniser's beginning of a text stands before the prompt; else only if it is empty
};

/// --prompt, --temperature, --top-k, --top-p, --min-p, --repetition-penalty, --stop. How many tokens is the program's own option.
std::vector<Option> writing_options(WritingOptions& writing);

/// Which of them change nothing, since no token is drawn, or always the likeliest: for Cli::refuse_unused. `count` is the
/// program's option for the number of tokens: "--steps".
std::vector<Unused> unused_writing_options(const WritingOptions& writing, const std::string& count);

struct Written {
  Ids tokens;        // those of `text`; without the token that begins a text
  std::string text;  // prompt and continuation, whole UTF-8 sequences
  double tokens_per_s;
};

/// nn::generate() for one model.
using GenerateTexts =
    std::function<std::vector<nn::Generated>(const std::vector<Ids>& prompts, const nn::GenerateOptions&)>;
template <class Model> GenerateTexts generates(const Model& model) {
  return [&model](const std::vector<Ids>& prompts, const nn::GenerateOptions& o) {
    return nn::generate(model, prompts, o);
  };
}

/// The tokens of options.prompt. Throws UsageError if there are none, or the tokeniser does not know a part of it.
Ids prompt_ids(const Tokeniser& tokeniser, const WritingOptions& options);

/// A text to continue for a model that was given none: a newline if its tokeniser knows one, else the first token. (A
/// prompt may be empty only if there is a token that begins a text.)
std::string first_prompt(const Tokeniser& tokeniser);

/// A prompt for an example: the first word of a text that a terminal shows as it is, at most 20 characters of it; "" if
/// its first 1000 bytes have none.
std::string first_word(const std::string& text);

/// The tokens as words to be shown, one for each: UTF-8, special ones by name.
Words shown_tokens(const Tokeniser& tokeniser, const Ids& ids);

/// Continues the prompt until there are enough tokens, the tokeniser's end of a text, or `stop`; a signal ends it, too.
/// If `stop` begins within a token, shorter ones stand for the part before it.
/// The text is printed to `out` as it comes, with escapes for control characters.
Written write_text(const GenerateTexts& generate, const Tokeniser& tokeniser, const WritingOptions& options,
                   std::ostream& out);

/// The same without printing it, and of at most 160 tokens: for the page of a run. It draws from a generator of its own,
/// so that the run stays the same.
std::string sample_text(const GenerateTexts& generate, const Tokeniser& tokeniser, WritingOptions options);

}  // namespace heed::kit
