// Pieces: how a text is divided before pairs of bytes are looked at. No token crosses the end of a piece.
//
// Each rule is a regular expression in its model's files, which is matched again and again where the last match ended,
// and here a function that finds the same end. \s is Unicode's White_Space; bytes that are not UTF-8 are neither letters
// nor numbers nor \s, nor marks. (?i:'s) matches 'ſ (U+017F), too.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include <heed/examples/kit/data/vocabulary.h>

namespace heed::kit {

/// How many bytes the first piece of a text has. All REQUIRE: the text is not empty
using FirstPiece = size_t (*)(std::string_view text);

/// GPT-2, GPT-NeoX, Pythia, Phi-2:
///     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
size_t gpt2_piece(std::string_view text);

/// SmolLM, StarCoder: each digit (\p{N}) is a piece, and what is between digits is divided as if it were a whole text.
size_t gpt2_digit_piece(std::string_view text);

/// The same with all digits in a row as one piece.
size_t gpt2_digits_piece(std::string_view text);

/// Llama 3, with GPT-4's pattern (cl100k):
///     (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
size_t llama3_piece(std::string_view text);

/// Qwen2, Qwen2.5, Qwen3: as Llama 3, with \p{N} for \p{N}{1,3}.
size_t qwen2_piece(std::string_view text);

/// Llama 4, with GPT-4o's pattern (o200k): words also end where a capital follows a small letter. Let
/// U = [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}], W = [\p{Ll}\p{Lm}\p{Lo}\p{M}], p = [^\r\n\p{L}\p{N}]?
/// and c = (?i:'s|'t|'re|'ve|'m|'ll|'d)?:
///     pU*W+c|pU+W*c|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
size_t gpt4o_piece(std::string_view text);

/// Mistral NeMo (Tekken): as GPT-4o, without c, and with \p{N} for \p{N}{1,3}.
size_t tekken_piece(std::string_view text);

/// The text is one piece.
inline size_t whole_piece(std::string_view text) { return text.size(); }

/// Texts repeat their words. This remembers where in a text a piece was and where its ids are in the result, so that
/// they can be copied. Its size is fixed, and a slot is the last piece's that fell on it: no text can make it slow.
class PieceMemory {
 public:
  /// Both must outlive this, and begin as they are: ids of the text are appended to `ids`.
  PieceMemory(std::string_view text, Ids& ids)
      : text_(text),
        ids_(ids),
        slots_(text.size() < 1000 ? 0 : std::min<size_t>(std::bit_floor(text.size() / 4), 1 << 14)) {}

  /// Appends the ids of the piece, by calling encode(piece) unless they are known; it appends to `ids`.
  template <class Encode> void append(size_t begin, size_t length, Encode&& encode) {
    const std::string_view piece = text_.substr(begin, length);
    if (slots_.empty() || length > longest || begin > UINT32_MAX || ids_.size() > UINT32_MAX) return encode(piece);
    Slot& slot = slots_[hash(piece) & (slots_.size() - 1)];
    if (slot.length == length && std::memcmp(text_.data() + slot.begin, piece.data(), length) == 0) {
      const size_t old = ids_.size();
      ids_.resize(old + slot.count);
      std::copy_n(ids_.begin() + slot.first_id, slot.count, ids_.begin() + static_cast<ptrdiff_t>(old));
      return;
    }
    const size_t first_id = ids_.size();
    encode(piece);
    slot = {static_cast<uint32_t>(begin), static_cast<uint32_t>(first_id), static_cast<uint16_t>(length),
            static_cast<uint16_t>(ids_.size() - first_id)};
  }

 private:
  static constexpr size_t longest = 64;
  struct Slot {
    uint32_t begin = 0, first_id = 0;
    uint16_t length = 0, count = 0;
  };
  static size_t hash(std::string_view piece) {
    uint64_t h = piece.size();
    for (size_t i = 0; i < piece.size(); i += 8) {
      uint64_t word = 0;
      std::memcpy(&word, piece.data() + i, std::min<size_t>(8, piece.size() - i));
      h = (h ^ word) * 0x9E3779B97F4A7C15U;
      h ^= h >> 29;
    }
    return static_cast<size_t>(h >> 32);
  }

  std::string_view text_;
  Ids& ids_;
  std::vector<Slot> slots_;
};

}  // namespace heed::kit
