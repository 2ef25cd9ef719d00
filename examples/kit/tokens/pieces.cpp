#include <heed/examples/kit/tokens/pieces.h>

#include <algorithm>
#include <array>

#include <heed/examples/kit/tokens/unicode.h>

namespace heed::kit {
namespace {

enum class Kind : uint8_t { other, letter, number, white };

constexpr std::array<Kind, 128> ascii_kinds = [] {
  std::array<Kind, 128> kinds{};
  for (size_t c = 0; c < 128; ++c)
    kinds[c] = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ? Kind::letter
               : c >= '0' && c <= '9'                           ? Kind::number
               : c == ' ' || (c >= '\t' && c <= '\r')           ? Kind::white
                                                                : Kind::other;
  return kinds;
}();

/// The kind of the character at a position, and where the next one begins.
struct Step {
  Kind kind;
  size_t next;
};

Step step_at(std::string_view text, size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte < 128) return {ascii_kinds[byte], at + 1};
  const Character c = first_character(text.substr(at));
  switch (class_of(c.code)) {
    case CharClass::letter: return {Kind::letter, at + c.length};
    case CharClass::number: return {Kind::number, at + c.length};
    case CharClass::white_space: return {Kind::white, at + c.length};
    default: return {Kind::other, at + c.length};
  }
}

/// The end of the characters of this kind that begin at a position.
size_t end_of(Kind kind, std::string_view text, size_t at, size_t most = SIZE_MAX) {
  for (; most > 0 && at < text.size(); --most) {
    const Step step = step_at(text, at);
    if (step.kind != kind) break;
    at = step.next;
  }
  return at;
}

size_t end_of_any(std::string_view bytes, std::string_view text, size_t at) {
  return std::min(text.find_first_not_of(bytes, at), text.size());
}

bool is_line_end(char c) { return c == '\r' || c == '\n'; }

/// The length of 's, 't, 're, 've, 'm, 'll or 'd at the beginning, or 0.
size_t contraction(std::string_view text) {
  if (text.size() < 2 || text[0] != '\'') return 0;
  if (std::string_view("stmd").find(text[1]) != std::string_view::npos) return 2;
  const std::string_view two = text.substr(1, 2);
  return two == "re" || two == "ve" || two == "ll" ? 3 : 0;
}

/// The same in capital letters, too, or with a long s.
size_t contraction_of_any_case(std::string_view text) {
  if (text.size() < 2 || text[0] != '\'') return 0;
  if (text.starts_with("'\u017F")) return 3;
  char small[3] = {'\''};
  const size_t n = std::min<size_t>(text.size(), 3);
  for (size_t i = 1; i < n; ++i)
    small[i] = static_cast<char>(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]);
  return contraction({small, n});
}

/// \s+(?!\S)|\s+ for white space at the beginning: the last of several is left for the word that follows.
/// `alone`: what follows takes no white space to itself.
size_t white_piece(std::string_view text, Kind alone) {
  size_t end = 0, last = 0;
  while (end < text.size()) {
    const Step step = step_at(text, end);
    if (step.kind != Kind::white) return last > 0 && step.kind != alone ? last : end;
    last = end;
    end = step.next;
  }
  return end;
}

/// GPT-2's rule; `alone` is Kind::number where numbers are pieces of their own, and Kind::white for GPT-2.
size_t piece_of_gpt2(std::string_view text, Kind alone) {
  if (const size_t length = contraction(text)) return length;
  size_t begin = text[0] == ' ' && text.size() > 1 ? 1 : 0;
  Step first = step_at(text, begin);
  if (begin == 1 && first.kind == alone) begin = 0, first = {Kind::white, 1};
  return first.kind == Kind::white ? white_piece(text, alone) : end_of(first.kind, text, first.next);
}

/// [^\r\n\p{L}\p{N}]?\p{L}+: the end, or 0.
size_t prefixed_word(std::string_view text, Step first) {
  if (first.kind == Kind::letter) return end_of(Kind::letter, text, first.next);
  if (first.kind == Kind::number || is_line_end(text[0])) return 0;
  const size_t end = end_of(Kind::letter, text, first.next);
  return end > first.next ? end : 0;
}

