#include <heed/examples/kit/tokens/word_piece.h>

#include <algorithm>
#include <utility>

#include <heed/core/error.h>
#include <heed/core/text.h>
#include <heed/examples/kit/tokens/normal_forms.h>
#include <heed/examples/kit/tokens/pieces.h>
#include <heed/examples/kit/tokens/unicode.h>

namespace heed::kit {
namespace {

constexpr std::string_view continuation = "##";

bool is_chinese(char32_t c) {
  constexpr std::pair<char32_t, char32_t> blocks[] = {{0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFAFF},
                                                      {0x20000, 0x2A6DF}, {0x2A700, 0x2B81F}, {0x2B920, 0x2CEAF},
                                                      {0x2F800, 0x2FA1F}};
  return std::any_of(std::begin(blocks), std::end(blocks),
                     [c](const auto& block) { return c >= block.first && c <= block.second; });
}

bool is_punctuation(char32_t c) {
  if (c >= 0x80) return class_of(c) == CharClass::punctuation;
  return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) || (c >= 123 && c <= 126);
}

/// Whether cleaning drops it. (U+000B, U+000C and U+0085 are white space, too: that comes second.)
bool is_dropped(char32_t c) {
  if (c < 0x20 || c == 0x7F || c == 0x85) return c != '\t' && c != '\n' && c != '\r';
  return c == 0xFFFD || class_of(c) == CharClass::control;
}

/// Of two lengths that are together more than `room`: what is kept of each.
std::pair<int64_t, int64_t> cut_longer(int64_t first, int64_t second, int64_t room) {
  if (first + second <= room) return {first, second};
  const int64_t shorter = std::min(first, second), half = room / 2;
  if (shorter <= half) return first <= second ? std::pair(first, room - first) : std::pair(room - second, second);
  return first <= second ? std::pair(half, room - half) : std::pair(room - half, half);
}

}  // namespace

WordPieceTokeniser::WordPieceTokeniser(JsonVocabulary vocabulary, const std::string& unk,
                                       const WordPieceOptions& options)
    : tokens_(std::move(vocabulary.tokens)),
      added_(std::move(vocabulary.added)),
      silent_(tokens_.size()),
      options_(options) {
  check<FormatError>(tokens_.size() <= INT32_MAX, tokens_.size(), " tokens: are too many");
  std::vector<bool> special(tokens_.size());
  for (const AddedToken& token : added_) special[static_cast<size_t>(token.id)] = true;
  std::vector<PrefixTable::Entry> begin, go_on;
  for (size_t id = 0; id < tokens_.size(); ++id) {
    const std::string& token = tokens_[id];
    if (token == unk) unk_ = static_cast<int64_t>(id);
    if (token == "[CLS]") cls_ = id;
    if (token == "[SEP]") sep_ = id;
    silent_[id] = token == "[PAD]" || token == "[CLS]" || token == "[SEP]";
    if (special[id]) continue;
    begin.push_back({token, static_cast<int32_t>(id)});
    if (token.starts_with(continuation)) go_on.push_back({token.substr(continuation.size()), static_cast<int32_t>(id)});
  }
  check<FormatError>(unk_ >= 0, "there is no token ", quote(unk),
                     " for unknown words: is this a WordPiece vocabulary?");
  beginnings_ = PrefixTable(std::move(begin));
  continuations_ = PrefixTable(std::move(go_on));
}

