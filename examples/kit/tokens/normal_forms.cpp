#include <heed/examples/kit/tokens/normal_forms.h>

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <vector>

#include <heed/core/text.h>
#include <heed/examples/kit/tokens/table_numbers.h>
#include <heed/examples/kit/tokens/unicode.h>

namespace heed::kit {
namespace {

#include <heed/examples/kit/tokens/normal_form_tables.inc>

/// Korean syllables are computed: a leading consonant, a vowel, and perhaps a trailing consonant.
namespace hangul {
constexpr char32_t syllables = 0xAC00, leading = 0x1100, vowels = 0x1161, trailing = 0x11A7;
constexpr char32_t leading_count = 19, vowel_count = 21, trailing_count = 28;
constexpr char32_t count = leading_count * vowel_count * trailing_count;

bool is_syllable(char32_t c) { return c >= syllables && c < syllables + count; }
bool follows(char32_t c) {
  return (c >= vowels && c < vowels + vowel_count) || (c > trailing && c < trailing + trailing_count);
}
}  // namespace hangul

struct Decomposition {
  char32_t from, first, second;  // no second: 0
  bool composes;
};

struct Tables {
  std::vector<Decomposition> by_from, by_parts;  // the second: those that compose
  std::vector<uint8_t> classes;                  // combining classes, of code points below `last_class`
  std::vector<bool> changes;  // may differ in NFC, or join what is before it: nearly all code points do neither

  Tables() {
    char32_t from = 0, first = 0, second = 0;
    for (TableNumbers numbers(decompositions_text); numbers.any();) {
      from += numbers.next();
      const uint32_t head = numbers.next();
      first = TableNumbers::moved(first, TableNumbers::unfolded(head / 4));
      if (head % 2 == 1) second = TableNumbers::moved(second, numbers.next_signed());
      by_from.push_back({from, first, head % 2 == 1 ? second : 0, head / 2 % 2 == 1});
    }
    for (const Decomposition& d : by_from)
      if (d.composes) by_parts.push_back(d);
    std::sort(by_parts.begin(), by_parts.end(), [](const Decomposition& a, const Decomposition& b) {
      return std::tie(a.first, a.second) < std::tie(b.first, b.second);
    });

    CodeRun run{};
    for (TableNumbers numbers(combining_text); numbers.any();) {
      run = CodeRun::read(numbers, run.last);
      const auto of_run = static_cast<uint8_t>(numbers.next());
      classes.resize(run.last + 1);
      for (char32_t c = run.first; c <= run.last; c += run.step) classes[c] = of_run;
    }

    changes.resize(std::max<size_t>(classes.size(), by_from.back().from + 1));
    for (const Decomposition& d : by_from) {
      if (!d.composes) changes[d.from] = true;
      else changes[d.second] = true;
    }
    for (size_t c = 0; c < classes.size(); ++c)
      if (classes[c] != 0) changes[c] = true;
    for (char32_t c = hangul::vowels; c < hangul::trailing + hangul::trailing_count; ++c)
      if (hangul::follows(c)) changes[c] = true;
  }

