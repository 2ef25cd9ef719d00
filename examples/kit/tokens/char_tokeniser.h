// CharTokeniser: one id per character (code point), as in CharVocab.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <heed/examples/kit/data/vocabulary.h>
#include <heed/examples/kit/tokens/tokeniser.h>

namespace heed::kit {

class CharTokeniser : public Tokeniser {
 public:
  explicit CharTokeniser(CharVocab vocab) : vocab_(std::move(vocab)) {}

  /// The characters of a text. Throws FormatError, naming line and column, if it is not UTF-8.
  explicit CharTokeniser(std::string_view text) : vocab_(text) {}

  /// Throws IndexError for a character that the vocabulary has not, FormatError if the text is not UTF-8.
  Ids encode(std::string_view text) const override { return vocab_.encode(text); }
  std::string decode(const Ids& ids) const override { return vocab_.decode(ids); }
  std::string piece(int64_t id) const override { return vocab_.decode({id}); }
  int64_t size() const override { return vocab_.size(); }
  std::string to_text() const override;  // {"type":"characters","symbols":" !abc"}

 private:
  CharVocab vocab_;
};

}  // namespace heed::kit
