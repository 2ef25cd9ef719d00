// Small tokenisers in files' formats, for tests.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include <heed/core/text.h>
#include <heed/examples/kit/tokens/byte_pair.h>

namespace heed::test {

/// "\"!\":0,\"\\\"\":1,…": GPT-2's letters for bytes, with their ids.
inline std::string byte_letters_json() {
  std::string vocab;
  for (size_t id = 0; id < 256; ++id)
    vocab += (id == 0 ? "" : ",") +
             json_string(kit::spell_bytes(std::string(1, static_cast<char>(kit::bytes_by_letter()[id])))) + ":" +
             std::to_string(id);
  return vocab;
}

/// A tokenizer.json of bytes and "ab".
inline std::string byte_pair_json(const std::string& added = "[]", const std::string& merges = R"([["a","b"]])",
                                  const std::string& pre_tokenizer = R"({"type":"ByteLevel","add_prefix_space":false})",
                                  const std::string& more = "") {
  return R"({"added_tokens":)" + added + R"(,"pre_tokenizer":)" + pre_tokenizer + more +
         R"(,"model":{"type":"BPE","vocab":{)" + byte_letters_json() + R"(,"ab":256},"merges":)" + merges + "}}";
}

inline std::vector<std::string> llama_pieces(const std::vector<std::string>& texts) {
  std::vector<std::string> pieces = {"<unk>", "<s>", "</s>"};
  for (unsigned byte = 0; byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", byte);
    pieces.emplace_back(name);
  }
  pieces.insert(pieces.end(), texts.begin(), texts.end());
  return pieces;
}

/// A tokenizer.json of Llama's form.
inline std::string llama_json() {
  std::string vocab;
  const std::vector<std::string> pieces =
      llama_pieces({"▁", "a", "t", "h", "e", "c", "é", "th", "▁th", "▁the", "at", "aa", "aaaa", "▁▁", "s", "sa"});
  for (size_t id = 0; id < pieces.size(); ++id)
    vocab += (id == 0 ? "" : ",") + json_string(pieces[id]) + ":" + std::to_string(id);
  return R"({"added_tokens":[{"id":1,"content":"<s>","special":true},{"id":2,"content":"</s>","special":true},)"
         R"({"id":0,"content":"<unk>","special":true}],"normalizer":{"type":"Sequence","normalizers":[)"
         R"({"type":"Prepend","prepend":"▁"},{"type":"Replace","pattern":{"String":" "},"content":"▁"}]},)"
         R"("pre_tokenizer":null,"model":{"type":"BPE","byte_fallback":true,"vocab":{)" +
         vocab + R"(},"merges":["t h","▁ th","▁th e","a t","a a","aa aa","▁ ▁","s a"]}})";
}

/// A file of llama2.c.
inline std::string llama2c_file(const std::vector<std::string>& pieces, const std::vector<float>& scores = {}) {
  std::string file;
  const auto u32 = [&](uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) file += static_cast<char>(value >> shift);
  };
  uint32_t longest = 0;
  for (const std::string& piece : pieces) longest = std::max(longest, static_cast<uint32_t>(piece.size()));
  u32(longest);
  for (size_t i = 0; i < pieces.size(); ++i) {
    u32(std::bit_cast<uint32_t>(i < scores.size() ? scores[i] : -static_cast<float>(i)));
    u32(static_cast<uint32_t>(pieces[i].size()));
    file += pieces[i];
  }
  return file;
}

}  // namespace heed::test
