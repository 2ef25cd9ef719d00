#include <heed/examples/kit/translation/sentence_pairs.h>

#include <algorithm>
#include <array>
#include <set>

#include <heed/core/error.h>
#include <heed/core/text.h>
#include <heed/examples/kit/data/tables.h>

namespace heed::kit {
namespace {

// U+00C0 … U+017F without their accents; '.' where the result is not an ASCII letter.
constexpr std::string_view base_letters =
    "AAAAAA.CEEEEIIII.NOOOOO..UUUUY..aaaaaa.ceeeeiiii.nooooo..uuuuy.y"  // Latin-1
    "AaAaAaCcCcCcCcDd..EeEeEeEeEeGgGgGgGgHh..IiIiIiIiI...JjKk.LlLlLl."  // Latin Extended-A
    "...NnNnNn...OoOoOo..RrRrRrSsSsSsSsTtTt..UuUuUuUuUuUuWwYyYZzZzZz.";
constexpr char32_t first_base_letter = 0xC0;

constexpr std::array<std::string_view, 12> tutorial_prefixes = {"i am ",  "i m ",   "he is",    "he s ",
                                                                "she is", "she s ", "you are",  "you re ",
                                                                "we are", "we re ", "they are", "they re "};
constexpr size_t tutorial_max_length = 10;

bool is_mark(char c) { return c == '.' || c == '!' || c == '?'; }

SentencePair prepared(const Row& row, Preparation preparation) {
  if (preparation == Preparation::tutorial)
    return {split_words(normalized_text(row[0])), split_words(normalized_text(row[1]))};
  return {split_words(translation_text(row[0])), split_words(translation_text(row[1]))};
}

}  // namespace

std::string without_accents(std::string_view text) {
  std::string bare;
  const size_t size = text.size();
  while (!text.empty()) {
    const auto c = take_code_point(text);
    check<FormatError>(c.has_value(), "without_accents: byte ", size - text.size(),
                       ": is not UTF-8: convert the text to UTF-8");
    if (*c >= 0x300 && *c <= 0x36F) continue;  // a combining accent
    const size_t at = *c - first_base_letter;
    if (*c >= first_base_letter && at < base_letters.size() && base_letters[at] != '.') bare += base_letters[at];
    else append_utf8(bare, *c);
  }
  return bare;
}

std::string normalized_text(std::string_view sentence) {
  std::string text;
  bool gap = false;  // a blank is due before the next character
  for (char c : without_accents(sentence)) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if ((c < 'a' || c > 'z') && !is_mark(c)) {
      gap = true;
      continue;
    }
    if ((gap || is_mark(c)) && !text.empty()) text += ' ';
    text += c;
    gap = false;
  }
  return text;
}

bool tutorial_keeps(const SentencePair& pair) {
  if (pair.first.size() >= tutorial_max_length || pair.second.size() >= tutorial_max_length) return false;
  const std::string text = join_words(pair.first);
  return std::any_of(tutorial_prefixes.begin(), tutorial_prefixes.end(),
                     [&](std::string_view prefix) { return text.starts_with(prefix); });
}

std::vector<SentencePair> read_sentence_pairs(const std::filesystem::path& file, Preparation preparation,
                                              int64_t limit) {
  std::vector<SentencePair> pairs;
  std::set<std::string> seen;
  for (const Row& row : read_tsv(file)) {
    if (limit > 0 && static_cast<int64_t>(pairs.size()) == limit) break;
    check<FormatError>(row.size() == 2 || row.size() == 3, readable(file.string()), ":1: ", row.size(),
                       " tab-separated fields: expected a sentence, its translation and perhaps a source:"
                       " give a table with two or three columns");
    if (preparation == Preparation::d2l && !seen.insert(row[0]).second) continue;
    SentencePair pair = prepared(row, preparation);
    if (preparation == Preparation::d2l || tutorial_keeps(pair)) pairs.push_back(std::move(pair));
  }
  return pairs;
}

}  // namespace heed::kit
