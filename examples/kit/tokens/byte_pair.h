// BytePairTokeniser: byte-level byte-pair encoding, GPT-2's scheme (Radford et al. 2019).
//
// A text is divided into pieces (pieces.h), a piece into bytes, and neighbours merge in the order in which training
// found them to be the most frequent (merges.h). Any bytes have ids, and decode(encode(x)) == x for all of them; where
// a tokenizer.json says so, x in the form NFC comes back (Qwen, GPT-NeoX), or with a blank before it (add_prefix_space).
//
//     const auto learnt = BytePairTokeniser::train(text, 512);         // 256 bytes and 256 merges
//     const auto gpt2 = load_tokeniser("gpt2/tokenizer.json");         // or a folder with vocab.bpe and encoder.json
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <heed/examples/kit/json.h>
#include <heed/examples/kit/tokens/json_fields.h>
#include <heed/examples/kit/tokens/merges.h>
#include <heed/examples/kit/tokens/prefix_table.h>
#include <heed/examples/kit/tokens/text_rules.h>
#include <heed/examples/kit/tokens/tokeniser.h>

namespace heed::kit {

class BytePairTokeniser : public Tokeniser {
 public:
  /// Learns merges until there are `vocab_size` tokens, or no two neighbours are left: at each step the most frequent
  /// pair, of equally frequent ones that of the lowest ids. These are the merges that Hugging Face's trainer learns
  /// (ByteLevel's alphabet, GPT-2's pieces). Takes time and memory in proportion to the number of different
  /// pieces, and in the worst case vocab_size times the length of the text.
  static BytePairTokeniser train(std::string_view text, int64_t vocab_size);

  /// GPT-2's files: {"token": id} in its letters for bytes, and a line "left right" per merge, after "#version…".
  /// Tokens that no merge makes are special.
  static BytePairTokeniser from_gpt2(std::string_view encoder_json, std::string_view encoder_source,
                                     std::string_view vocab_bpe, std::string_view bpe_source);

  /// Hugging Face's tokenizer.json with model "BPE" and pre-tokeniser "ByteLevel", as GPT-2, GPT-NeoX, Pythia, Phi-2,
  /// SmolLM, Llama 3 and 4, Qwen2 to Qwen3 and Mistral NeMo have it (text_rules.h). FormatError does not name the file.
  static BytePairTokeniser from_json(const Json& json);

  Ids encode(std::string_view text) const override;
  std::string decode(const Ids& ids) const override;
  std::string piece(int64_t id) const override;
  std::string name(int64_t id) const override;
  int64_t size() const override { return static_cast<int64_t>(tokens_.size()); }
  std::optional<int64_t> bos() const override { return bos_; }
  std::optional<int64_t> eos() const override { return eos_; }
  std::string to_text() const override;
  const TextRules& rules() const { return rules_; }

  /// The same with special tokens found in the text, as Hugging Face's encode() does: for texts of one's own only.
  Ids encode_with_special(std::string_view text) const;

  /// The merges in the order of their ranks, in GPT-2's letters for bytes: ("Ġ", "t"), ("h", "e"), …
  std::vector<std::pair<std::string, std::string>> merges() const;

 private:
  friend struct BytePairTrainer;
  using SpeltMerges = std::vector<std::pair<std::string, std::string>>;

  BytePairTokeniser(std::vector<std::string> tokens, const std::array<int32_t, 256>& bytes, std::vector<Merge> merges,
                    std::vector<AddedToken> added);

  /// From what files hold, checked. Without `added`, tokens that no merge makes are special.
  static BytePairTokeniser assemble(std::vector<std::string> tokens, const SpeltMerges& merges,
                                    std::optional<std::vector<AddedToken>> added);
  void set_rules(const TextRules& rules, bool whole_first);

  /// Added tokens: those found in a text as it stands, and those found in what is between them, once it is normalised.
  struct AddedTable {
    PrefixTable raw, normalised;
  };
  AddedTable table_of_added(bool with_special) const;
  void encode_pieces(std::string_view text, Ids& ids) const;
  Ids encode_around(const AddedTable& added, std::string_view text) const;

  std::vector<std::string> tokens_;
  std::vector<bool> special_;
  std::array<int32_t, 256> bytes_{};  // the id of each byte
  MergeTable merges_;
  TextRules rules_;
  bool whole_first_ = false;  // ignore_merges: a piece that is a token is that token, whatever merges would make of it
  PrefixTable whole_;         // these tokens, if so
  std::vector<AddedToken> added_;
  AddedTable plain_added_, all_added_;
  std::optional<int64_t> bos_, eos_;
};

/// GPT-2's letters for bytes: those that print stand for themselves, the other 68 for U+0100 … U+0143, space is Ġ.
std::string spell_bytes(std::string_view bytes);

/// The bytes that such letters stand for; nothing if one of them stands for none.
std::optional<std::string> unspell_bytes(std::string_view letters);

/// The bytes in the order of their letters, which is that of GPT-2's first 256 ids.
const std::array<unsigned char, 256>& bytes_by_letter();

}  // namespace heed::kit