/// What is left to white space and punctuation:  ?[^\s\p{L}\p{N}]+[after]*|\s*[\r\n]+|\s+(?!\S)|\s+
size_t other_piece(std::string_view text, Step first, std::string_view after) {
  const Step second = text[0] == ' ' && text.size() > 1 ? step_at(text, 1) : first;
  if (second.kind == Kind::other) return end_of_any(after, text, end_of(Kind::other, text, second.next));
  size_t line_end = 0;
  for (size_t at = 0; at < text.size();) {
    const Step step = step_at(text, at);
    if (step.kind != Kind::white) break;
    if (is_line_end(text[at])) line_end = step.next;
    at = step.next;
  }
  return line_end > 0 ? line_end : white_piece(text, Kind::white);
}

size_t piece_of_llama3(std::string_view text, size_t digits) {
  if (const size_t length = contraction_of_any_case(text)) return length;
  const Step first = step_at(text, 0);
  if (const size_t length = prefixed_word(text, first)) return length;
  if (first.kind == Kind::number) return end_of(Kind::number, text, 0, digits);
  return other_piece(text, first, "\r\n");
}

/// A character as GPT-4o's rule sees it, and where the next one begins.
struct CasedStep {
  LetterCase letter;
  size_t next;
  bool capital() const { return letter == LetterCase::capital || letter == LetterCase::either; }  // U
  bool small() const { return letter == LetterCase::small || letter == LetterCase::either; }      // W
};

CasedStep cased_step_at(std::string_view text, size_t at) {
  if (at >= text.size()) return {LetterCase::none, at};
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte < 128)
    return {ascii_kinds[byte] != Kind::letter ? LetterCase::none
            : byte < 'a'                      ? LetterCase::capital
                                              : LetterCase::small,
            at + 1};
  const Character c = first_character(text.substr(at));
  return {case_of(c.code), at + c.length};
}

/// U*W+ from `begin`, or 0. If no W follows the U, the last of them that is a W itself is given back.
size_t small_word(std::string_view text, size_t begin) {
  size_t end = begin, last_either = 0;
  CasedStep step = cased_step_at(text, end);
  for (; step.capital(); step = cased_step_at(text, end)) {
    end = step.next;
    if (step.small()) last_either = end;
  }
  if (!step.small()) return last_either;
  for (; step.small(); step = cased_step_at(text, end)) end = step.next;
  return end;
}

/// U+W* from `begin`, where U*W+ has no match, or 0.
size_t capital_word(std::string_view text, size_t begin) {
  size_t end = begin;
  for (CasedStep step = cased_step_at(text, end); step.capital(); step = cased_step_at(text, end)) end = step.next;
  return end > begin ? end : 0;
}

size_t piece_of_gpt4o(std::string_view text, size_t digits, bool contractions) {
  const Step first = step_at(text, 0);
  const bool prefix = first.kind != Kind::letter && first.kind != Kind::number && !is_line_end(text[0]);
  for (const auto& cased : {small_word, capital_word}) {
    size_t end = prefix ? cased(text, first.next) : 0;
    if (end == 0) end = cased(text, 0);
    if (end > 0) return end + (contractions ? contraction_of_any_case(text.substr(end)) : 0);
  }
  if (first.kind == Kind::number) return end_of(Kind::number, text, 0, digits);
  return other_piece(text, first, "\r\n/");
}

}  // namespace

size_t gpt2_piece(std::string_view text) { return piece_of_gpt2(text, Kind::white); }

size_t gpt2_digit_piece(std::string_view text) {
  const Step first = step_at(text, 0);
  return first.kind == Kind::number ? first.next : piece_of_gpt2(text, Kind::number);
}

size_t gpt2_digits_piece(std::string_view text) {
  const Step first = step_at(text, 0);
  return first.kind == Kind::number ? end_of(Kind::number, text, first.next) : piece_of_gpt2(text, Kind::number);
}

size_t llama3_piece(std::string_view text) { return piece_of_llama3(text, 3); }
size_t qwen2_piece(std::string_view text) { return piece_of_llama3(text, 1); }
size_t gpt4o_piece(std::string_view text) { return piece_of_gpt4o(text, 3, true); }
size_t tekken_piece(std::string_view text) { return piece_of_gpt4o(text, 1, false); }

}  // namespace heed::kit
