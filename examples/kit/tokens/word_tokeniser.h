// WordTokeniser: one id per word, with the blank before it. Numbers, punctuation marks and white space are words, too: the
// pieces of a text as GPT-2 divides it (pieces.h). A word that the vocabulary has not becomes <unk>, and is lost.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <heed/examples/kit/json.h>
#include <heed/examples/kit/tokens/prefix_table.h>
#include <heed/examples/kit/tokens/tokeniser.h>

namespace heed::kit {

class WordTokeniser : public Tokeniser {
 public:
  static constexpr int64_t unk = 0;

  /// The words of a text, the most frequent first (ties in byte order), up to `max_size` tokens with <unk>. Those that
  /// occur fewer than `min_freq` times are left out.
  explicit WordTokeniser(std::string_view text, int64_t max_size = 1'000'000, int64_t min_freq = 1);

  /// What to_text() wrote: {"type":"words","words":["Ġthe",…]}, in GPT-2's letters for bytes.
  static WordTokeniser from_json(const Json& json);

  /// decode(encode(text)) == text if the vocabulary has all words of the text.
  Ids encode(std::string_view text) const override;
  std::string decode(const Ids& ids) const override;
  std::string piece(int64_t id) const override;
  int64_t size() const override { return static_cast<int64_t>(words_.size()); }
  std::string to_text() const override;

 private:
  explicit WordTokeniser(std::vector<std::string> words);

  std::vector<std::string> words_;
  PrefixTable ids_;
};

}  // namespace heed::kit
