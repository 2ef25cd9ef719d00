#include <heed/examples/kit/tokens/unicode.h>

#include <algorithm>
#include <vector>

#include <heed/core/text.h>
#include <heed/examples/kit/tokens/table_numbers.h>

namespace heed::kit {
namespace {

#include <heed/examples/kit/tokens/unicode_tables.inc>

constexpr char32_t code_points = 0x110000;

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
    for (TableNumbers numbers(class_runs_text); numbers.any();) {
      const uint32_t run = numbers.next();
      const auto kind = static_cast<CharClass>(run % 8);
      const char32_t end = begin + run / 8;
      for (char32_t c = begin; c < std::min(end, direct); ++c) first[c] = kind;
      if (end > direct) runs.push_back({end, kind});
      begin = end;
    }
  }
};

struct Capitals {
  CodeRun run;
  int32_t distance;
};

std::vector<Capitals> read_capitals() {
  std::vector<Capitals> all;
  for (TableNumbers numbers(lower_runs_text); numbers.any();) {
    const CodeRun run = CodeRun::read(numbers, all.empty() ? 0 : all.back().run.last);
    all.push_back({run, numbers.next_signed()});
  }
  return all;
}

std::vector<CodeRun> read_runs(std::string_view text) {
  std::vector<CodeRun> all;
  for (TableNumbers numbers(text); numbers.any();)
    all.push_back(CodeRun::read(numbers, all.empty() ? 0 : all.back().last));
  return all;
}

bool in_runs(const std::vector<CodeRun>& runs, char32_t c) {
  const auto run =
      std::lower_bound(runs.begin(), runs.end(), c, [](const CodeRun& r, char32_t code) { return r.last < code; });
  return run != runs.end() && run->has(c);
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

LetterCase case_of(char32_t c) {
  static const std::vector<CodeRun> capitals = read_runs(capitals_text), uncased = read_runs(uncased_text);
  if (in_runs(uncased, c)) return LetterCase::either;
  if (class_of(c) != CharClass::letter) return LetterCase::none;
  return in_runs(capitals, c) ? LetterCase::capital : LetterCase::small;
}

void append_lower(std::u32string& text, char32_t c) {
  if (c < 0x80) {
    text += c >= 'A' && c <= 'Z' ? c + 32 : c;
    return;
  }
  static const std::vector<Capitals> all = read_capitals();
  const auto found =
      std::lower_bound(all.begin(), all.end(), c, [](const Capitals& r, char32_t code) { return r.run.last < code; });
  if (c == 0x130) text += U"i\u0307";
  else if (found != all.end() && found->run.has(c)) text += TableNumbers::moved(c, found->distance);
  else text += c;
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
