// Key-value cache: a decoder writes one token after the other, and the keys and values of a token
// never change once it is written. So they are computed once and kept.
//
//     step t without:  n = t queries, keys and values of all t tokens again     O(t² d) a step
//     step t with:     one query, one new key and value, t kept ones            O(t d)  a step
//
// The result is that of computing all again, up to rounding: the last query is at the last key,
// which is what `causal` means in heed (masks.h). For generation only, without history: keys that
// record one are an error, for gradients would stop here unseen.
#pragma once

#include <cstdint>
#include <vector>

#include <heed/autograd/tensor.h>

namespace heed::nn {

struct KeysValues {
  Tensor k, v;  // (B, g, m, d), (B, g, m, p)
};

/// What one attention has seen: room for `capacity` positions, taken once, at the first append.
/// A copy has room of its own, so that two beginnings can go on from one.
class KeyValueCache {
 public:
  explicit KeyValueCache(int64_t capacity);
  KeyValueCache(const KeyValueCache& other);
  KeyValueCache& operator=(const KeyValueCache& other);
  KeyValueCache(KeyValueCache&&) = default;
  KeyValueCache& operator=(KeyValueCache&&) = default;

  /// Puts n new positions behind those that are there; returns all, as views. O(n), however many
  /// there are. Error if they do not fit behind the others, or record history.
  KeysValues append(const KeysValues& news);

  int64_t length() const { return length_; }
  int64_t capacity() const { return capacity_; }
  void truncate(int64_t length);  // forgets what lies behind; 0 begins anew

  /// Sequence b goes on from what was sequence rows[b]'s: rows (B') i64, for beam search.
  void reorder(const Tensor& rows);

 private:
  int64_t capacity_, length_ = 0;
  KeysValues room_;  // (B, g, capacity, ·)
};

/// One cache a layer, all of the same length.
struct KeyValueCaches {
  std::vector<KeyValueCache> layers;

  KeyValueCaches(int64_t count, int64_t capacity);
  int64_t length() const { return layers.empty() ? 0 : layers.front().length(); }
  void truncate(int64_t length);
  void reorder(const Tensor& rows);
};

}  // namespace heed::nn
