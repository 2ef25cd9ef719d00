#include <heed/examples/kit/tokens/unicode.h>

#include <algorithm>
#include <utility>
#include <vector>

#include <heed/core/text.h>

namespace heed::kit {
namespace {

#include <heed/examples/kit/tokens/unicode_tables.inc>

constexpr char32_t code_points = 0x110000;

/// Reads the numbers of a table (make_unicode_tables.py says how they are written).
class Numbers {
 public:
  explicit Numbers(std::string_view text) : rest_(text) {}
  bool any() const { return !rest_.empty(); }

  uint32_t next() {
    uint32_t number = 0;
    for (int shift = 0;; shift += 5) {
      const auto bits = static_cast<uint32_t>(rest_[0] - '0');
      rest_.remove_prefix(1);
      number |= (bits & 31) << shift;
      if (bits < 32) return number;
    }
  }

  static int32_t unfolded(uint32_t n) {
    return n % 2 == 0 ? static_cast<int32_t>(n / 2) : -static_cast<int32_t>(n / 2) - 1;
  }
  int32_t next_signed() { return unfolded(next()); }

 private:
  std::string_view rest_;
};

char32_t moved(char32_t c, int32_t by) { return static_cast<char32_t>(static_cast<int32_t>(c) + by); }

/// The class of every code point: those of the first planes in a row, the others in runs.
struct Classes {
  static constexpr char32_t direct = 0x20000;
  struct Run {
    char32_t end;
    CharClass kind;
  };
  std::vector<CharClass> first = std::vector<CharClass>(direct);
  std::vector<Run> runs;

  Classes() {
    char32_t begin = 0;
    for (Numbers numbers(class_runs_text); numbers.any();) {
      const uint32_t run = numbers.next();
      const auto kind = static_cast<CharClass>(run % 8);
      const char32_t end = begin + run / 8;
      for (char32_t c = begin; c < std::min(end, direct); ++c) first[c] = kind;
      if (end > direct) runs.push_back({end, kind});
      begin = end;
    }
  }
};

struct Decomposition {
  char32_t from;
  std::u32string to;
};

std::vector<Decomposition> read_decompositions() {
  std::vector<Decomposition> all;
  char32_t from = 0, first = 0, second = 0;
  for (Numbers numbers(decompositions_text); numbers.any();) {
    from += numbers.next();
    const uint32_t folded = numbers.next();
    first = moved(first, Numbers::unfolded(folded / 4));
    std::u32string to(1, first);
    for (uint32_t more = folded % 4; more > 0; --more) to += second = moved(second, numbers.next_signed());
    all.push_back({from, to});
  }
  return all;
}

struct Capitals {
  char32_t first, step, last;
  int32_t distance;
};

std::vector<Capitals> read_capitals() {
  std::vector<Capitals> all;
  char32_t last = 0;
  for (Numbers numbers(lower_runs_text); numbers.any();) {
    const char32_t first = last + numbers.next(), step = numbers.next();
    last = first + step * (numbers.next() - 1);
    all.push_back({first, step, last, numbers.next_signed()});
  }
  return all;
}

/// The combining class of a code point that is not an accent (Mn); of nearly all it is 0.
uint32_t combining_class(char32_t c) {
  static const auto all = [] {
    std::vector<std::pair<char32_t, uint32_t>> classes;
    char32_t code = 0;
    for (Numbers numbers(reordered_text); numbers.any();) {
      code += numbers.next();
      classes.emplace_back(code, numbers.next());
    }
    return classes;
  }();
  const auto found = std::lower_bound(all.begin(), all.end(), std::pair(c, uint32_t{0}));
  return found != all.end() && found->first == c ? found->second : 0;
}

void append_decomposed(std::u32string& text, char32_t c) {
  constexpr char32_t syllables = 0xAC00, leading = 0x1100, vowels = 0x1161, trailing = 0x11A7;
  if (c >= syllables && c < syllables + 19 * 21 * 28) {
    const char32_t i = c - syllables;
    text += {leading + i / (21 * 28), vowels + i / 28 % 21};
    if (i % 28 != 0) text += trailing + i % 28;
    return;
  }
  static const std::vector<Decomposition> all = read_decompositions();
  const auto found =
      std::lower_bound(all.begin(), all.end(), c, [](const Decomposition& d, char32_t code) { return d.from < code; });
  if (found != all.end() && found->from == c) text += found->to;
  else text += c;
}

}  // namespace

CharClass class_of(char32_t c) {
  static const Classes classes;
  if (c < Classes::direct) return classes.first[c];
  if (c >= code_points) return CharClass::other;
  return std::upper_bound(classes.runs.begin(), classes.runs.end(), c,
                          [](char32_t code, const Classes::Run& run) { return code < run.end; })
      ->kind;
}

void append_lower(std::u32string& text, char32_t c) {
  if (c < 0x80) {
    text += c >= 'A' && c <= 'Z' ? c + 32 : c;
    return;
  }
  static const std::vector<Capitals> all = read_capitals();
  const auto run =
      std::lower_bound(all.begin(), all.end(), c, [](const Capitals& r, char32_t code) { return r.last < code; });
  if (c == 0x130) text += U"i\u0307";
  else if (run != all.end() && run->first <= c && (c - run->first) % run->step == 0) text += moved(c, run->distance);
  else text += c;
}

std::u32string without_accents(std::u32string_view text) {
  std::u32string out;
  for (const char32_t c : text)
    if (class_of(c) != CharClass::accent) append_decomposed(out, c);
  // Canonical order: marks that follow each other by their class, those of equal class as they stand. What has no
  // class parts them, even if it is an accent.
  const auto moves = [](char32_t c) { return c >= 0x300 && combining_class(c) != 0; };
  for (auto begin = out.begin(); (begin = std::find_if(begin, out.end(), moves)) != out.end();) {
    const auto end = std::find_if_not(begin, out.end(), moves);
    std::stable_sort(begin, end, [](char32_t a, char32_t b) { return combining_class(a) < combining_class(b); });
    begin = end;
  }
  std::erase_if(out, [](char32_t c) { return class_of(c) == CharClass::still_accent; });
  return out;
}

Character first_character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {lead, 1, false};
  std::string_view rest = text;
  if (const auto code = take_code_point(rest)) return {*code, text.size() - rest.size(), false};
  // A second byte must keep the whole out of overlong forms, surrogates, and what is beyond U+10FFFF.
  const size_t wanted = lead >= 0xC2 && lead < 0xE0 ? 2 : lead >> 4 == 14 ? 3 : lead >= 0xF0 && lead < 0xF5 ? 4 : 1;
  const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  size_t length = 1;
  for (; length < wanted && length < text.size(); ++length) {
    const auto next = static_cast<unsigned char>(text[length]);
    if (next < (length == 1 ? low : 0x80) || next > (length == 1 ? high : 0xBF)) break;
  }
  return {Character::not_utf8, length, wanted > length && length == text.size()};
}

}  // namespace heed::kit
