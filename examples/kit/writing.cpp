#include <heed/examples/kit/writing.h>

#include <algorithm>
#include <chrono>
#include <ostream>
#include <string_view>

#include <heed/core/text.h>
#include <heed/examples/kit/interrupt.h>
#include <heed/examples/kit/tokens/text_stream.h>
#include <heed/examples/kit/tokens/unicode.h>

namespace heed::kit {

std::vector<Option> writing_options(WritingOptions& w) {
  nn::SamplingOptions& s = w.sampling;
  return {{"prompt", &w.prompt, "text to continue"},
          {"temperature", &s.temperature, "sampling temperature; 0 always takes the likeliest", {.min = 0, .max = 1e6}},
          {"top-k", &s.top_k, "keep the k likeliest tokens; 0: all", {.min = 0}},
          {"top-p",
           &s.top_p,
           "nucleus sampling: keep the likeliest tokens whose probabilities add up to this",
           {.above = 0, .max = 1}},
          {"min-p", &s.min_p, "keep tokens at least this times as likely as the likeliest", {.min = 0, .max = 1}},
          {"repetition-penalty",
           &s.repetition_penalty,
           "above 1: tokens that occurred become less likely",
           {.above = 0, .max = 1e6}},
          {"stop", &w.stop, "end before this text", {.shown_default = "none"}}};
}

std::vector<Unused> unused_writing_options(const WritingOptions& w, const std::string& count) {
  const std::vector<std::string> sampling = {"top-k", "top-p", "min-p"};
  std::vector<std::string> all = {"temperature", "repetition-penalty", "stop"};
  all.insert(all.end(), sampling.begin(), sampling.end());
  return {{w.tokens == 0, all, "nothing is written with " + count + " 0: give a larger one"},
          {w.sampling.temperature == 0, sampling,
           "--temperature 0 always takes the likeliest token: give a temperature above 0"}};
}

Ids prompt_ids(const Tokeniser& tokeniser, const WritingOptions& o) {
  Ids ids = from_option("--prompt", [&] { return tokeniser.encode(o.prompt); });
  if (tokeniser.bos() && (o.begin_with_bos || ids.empty())) ids.insert(ids.begin(), *tokeniser.bos());
  check<UsageError>(!ids.empty(),
                    "--prompt: is empty, and this tokeniser has no token that begins a text: give a text to "
                    "continue");
  return ids;
}

std::string first_prompt(const Tokeniser& tokeniser) {
  try {
    tokeniser.encode("\n");
    return "\n";
  } catch (const IndexError&) { return tokeniser.decode({0}); }
}

std::string first_word(const std::string& text) {
  for (const std::string& found : split_words(std::string_view(text).substr(0, 1000))) {
    std::string_view rest = found;
    std::string word;
    for (int i = 0; i < 20 && !rest.empty(); ++i) {
      const Character c = first_character(rest);
      if (c.code == Character::not_utf8) break;  // cut off at 1000 bytes
      word += rest.substr(0, c.length);
      rest.remove_prefix(c.length);
    }
    if (!word.empty() && harmless(word) == word) return word;
  }
  return "";
}

Words shown_tokens(const Tokeniser& tokeniser, const Ids& ids) {
  Words words;
  for (const int64_t id : ids) {
    TextStream stream;
    const std::string name = stream.add(tokeniser.name(id));
    words.push_back(name + stream.finish());
  }
  return words;
}

namespace {

// The tokens whose bytes end at `stop` in what was written: whole ones, then the longest that its rest consists of.
Ids tokens_before(const std::string& stop, const Tokeniser& tokeniser, const Ids& ids,
                  const std::vector<std::string>& bytes) {
  std::string all;
  for (const std::string& piece : bytes) all += piece;
  std::string rest = all.substr(0, all.find(stop));
  Ids kept;
  for (; kept.size() < bytes.size() && bytes[kept.size()].size() <= rest.size(); kept.push_back(ids[kept.size()]))
    rest.erase(0, bytes[kept.size()].size());
  while (!rest.empty()) {
    int64_t best = -1;
    size_t longest = 0;
    for (int64_t id = 0; id < tokeniser.size(); ++id)
      if (const std::string piece = tokeniser.piece(id); piece.size() > longest && rest.starts_with(piece))
        best = id, longest = piece.size();
    if (best < 0) break;  // a scheme in which a token has no parts
    kept.push_back(best);
    rest.erase(0, longest);
  }
  return kept;
}

}  // namespace

Written write_text(const GenerateTexts& generate, const Tokeniser& tokeniser, const WritingOptions& o,
                   std::ostream& out) {
  const Ids prompt = prompt_ids(tokeniser, o);
  Written written{.tokens = prompt, .text = {}, .tokens_per_s = 0};
  if (prompt.front() == tokeniser.bos()) written.tokens.erase(written.tokens.begin());
  TextStream stream(o.stop.empty() ? std::vector<std::string>() : std::vector<std::string>{o.stop});
  const auto show = [&](const std::string& text) {
    written.text += text;
    out << harmless(text) << std::flush;
  };
  TextStream given;  // the prompt may hold bytes that are no text
  const std::string start = given.add(tokeniser.decode(prompt));
  show(start + given.finish());
  nn::GenerateOptions options{.max_tokens = o.tokens, .sampling = o.sampling};
  if (tokeniser.eos()) options.stop_tokens.push_back(*tokeniser.eos());
  if (tokeniser.bos() && tokeniser.bos() != tokeniser.eos()) options.stop_tokens.push_back(*tokeniser.bos());
  Generator generator(o.seed);
  options.generator = &generator;
  const bool before = interrupted();
  // The first piece of a text may begin with a blank that is not part of it: decode() knows.
  bool first = written.tokens.empty();
  std::vector<std::string> bytes;  // of each token
  options.on_token = [&](int64_t, int64_t token) {
    // A model may have more tokens than the tokeniser, to fill a round number; they stand for nothing.
    const bool known = token < tokeniser.size();
    bytes.push_back(!known ? "" : first ? tokeniser.decode({prompt.back(), token}) : tokeniser.piece(token));
    show(stream.add(bytes.back()));
    first = false;
    return !stream.stopped() && interrupted() == before;
  };
  const auto begin = std::chrono::steady_clock::now();
  const std::vector<nn::Generated> results = generate({prompt}, options);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::string rest = stream.finish();
  constexpr std::string_view broken = "\xEF\xBF\xBD";
  if (rest.ends_with(broken)) rest.resize(rest.size() - broken.size());  // the last token ended within a character
  show(rest);
  Ids tokens = results.front().tokens;
  written.tokens_per_s = seconds > 0 ? static_cast<double>(tokens.size()) / seconds : 0;
  if (stream.stopped()) tokens = tokens_before(o.stop, tokeniser, tokens, bytes);
  written.tokens.insert(written.tokens.end(), tokens.begin(), tokens.end());
  return written;
}

std::string sample_text(const GenerateTexts& generate, const Tokeniser& tokeniser, WritingOptions options) {
  options.tokens = std::min<int64_t>(options.tokens, 160);
  std::ostream nowhere(nullptr);
  return write_text(generate, tokeniser, options, nowhere).text;
}

}  // namespace heed::kit
