// GPT-2's, BERT's and a real Llama's files, where HEED_DATA names their folder.
#include "support/catch.h"

#include <cstdlib>
#include <string>

#include <heed/core/files/file.h>
#include <heed/examples/kit/tokens/tokeniser.h>
#include <heed/examples/kit/tokens/word_piece.h>

using namespace heed;
using kit::Ids;

namespace {

std::string data(const std::string& file) {
  REQUIRE(std::getenv("HEED_DATA") != nullptr);
  return std::string(std::getenv("HEED_DATA")) + "/" + file;
}

}  // namespace

TEST_CASE("tokens of GPT-2", "[data]") {
  const auto gpt2 = kit::load_tokeniser(data("gpt2-vocab.bpe"));
  CHECK(gpt2->size() == 50257);
  CHECK(gpt2->eos() == 50256);
  CHECK(gpt2->encode("Hello world!") == Ids{15496, 995, 0});
  CHECK(gpt2->encode("it's   3.14\n\n\tdef f(x):") ==
        Ids{270, 338, 220, 220, 513, 13, 1415, 628, 197, 4299, 277, 7, 87, 2599});
  const std::string text = core::read_file(data("tinyshakespeare.txt"));
  const Ids ids = gpt2->encode(text);
  CHECK(ids.size() == 338'025);  // as tiktoken counts, published with nanoGPT
  CHECK(gpt2->decode(ids) == text);
  const auto again = kit::parse_tokeniser(gpt2->to_text(), "again");
  CHECK(again->encode(text) == ids);
}

TEST_CASE("tokens of stories260K", "[data]") {
  const auto llama = kit::load_tokeniser(data("tok512.bin"));
  CHECK(llama->size() == 512);
  CHECK(llama->encode("Once upon a time") == Ids{403, 407, 261, 378});
  CHECK(llama->decode({1, 403, 407, 261, 378, 432}) == "Once upon a time,");
  const std::string text = core::read_file(data("tinyshakespeare.txt"));
  CHECK(llama->decode(llama->encode(text)) == text);
}

TEST_CASE("tokens of BERT", "[data]") {
  const auto bert = kit::load_tokeniser(data("bert-base-uncased-vocab.txt"));
  CHECK(bert->size() == 30522);
  CHECK(bert->bos() == 101);
  CHECK(bert->eos() == 102);
  CHECK(bert->encode("Hello, Naïve tokenization!") == Ids{7592, 1010, 15743, 19204, 3989, 999});
  const auto& words = dynamic_cast<const kit::WordPieceTokeniser&>(*bert);
  CHECK(words.encode_sentence("unaffable") == Ids{101, 14477, 20961, 3468, 102});
}
