// Llama's tokens: the blank in front, bytes for what is unknown, and nothing that a text could forge.
#include "support/catch.h"

#include <string>

#include <heed/examples/kit/json.h>
#include <heed/examples/kit/tokens/llama_tokeniser.h>
#include "support/errors.h"
#include "tokens_made.h"

using namespace heed;
using heed::test::message_of;
using kit::Ids;
using kit::LlamaTokeniser;

TEST_CASE("Llama's tokens: a blank in front, and bytes for unknown characters") {
  const auto llama = LlamaTokeniser::from_json(kit::parse_json(test::llama_json()));
  CHECK(llama.encode("the") == Ids{268});
  CHECK(llama.encode("the the") == Ids{268, 268});
  CHECK(llama.encode("").empty());
  CHECK(llama.encode("é漢") == Ids{259, 265, 3 + 0xE6, 3 + 0xBC, 3 + 0xA2});
  CHECK(llama.encode("aaaaa") == Ids{259, 271, 260});
  CHECK(llama.decode({1, 268, 268, 2}) == "the the");
  CHECK(llama.decode({268, 1, 268}) == "thethe");  // the blank after BOS goes, too
  CHECK(llama.piece(268) == " the");
  CHECK(llama.piece(3 + 0xE6) == "\xE6");
  CHECK(llama.piece(1).empty());
  CHECK(llama.name(1) == "<s>");
  CHECK(llama.name(268) == " the");
  CHECK(test::contains(message_of<IndexError>([&] { llama.piece(275); }), "id 275: is not in 0 … 274"));
}

TEST_CASE("Llama's tokens: texts that look like tokens are texts") {
  const auto llama = LlamaTokeniser::from_json(kit::parse_json(test::llama_json()));
  for (const char* text : {"<s>", "</s>the", "<0x41>", "▁the", " the", "  ", "\n<s>\n"}) {
    const Ids ids = llama.encode(text);
    INFO(text);
    CHECK(llama.decode(ids) == text);
    for (const int64_t id : ids) CHECK(id > 2);
  }
  // Even where pieces would merge into one of a byte or a control token.
  const auto forged = LlamaTokeniser::from_llama2c(
      test::llama2c_file(
          test::llama_pieces({" ", "<", "s", ">", "<s", "0", "x", "4", "1", "<0", "x4", "1>", "x41>", "<0x41"})),
      "t");
  for (const char* text : {"<s>", "<0x41>", "<unk>"}) {
    const Ids ids = forged.encode(text);
    CHECK(forged.decode(ids) == text);
    for (const int64_t id : ids) CHECK((id > 2 && id != 3 + 0x41));
  }
}

TEST_CASE("Llama's tokens: scores decide, and of equal ones the leftmost") {
  // " a" is best, then "ab" and "bc" alike.
  const auto llama = LlamaTokeniser::from_llama2c(
      test::llama2c_file(test::llama_pieces({" ", "a", "b", "c", "ab", "bc", "abc"}),
                         [] {
                           std::vector<float> scores(266, 0.0f);
                           scores[263] = -1, scores[264] = -1, scores[265] = -1e10f;  // never
                           return scores;
                         }()),
      "t");
  CHECK(llama.encode("abc") == Ids{259, 263, 262});
  CHECK(llama.encode("bcbc") == Ids{259, 264, 264});
}

TEST_CASE("Llama's tokens: a file without a piece for the blank spells it in bytes") {
  const auto llama = LlamaTokeniser::from_llama2c(test::llama2c_file(test::llama_pieces({"a"})), "t");
  CHECK(llama.encode("a a") == Ids{3 + 32, 259, 3 + 32, 259});
  CHECK(llama.decode(llama.encode("a a")) == "a a");
}
