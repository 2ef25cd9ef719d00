// Pieces: how GPT-2 divides a text before it looks at pairs of bytes. No token crosses the end of a piece.
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

/// How many bytes the first piece of a text has, by GPT-2's rule, where \s is Unicode's White_Space:
///     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
/// Bytes that are not UTF-8 are of the fourth kind. REQUIRES: the text is not empty
size_t gpt2_piece(std::string_view text);

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
