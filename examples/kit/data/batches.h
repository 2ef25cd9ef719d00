// Batches: the order in which examples are visited, and tensors of examples of unequal length.
//
//     Generator generator(seed);
//     kit::DataLoader loader({x, y}, {.batch = 64, .shuffle = true});
//     for (const auto& batch : loader.epoch(generator)) step(batch[0], batch[1]);
#pragma once

#include <cstdint>
#include <vector>

#include <heed/autograd/tensor.h>
#include <heed/core/random.h>
#include <heed/examples/kit/data/vocabulary.h>

namespace heed::kit {

struct BatchOptions {
  int64_t batch = 32;
  bool shuffle = true;
  bool drop_last = false;  // drop the last batch if it is not full
};

/// Indices 0 … n-1 in batches. One permutation is drawn from the generator (none without shuffle).
std::vector<Ids> batches(int64_t n, const BatchOptions& options, Generator& generator);

/// Batches of tensors that share their first axis, the examples. It stores handles, and copies one batch at
/// a time.
class DataLoader {
 public:
  /// Throws ShapeError if first axes differ or there is no tensor, Error for a batch size < 1.
  explicit DataLoader(std::vector<Tensor> tensors, const BatchOptions& options = {});

  int64_t examples() const { return tensors_[0].size(0); }
  int64_t batches() const;  // per epoch

  /// One pass over the examples: for(…) over it gives one std::vector<Tensor> per batch.
  class Epoch;
  Epoch epoch(Generator& generator) const;

 private:
  std::vector<Tensor> tensors_;
  BatchOptions options_;
};

class DataLoader::Epoch {
 public:
  class Iterator {
   public:
    Iterator(const Epoch& epoch, size_t at) : epoch_(&epoch), at_(at) {}
    std::vector<Tensor> operator*() const;
    Iterator& operator++() { return ++at_, *this; }
    bool operator==(const Iterator& other) const { return at_ == other.at_; }

   private:
    const Epoch* epoch_;
    size_t at_;
  };
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, order_.size()}; }

 private:
  friend class DataLoader;
  Epoch(std::vector<Tensor> tensors, std::vector<Ids> order) : tensors_(std::move(tensors)), order_(std::move(order)) {}
  std::vector<Tensor> tensors_;
  std::vector<Ids> order_;
};

/// Sequences of unequal length as rows of one tensor.
struct Padded {
  Tensor ids;    // (B, L) i64, padded with the padding id
  Tensor valid;  // (B, L) boolean, true at tokens: attention's key_mask
};

/// L is the longest length, or `length` if that is > 0; longer sequences are then cut.
/// Throws ShapeError if there is no sequence.
Padded pad(const std::vector<Ids>& sequences, int64_t padding, int64_t length = 0);

/// Windows of a token stream for a language model: `inputs` (B, L) starting at `starts`, and
/// `targets` the same shifted by one. Throws IndexError for a window that leaves the stream.
struct Windows {
  Tensor inputs, targets;  // (B, L) i64
};
Windows windows(const Ids& stream, const Ids& starts, int64_t length);

/// `count` starts, uniform over all windows that fit. Throws ShapeError for a stream of fewer than
/// length + 1 tokens.
Ids random_starts(const Ids& stream, int64_t length, int64_t count, Generator& generator);

/// Starts 0, length, 2 length, …: the windows that cover the stream once (last tokens that do not
/// fill a window are left out).
Ids covering_starts(const Ids& stream, int64_t length);

}  // namespace heed::kit
