#include <heed/examples/kit/tokens/pieces.h>

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

/// The length of 's, 't, 're, 've, 'm, 'll or 'd at the beginning, or 0.
size_t contraction(std::string_view text) {
  if (text.size() < 2 || text[0] != '\'') return 0;
  if (std::string_view("stmd").find(text[1]) != std::string_view::npos) return 2;
  const std::string_view two = text.substr(1, 2);
  return two == "re" || two == "ve" || two == "ll" ? 3 : 0;
}

}  // namespace

size_t gpt2_piece(std::string_view text) {
  if (const size_t length = contraction(text)) return length;
  const size_t begin = text[0] == ' ' && text.size() > 1 ? 1 : 0;
  const Step first = step_at(text, begin);
  if (first.kind != Kind::white) {
    size_t end = first.next;
    while (end < text.size()) {
      const Step step = step_at(text, end);
      if (step.kind != first.kind) break;
      end = step.next;
    }
    return end;
  }
  // White space: the last of several is left for the word that follows.
  size_t end = 0, last = 0;
  while (end < text.size()) {
    const Step step = step_at(text, end);
    if (step.kind != Kind::white) return last > 0 ? last : end;
    last = end;
    end = step.next;
  }
  return end;
}

}  // namespace heed::kit
