#include <heed/examples/kit/data/vocabulary.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include <heed/core/error.h>
#include <heed/core/text.h>

namespace heed::kit {
namespace {

/// Calls use(code point, line, column) for each code point of the text.
template <class Use> void for_each_code_point(std::string_view text, const Use& use) {
  int64_t line = 1, column = 1;
  while (!text.empty()) {
    const auto c = take_code_point(text);
    check<FormatError>(c.has_value(), "vocabulary: line ", line, ", column ", column,
                       ": is not UTF-8: convert the text to UTF-8");
    use(*c, line, column);
    *c == '\n' ? (++line, column = 1) : ++column;
  }
}

/// "'é' (U+00E9)"
std::string named(char32_t c) {
  std::string symbol;
  append_utf8(symbol, c);
  char number[16];
  std::snprintf(number, sizeof number, "U+%04X", static_cast<unsigned>(c));
  return quote(symbol) + " (" + number + ")";
}

void check_id(int64_t id, int64_t size) {
  check<IndexError>(id >= 0 && id < size, "vocabulary: id ", id, ": is not in 0 … ", size - 1,
                    ": was it made with another vocabulary?");
}

/// Lower case of ASCII, Latin-1 and Latin Extended-A.
char32_t lower(char32_t c) {
  if ((c >= 'A' && c <= 'Z') || (c >= 0xC0 && c <= 0xDE && c != 0xD7)) return c + 32;
  if (c == 0x178) return 0xFF;  // Ÿ
  const bool upper_is_even = (c >= 0x100 && c <= 0x137 && c != 0x130) || (c >= 0x14A && c <= 0x177);
  const bool upper_is_odd = (c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E);
  return c + ((upper_is_even && c % 2 == 0) || (upper_is_odd && c % 2 == 1) ? 1 : 0);
}

}  // namespace

CharVocab::CharVocab(std::string_view text) {
  for_each_code_point(text, [this](char32_t c, int64_t, int64_t) {
    if (ids_.emplace(c, 0).second) symbols_.push_back(c);
  });
  std::sort(symbols_.begin(), symbols_.end());
  for (size_t id = 0; id < symbols_.size(); ++id) ids_[symbols_[id]] = static_cast<int64_t>(id);
}

Ids CharVocab::encode(std::string_view text) const {
  Ids ids;
  ids.reserve(text.size());
  for_each_code_point(text, [&](char32_t c, int64_t line, int64_t column) {
    const auto found = ids_.find(c);
    if (found == ids_.end())
      fail<IndexError>(
          "vocabulary: ", named(c), " at line ", line, ", column ", column, ": is not among the ", size(),
          " symbols of the vocabulary: leave it out, train on a text that has it, or learn byte pairs, which take any "
          "text");
    ids.push_back(found->second);
  });
  return ids;
}

std::string CharVocab::decode(const Ids& ids) const {
  std::string text;
  for (const int64_t id : ids) {
    check_id(id, size());
    append_utf8(text, symbols_[static_cast<size_t>(id)]);
  }
  return text;
}

Words CharVocab::tokens(const Ids& ids) const {
  Words tokens;
  for (const int64_t id : ids) tokens.push_back(decode({id}));
  return tokens;
}

std::string CharVocab::symbols() const {
  std::string text;
  for (const char32_t c : symbols_) append_utf8(text, c);
  return text;
}

WordVocab::WordVocab(const std::vector<Words>& sentences, int64_t min_freq)
    : words_{"<pad>", "<sos>", "<eos>", "<unk>"} {
  std::map<std::string, int64_t> counts;
  for (const Words& sentence : sentences)
    for (const std::string& word : sentence) ++counts[word];
  for (const std::string& mark : words_) counts.erase(mark);
  std::vector<std::pair<std::string, int64_t>> order(counts.begin(), counts.end());
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  for (const auto& [word, count] : order)
    if (count >= min_freq) words_.push_back(word);
  for (size_t id = 0; id < words_.size(); ++id) ids_[words_[id]] = static_cast<int64_t>(id);
}

Ids WordVocab::encode(const Words& words) const {
  Ids ids;
  for (const std::string& word : words) {
    const auto found = ids_.find(word);
    ids.push_back(found == ids_.end() ? unk : found->second);
  }
  return ids;
}

const std::string& WordVocab::word(int64_t id) const {
  check_id(id, size());
  return words_[static_cast<size_t>(id)];
}

Words WordVocab::decode(const Ids& ids) const {
  Words words;
  for (const int64_t id : ids) {
    if (id == eos) break;
    if (id != pad && id != sos) words.push_back(word(id));
  }
  return words;
}

Words WordVocab::tokens(const Ids& ids) const {
  Words words;
  for (const int64_t id : ids) words.push_back(word(id));
  return words;
}

Words split_words(std::string_view text) {
  Words words;
  constexpr std::string_view blanks = " \t\r\n\v\f";
  for (size_t begin = text.find_first_not_of(blanks); begin != std::string_view::npos;) {
    const size_t end = std::min(text.find_first_of(blanks, begin), text.size());
    words.emplace_back(text.substr(begin, end - begin));
    begin = text.find_first_not_of(blanks, end);
  }
  return words;
}

std::string join_words(const Words& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string translation_text(std::string_view sentence) {
  std::string text;
  for_each_code_point(sentence, [&text](char32_t c, int64_t, int64_t) {
    if (c == 0xA0 || c == 0x202F) c = ' ';
    const bool mark = c == ',' || c == '.' || c == '!' || c == '?';
    if (mark && !text.empty() && text.back() != ' ') text += ' ';
    append_utf8(text, lower(c));
  });
  return text;
}

}  // namespace heed::kit
