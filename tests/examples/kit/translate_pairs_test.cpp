// Sentence pairs: normalised, filtered and read as the tutorial and the book do.
#include "support/catch.h"

#include <cstdlib>
#include <utility>

#include <heed/core/error.h>
#include <heed/core/files/file.h>
#include <heed/examples/kit/translation/sentence_pairs.h>
#include "support/errors.h"
#include "support/temp_dir.h"

using namespace heed;
using heed::kit::Preparation;
using heed::test::message_of;
using heed::test::TempDir;

namespace {

kit::SentencePair pair_of(const std::string& first, const std::string& second) {
  return {kit::split_words(first), kit::split_words(second)};
}

}  // namespace

TEST_CASE("sentence pairs: letters lose their accents, other letters stay") {
  CHECK(kit::without_accents("Ça, où êtes-vous né ? ÀÉÎÕÜŸ ÿñç") == "Ca, ou etes-vous ne ? AEIOUY ync");
  CHECK(kit::without_accents("œuvre Œ æ ß ø Ð Þ × ÷") == "œuvre Œ æ ß ø Ð Þ × ÷");
  CHECK(kit::without_accents("ŽšĞıŁłŉŒ") == "ZsGıŁłŉŒ");
  CHECK(kit::without_accents("e\u0301t\u00e9") == "ete");  // a letter and a combining accent
  CHECK(kit::without_accents("中文 \u202f…") == "中文 \u202f…");
  CHECK(kit::without_accents("").empty());
  CHECK(message_of<FormatError>([] { kit::without_accents("ab\xff"); }) ==
        "without_accents: byte 2: is not UTF-8: convert the text to UTF-8");
}

TEST_CASE("sentence pairs: the tutorial's normalisation") {
  const std::pair<const char*, const char*> cases[] = {
      {"I'm OK.", "i m ok ."},
      {"J'ai 19 ans.", "j ai ans ."},
      {"Ça va\u202f!", "ca va !"},
      {"Où\u00a0est-il ?", "ou est il ?"},
      {"Go...", "go . . ."},
      {"Really?!", "really ? !"},
      {"  Tom  said :  \"No\"  ", "tom said no"},
      {"cœur", "c ur"},
      {"a.b", "a .b"},  // as in the tutorial's expression: only before the mark
      {". a", ". a"},
      {"!", "!"},
      {"42", ""},
      {"", ""}};
  for (const auto& [sentence, expected] : cases) {
    INFO(sentence);
    CHECK(kit::normalized_text(sentence) == expected);
  }
}

TEST_CASE("sentence pairs: the tutorial's filter") {
  const char* nine = "je suis a b c d e f .";
  CHECK(kit::tutorial_keeps(pair_of("i am cold .", nine)));
  CHECK_FALSE(kit::tutorial_keeps(pair_of("i am cold .", "je suis a b c d e f g .")));
  CHECK_FALSE(kit::tutorial_keeps(pair_of("i am a b c d e f g .", nine)));
  for (const char* prefix : {"i am", "i m", "he is", "he s", "she is", "she s", "you are", "you re", "we are", "we re",
                             "they are", "they re"}) {
    INFO(prefix);
    CHECK(kit::tutorial_keeps(pair_of(std::string(prefix) + " cold .", nine)));
    CHECK_FALSE(kit::tutorial_keeps(pair_of("now " + std::string(prefix) + " cold .", nine)));
  }
  for (const char* not_kept : {"i have it .", "i ma cold .", "he sings .", "you red .", "i am", "", "it is cold ."}) {
    INFO(not_kept);
    CHECK_FALSE(kit::tutorial_keeps(pair_of(not_kept, nine)));
  }
  CHECK(kit::tutorial_keeps(pair_of("he isn t cold .", nine)));  // "he is": no blank is required
}

