// WordPieceTokeniser: BERT's scheme (Devlin et al. 2019). A text is cleaned, stripped of its accents and made lower case,
// divided into words and punctuation marks, and each word into the longest pieces that the vocabulary has: those that
// do not begin a word are written "##ing". A word that cannot be divided is [UNK].
//
//     const auto bert = WordPieceTokeniser::from_vocab(read_file("vocab.txt"), "vocab.txt");
//     const Ids ids = bert.encode_sentence("Attention is all you need.");  // [CLS] attention is all you need . [SEP]
//
// decode() gives back words between blanks, not the text: case, accents and the kind of white space are lost.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <heed/examples/kit/json.h>
#include <heed/examples/kit/tokens/json_fields.h>
#include <heed/examples/kit/tokens/prefix_table.h>
#include <heed/examples/kit/tokens/tokeniser.h>

namespace heed::kit {

/// What is done to a text first; the names are those of Hugging Face's BertNormalizer.
struct WordPieceOptions {
  bool clean_text = true;            // drops control characters and U+FFFD, makes all white space blanks
  bool handle_chinese_chars = true;  // every Chinese character is a word
  bool strip_accents = true;
  bool lowercase = true;
  int64_t max_input_chars_per_word = 100;  // longer words are [UNK]
};

class WordPieceTokeniser : public Tokeniser {
 public:
  /// vocab.txt: one token per line, the first has id 0.
  static WordPieceTokeniser from_vocab(std::string_view text, std::string_view source,
                                       const WordPieceOptions& options = {});

  /// Hugging Face's tokenizer.json with model "WordPiece". FormatError does not name the file.
  static WordPieceTokeniser from_json(const Json& json);

  /// Bytes that are not UTF-8 count as U+FFFD.
  Ids encode(std::string_view text) const override;

  /// [CLS] text [SEP], at most `max_length` ids of which are kept: the text's end is cut. Throws Error if there are no
  /// such tokens, or max_length has no room for them.
  Ids encode_sentence(std::string_view text, int64_t max_length = 512) const;

  /// [CLS] first [SEP] second [SEP], and for each id 0 or 1: which text it is of. If they are too long, the longer one
  /// is cut until it is as short as the other, then both.
  struct Pair {
    Ids ids, types;
  };
  Pair encode_pair(std::string_view first, std::string_view second, int64_t max_length = 512) const;

  /// [PAD], [CLS] and [SEP] stand for nothing, other special tokens for their names.
  std::string decode(const Ids& ids) const override;
  std::string piece(int64_t id) const override;  // with the blank before a word
  std::string name(int64_t id) const override;   // as in the vocabulary: "##ing"
  int64_t size() const override { return static_cast<int64_t>(tokens_.size()); }
  std::optional<int64_t> bos() const override { return cls_; }
  std::optional<int64_t> eos() const override { return sep_; }
  std::string to_text() const override;  // a tokenizer.json

 private:
  WordPieceTokeniser(JsonVocabulary vocabulary, const std::string& unk, const WordPieceOptions& options);

  /// The text as words, each before a blank.
  std::string normalised(std::string_view text) const;
  void encode_word(std::string_view word, Ids& ids) const;
  void check_room(int64_t max_length, int64_t special) const;

  std::vector<std::string> tokens_;
  std::vector<AddedToken> added_;
  std::vector<bool> silent_;
  WordPieceOptions options_;
  PrefixTable beginnings_, continuations_;
  int64_t unk_ = -1;
  std::optional<int64_t> cls_, sep_;
};

}  // namespace heed::kit
