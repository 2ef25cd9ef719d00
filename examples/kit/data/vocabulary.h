// Vocabularies: symbols <-> ids 0 … size-1, for characters and for words.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace heed::kit {

using Ids = std::vector<int64_t>;
using Words = std::vector<std::string>;

/// The distinct characters (code points) of a text, in Unicode order.
class CharVocab {
 public:
  /// Throws FormatError, naming line and column, if the text is not UTF-8.
  explicit CharVocab(std::string_view text);

  int64_t size() const { return static_cast<int64_t>(symbols_.size()); }

  /// Throws IndexError for a character that is not in the vocabulary, naming it and its line and
  /// column, FormatError if the text is not UTF-8.
  Ids encode(std::string_view text) const;

  /// Throws IndexError for an id outside 0 … size-1.
  std::string decode(const Ids& ids) const;

  /// One text per id, as the attention page takes them.
  Words tokens(const Ids& ids) const;

  /// All symbols as one text, to be stored in a checkpoint: CharVocab(v.symbols()) equals v.
  std::string symbols() const;

 private:
  std::vector<char32_t> symbols_;
  std::map<char32_t, int64_t> ids_;
};

/// Words, the most frequent first (ties in byte order), after four special tokens.
class WordVocab {
 public:
  static constexpr int64_t pad = 0, sos = 1, eos = 2, unk = 3;

  /// Words that occur fewer than `min_freq` times become <unk>.
  explicit WordVocab(const std::vector<Words>& sentences, int64_t min_freq = 1);

  int64_t size() const { return static_cast<int64_t>(words_.size()); }
  Ids encode(const Words& words) const;       // adds no special tokens; unknown words are unk
  const std::string& word(int64_t id) const;  // throws IndexError
  Words decode(const Ids& ids) const;         // up to <eos>, without <pad> and <sos>
  Words tokens(const Ids& ids) const;         // one text per id, special tokens included

 private:
  Words words_;
  std::map<std::string, int64_t> ids_;
};

/// Words between white space (blanks, tabs, line ends).
Words split_words(std::string_view text);
std::string join_words(const Words& words);

/// A sentence of a translation corpus, as "Dive into Deep Learning" prepares it: lower case (Latin
/// letters), U+00A0 and U+202F as blanks, a blank before each of , . ! ? that has none.
std::string translation_text(std::string_view sentence);

}  // namespace heed::kit
