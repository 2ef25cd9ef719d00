// Key-value cache: a decoder generates one token at a time, and the keys and values of a token
// never change afterwards. So they are computed once and kept.
//
//     step t without:  n = t queries, keys and values of all t tokens again     O(t² d) per step
//     step t with:     one query, one new key and value, t kept ones            O(t d)  per step
//
// The result equals that of computing everything again, up to rounding: the last query stands at the last key, which is
// what `causal` means in heed (masks.h). For generation only: gradients would stop here, so keys with history are an Error.
#pragma once

#include <cstdint>
#include <vector>

#include <heed/autograd/tensor.h>

namespace heed::nn {

struct KeysValues {
  Tensor k, v;  // (B, g, m, d), (B, g, m, p)
};

/// The keys and values that one attention has seen: room for `capacity` positions, allocated at the first append.
/// A copy has memory of its own, so that two continuations can start from one beginning.
class KeyValueCache {
 public:
  explicit KeyValueCache(int64_t capacity);
  KeyValueCache(const KeyValueCache& other);
  KeyValueCache& operator=(const KeyValueCache& other);
  KeyValueCache(KeyValueCache&&) = default;
  KeyValueCache& operator=(KeyValueCache&&) = default;

  /// Appends n new positions in O(n); returns all positions, as views. Error if they do not fit, or record history.
  KeysValues append(const KeysValues& news);

  int64_t length() const { return length_; }
  int64_t capacity() const { return capacity_; }
  void truncate(int64_t length);  // forgets later positions; 0 starts again
  void limit(int64_t positions);  // room for so many only, if that is less; Error if there is something in it

  /// Sequence b continues what was sequence rows[b]: rows (B') i64, for beam search.
  void reorder(const Tensor& rows);

 private:
  int64_t capacity_, length_ = 0;
  KeysValues room_;  // (B, g, capacity, ·)
};

/// One cache per layer, all of the same length.
struct KeyValueCaches {
  std::vector<KeyValueCache> layers;

  KeyValueCaches(int64_t count, int64_t capacity);
  int64_t length() const { return layers.empty() ? 0 : layers.front().length(); }
  void truncate(int64_t length);
  void reorder(const Tensor& rows);
  void check_room(const char* model, const Tensor& tokens, int64_t count, int64_t context) const;  // ShapeError
};

}  // namespace heed::nn
