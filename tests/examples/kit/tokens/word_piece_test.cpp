// WordPiece: cleaning, words, pieces, special tokens, lengths.
#include "support/catch.h"

#include <string>

#include <heed/examples/kit/tokens/word_piece.h>
#include "support/errors.h"

using namespace heed;
using heed::test::message_of;
using kit::Ids;
using kit::WordPieceTokeniser;

namespace {

const char* const vocab =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nun\n##aff\n##able\nthe\n!\n北\n京\ncafe\ni\n##stanbul\n[\n]\ncls\n";

WordPieceTokeniser made(const kit::WordPieceOptions& options = {}) {
  return WordPieceTokeniser::from_vocab(vocab, "vocab.txt", options);
}

}  // namespace

TEST_CASE("word pieces: the longest of the vocabulary, one after the other") {
  const WordPieceTokeniser bert = made();
  CHECK(bert.encode("The unaffable!") == Ids{8, 5, 6, 7, 9});
  CHECK(bert.encode("unaffablx the") == Ids{1, 8});  // one end is unknown, so the word is
  CHECK(bert.encode("").empty());
  CHECK(bert.encode(" \t\n").empty());
  CHECK(bert.encode(std::string(101, 'i')) == Ids{1});
}

TEST_CASE("word pieces: case, accents, control characters, Chinese") {
  const WordPieceTokeniser bert = made();
  CHECK(bert.encode("CAFÉ") == Ids{12});
  CHECK(bert.encode("İstanbul") == Ids{13, 14});
  CHECK(bert.encode("北京") == Ids{10, 11});
  CHECK(bert.encode(std::string("t\0h\x7f\u200d\uFFFD\xff"
                                "e",
                                12)) == Ids{8});
  CHECK(bert.encode("the\u0085the\u2028the") == Ids{1, 8});  // U+0085 is a control character first
  CHECK(made({.lowercase = false}).encode("The the") == Ids{1, 8});
  CHECK(made({.strip_accents = false}).encode("café") == Ids{1});
  CHECK(made({.handle_chinese_chars = false}).encode("北京") == Ids{1});
  CHECK(made({.clean_text = false}).encode("t\u200dhe") == Ids{1});
  CHECK(made({.strip_accents = false}).encode("İstanbul") == Ids{1});  // i̇stanbul
  CHECK(made({.max_input_chars_per_word = 2}).encode("the i") == Ids{1, 13});
}

TEST_CASE("word pieces: special tokens are added, and never read from a text") {
  const WordPieceTokeniser bert = made();
  CHECK(bert.encode("[CLS]") == Ids{15, 17, 16});
  CHECK(bert.encode_sentence("the!") == Ids{2, 8, 9, 3});
  CHECK(bert.encode_sentence("the the the", 4) == Ids{2, 8, 8, 3});
  CHECK(bert.encode_sentence("the", 2) == Ids{2, 3});
  CHECK(bert.encode_sentence("") == Ids{2, 3});
  const WordPieceTokeniser::Pair pair = bert.encode_pair("the", "the !");
  CHECK(pair.ids == Ids{2, 8, 3, 8, 9, 3});
  CHECK(pair.types == Ids{0, 0, 0, 1, 1, 1});
  // Not even one whose name is a word.
  std::string json = bert.to_text();
  for (size_t at; (at = json.find("[MASK]")) != std::string::npos;) json.replace(at, 6, "the2");
  CHECK(kit::parse_tokeniser(json, "t.json")->encode("the2 the") == Ids{1, 8});
  CHECK(bert.bos() == 2);
  CHECK(bert.eos() == 3);
  CHECK(message_of([&] { bert.encode_sentence("the", 1); }) ==
        "word_piece: a length of at most 1: has no room for the 2 special tokens");
  CHECK(message_of([&] { bert.encode_pair("the", "the", 2); }) ==
        "word_piece: a length of at most 2: has no room for the 3 special tokens");
  CHECK(message_of([] { WordPieceTokeniser::from_vocab("[UNK]", "v").encode_sentence("x"); }) ==
        "word_piece: the vocabulary has no [CLS] and [SEP]: use encode()");
}

TEST_CASE("word pieces: decoded, words stand between blanks") {
  const WordPieceTokeniser bert = made();
  CHECK(bert.decode({2, 8, 5, 6, 7, 9, 3, 0, 0}) == "the unaffable !");
  CHECK(bert.decode({1, 4}) == "[UNK] [MASK]");
  CHECK(bert.piece(6) == "aff");
  CHECK(bert.piece(8) == " the");
  CHECK(bert.piece(2).empty());
  CHECK(bert.name(2) == "[CLS]");
  CHECK(bert.name(6) == "##aff");
  CHECK(test::contains(message_of<IndexError>([&] { bert.decode({18}); }), "id 18: is not in 0 … 17"));
}
