// Writing with a language model: prompts, what is printed while it comes, where a text ends.
#include <functional>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <heed/core/error.h>
#include <heed/examples/kit/tokens/byte_pair.h>
#include <heed/examples/kit/tokens/char_tokeniser.h>
#include <heed/examples/kit/writing.h>

#include "support/catch.h"
#include "support/errors.h"

using namespace heed;
using heed::test::message_of;
using kit::Ids;

namespace {

// One id per byte, 256 begins a text, 257 ends one.
struct Bytes : kit::Tokeniser {
  bool special;
  explicit Bytes(bool special_ = true) : special(special_) {}
  Ids encode(std::string_view text) const override {
    Ids ids;
    for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
    return ids;
  }
  std::string decode(const Ids& ids) const override {
    std::string text;
    for (const int64_t id : ids) text += piece(id);
    return text;
  }
  std::string piece(int64_t id) const override { return id < 256 ? std::string(1, static_cast<char>(id)) : ""; }
  std::string name(int64_t id) const override { return id < 256 ? piece(id) : id == 256 ? "<s>" : "</s>"; }
  int64_t size() const override { return special ? 258 : 256; }
  std::optional<int64_t> bos() const override { return special ? std::optional<int64_t>(256) : std::nullopt; }
  std::optional<int64_t> eos() const override { return special ? std::optional<int64_t>(257) : std::nullopt; }
  std::string to_text() const override { return "{}"; }
};

// A model that writes these bytes, whatever it reads; what it was asked is kept.
struct Scripted {
  std::string text;
  std::vector<Ids> prompts = {};
  nn::GenerateOptions options = {};

  kit::GenerateTexts generates() {
    return [this](const std::vector<Ids>& prompts_, const nn::GenerateOptions& o) {
      prompts = prompts_, options = o;
      nn::Generated written;
      for (const char c : text) {
        if (static_cast<int64_t>(written.tokens.size()) == o.max_tokens) break;
        written.tokens.push_back(static_cast<unsigned char>(c));
        if (!o.on_token(0, written.tokens.back())) {
          written.stopped = true;
          break;
        }
      }
      return std::vector<nn::Generated>{written};
    };
  }
};

struct Outcome {
  kit::Written written;
  std::string printed;
};
Outcome write(Scripted& model, const kit::WritingOptions& options, bool special = true) {
  std::ostringstream out;
  Outcome outcome;
  outcome.written = kit::write_text(model.generates(), Bytes(special), options, out);
  outcome.printed = out.str();
  return outcome;
}

}  // namespace

TEST_CASE("kit writing: the prompt comes first, the token that begins a text is not shown") {
  Scripted model{" a time"};
  const Outcome outcome = write(model, {.prompt = "Once", .tokens = 100});
  CHECK(model.prompts == std::vector<Ids>{{256, 'O', 'n', 'c', 'e'}});
  CHECK(outcome.written.text == "Once a time");
  CHECK(outcome.printed == "Once a time");
  CHECK(outcome.written.tokens == Bytes().encode("Once a time"));
  CHECK(outcome.written.tokens_per_s > 0);
  CHECK(model.options.stop_tokens == Ids{257, 256});
}

TEST_CASE("kit writing: how a text begins") {
  Bytes special, plain(false);
  CHECK(kit::prompt_ids(special, {.prompt = "a"}) == Ids{256, 'a'});
  CHECK(kit::prompt_ids(special, {.prompt = "a", .begin_with_bos = false}) == Ids{'a'});
  CHECK(kit::prompt_ids(special, {.prompt = "", .begin_with_bos = false}) == Ids{256});
  CHECK(kit::prompt_ids(plain, {.prompt = "a"}) == Ids{'a'});
  CHECK(message_of<kit::UsageError>([&] { kit::prompt_ids(plain, {}); }) ==
        "--prompt: is empty, and this tokeniser has no token that begins a text: give a text to continue");
  const kit::CharTokeniser letters(std::string_view("abc"));
  CHECK(message_of<kit::UsageError>([&] { kit::prompt_ids(letters, {.prompt = "abx"}); }).find("--prompt: ") == 0);
  CHECK(kit::shown_tokens(special, {'a', 0xC3, 256}) == kit::Words{"a", "\uFFFD", "<s>"});
}

TEST_CASE("kit writing: ends before the stop string, which may come in pieces, and after enough tokens") {
  Scripted model{" time. Then it stopped"};
  Outcome outcome = write(model, {.prompt = "A", .tokens = 100, .stop = ". Th"});
  CHECK(outcome.written.text == "A time");
  CHECK(outcome.printed == "A time");
  outcome = write(model, {.prompt = "A", .tokens = 100, .stop = ". No"});
  CHECK(outcome.written.text == "A time. Then it stopped");
  outcome = write(model, {.prompt = "A", .tokens = 3});
  CHECK(outcome.written.text == "A ti");
  outcome = write(model, {.prompt = "A", .tokens = 0});
  CHECK(outcome.written.text == "A");
}