std::string WordPieceTokeniser::normalised(std::string_view text) const {
  std::u32string characters;
  while (!text.empty()) {
    const Character first = first_character(text);
    const char32_t c = first.code == Character::not_utf8 ? 0xFFFD : first.code;
    text.remove_prefix(first.length);
    if (options_.clean_text && is_dropped(c)) continue;
    if (options_.handle_chinese_chars && is_chinese(c)) characters += {U' ', c, U' '};
    else characters += options_.clean_text && class_of(c) == CharClass::white_space ? U' ' : c;
  }
  if (options_.strip_accents) characters = without_accents(characters);
  if (options_.lowercase) {
    std::u32string lower;
    for (const char32_t c : characters) append_lower(lower, c);
    characters = std::move(lower);
  }
  std::string words;
  const auto end_word = [&] {
    if (!words.empty() && words.back() != ' ') words += ' ';
  };
  for (const char32_t c : characters) {
    const bool white = class_of(c) == CharClass::white_space, mark = !white && is_punctuation(c);
    if (white || mark) end_word();
    if (!white) append_utf8(words, c);
    if (mark) end_word();
  }
  end_word();
  return words;
}

void WordPieceTokeniser::encode_word(std::string_view word, Ids& ids) const {
  const auto characters = std::count_if(word.begin(), word.end(), [](char c) { return (c & 0xC0) != 0x80; });
  const size_t first = ids.size();
  bool known = characters <= options_.max_input_chars_per_word;
  for (size_t at = 0; known && at < word.size();) {
    const auto [length, id] = (at == 0 ? beginnings_ : continuations_).longest_prefix(word.substr(at));
    known = length > 0;
    at += length;
    ids.push_back(id);
  }
  if (known) return;
  ids.resize(first);
  ids.push_back(unk_);
}

Ids WordPieceTokeniser::encode(std::string_view text) const {
  const std::string words = normalised(text);
  Ids ids;
  PieceMemory memory(words, ids);
  for (size_t begin = 0; begin < words.size();) {
    const size_t end = words.find(' ', begin);
    memory.append(begin, end - begin, [&](std::string_view word) { encode_word(word, ids); });
    begin = end + 1;
  }
  return ids;
}

void WordPieceTokeniser::check_room(int64_t max_length, int64_t special) const {
  check(cls_ && sep_, "word_piece: the vocabulary has no [CLS] and [SEP]: use encode()");
  check(max_length >= special, "word_piece: a length of at most ", max_length, ": has no room for the ", special,
        " special tokens");
}

Ids WordPieceTokeniser::encode_sentence(std::string_view text, int64_t max_length) const {
  check_room(max_length, 2);
  Ids ids = encode(text);
  ids.resize(std::min(ids.size(), static_cast<size_t>(max_length - 2)));
  ids.insert(ids.begin(), *cls_);
  ids.push_back(*sep_);
  return ids;
}

WordPieceTokeniser::Pair WordPieceTokeniser::encode_pair(std::string_view first, std::string_view second,
                                                         int64_t max_length) const {
  check_room(max_length, 3);
  Ids a = encode(first), b = encode(second);
  const auto [from_a, from_b] =
      cut_longer(static_cast<int64_t>(a.size()), static_cast<int64_t>(b.size()), max_length - 3);
  Pair pair{{*cls_}, Ids(static_cast<size_t>(from_a) + 2, 0)};
  pair.ids.insert(pair.ids.end(), a.begin(), a.begin() + from_a);
  pair.ids.push_back(*sep_);
  pair.ids.insert(pair.ids.end(), b.begin(), b.begin() + from_b);
  pair.ids.push_back(*sep_);
  pair.types.resize(pair.ids.size(), 1);
  return pair;
}

std::string WordPieceTokeniser::piece(int64_t id) const {
  check_token(id, size());
  const std::string& token = tokens_[static_cast<size_t>(id)];
  if (silent_[static_cast<size_t>(id)]) return "";
  return token.starts_with(continuation) ? token.substr(continuation.size()) : " " + token;
}

std::string WordPieceTokeniser::decode(const Ids& ids) const {
  std::string text;
  for (const int64_t id : ids) text += piece(id);
  return text.starts_with(' ') ? text.substr(1) : text;
}

std::string WordPieceTokeniser::name(int64_t id) const {
  check_token(id, size());
  return tokens_[static_cast<size_t>(id)];
}

}  // namespace heed::kit
