// Tokens: what a language model reads instead of letters.
//
//     tokenise                                          trains 512 tokens on heed's own source
//     tokenise --train shakespeare.txt --vocab 2000     on another text; --out keeps them as tokenizer.json
//     tokenise --tokenizer gpt2/ --text shakespeare.txt    a published tokeniser: how many tokens does a text take, and how long?
//
// Byte-pair encoding begins with the 256 bytes and, again and again, makes one token of the two that stand side by side
// most often. Frequent words end as one token, rare ones as several, and no text is without tokens.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <heed/core/files/file.h>
#include <heed/core/text.h>
#include <heed/examples/kit/cli.h>
#include <heed/examples/kit/data/datasets.h>
#include <heed/examples/kit/format.h>
#include <heed/examples/kit/interrupt.h>
#include <heed/examples/kit/run_folder.h>
#include <heed/examples/kit/tokens/byte_pair.h>
#include <heed/examples/kit/tokens/tokeniser.h>

using namespace heed;

namespace {

struct Settings {
  std::filesystem::path tokenizer, train, text, strings;
  int64_t vocab = 512;
};

bool parse(kit::Cli& cli, Settings& s, kit::Common& common, int argc, char** argv) {
  cli.group("Tokens",
            {{"tokenizer",
              &s.tokenizer,
              "tokens of another model: tokenizer.json, vocab.bpe, vocab.txt, tokenizer.bin, or their folder",
              {.value = "PATH", .shown_default = "none: train some"}},
             {"tokens", &s.tokenizer, "the former name of --tokenizer", {.value = "PATH", .shown_default = "none"}},
             {"train",
              &s.train,
              "learn byte-pair tokens from this text",
              {.value = "FILE", .shown_default = "heed's own source"}},
             {"vocab", &s.vocab, "how many tokens to learn", {.min = 256, .max = 1e6}}});
  cli.group(
      "Text",
      {{"text", &s.text, "encode this text", {.value = "FILE", .shown_default = "the text learnt from, or a sentence"}},
       {"strings", &s.strings, "encode each text of this JSON list", {.value = "FILE"}}});
  cli.common(common);
  cli.example("tokenise", "512 tokens learnt from heed's own source");
  cli.example("tokenise --train book.txt --vocab 2000", "from a book; out/tokenise/tokenizer.json keeps them");
  cli.example("tokenise --tokenizer gpt2 --text book.txt --steps 20", "GPT-2's tokens of a book, the first 20 shown");
  cli.json_keys({{"vocab_size", "number of tokens that there are"},
                 {"texts", "number of texts encoded"},
                 {"bytes", "their bytes"},
                 {"tokens", "their tokens"},
                 {"ids", "a list for each text: its first --steps ids"},
                 {"pieces", "the same, as text"},
                 {"round_trip", "true if all texts came back when decoded"},
                 {"encode_mb_per_s", "million bytes encoded per second, on one thread"},
                 {"decode_mb_per_s", "the same for decoding"}});
  if (!cli.parse(argc, argv)) return false;
  cli.refuse_unused(
      {{!s.tokenizer.empty(), {"train", "vocab"}, "with --tokenizer nothing is learnt: give one or the other"},
       {!s.strings.empty(), {"text"}, "--strings gives other texts: give one of them"}});
  return true;
}

std::vector<std::string> read_strings(const std::string& file) {
  std::vector<std::string> texts;
  const kit::Json list = kit::parse_json(core::read_file(file), file);
  for (const kit::Json& text : list.as_list()) texts.push_back(text.as_string());
  return texts;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Text on one line, its blanks visible.
std::string shown(const std::string& piece) {
  std::string text;
  for (const char c : piece) text += c == ' ' ? "·" : c == '\n' ? "\\n" : c == '\t' ? "\\t" : std::string(1, c);
  return harmless(text);
}

int run(int argc, char** argv) {
  Settings s;
  kit::Common common{.steps = 40, .steps_help = "tokens of each text to show"};
  kit::Cli cli("tokenise", "Divides texts into tokens, its own or those of published models.");
  if (!parse(cli, s, common, argc, argv)) return 0;
  std::optional<kit::RunFolder> out;

  std::unique_ptr<kit::Tokeniser> tokeniser;
  std::vector<std::string> texts;
  if (s.tokenizer.empty()) {
    out.emplace(common.out);
    const std::string text = s.train.empty() ? kit::source_tree_text() : core::read_file(s.train.string());
    check<kit::UsageError>(!text.empty(), "--train: ", quote(s.train.string()), ": is empty: nothing can be learnt");
    auto trained = kit::BytePairTokeniser::train(text, s.vocab);
    std::cout << kit::grouped(static_cast<int64_t>(text.size())) << " bytes to learn from, "
              << kit::grouped(trained.size()) << " tokens learnt. The first merges, and the last:\n ";
    const auto merges = trained.merges();
    for (size_t i = 0; i < merges.size(); ++i)
      if (i < 8 || i + 8 >= merges.size())
        std::cout << ' ' << merges[i].first << '+' << merges[i].second << (i == 7 && merges.size() > 16 ? " …" : "");
    std::cout << "\n\n";
    core::write_file_atomic(out->file("tokenizer.json", "the tokens, as Hugging Face's tokenizers reads them").string(),
                            trained.to_text());
    texts = {text};
    tokeniser = std::make_unique<kit::BytePairTokeniser>(std::move(trained));
  } else {
    tokeniser = kit::load_tokeniser(s.tokenizer);
    texts = {"Attention is all you need: naïve, résumé, 3.14159 …"};
  }
  if (!s.text.empty()) texts = {core::read_file(s.text.string())};
  if (!s.strings.empty()) texts = read_strings(s.strings.string());

  int64_t bytes = 0, tokens = 0;
  bool round_trip = true;
  double encoding = 0, decoding = 0;
  kit::Json::List all_ids, all_pieces;
  for (const std::string& text : texts) {
    auto start = std::chrono::steady_clock::now();
    const kit::Ids ids = tokeniser->encode(text);
    encoding += seconds_since(start);
    start = std::chrono::steady_clock::now();
    const std::string decoded = tokeniser->decode(ids);
    decoding += seconds_since(start);
    round_trip = round_trip && decoded == text;
    bytes += static_cast<int64_t>(text.size());
    tokens += static_cast<int64_t>(ids.size());
    kit::Json::List first_ids, pieces;
    for (size_t i = 0; i < std::min(ids.size(), static_cast<size_t>(common.steps)); ++i) {
      first_ids.push_back(ids[i]);
      pieces.push_back(shown(tokeniser->name(ids[i])));
    }
    if (!common.quiet && texts.size() == 1) {
      for (const kit::Json& piece : pieces) std::cout << (&piece == &pieces[0] ? "  " : "|") << piece.as_string();
      std::cout << "\n ";
      for (const kit::Json& id : first_ids) std::cout << ' ' << id.as_integer();
      std::cout << (pieces.size() < ids.size() ? " …\n\n" : "\n\n");
    }
    all_ids.push_back(std::move(first_ids));
    all_pieces.push_back(std::move(pieces));
  }
  const double million = static_cast<double>(bytes) / 1e6;
  const double encode_speed = million / std::max(encoding, 1e-9), decode_speed = million / std::max(decoding, 1e-9);
  std::cout << kit::grouped(bytes) << " bytes are " << kit::grouped(tokens) << " of " << kit::grouped(tokeniser->size())
            << " tokens, "
            << kit::fixed(static_cast<double>(bytes) / static_cast<double>(std::max<int64_t>(1, tokens)), 2)
            << " bytes each; decoded they " << (round_trip ? "are the text again.\n" : "are another text.\n");
  std::cout << "encoded at " << kit::fixed(encode_speed, 1) << " MB/s, decoded at " << kit::fixed(decode_speed, 1)
            << " MB/s\n";
  if (out) out->print();
  cli.print_json({{"vocab_size", tokeniser->size()},
                  {"texts", texts.size()},
                  {"bytes", bytes},
                  {"tokens", tokens},
                  {"ids", std::move(all_ids)},
                  {"pieces", std::move(all_pieces)},
                  {"round_trip", round_trip},
                  {"encode_mb_per_s", encode_speed},
                  {"decode_mb_per_s", decode_speed}});
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return kit::run_main(argc, argv, run); }
