#include <heed/nn/models/generate.h>

#include <algorithm>
#include <span>

#include <heed/autograd/ops.h>

namespace heed::nn {

namespace {

using Tokens = std::vector<int64_t>;

// A text that is being continued.
struct Text {
  int64_t index;  // of its prompt
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
void extend(Text& text, int64_t token, const GenerateOptions& o) {
  if (std::find(o.stop_tokens.begin(), o.stop_tokens.end(), token) != o.stop_tokens.end()) return text.stop();
  text.tokens.push_back(token);
  const bool wanted = !o.on_token || o.on_token(text.index, token);
  if (ends_in_stop_string(text, token, o) || !wanted) return text.stop();
  text.open = static_cast<int64_t>(text.length()) < o.max_tokens;
}

void check_options(const CachedModel& model, const std::vector<Tokens>& prompts, const GenerateOptions& o) {
  check(o.max_tokens >= 0, "generate: max_tokens ", o.max_tokens, ": must not be negative");
  check(model.context > 0, "generate: a model with context ", model.context, ": must be positive");
  check(model.step != nullptr,
        "generate: the model's step is empty: give a function of tokens (B, n) that returns the "
        "logits (B, V) of the next token");
  check(model.restart != nullptr,
        "generate: the model's restart is empty: give a function that forgets all tokens, "
        "[] {} if step() keeps nothing");
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
Tensor window(std::span<const Text> texts, size_t first, size_t end) {
  Tokens all;
  for (const Text& text : texts)
    for (size_t i = first; i < end; ++i) all.push_back(i < text.tokens.size() ? text.tokens[i] : text.tokens.back());
  return tensor_i64(all, {static_cast<int64_t>(texts.size()), static_cast<int64_t>(end - first)});
}

// The logits of the next token. A model of the user's own may return anything; `vocabulary` is V of the call before, or 0.
Tensor logits_of(const CachedModel& model, const Tensor& tokens, int64_t& vocabulary) {
  const Tensor logits = model.step(tokens);
  check<ShapeError>(logits.defined(), "generate: step() of tokens ", tokens.shape(),
                    " returned an empty Tensor: must return logits (B, V)");
  const int64_t B = tokens.size(0);
  check<ShapeError>(logits.dim() == 2 && logits.size(0) == B && logits.size(1) > 0, "generate: step() of tokens ",
                    tokens.shape(), " returned logits ", logits.shape(), ": must be (", B,
                    ", V), one row per text, with a logit for each token",
                    logits.dim() == 3 ? ": return those of the last position, logits.select(1, -1)" : "");
  check<DtypeError>(is_floating(logits.dtype()), "generate: step() of tokens ", tokens.shape(), " returned logits ",
                    logits.dtype(), ": must be f32 or f64");
  check<ShapeError>(vocabulary == 0 || logits.size(1) == vocabulary, "generate: step() of tokens ", tokens.shape(),
                    " returned logits ", logits.shape(), ", those before had V = ", vocabulary,
                    ": V must be the same at every step");
  vocabulary = logits.size(1);
  return logits;
}

// The next token of each text that `wanted` marks. Logits of the others are not looked at: what a model computes after
// the end of a text may be anything.
std::vector<double> next_tokens(Tensor logits, std::span<const Text> texts, const std::vector<double>& wanted,
                                const GenerateOptions& o) {
  const auto B = static_cast<int64_t>(texts.size());
  if (std::count(wanted.begin(), wanted.end(), 1.0) < B)
    logits = where(tensor(wanted, {B, 1}, Dtype::boolean), logits, 0.0);
  std::vector<Tokens> before;
  if (o.sampling.repetition_penalty != 1.0)
    for (const Text& text : texts) before.push_back(text.tokens);
  Generator& generator = o.generator ? *o.generator : default_generator();
  return sample_tokens(logits, o.sampling, generator, before).to_vector();
}

// Continues texts whose windows are the same at every position.
void continue_texts(const CachedModel& model, std::span<Text> texts, const GenerateOptions& o, int64_t& vocabulary) {
  const auto context = static_cast<size_t>(model.context);
  size_t end = SIZE_MAX;  // tokens before this position are chosen in all texts
  for (const Text& text : texts) end = std::min(end, text.prompt);
  size_t read =
      end > context ? end - context : 0;  // tokens before this position are in the cache, or out of the window
  size_t in_cache = 0;
  while (std::any_of(texts.begin(), texts.end(), [](const Text& text) { return text.open; })) {
    if (in_cache + (end - read) > context) {
      model.restart();
      in_cache = 0;
      read = end - std::max<size_t>(context / 2, 1);
    }
    const Tensor logits = logits_of(model, window(texts, read, end), vocabulary);
    in_cache += end - read;
    read = end++;

    std::vector<double> wanted;  // 1: sampled. 0: the text has ended, or its prompt goes on
    for (const Text& text : texts) wanted.push_back(text.open && text.tokens.size() < end ? 1.0 : 0.0);
    if (std::count(wanted.begin(), wanted.end(), 1.0) == 0) continue;
    const std::vector<double> next = next_tokens(logits, texts, wanted, o);
    for (size_t b = 0; b < texts.size(); ++b)
      if (wanted[b] != 0) extend(texts[b], static_cast<int64_t>(next[b]), o);
  }
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
  std::vector<Text> texts;
  for (size_t i = 0; i < prompts.size(); ++i)
    texts.push_back({.index = static_cast<int64_t>(i),
                     .tokens = prompts[i],
                     .prompt = prompts[i].size(),
                     .open = o.max_tokens > 0,
                     .tail = {}});

  // A prompt that is longer than the context begins with its last tokens, so where its window rolls depends on its
  // length; all that fit roll at the same positions, and are continued together.
  const auto same_window = [&](const Text& text) { return std::max(text.prompt, static_cast<size_t>(model.context)); };
  std::stable_sort(texts.begin(), texts.end(),
                   [&](const Text& a, const Text& b) { return same_window(a) < same_window(b); });
  int64_t vocabulary = 0;
  for (size_t begin = 0, end = 0; begin < texts.size(); begin = end) {
    while (end < texts.size() && same_window(texts[end]) == same_window(texts[begin])) ++end;
    if (begin > 0) model.restart();
    continue_texts(model, std::span(texts).subspan(begin, end - begin), o, vocabulary);
  }

  std::vector<Generated> results(prompts.size());
  for (Text& text : texts) {
    text.tokens.erase(text.tokens.begin(), text.tokens.begin() + static_cast<int64_t>(text.prompt));
    results[static_cast<size_t>(text.index)] = {std::move(text.tokens), text.stopped};
  }
  return results;
}

}  // namespace heed::nn