  uint8_t class_of(char32_t c) const { return c < classes.size() ? classes[c] : 0; }
  bool may_change(char32_t c) const { return c < changes.size() && changes[c]; }
};

const Tables& tables() {
  static const Tables all;
  return all;
}

void append_decomposed(std::u32string& text, char32_t c) {
  constexpr char32_t first_with_parts = 0xC0;
  if (c < first_with_parts) {
    text += c;
    return;
  }
  if (hangul::is_syllable(c)) {
    const char32_t i = c - hangul::syllables, tail = i % hangul::trailing_count;
    text += {hangul::leading + i / (hangul::vowel_count * hangul::trailing_count),
             hangul::vowels + i / hangul::trailing_count % hangul::vowel_count};
    if (tail != 0) text += hangul::trailing + tail;
    return;
  }
  const std::vector<Decomposition>& all = tables().by_from;
  const auto found =
      std::lower_bound(all.begin(), all.end(), c, [](const Decomposition& d, char32_t code) { return d.from < code; });
  if (found == all.end() || found->from != c) {
    text += c;
    return;
  }
  append_decomposed(text, found->first);  // at most three levels deep
  if (found->second != 0) text += found->second;
}

/// What two code points compose to, or 0.
char32_t pair_of(char32_t first, char32_t second) {
  using namespace hangul;
  if (first >= leading && first < leading + leading_count && second >= vowels && second < vowels + vowel_count)
    return syllables + ((first - leading) * vowel_count + second - vowels) * trailing_count;
  if (is_syllable(first) && (first - syllables) % trailing_count == 0 && second > trailing &&
      second < trailing + trailing_count)
    return first + second - trailing;
  const std::vector<Decomposition>& all = tables().by_parts;
  const auto found =
      std::lower_bound(all.begin(), all.end(), std::tuple(first, second),
                       [](const Decomposition& d, const auto& parts) { return std::tuple(d.first, d.second) < parts; });
  return found != all.end() && found->first == first && found->second == second ? found->from : 0;
}

/// A code point joins the last one of class 0 unless one of the same or a higher class stands between them.
void compose(std::u32string& text) {
  size_t kept = 0, starter = 0;
  bool has_starter = false;
  uint8_t before = 0;  // the class of the last one kept after the starter
  for (const char32_t c : text) {
    const uint8_t own = tables().class_of(c);
    const bool adjacent = has_starter && kept == starter + 1;
    if (has_starter && (adjacent || (before != 0 && before < own)))
      if (const char32_t joined = pair_of(text[starter], c)) {
        text[starter] = joined;
        continue;
      }
    if (own == 0) starter = kept, has_starter = true;
    before = own;
    text[kept++] = c;
  }
  text.resize(kept);
}

void append_composed(std::string& out, std::u32string_view part) {
  std::u32string text = decomposed(part);
  compose(text);
  for (const char32_t c : text) append_utf8(out, c);
}

}  // namespace

std::u32string decomposed(std::u32string_view text) {
  std::u32string out;
  for (const char32_t c : text) append_decomposed(out, c);
  const auto moves = [](char32_t c) { return tables().class_of(c) != 0; };
  for (auto begin = out.begin(); (begin = std::find_if(begin, out.end(), moves)) != out.end();) {
    const auto end = std::find_if_not(begin, out.end(), moves);
    std::stable_sort(begin, end, [](char32_t a, char32_t b) { return tables().class_of(a) < tables().class_of(b); });
    begin = end;
  }
  return out;
}

// What may change is composed together with the character before it, the only one of the others that it can join.
std::string composed(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::u32string part;  // the last character that does not change, and those after it that may
  const auto flush = [&] {
    if (part.empty()) return;
    if (part.size() == 1 && !tables().may_change(part[0])) append_utf8(out, part[0]);
    else append_composed(out, part);
    part.clear();
  };
  for (size_t at = 0; at < text.size();) {
    constexpr unsigned char first_that_combines = 0xCC;  // the first byte of U+0300
    size_t end = at;
    while (end < text.size() && static_cast<unsigned char>(text[end]) < first_that_combines) ++end;
    // The last of these, of one byte or two, may be joined by what comes next.
    size_t last = end;
    if (end < text.size() && end > at)
      last -= end - at > 1 && static_cast<unsigned char>(text[end - 2]) >= 0xC0 ? 2 : 1;
    if (last > at) {
      flush();
      out.append(text.substr(at, last - at));
      at = last;
      continue;
    }
    const Character c = first_character(text.substr(at));
    if (c.code == Character::not_utf8 || !tables().may_change(c.code)) flush();
    if (c.code == Character::not_utf8) out.append(text.substr(at, c.length));
    else part += c.code;
    at += c.length;
  }
  flush();
  return out;
}

std::u32string without_accents(std::u32string_view text) {
  std::u32string out = decomposed(text);
  std::erase_if(out, [](char32_t c) { return class_of(c) == CharClass::accent; });
  return out;
}

}  // namespace heed::kit