TEST_CASE("kit writing: tokens are those of the text, also if it ends before a stop string") {
  Scripted model{" time. Then it stopped"};
  CHECK(write(model, {.prompt = "A", .tokens = 100, .stop = ". Th"}).written.tokens == Bytes().encode("A time"));
  CHECK(write(model, {.prompt = "A", .tokens = 100, .stop = ". No"}).written.tokens ==
        Bytes().encode("A time. Then it stopped"));
  CHECK(write(model, {.prompt = "A", .tokens = 100, .stop = " "}).written.tokens == Bytes().encode("A"));
  // "she sells" in tokens of several letters; the stop string begins within one of them.
  const auto pairs = kit::BytePairTokeniser::train("she sells she sells she sells she sells", 263);
  const std::string text = "she sells she sells";
  const kit::GenerateTexts generates = [&](const std::vector<Ids>&, const nn::GenerateOptions& o) {
    nn::Generated written;
    for (const int64_t id : pairs.encode(text)) {
      written.tokens.push_back(id);
      if (!o.on_token(0, id)) break;
    }
    return std::vector<nn::Generated>{written};
  };
  for (const char* stop : {"he", "ells", "lls sh", "s", "ls she sells"}) {
    CAPTURE(stop);
    std::ostringstream out;
    const kit::Written written =
        kit::write_text(generates, pairs, {.prompt = "x", .tokens = 100, .stop = stop, .begin_with_bos = false}, out);
    CHECK(written.text == "x" + text.substr(0, text.find(stop)));
    CHECK(pairs.decode(written.tokens) == written.text);
  }
  CHECK(pairs.encode(text).size() < 10);
}

TEST_CASE("kit writing: never half a character, and nothing that steers a terminal") {
  Scripted model{"\u00e9\u20ac\U0001F600 \x1b[2J"};
  Outcome outcome = write(model, {.prompt = "x", .tokens = 100}, false);
  CHECK(outcome.written.text == "x\u00e9\u20ac\U0001F600 \x1b[2J");
  CHECK(outcome.printed.find('\x1b') == std::string::npos);
  CHECK(outcome.printed.find("x\u00e9\u20ac\U0001F600 ") == 0);
  outcome = write(model, {.prompt = "x", .tokens = 4}, false);  // ends within the euro sign
  CHECK(outcome.written.text == "x\u00e9");
  CHECK(outcome.written.tokens.size() == 5);
}

TEST_CASE("kit writing: a first prompt that the tokeniser knows, and a first word for an example") {
  CHECK(kit::first_prompt(Bytes()) == "\n");
  CHECK(kit::first_prompt(kit::CharTokeniser(std::string_view("b\u00e9"))) == "b");
  CHECK(kit::first_word(" \n two words") == "two");
  CHECK(kit::first_word(std::string(30, 'a')) == std::string(20, 'a'));
  CHECK(kit::first_word("\u00e9t\u00e9 x") == "\u00e9t\u00e9");
  CHECK(kit::first_word(" \n").empty());
  CHECK(kit::first_word("\x1b[2J \u202Ea b") == "b");
  const std::string cut(999, ' ');
  CHECK(kit::first_word(cut + "\u00e9").empty());  // only its first byte is looked at
}

TEST_CASE("kit writing: options of the command line and their limits") {
  kit::WritingOptions writing;
  const std::vector<kit::Option> options = kit::writing_options(writing);
  CHECK(options.size() == 7);
  const auto parse = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "writer");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    kit::Cli cli("writer", "Writes.");
    cli.group("Writing", kit::writing_options(writing));
    return message_of<kit::UsageError>(
        [&] { static_cast<void>(cli.parse(static_cast<int>(argv.size()), argv.data())); });
  };
  CHECK(parse({"--prompt", "x", "--temperature", "0", "--top-k", "5", "--top-p", "0.5", "--min-p", "0.1",
               "--repetition-penalty", "1.2", "--stop", "."}) == "no error");
  CHECK(writing.prompt == "x");
  CHECK(writing.sampling.temperature == 0.0);
  CHECK(writing.sampling.top_k == 5);
  CHECK(writing.sampling.top_p == 0.5);
  CHECK(writing.sampling.min_p == 0.1);
  CHECK(writing.sampling.repetition_penalty == 1.2);
  CHECK(writing.stop == ".");
  CHECK(parse({"--top-p", "0"}).find("--top-p") == 0);
  CHECK(parse({"--min-p", "2"}).find("--min-p") == 0);
  CHECK(parse({"--temprature", "1"}).find("did you mean --temperature?") != std::string::npos);
}
