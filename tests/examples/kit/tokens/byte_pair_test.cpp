// Byte pairs: any bytes come back, special tokens are not read from texts, and nothing takes quadratic time.
#include "support/catch.h"

#include <iterator>
#include <string>
#include <vector>

#include <heed/core/philox.h>
#include <heed/examples/kit/tokens/byte_pair.h>
#include <heed/examples/kit/tokens/char_tokeniser.h>
#include <heed/examples/kit/tokens/llama_tokeniser.h>
#include <heed/examples/kit/tokens/word_tokeniser.h>
#include "support/errors.h"
#include "tokens_made.h"

using namespace heed;
using heed::test::contains;
using heed::test::message_of;
using kit::BytePairTokeniser;
using kit::Ids;

namespace {

const char* const rhyme =
    "the cat sat on the mat, the rat sat on the cat; that's that. 1 12 123\n\n  the end of the rhyme é è 漢字";

/// Bytes of all kinds: random, of a few values, words, and broken characters.
std::string random_bytes(uint64_t number) {
  uint64_t draws = 0;
  const auto below = [&](uint64_t n) { return core::philox(11, number, draws++)[0] % n; };
  const char* const parts[] = {"the", " cat", "that",     "'s",   " ", "\n", "é",
                               "漢",  "\xc3", "\xa9\x80", "\xff", "1", "\0x"};
  std::string bytes;
  for (uint64_t i = below(12); i > 0; --i) {
    if (below(3) == 0) bytes += static_cast<char>(below(256));
    else bytes += parts[below(std::size(parts))];
  }
  return bytes;
}

void check_round_trips(uint64_t count) {
  const BytePairTokeniser learnt = BytePairTokeniser::train(rhyme, 330);
  const auto llama = kit::LlamaTokeniser::from_json(kit::parse_json(test::llama_json()));
  for (uint64_t number = 0; number < count; ++number) {
    const std::string bytes = random_bytes(number);
    if (learnt.decode(learnt.encode(bytes)) != bytes || llama.decode(llama.encode(bytes)) != bytes) {
      CAPTURE(number, quote(bytes));
      FAIL("the bytes changed");
    }
  }
}

}  // namespace

