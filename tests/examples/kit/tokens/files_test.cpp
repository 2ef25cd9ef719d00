// Files of tokenisers: found by their names, and refused with a message where they are wrong.
#include "support/catch.h"

#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <heed/core/files/file.h>
#include <heed/core/files/safetensors.h>
#include <heed/core/text.h>
#include <heed/examples/kit/tokens/byte_pair.h>
#include <heed/examples/kit/tokens/char_tokeniser.h>
#include <heed/examples/kit/tokens/llama_tokeniser.h>
#include <heed/examples/kit/tokens/tokeniser.h>
#include <heed/examples/kit/tokens/word_piece.h>
#include "support/errors.h"
#include "support/temp_dir.h"
#include "tokens_made.h"

using namespace heed;
using heed::test::byte_letters_json;
using heed::test::byte_pair_json;
using heed::test::llama2c_file;
using heed::test::llama_pieces;
using heed::test::message_of;
using heed::test::TempDir;
using kit::Ids;

namespace {

void write(const std::string& path, const std::string& text) { core::write_file_atomic(path, text); }

std::string encoder() { return "{" + byte_letters_json() + R"(,"ab":256,"abab":257,"<|endoftext|>":258})"; }

std::string refused_json(const std::string& text) {
  return message_of<FormatError>([&] { kit::parse_tokeniser(text, "t.json"); });
}

std::string refused_bpe(const std::string& merges, const std::string& vocabulary = encoder()) {
  return message_of<FormatError>([&] { kit::BytePairTokeniser::from_gpt2(vocabulary, "e.json", merges, "v.bpe"); });
}

std::string refused_bin(const std::string& bytes) {
  return message_of<FormatError>([&] { kit::LlamaTokeniser::from_llama2c(bytes, "t.bin"); });
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("token files: GPT-2's two files, under any of their names, or their folder") {
  const std::string merges = "#version: 0.2\na b\r\nab ab\n\n";
  for (const auto& [bpe, json] : {std::pair("vocab.bpe", "encoder.json"), std::pair("merges.txt", "vocab.json"),
                                  std::pair("gpt2-vocab.bpe", "gpt2-encoder.json")}) {
    const TempDir dir;
    write(dir / bpe, merges);
    write(dir / json, encoder());
    for (const std::string& path : {dir / bpe, dir / json, dir.path().string()}) {
      INFO(path);
      const auto tokeniser = kit::load_tokeniser(path);
      CHECK(tokeniser->encode("ababab") == Ids{257, 256});
      CHECK(tokeniser->eos() == 258);
      CHECK(tokeniser->size() == 259);
      CHECK(tokeniser->name(258) == "<|endoftext|>");
    }
  }
  const TempDir dir;
  write(dir / "my.bpe", merges);
  write(dir / "encoder.json", encoder());
  CHECK(kit::load_tokeniser(dir / "my.bpe")->size() == 259);
}

TEST_CASE("token files: tokenizer.json, llama2.c's and BERT's") {
  const TempDir dir;
  write(dir / "tokenizer.json", byte_pair_json());
  CHECK(kit::load_tokeniser(dir.path())->encode("abc") == Ids{256, 66});
  write(dir / "tok.bin", llama2c_file(llama_pieces({" ", "a", "b", "ab", " ab"}), {}));
  CHECK(kit::load_tokeniser(dir / "tok.bin")->encode("ab") == Ids{263});
  write(dir / "vocab.txt", "[UNK]\na\n##b\n");
  CHECK(kit::load_tokeniser(dir / "vocab.txt")->encode("Abb c") == Ids{1, 2, 2, 0});
  write(dir / "bert-vocab.txt", "[UNK]\na");
  CHECK(kit::load_tokeniser(dir / "bert-vocab.txt")->size() == 2);
}

TEST_CASE("token files: those inside of a model that char_gpt saved") {
  const TempDir dir;
  const core::Array weight({1});
  core::save_safetensors(dir / "model.safetensors", {{"w", weight}},
                         {{"tokeniser", kit::CharTokeniser("abc").to_text()}});
  CHECK(kit::load_tokeniser(dir / "model.safetensors")->encode("cab") == Ids{2, 0, 1});
  core::save_safetensors(dir / "bare.safetensors", {{"w", weight}});
  CHECK(message_of<FormatError>([&] { kit::load_tokeniser(dir / "bare.safetensors"); }) ==
        quote(dir / "bare.safetensors") + ": has no tokens: name the model's tokenizer.json");
}

TEST_CASE("token files: what is not a tokeniser's name") {
  const TempDir dir;
  CHECK(message_of<IoError>([&] { kit::load_tokeniser(dir.path()); }) ==
        readable(dir.path().string()) +
            ": a folder without a tokeniser: none of tokenizer.json, vocab.bpe, merges.txt, gpt2-vocab.bpe, "
            "tokenizer.bin, vocab.txt: name the file");
  CHECK(message_of<IoError>([&] { kit::load_tokeniser("tokens.model"); }) ==
        "\"tokens.model\": there is no such file: check the path of the tokeniser");
  write(dir / "tokens.model", "");
  CHECK(message_of<IoError>([&] { kit::load_tokeniser(dir / "tokens.model"); }) ==
        readable(dir / "tokens.model") +
            ": is not the name of a tokeniser: expected tokenizer.json, char_gpt's model.safetensors, *.bin "
            "(llama2.c), vocab.bpe or "
            "merges.txt with its vocabulary beside it, or vocab.txt");
  write(dir / "vocab.bpe", "a b\n");
  CHECK(message_of<IoError>([&] { kit::load_tokeniser(dir / "vocab.bpe"); }) ==
        quote(dir / "vocab.bpe") + ": needs encoder.json beside it: GPT-2's tokens are in two files");
}

TEST_CASE("token files: malformed merges and vocabularies are refused with a message") {
  CHECK(refused_bpe("a b c\n") == "v.bpe: line 1: \"a b c\": is not a merge: expected two tokens and a blank between");
  for (const char* line : {"a", "a ", " a", "a  b"})
    CHECK(test::contains(refused_bpe(std::string("#version: 0.2\n") + line), "v.bpe: line 2: "));
  CHECK(refused_bpe("a b\na c\n") ==
        "v.bpe: merge 2 of \"a\" and \"c\": \"ac\": is not in the vocabulary: do the two belong together?");
  CHECK(test::contains(refused_bpe("zz b\n"), "\"zz\": is not in the vocabulary"));
  CHECK(refused_bpe("", R"({"!":0,"a":0})") == "e.json: tokens \"!\" and \"a\": have the same id 0");
  CHECK(refused_bpe("", R"({"!":0,"a":5})") == "e.json: token \"a\": id 5: the ids of 2 tokens must be 0 … 1");
  CHECK(test::contains(refused_bpe("", R"({"!":-1})"), "id -1"));
  CHECK(refused_bpe("", R"({"!":0})") ==
        "v.bpe: the vocabulary has no token \"Ā\", which stands for byte 0: is this a byte-level tokeniser?");
  CHECK(test::contains(refused_bpe("", R"({"!":"0"})"), "e.json: json: a string \"\\\"0\\\"\": expected an integer"));
  CHECK(test::contains(refused_bpe("", "[1]"), "e.json: json: a list"));
  CHECK(test::contains(refused_bpe("", R"({"a":0,"a":1})"), "e.json:1:8: the key \"a\" appears twice"));
}

TEST_CASE("token files: malformed tokenizer.json") {
  CHECK(refused_json("{") == "t.json:1:2: the text ends where a key in double quotes is expected");
  CHECK(refused_json("{}") == "t.json: model.type \"\": heed reads tokenizer.json with \"BPE\" and \"WordPiece\" only");
  CHECK(refused_json("[]") == "t.json: json: a list \"[]\": expected an object");
  CHECK(test::contains(refused_json(R"({"model":{"type":"Unigram"}})"), "model.type \"Unigram\": "));
  for (const char* option : {R"("dropout":0.1)", R"("end_of_word_suffix":"</w>")"})
    CHECK(test::contains(
        refused_json(replaced(byte_pair_json(), R"("type":"BPE")", R"("type":"BPE",)" + std::string(option))),
        "heed has no tokeniser with this option"));
  CHECK(refused_json(byte_pair_json("[]", R"([["a","b","c"]])")) ==
        "t.json: merge 1: a list of 3 tokens: must have two");
  CHECK(refused_json(byte_pair_json("[]", R"(["ab"])")) == "t.json: merge \"ab\": has no blank between two tokens");
  CHECK(test::contains(refused_json(byte_pair_json("[]", R"([["ab","b"]])")), "\"abb\": is not in the vocabulary"));

  const auto added = [](const std::string& token) { return refused_json(byte_pair_json("[" + token + "]")); };
  CHECK(added(R"({"id":300,"content":"<x>"})") ==
        "t.json: token \"<x>\": id 300: the ids of 258 tokens must be 0 … 257");
  CHECK(added(R"({"id":3,"content":"ab"})") == "t.json: added token \"ab\": has id 3, and 256 in the vocabulary");
  CHECK(added(R"({"id":256,"content":"ab"})") == "t.json: added token \"ab\": is one that merges make");
  CHECK(added(R"({"id":257,"content":""})") == "t.json: added token \"\": has 0 bytes: must have 1 … 1000");
  CHECK(added(R"({"id":257,"content":"<x>"},{"id":257,"content":"<y>"})") ==
        "t.json: tokens \"<x>\" and \"<y>\": have the same id 257");
  CHECK(test::contains(added(R"({"id":257,"content":")" + std::string(1001, 'x') + "\"}"), "has 1001 bytes"));
  CHECK(added(R"({"id":257,"content":"<x>","lstrip":true})") ==
        "t.json: added token \"<x>\": lstrip: \"true\": heed has no tokeniser with this option");
  CHECK(added(R"({"id":257,"content":"<x>"},{"id":258,"content":"<x>"})") ==
        "t.json: added token \"<x>\": is there twice");
  CHECK(test::contains(refused_json(replaced(byte_pair_json(), R"("ab":256)", R"("ab":256,"字":257)")),
                       "token \"字\" of id 257: is not spelt in GPT-2's letters for bytes"));
}

TEST_CASE("token files: how texts are divided is what heed knows, or refused") {
  const auto refused = [](const std::string& pre_tokenizer, const std::string& more = "") {
    return refused_json(byte_pair_json("[]", "[]", pre_tokenizer, more));
  };
  const std::string has =
      ": heed has byte-level BPE with the pre_tokenizer \"ByteLevel\" alone (GPT-2), after \"Digits\" (SmolLM), or "
      "after "
      "\"Split\" by the pattern of Llama 3, Qwen2, GPT-4o or Mistral NeMo; and Llama 2's with byte_fallback";
  CHECK(refused_json(R"({"model":{"type":"BPE"}})") == "t.json: pre_tokenizer \"\"" + has);
  CHECK(refused(R"({"type":"Split"})") == "t.json: pre_tokenizer \"Split\"" + has);
  const auto after = [&](const std::string& step, const std::string& options = R"(,"use_regex":false)") {
    return refused(R"({"type":"Sequence","pretokenizers":[)" + step + R"(,{"type":"ByteLevel")" + options + "}]}");
  };
  CHECK(after(R"({"type":"Punctuation"})") == "t.json: pre_tokenizer \"Punctuation, ByteLevel\"" + has);
  const auto split = [&](const std::string& pattern, const std::string& behavior = R"("Isolated")") {
    return after(R"({"type":"Split","pattern":)" + pattern + R"(,"behavior":)" + behavior + "}");
  };
  const std::string known =
      ": is none of those that heed knows: GPT-2's, Llama 3's (cl100k), Qwen2's, GPT-4o's (o200k) and Mistral NeMo's "
      "(Tekken), character by character";
  CHECK(split(R"({"Regex":"\\s+|\u202e\\S+"})") ==
        "t.json: pre_tokenizer \"Split\": pattern \"\\\\s+|\\u202e\\\\S+\"" + known);
  CHECK(split(R"({"String":" "})") == R"(t.json: pre_tokenizer "Split": pattern "{\"String\":\" \"}")" + known);
  CHECK(
      split(R"({"Regex":"(a*)*b"})", R"("MergedWithNext")") ==
      "t.json: pre_tokenizer \"Split\": behavior \"MergedWithNext\": heed has \"Isolated\", and \"Removed\" inverted");
  const std::string gpt2 =
      R"({"Regex":"'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"})";
  CHECK(test::contains(split(gpt2, R"("Removed")"), "behavior \"Removed\": heed has"));
  CHECK(after(R"({"type":"Digits"})") == "t.json: pre_tokenizer \"Digits, ByteLevel\": use_regex: must be true");
  CHECK(after(R"({"type":"Split","pattern":)" + gpt2 + R"(,"behavior":"Isolated"})", "") ==
        "t.json: pre_tokenizer \"Split, ByteLevel\": use_regex: must be false");
  CHECK(after(R"({"type":"Digits"})", R"(,"add_prefix_space":true)") ==
        "t.json: pre_tokenizer \"Digits, ByteLevel\": add_prefix_space: would put a blank before every piece: must be "
        "false");
  const std::string level = R"({"type":"ByteLevel"})";
  CHECK(refused(level, R"(,"normalizer":{"type":"NFKC"})") ==
        R"(t.json: normalizer "{\"type\":\"NFKC\"}": heed has byte-level BPE with "NFC" or without a normalizer)");
  // A pattern of two spellings is written in one.
  const auto read = kit::parse_tokeniser(
      byte_pair_json("[]", "[]",
                     R"({"type":"Sequence","pretokenizers":[{"type":"Split","pattern":)" + gpt2 +
                         R"(,"behavior":"Removed","invert":true},{"type":"ByteLevel","use_regex":false}]})"),
      "t.json");
  CHECK(read->encode("ab a").size() == 4);
  CHECK(read->to_text() == kit::parse_tokeniser(byte_pair_json("[]", "[]"), "t.json")->to_text());
}

TEST_CASE("token files: a whole piece that is a token needs no merges if the file says so") {
  const std::string without_merges = byte_pair_json("[]", "[]");
  CHECK(kit::parse_tokeniser(without_merges, "t.json")->encode("ab abc") == Ids{64, 65, 220, 64, 65, 66});
  const auto whole = kit::parse_tokeniser(
      replaced(without_merges, R"("type":"BPE")", R"("type":"BPE","ignore_merges":true)"), "t.json");
  CHECK(whole->encode("ab abc") == Ids{256, 220, 64, 65, 66});
  CHECK(kit::parse_tokeniser(whole->to_text(), "again")->encode("ab") == Ids{256});
}

TEST_CASE("token files: NFC and a blank before the text, bytes that are not UTF-8 unchanged") {
  const auto read = [](const std::string& pre_tokenizer, const std::string& more) {
    return kit::parse_tokeniser(byte_pair_json("[]", "[]", pre_tokenizer, more), "t.json");
  };
  const auto nfc = read(R"({"type":"ByteLevel"})", R"(,"normalizer":{"type":"NFC"})");
  CHECK(nfc->decode(nfc->encode("\xff"
                                "e\u0301\xe2\x82 q\u0307\u0323\x80")) == "\xff\u00e9\xe2\x82 q\u0323\u0307\x80");
  const auto blank = read(R"({"type":"ByteLevel","add_prefix_space":true})", "");
  CHECK(blank->encode("ab") == blank->encode(" ab"));
  CHECK(blank->decode(blank->encode("ab")) == " ab");
  CHECK(blank->encode("").empty());
  for (const auto* tokeniser : {&nfc, &blank})
    CHECK(kit::parse_tokeniser((*tokeniser)->to_text(), "again")->to_text() == (*tokeniser)->to_text());
}

TEST_CASE("token files: malformed tokenisers of Llama's form") {
  const std::string sound = test::llama_json();
  const auto with = [&](const char* from, const char* to) { return refused_json(replaced(sound, from, to)); };
  CHECK(with("\"<0x41>\"", "\"A\"") ==
        "t.json: there is no piece for byte 65 among the 275 pieces: is this a tokeniser with byte fallback?");
  CHECK(test::contains(with(R"({"type":"Prepend","prepend":"▁"},)", R"({"type":"NFKC"},)"), "heed has BPE with"));
  CHECK(with(R"({"type":"Prepend","prepend":"▁"},{"type":"Replace","pattern":{"String":" "},"content":"▁"})", "") ==
        "t.json: no normalizer writes ▁ for blanks: is this a tokeniser of Llama's kind?");
  CHECK(with("\"t h\"", "\"h t\"") ==
        "t.json: merge 1 of \"h\" and \"t\": \"ht\": is not a piece of text in the vocabulary");
  CHECK(test::contains(with("\"t h\"", "\"<s> h\""), "\"<s>\": is not a piece of text"));
  CHECK(test::contains(
      with("\"id\":1,\"content\":\"<s>\",\"special\":true", "\"id\":1,\"content\":\"<s>\",\"special\":false"),
      "added token \"<s>\": is not special"));
  // Metaspace means the same.
  const auto metaspace = kit::parse_tokeniser(
      replaced(
          replaced(sound,
                   R"({"type":"Prepend","prepend":"▁"},{"type":"Replace","pattern":{"String":" "},"content":"▁"})", ""),
          R"("pre_tokenizer":null)",
          R"("pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":false})"),
      "t.json");
  CHECK(metaspace->to_text() == kit::parse_tokeniser(sound, "t.json")->to_text());
}

TEST_CASE("token files: malformed files of llama2.c") {
  const std::string sound = llama2c_file(llama_pieces({"a"}));
  CHECK_NOTHROW(kit::LlamaTokeniser::from_llama2c(sound, "t.bin"));
  CHECK(refused_bin("") == "t.bin: 0 bytes: is not a llama2.c tokeniser: it begins with 4 bytes");
  CHECK(refused_bin(std::string(4, '\0')) ==
        "t.bin: 0 pieces: there must be at least 259: <unk>, BOS, EOS, and one for each byte");
  for (size_t cut = 1; cut < sound.size(); ++cut)
    if (cut != 9) REQUIRE(test::contains(refused_bin(sound.substr(0, sound.size() - cut)), "t.bin: "));
  CHECK(refused_bin(sound + "x") == "t.bin: piece 260: the file ends within it: it was cut");
  CHECK(refused_bin(sound.substr(0, 8) + "\xff\xff\xff\x7f" + sound.substr(12)) ==
        "t.bin: piece 0: has 2147483647 bytes, and only " + std::to_string(sound.size() - 12) +
            " follow: is this a llama2.c tokeniser?");
  CHECK(
      refused_bin(replaced(sound, std::string("\6\0\0\0", 4), std::string("\5\0\0\0", 4))) ==
      "t.bin: piece 3: has 6 bytes, more than the 5 that the file says the longest has: is this a llama2.c tokeniser?");
  CHECK(refused_bin(llama2c_file(llama_pieces({"\xff"}))) == "t.bin: piece 259: \"\\xff\": is not UTF-8");
  CHECK(refused_bin(llama2c_file(llama_pieces({"a"}), {0, 0, std::numeric_limits<float>::infinity()})) ==
        "t.bin: piece 2: its score is inf: must be finite");
  CHECK(test::contains(refused_bin(replaced(sound, "<0x41>", "<0x4a>")), "t.bin: there is no piece for byte 65"));
  CHECK(refused_bin(llama2c_file(llama_pieces({"a", "b", "a"}))) ==
        "t.bin: pieces 259 and 261: are both \"a\": each must be there once");
  CHECK(refused_json(R"({"type":"llama2.c","pieces":["a"],"scores":[]})") ==
        "t.json: 1 pieces: there must be at least 259: <unk>, BOS, EOS, and one for each byte");
}

TEST_CASE("token files: malformed vocabularies of WordPiece") {
  const auto refused = [](const std::string& text) {
    return message_of<FormatError>([&] { kit::WordPieceTokeniser::from_vocab(text, "v.txt"); });
  };
  CHECK(refused("a\nb") == "v.txt: there is no token \"[UNK]\" for unknown words: is this a WordPiece vocabulary?");
  CHECK(refused("[UNK]\n\nb") == "v.txt: line 2: is empty: a vocabulary has one token per line");
  CHECK(refused("[UNK]\na\na\n") == "v.txt: line 3: \"a\": is there twice");
  CHECK(refused("[UNK]\n\xff\n") == "v.txt: line 2: \"\\xff\": is not UTF-8");
  const std::string sound = kit::WordPieceTokeniser::from_vocab("[UNK]\na", "v.txt").to_text();
  CHECK(refused_json(replaced(sound, "BertNormalizer", "NFD")) ==
        "t.json: normalizer \"NFD\", pre_tokenizer \"BertPreTokenizer\": heed has WordPiece with BertNormalizer and "
        "BertPreTokenizer only");
  CHECK(refused_json(replaced(sound, "\"continuing_subword_prefix\":\"##\"", "\"continuing_subword_prefix\":\"@@\"")) ==
        "t.json: continuing_subword_prefix \"@@\": must be \"##\"");
  CHECK(test::contains(refused_json(replaced(sound, "\"special\":true", "\"special\":false")), "is not special"));
}

TEST_CASE("token files: words and characters as to_text() wrote them, malformed") {
  CHECK(refused_json(R"({"type":"words","words":["two words"]})") ==
        "t.json: word \"two words\": is not one word in GPT-2's letters for bytes");
  CHECK(refused_json(R"({"type":"words","words":["a","b","a"]})") == "t.json: word \"a\": is there twice");
  CHECK(test::contains(refused_json(R"({"type":"words","words":[1]})"), "t.json: json: an integer"));
  CHECK(test::contains(refused_json(R"({"type":"characters","symbols":"abca"})"), "\"symbols\" has a character twice"));
  CHECK(test::contains(refused_json(R"({"type":"characters"})"), "t.json: json: \"symbols\""));
}