TEST_CASE("sentence pairs: a file in both preparations") {
  const TempDir dir;
  core::write_file_atomic(dir / "pairs.tsv",
                          "Go.\tVa !\tCC-BY #1\r\n"
                          "Go.\tMarche.\tCC-BY #2\n"
                          "I'm cold.\tJ’ai froid.\tCC-BY #3\n"
                          "I'm cold.\tJe suis gelé, moi\u202f!\tCC-BY #4\n"
                          "He's here!\tIl est ici\u00a0!\tCC-BY #5\n");
  const auto tutorial = kit::read_sentence_pairs(dir / "pairs.tsv", Preparation::tutorial);
  REQUIRE(tutorial.size() == 3);
  CHECK(kit::join_words(tutorial[0].first) == "i m cold .");
  CHECK(kit::join_words(tutorial[0].second) == "j ai froid .");
  CHECK(kit::join_words(tutorial[1].second) == "je suis gele moi !");
  CHECK(kit::join_words(tutorial[2].first) == "he s here !");
  const auto d2l = kit::read_sentence_pairs(dir / "pairs.tsv", Preparation::d2l);
  REQUIRE(d2l.size() == 3);
  CHECK(kit::join_words(d2l[0].first) == "go .");
  CHECK(kit::join_words(d2l[0].second) == "va !");
  CHECK(d2l[1].first == kit::Words{"i'm", "cold", "."});
  CHECK(d2l[1].second == kit::Words{"j’ai", "froid", "."});
  CHECK(d2l[2].second == kit::Words{"il", "est", "ici", "!"});
  CHECK(kit::read_sentence_pairs(dir / "pairs.tsv", Preparation::d2l, 2).size() == 2);
  CHECK(kit::read_sentence_pairs(dir / "pairs.tsv", Preparation::tutorial, 1).size() == 1);

  core::write_file_atomic(dir / "two.tsv", "I am\tJe suis\n");
  CHECK(kit::read_sentence_pairs(dir / "two.tsv", Preparation::d2l).size() == 1);
  core::write_file_atomic(dir / "none.tsv", "");
  CHECK(kit::read_sentence_pairs(dir / "none.tsv", Preparation::tutorial).empty());
}

TEST_CASE("sentence pairs: a file that is not a table of pairs") {
  const TempDir dir;
  core::write_file_atomic(dir / "one.txt", "Go.\n");
  CHECK(message_of<FormatError>([&] { kit::read_sentence_pairs(dir / "one.txt", Preparation::d2l); }) ==
        dir / "one.txt" +
            ":1: 1 tab-separated fields: expected a sentence, its translation and perhaps a source:"
            " give a table with two or three columns");
  core::write_file_atomic(dir / "four.txt", "a\tb\tc\td\n");
  CHECK(message_of<FormatError>([&] {
          kit::read_sentence_pairs(dir / "four.txt", Preparation::d2l);
        }).find(":1: 4 tab-separated fields") != std::string::npos);
  CHECK_THROWS_AS(kit::read_sentence_pairs(dir / "missing.tsv", Preparation::tutorial), IoError);
}

TEST_CASE("sentence pairs: the counts on 5,000 pairs of tatoeba.org", "[data]") {
  REQUIRE(std::getenv("HEED_DATA") != nullptr);
  const std::string file = std::string(std::getenv("HEED_DATA")) + "/eng-fra-5000.tsv";
  // Counted by the tutorial's and the book's own functions in Python.
  const auto vocabularies = [](const std::vector<kit::SentencePair>& pairs, int64_t min_freq) {
    std::vector<kit::Words> first, second;
    for (const auto& pair : pairs) first.push_back(pair.first), second.push_back(pair.second);
    return std::pair(kit::WordVocab(first, min_freq).size(), kit::WordVocab(second, min_freq).size());
  };
  const auto tutorial = kit::read_sentence_pairs(file, Preparation::tutorial);
  CHECK(tutorial.size() == 770);
  CHECK(vocabularies(tutorial, 1) == std::pair<int64_t, int64_t>(348 + 4, 600 + 4));
  const auto d2l = kit::read_sentence_pairs(file, Preparation::d2l, 600);
  CHECK(d2l.size() == 600);
  CHECK(vocabularies(d2l, 2) == std::pair<int64_t, int64_t>(166, 190));
}