TEST_CASE("byte pairs: 30,000 random strings of bytes come back") { check_round_trips(30'000); }

TEST_CASE("byte pairs: 1,000,000 random strings of bytes come back", "[slow]") { check_round_trips(1'000'000); }

TEST_CASE("byte pairs: training stops where no neighbours are left, and needs all bytes") {
  const BytePairTokeniser all = BytePairTokeniser::train("abab", 1000);
  CHECK(all.size() == 258);
  CHECK(all.merges() == std::vector<std::pair<std::string, std::string>>{{"a", "b"}, {"ab", "ab"}});
  CHECK(all.encode("ababab") == Ids{257, 256});
  CHECK(BytePairTokeniser::train("", 300).size() == 256);
  CHECK(BytePairTokeniser::train(rhyme, 256).encode("the") == Ids{83, 71, 68});
  CHECK_FALSE(all.bos());
  CHECK_FALSE(all.eos());
  CHECK(message_of([] { BytePairTokeniser::train("x", 255); }) ==
        "byte_pair: train: a vocabulary of 255: must have at least 256 tokens, one per byte, and at most 10,000,000");
}

TEST_CASE("byte pairs: of equally frequent pairs that of the lowest ids is merged first") {
  const BytePairTokeniser tokeniser = BytePairTokeniser::train("xy ab cd", 260);
  CHECK(tokeniser.merges() ==
        std::vector<std::pair<std::string, std::string>>{{"a", "b"}, {"c", "d"}, {"x", "y"}, {"Ġ", "ab"}});
}

TEST_CASE("byte pairs: pieces, names and unknown ids") {
  const BytePairTokeniser tokeniser = BytePairTokeniser::train(rhyme, 290);
  const Ids ids = tokeniser.encode(" the é");
  std::string text;
  for (const int64_t id : ids) text += tokeniser.piece(id);
  CHECK(text == " the é");
  CHECK(tokeniser.name(ids[0]) == " the");
  for (const int64_t id : {int64_t{-1}, int64_t{290}})
    CHECK(message_of<IndexError>([&] { tokeniser.piece(id); }) ==
          "tokeniser: id " + std::to_string(id) + ": is not in 0 … 289: was it made with another tokeniser?");
  CHECK(contains(message_of<IndexError>([&] { tokeniser.decode({0, 400}); }), "id 400"));
}

TEST_CASE("byte pairs: special tokens are found in a text only on demand, others always") {
  const auto tokeniser = BytePairTokeniser::from_json(kit::parse_json(test::byte_pair_json(
      R"([{"id":257,"content":"<|endoftext|>","special":true},{"id":258,"content":"<tool>","special":false}])")));
  CHECK(tokeniser.size() == 259);
  CHECK(tokeniser.eos() == 257);
  CHECK(tokeniser.bos() == 257);
  const Ids plain = tokeniser.encode("<|endoftext|>");
  CHECK(plain.size() == 13);
  CHECK(tokeniser.decode(plain) == "<|endoftext|>");
  CHECK(tokeniser.encode_with_special("ab<|endoftext|><tool>") == Ids{256, 257, 258});
  CHECK(tokeniser.encode("ab<tool>") == Ids{256, 258});
  CHECK(tokeniser.decode({256, 257, 258}) == "ab<tool>");
  CHECK(tokeniser.piece(257).empty());
  CHECK(tokeniser.name(257) == "<|endoftext|>");
  const auto again = kit::parse_tokeniser(tokeniser.to_text(), "again");
  CHECK(again->to_text() == tokeniser.to_text());
  CHECK(again->encode("ab<tool>") == Ids{256, 258});
}

// With time that grows with the square of the length, each of these would take hours.
TEST_CASE("byte pairs: ten million bytes of one letter, blanks, and words without blanks", "[slow]") {
  const BytePairTokeniser tokeniser =
      BytePairTokeniser::train(std::string(5000, 'a') + rhyme + std::string(900, ' '), 330);
  const auto llama = kit::LlamaTokeniser::from_json(kit::parse_json(test::llama_json()));
  std::string words;
  while (words.size() < 10'000'000) words += "thecatsatonthemat";
  std::string letters(10'000'000, 'a'), blanks(10'000'000, ' ');
  for (const std::string& text : {letters, blanks, words}) {
    const Ids ids = tokeniser.encode(text);
    CHECK(ids.size() < text.size());
    CHECK(tokeniser.decode(ids) == text);
    CHECK(llama.decode(llama.encode(text)) == text);
  }
}

TEST_CASE("byte pairs: many merges in one long piece are those of a short one") {
  const BytePairTokeniser tokeniser = BytePairTokeniser::train("aaaaaaaabbbbabababab aabb", 280);
  for (uint64_t number = 0; number < 500; ++number) {  // both sides of the length where the algorithm changes
    std::string piece;
    for (size_t i = 0; i < 30 + number % 30; ++i) piece += (core::philox(3, number, i)[0] & 1) == 0 ? 'a' : 'b';
    // Sennrich's definition, as it stands: again and again the pair of the lowest rank, the leftmost first.
    std::vector<std::string> symbols;
    for (const char c : piece) symbols.emplace_back(1, c);
    const auto merges = tokeniser.merges();
    for (bool merged = true; merged;) {
      merged = false;
      for (const auto& [left, right] : merges) {
        for (size_t i = 0; i + 1 < symbols.size() && !merged; ++i)
          if (symbols[i] == left && symbols[i + 1] == right) {
            symbols[i] += right;
            symbols.erase(symbols.begin() + static_cast<ptrdiff_t>(i) + 1);
            merged = true;
          }
        if (merged) break;
      }
    }
    std::vector<std::string> pieces;
    for (const int64_t id : tokeniser.encode(piece)) pieces.push_back(tokeniser.piece(id));
    REQUIRE(pieces == symbols);
  }
}

TEST_CASE("tokens: a long text repeats its words, and their ids") {
  const BytePairTokeniser tokeniser = BytePairTokeniser::train(rhyme, 330);
  const Ids once = tokeniser.encode(rhyme);
  std::string text;
  Ids expected;
  for (int i = 0; i < 100; ++i) {  // long enough for ids to be remembered
    text += std::string(rhyme) + "\n";
    expected.insert(expected.end(), once.begin(), once.end());
    expected.push_back(tokeniser.encode("\n")[0]);
  }
  CHECK(tokeniser.encode(text) == expected);
}

TEST_CASE("tokens: characters and words") {
  const kit::CharTokeniser characters(std::string_view("hé!\n"));
  CHECK(characters.size() == 4);
  CHECK(characters.decode(characters.encode("éh")) == "éh");
  CHECK(characters.piece(3) == "é");
  CHECK(characters.name(3) == "é");
  CHECK(kit::parse_tokeniser(characters.to_text(), "x")->encode("é!") == characters.encode("é!"));

  const kit::WordTokeniser words(rhyme);
  CHECK(words.decode(words.encode(rhyme)) == rhyme);
  CHECK(words.piece(1) == " the");
  CHECK(words.encode(" the dog") == Ids{1, 0});
  CHECK(words.decode({1, 0}) == " the<unk>");
  const auto again = kit::parse_tokeniser(words.to_text(), "x");
  CHECK(again->encode(rhyme) == words.encode(rhyme));
  CHECK(again->to_text() == words.to_text());
  const kit::WordTokeniser broken("\xff\xfe a");  // words need not be UTF-8
  CHECK(kit::parse_tokeniser(broken.to_text(), "x")->decode(broken.encode("\xff\xfe a")) == "\xff\xfe a");
  CHECK(kit::WordTokeniser("a b b c c c", 3).size() == 3);
  CHECK(kit::WordTokeniser("a b b b c c c c", 100, 2).size() == 3);
  CHECK(message_of([] { kit::WordTokeniser("a", 0); }) ==
        "word_tokeniser: at most 0 words that occur 1 times: both must be at least 1");
}
