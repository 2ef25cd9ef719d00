// Tokenisers beside those of Hugging Face and llama2.c: tests/golden/tokens.json, which make_tokens.py writes.
#include "support/catch.h"

#include <bit>
#include <cstdio>
#include <string>
#include <vector>

#include <heed/core/files/file.h>
#include <heed/examples/kit/json.h>
#include <heed/examples/kit/tokens/byte_pair.h>
#include <heed/examples/kit/tokens/llama_tokeniser.h>
#include <heed/examples/kit/tokens/word_piece.h>

using namespace heed;
using kit::Ids;
using kit::Json;

namespace {

const Json& golden(const char* scheme) {
  static const Json all = kit::parse_json(core::read_file(HEED_TESTS_DIR "/golden/tokens.json"), "tokens.json");
  return all.at(scheme);
}

Ids ids_of(const Json& json) {
  Ids ids;
  for (const Json& id : json.as_list()) ids.push_back(id.as_integer());
  return ids;
}

std::vector<std::string> strings_of(const Json& json) {
  std::vector<std::string> strings;
  for (const Json& text : json.as_list()) strings.push_back(text.as_string());
  return strings;
}

/// The ids are the golden ones, and so are those of what to_text() wrote.
void check_ids(const kit::Tokeniser& tokeniser, const char* scheme, bool round_trip) {
  const std::vector<std::string> strings = strings_of(golden(scheme).at("strings"));
  const auto again = kit::parse_tokeniser(tokeniser.to_text(), "again");
  CHECK(again->to_text() == tokeniser.to_text());
  CHECK(again->bos() == tokeniser.bos());
  CHECK(again->eos() == tokeniser.eos());
  REQUIRE(strings.size() > 15);
  for (size_t i = 0; i < strings.size(); ++i) {
    INFO(i << ": " << quote(strings[i]));
    const Ids ids = ids_of(golden(scheme).at("ids").as_list()[i]);
    CHECK(tokeniser.encode(strings[i]) == ids);
    CHECK(again->encode(strings[i]) == ids);
    if (round_trip) CHECK(tokeniser.decode(ids) == strings[i]);
  }
}

void append_u32(std::string& bytes, uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(value >> shift);
}

}  // namespace

TEST_CASE("tokens: byte pairs learnt are those that tokenizers learns, and so are their ids") {
  const Json& expected = golden("byte_pair");
  const auto tokeniser =
      kit::BytePairTokeniser::train(expected.at("text").as_string(), expected.at("size").as_integer());
  std::vector<std::string> merges;
  for (const auto& [left, right] : tokeniser.merges()) merges.push_back(left + " " + right);
  CHECK(merges == strings_of(expected.at("merges")));
  CHECK(tokeniser.size() == expected.at("size").as_integer());
  check_ids(tokeniser, "byte_pair", true);
}

TEST_CASE("tokens: tokenizer.json of GPT-NeoX, SmolLM, Llama 3, Qwen, GPT-4o and Mistral give the ids of tokenizers") {
  const Json& expected = golden("families");
  Json::Object vocab;
  for (const std::string& token : strings_of(expected.at("vocab"))) vocab.emplace_back(token, vocab.size());
  const std::vector<std::string> strings = strings_of(expected.at("strings"));
  REQUIRE(expected.at("families").as_list().size() == 10);
  for (const Json& family : expected.at("families").as_list()) {
    const Json::Object model = {{"type", "BPE"},
                                {"ignore_merges", family.at("ignore_merges")},
                                {"vocab", vocab},
                                {"merges", expected.at("merges")}};
    const std::string text = kit::to_json(Json::Object{{"added_tokens", expected.at("added")},
                                                       {"normalizer", family.at("normalizer")},
                                                       {"pre_tokenizer", family.at("pre_tokenizer")},
                                                       {"model", model}});
    const auto tokeniser = kit::parse_tokeniser(text, "t.json");
    const auto again = kit::parse_tokeniser(tokeniser->to_text(), "again");
    CHECK(again->to_text() == tokeniser->to_text());
    for (size_t i = 0; i < strings.size(); ++i) {
      INFO(family.at("name").as_string() << ": " << quote(strings[i]));
      const Ids ids = ids_of(family.at("ids").as_list()[i]);
      CHECK(tokeniser->encode(strings[i]) == ids);
      CHECK(again->encode(strings[i]) == ids);
    }
  }
}

TEST_CASE("tokens: a tokenizer.json of Llama's form is read as tokenizers reads it") {
  const auto tokeniser = kit::LlamaTokeniser::from_json(golden("llama").at("tokenizer"));
  CHECK(tokeniser.bos() == 1);
  CHECK(tokeniser.eos() == 2);
  check_ids(tokeniser, "llama", true);
}

TEST_CASE("tokens: a tokeniser of llama2.c gives the ids of its run.c") {
  const Json& expected = golden("llama2c");
  std::vector<std::string> pieces = {"<unk>", "\n<s>\n", "\n</s>\n"};
  for (int byte = 0; byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", static_cast<unsigned>(byte));
    pieces.emplace_back(name);
  }
  for (const std::string& piece : strings_of(expected.at("pieces"))) pieces.push_back(piece);
  std::string file;
  append_u32(file, 40);
  for (size_t id = 0; id < pieces.size(); ++id) {
    const double score = id < 259 ? 0.0 : expected.at("scores").as_list()[id - 259].as_number();
    append_u32(file, std::bit_cast<uint32_t>(static_cast<float>(score)));
    append_u32(file, static_cast<uint32_t>(pieces[id].size()));
    file += pieces[id];
  }
  const auto tokeniser = kit::LlamaTokeniser::from_llama2c(file, "tok.bin");
  CHECK(tokeniser.bos() == 1);
  CHECK(tokeniser.eos() == 2);
  check_ids(tokeniser, "llama2c", true);
}

TEST_CASE("tokens: WordPiece gives the ids of tokenizers, one text or two") {
  const Json& expected = golden("word_piece");
  std::string vocab;
  for (const std::string& token : strings_of(expected.at("vocab"))) vocab += token + "\n";
  const auto tokeniser = kit::WordPieceTokeniser::from_vocab(vocab, "vocab.txt");
  check_ids(tokeniser, "word_piece", false);
  for (const Json& pair : expected.at("pairs").as_list()) {
    const std::string first = pair.at("first").as_string(), second = pair.at("second").as_string();
    const int64_t length = pair.at("length").as_integer();
    INFO(first << "| " << second << "| " << length);
    const kit::WordPieceTokeniser::Pair encoded = tokeniser.encode_pair(first, second, length);
    CHECK(encoded.ids == ids_of(pair.at("ids")));
    CHECK(encoded.types == ids_of(pair.at("types")));
  }
}
