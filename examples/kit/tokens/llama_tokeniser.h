// LlamaTokeniser: byte-pair encoding of characters, as SentencePiece makes it for Llama.
//
// A blank is put before the text, the text is divided into characters, and neighbours merge: in llama2.c's files those
// whose union has the highest score, in Hugging Face's the earliest merge of a list. A character that is not in the
// vocabulary becomes the tokens of its bytes, <0x00> … <0xFF>, so that any bytes have ids.
//
// decode() removes the blank that a text begins with, at the start and after BOS; decode(encode(x)) == x.
// Hugging Face's files write ▁ (U+2581) for a blank. Here a ▁ in a text is a character like others, and comes back.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <heed/examples/kit/json.h>
#include <heed/examples/kit/tokens/merges.h>
#include <heed/examples/kit/tokens/prefix_table.h>
#include <heed/examples/kit/tokens/tokeniser.h>

namespace heed::kit {

class LlamaTokeniser : public Tokeniser {
 public:
  /// llama2.c's file, little-endian: i32 length of the longest piece | per piece: f32 score, i32 length, bytes.
  /// Ids 0, 1, 2 are <unk>, BOS, EOS, 3 … 258 the bytes.
  static LlamaTokeniser from_llama2c(std::string_view bytes, std::string_view source);

  /// Hugging Face's tokenizer.json with model "BPE" and byte_fallback. FormatError does not name the file.
  static LlamaTokeniser from_json(const Json& json);

  /// What to_text() wrote for a llama2.c file: {"type":"llama2.c","pieces":[…],"scores":[…]}.
  static LlamaTokeniser from_scores(const Json& json);

  Ids encode(std::string_view text) const override;
  std::string decode(const Ids& ids) const override;
  std::string piece(int64_t id) const override;
  std::string name(int64_t id) const override;
  int64_t size() const override { return static_cast<int64_t>(pieces_.size()); }
  std::optional<int64_t> bos() const override { return bos_; }
  std::optional<int64_t> eos() const override { return eos_; }
  std::string to_text() const override;

 private:
  enum class Role : uint8_t { text, byte, control };
  struct Piece {
    std::string name;  // as in the file; of text, with blanks for ▁
    Role role;
    std::string bytes;
  };
  LlamaTokeniser() = default;

  static LlamaTokeniser from_pieces(const std::vector<std::string>& names, const std::vector<double>& scores);
  void add_pieces(const std::vector<std::string>& names, const std::vector<bool>& control);
  void set_merges(std::vector<Merge> merges);
  void append_symbols(std::string_view text, std::vector<int32_t>& symbols) const;
  const Piece& at(int64_t id) const;

  std::vector<Piece> pieces_;
  std::vector<double> scores_;  // of llama2.c's files
  PrefixTable ids_;             // of pieces that are text
  std::array<int32_t, 256> bytes_{};
  MergeTable merges_;
  std::vector<bool> inside_;  // 256 first + second: two bytes that stand side by side in a piece that merges make
  bool blank_first_ = true;
  std::optional<int64_t> bos_, eos_;
};

}  // namespace heed::kit
