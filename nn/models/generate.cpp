#include <heed/nn/models/generate.h>

#include <algorithm>

#include <heed/autograd/ops.h>

namespace heed::nn {

namespace {

using Tokens = std::vector<int64_t>;

// A text that is being continued.
struct Text {
  Tokens tokens;  // prompt and continuation
  size_t prompt;  // length of the prompt
  bool open = true, stopped = false;
  std::string tail;  // the latest bytes, as far as a stop string may reach back

  size_t length() const { return tokens.size() - prompt; }

  void stop() { open = false, stopped = true; }
};

bool ends_in_stop_string(Text& text, int64_t token, const GenerateOptions& o) {
  if (o.stop_strings.empty()) return false;
  const std::string bytes = o.bytes_of(token);
  text.tail += bytes;
  size_t longest = 0;
  for (const std::string& stop : o.stop_strings) {
    if (text.tail.find(stop) != std::string::npos) return true;
    longest = std::max(longest, stop.size());
  }
  if (text.tail.size() > longest) text.tail.erase(0, text.tail.size() - longest);
  return false;
}

// Adds the next token to a text, or ends it.
void extend(Text& text, int64_t index, int64_t token, const GenerateOptions& o) {
  if (std::find(o.stop_tokens.begin(), o.stop_tokens.end(), token) != o.stop_tokens.end()) return text.stop();
  text.tokens.push_back(token);
  const bool wanted = !o.on_token || o.on_token(index, token);
  if (ends_in_stop_string(text, token, o) || !wanted) return text.stop();
  text.open = static_cast<int64_t>(text.length()) < o.max_tokens;
}

void check_options(const CachedModel& model, const std::vector<Tokens>& prompts, const GenerateOptions& o) {
  check(o.max_tokens >= 0, "generate: max_tokens ", o.max_tokens, ": must not be negative");
  check(model.context > 0, "generate: a model with context ", model.context, ": must be positive");
  check_sampling("generate", o.sampling);
  for (size_t i = 0; i < prompts.size(); ++i)
    check(!prompts[i].empty(), "generate: prompt ", i,
          " is empty: give at least one token, for example the one that "
          "begins a text");
  for (const std::string& stop : o.stop_strings) check(!stop.empty(), "generate: an empty stop string: leave it out");
  check(o.stop_strings.empty() || o.bytes_of, "generate: ", o.stop_strings.size(),
        " stop strings, but no bytes_of: give the function that returns a token's bytes");
}

// Tokens first … end-1 of each text, (B, end - first). A text that has ended and is shorter repeats its last token: its
// logits are not looked at.
Tensor window(const std::vector<Text>& texts, size_t first, size_t end) {
  Tokens all;
  for (const Text& text : texts)
    for (size_t i = first; i < end; ++i) all.push_back(i < text.tokens.size() ? text.tokens[i] : text.tokens.back());
  return tensor_i64(all, {static_cast<int64_t>(texts.size()), static_cast<int64_t>(end - first)});
}

}  // namespace

int64_t positions_needed(const std::vector<Tokens>& prompts, int64_t max_tokens, int64_t context) {
  const int64_t most = std::max<int64_t>(context, 1);
  int64_t longest = 1;
  for (const Tokens& prompt : prompts) longest = std::max(longest, static_cast<int64_t>(prompt.size()));
  return longest >= most ? most : longest + std::clamp<int64_t>(max_tokens, 0, most - longest);
}

std::vector<Generated> generate(const CachedModel& model, const std::vector<Tokens>& prompts,
                                const GenerateOptions& o) {
  check_options(model, prompts, o);
  const NoGrad no_history;
  Generator& generator = o.generator ? *o.generator : default_generator();
  const auto context = static_cast<size_t>(model.context);

  std::vector<Text> texts;
  size_t end = prompts.empty() ? 0 : prompts.front().size();  // tokens before this position are chosen in all texts
  for (const Tokens& prompt : prompts) {
    texts.push_back({.tokens = prompt, .prompt = prompt.size(), .open = o.max_tokens > 0, .tail = {}});
    end = std::min(end, prompt.size());
  }
  const auto open = [](const Text& text) { return text.open; };
  size_t read =
      end > context ? end - context : 0;  // tokens before this position are in the cache, or out of the window
  size_t in_cache = 0;
  while (std::any_of(texts.begin(), texts.end(), open)) {
    if (in_cache + (end - read) > context) {
      model.restart();
      in_cache = 0;
      read = end - std::max<size_t>(context / 2, 1);
    }
    const Tensor logits = model.step(window(texts, read, end));
    in_cache += end - read;
    read = end++;

    std::vector<Tokens> before;
    if (o.sampling.repetition_penalty != 1.0)
      for (const Text& text : texts) before.push_back(text.tokens);
    const std::vector<double> next = sample_tokens(logits, o.sampling, generator, before).to_vector();
    for (size_t b = 0; b < texts.size(); ++b)
      if (texts[b].open && texts[b].tokens.size() < end)  // else its prompt goes on
        extend(texts[b], static_cast<int64_t>(b), static_cast<int64_t>(next[b]), o);
  }

  std::vector<Generated> results;
  for (Text& text : texts) {
    text.tokens.erase(text.tokens.begin(), text.tokens.begin() + static_cast<int64_t>(text.prompt));
    results.push_back({std::move(text.tokens), text.stopped});
  }
  return results;
}

}  // namespace heed::nn
