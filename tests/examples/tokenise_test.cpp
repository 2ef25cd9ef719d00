// The program tokenise: learns, reads, counts, and says what is wrong.
#include "support/catch.h"

#include <heed/core/files/file.h>

#include "support/errors.h"
#include "support/run_program.h"

using namespace heed;
using heed::test::contains;
using heed::test::Ran;
using heed::test::run_program;
using heed::test::TempDir;

namespace {

std::string in(const TempDir& dir) { return " --out '" + (dir / "out") + "'"; }

}  // namespace

TEST_CASE("tokenise: learns from a text, keeps the tokens, and reads them again") {
  const TempDir dir;
  core::write_file_atomic(dir / "text", std::string("she sells sea-shells, she sells shells\nÜber é\n"));
  const Ran ran = run_program("tokenise --vocab 270 --json --train " + dir / "text" + in(dir));
  INFO(ran.out << ran.err);
  REQUIRE(ran.exit_code == 0);
  const kit::Json learnt = ran.json();
  std::vector<std::string> keys;
  for (const auto& [key, value] : learnt.as_object()) keys.push_back(key);
  CHECK(keys == std::vector<std::string>{"vocab_size", "texts", "bytes", "tokens", "ids", "pieces", "round_trip",
                                         "encode_mb_per_s", "decode_mb_per_s"});
  CHECK(learnt.at("vocab_size").as_integer() == 270);
  CHECK(learnt.at("round_trip").as_bool());
  CHECK(learnt.at("bytes").as_integer() == 48);
  CHECK(learnt.at("ids").as_list()[0].as_list().size() == static_cast<size_t>(learnt.at("tokens").as_integer()));
  CHECK(contains(ran.out, "decoded they are the text again."));
  CHECK(contains(ran.out, "made  " + dir / "out"));
  const Ran again = run_program("tokenise --json --quiet --tokenizer " + dir / "out/tokenizer.json" + " --text " +
                                dir / "text" + " --out '" + dir / "other" + "'");
  REQUIRE(again.exit_code == 0);
  CHECK(again.json().at("ids") == learnt.at("ids"));
  CHECK(again.json().at("pieces") == learnt.at("pieces"));
  CHECK_FALSE(std::filesystem::exists(dir / "other"));  // nothing is made
}

TEST_CASE("tokenise: a list of texts") {
  const TempDir dir;
  core::write_file_atomic(dir / "vocab.txt", std::string("[UNK]\na\n##b\n"));
  core::write_file_atomic(dir / "texts.json", std::string(R"(["ab", "", "c\u0007 a"])"));
  const Ran ran =
      run_program("tokenise --json --tokens " + dir / "vocab.txt" + " --strings " + dir / "texts.json" + in(dir));
  INFO(ran.err);
  REQUIRE(ran.exit_code == 0);
  CHECK(kit::to_json(ran.json().at("ids")) == "[[1,2],[],[0,1]]");
  CHECK(kit::to_json(ran.json().at("pieces")) == R"([["a","##b"],[],["[UNK]","a"]])");
  CHECK_FALSE(ran.json().at("round_trip").as_bool());
}

TEST_CASE("tokenise: mistakes") {
  const TempDir dir;
  core::write_file_atomic(dir / "t.json", std::string("{\"model\":{\"type\":\"Unigram\"}}"));
  const auto says = [&](const std::string& options, int code, const std::string& message) {
    const Ran ran = run_program("tokenise" + options + in(dir));
    INFO(ran.err);
    CHECK(ran.exit_code == code);
    CHECK(contains(ran.err, message));
    CHECK(ran.err.find('\n') == ran.err.size() - 1);
  };
  says(" --token x", 2, "tokenise: --token: unknown option: did you mean --tokenizer?");
  says(" --vocab 255", 2, "--vocab: \"255\": is out of range: give an integer of at least 256");
  core::write_file_atomic(dir / "empty", std::string());
  says(" --tokenizer a --train b --vocab 300", 2,
       "--train, --vocab: with --tokenizer nothing is learnt: give one or the other");
  says(" --text a --strings b", 2, "--text: --strings gives other texts: give one of them");
  says(" --train " + dir / "empty", 2, "is empty: nothing can be learnt");
  says(" --tokenizer missing", 1, "\"missing\": there is no such file");
  says(" --tokenizer missing.json", 1, "missing.json");
  says(" --tokenizer " + dir / "t.json", 1, "model.type \"Unigram\": heed reads tokenizer.json with");
  says(" --tokenizer " + dir.path().string(), 1, "a folder without a tokeniser");
}
