// Random numbers: same seed, same bits, on every platform and for any number of threads.
//
// A Generator is a seed and a counter, so a checkpoint stores it as two integers.
// Every value is a function of (seed, counter, position), computed by Philox (philox.h). The standard
// library's distributions differ between implementations; these use +, ·, /, √ only.
//
// How far a fill of n elements advances the counter, in steps of 128 bits:
//     uniform, normal, exponential, integers,
//     permutation                              ⌈n / 2⌉    64 bits per element
//     Bernoulli                                ⌈n / 4⌉    32 bits per element
//     truncated normal                         n
// After a rejection, the next attempt uses another stream, not the counter.
//
// Threads may draw from one Generator at once: no two draws overlap, but which thread gets which depends on
// timing. For bit-for-bit repeatable threads, give each its own Generator (GeneratorGuard). A child of
// fork() has a copy, and draws the same values as its parent.
#pragma once

#include <atomic>
#include <cstdint>

#include <heed/core/array.h>

namespace heed {

class Generator {
 public:
  explicit Generator(uint64_t seed) : seed_(seed) {}
  Generator(const Generator& other) : seed_(other.seed()), counter_(other.counter()) {}
  Generator& operator=(const Generator& other) {
    seed(other.seed());
    set_counter(other.counter());
    return *this;
  }

  uint64_t seed() const { return seed_.load(std::memory_order_relaxed); }
  uint64_t counter() const { return counter_.load(std::memory_order_relaxed); }

  /// Advances the counter by `steps`; returns its previous value.
  uint64_t take(uint64_t steps) { return counter_.fetch_add(steps, std::memory_order_relaxed); }

  // Seeding, setting and assigning make values repeat: not while another thread draws.
  void seed(uint64_t seed) {
    seed_.store(seed, std::memory_order_relaxed);
    set_counter(0);
  }
  void set_counter(uint64_t counter) { counter_.store(counter, std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> seed_;
  std::atomic<uint64_t> counter_{0};
};

/// The generator that is used if none is given, also by initialisers and dropout. All threads
/// share one, whose seed is 0 until manual_seed; a GeneratorGuard gives a thread its own.
Generator& default_generator();

/// Restarts the default generator.
void manual_seed(uint64_t seed);

/// While it lives, `generator` is the default generator of this thread, and of no other:
///
///     std::thread worker([] {
///       Generator generator(7);
///       const GeneratorGuard mine(generator);
///       train(model);   // draws the same values in every run, whatever other threads do
///     });
class GeneratorGuard {
 public:
  explicit GeneratorGuard(Generator& generator);
  ~GeneratorGuard();
  GeneratorGuard(const GeneratorGuard&) = delete;
  GeneratorGuard& operator=(const GeneratorGuard&) = delete;

 private:
  Generator* before_;
};

namespace core {

// Fills write into x's bytes, in row-major order of its indices.

/// Uniform on [low, high): low + (high - low) u. For f32, u is a multiple of 2⁻²⁴, for f64 of 2⁻⁵³.
/// Throws Error unless low <= high and both are finite; equal bounds give low.
void fill_uniform(const Array& x, double low, double high, Generator& generator);

/// Normal by Box & Muller 1958: √(-2 ln u₁) cos 2πu₂ and √(-2 ln u₁) sin 2πu₂. Computed in f64; f32
/// values are the f64 ones rounded. At most 8.6 standard deviations from the mean.
void fill_normal(const Array& x, double mean, double std, Generator& generator);

/// Normal under the condition low <= x <= high, as torch.nn.init.trunc_normal_. The bounds are
/// values, not multiples of std, and may be infinite. By rejection: proposals are normal or
/// uniform, whichever is accepted more often.
void fill_truncated_normal(const Array& x, double mean, double std, double low, double high, Generator& generator);

/// Exponential with mean 1: -ln u. At most 36.8.
void fill_exponential(const Array& x, Generator& generator);

/// 1 with probability p, else 0, in any dtype. p is used to a precision of 2⁻³².
void fill_bernoulli(const Array& x, double p, Generator& generator);

/// Integers on [low, high), each equally likely (by rejection, so without modulo bias). i32, i64 or
/// floating. Throws Error unless low < high and the dtype can hold them.
void fill_integers(const Array& x, int64_t low, int64_t high, Generator& generator);

Array rand(const Shape& shape, Dtype dtype, Generator& generator);                   // uniform on [0, 1)
Array randn(const Shape& shape, Dtype dtype, Generator& generator);                  // mean 0, variance 1
Array randint(int64_t low, int64_t high, const Shape& shape, Generator& generator);  // i64

/// 0 … n-1 in random order, i64 (n,). Fisher & Yates; every order equally likely.
Array randperm(int64_t n, Generator& generator);

// Without a Generator: for dropout, whose backward must reproduce the values of the forward pass.
//
//     const uint64_t call = generator.take(1);      // once per call
//     uniform_at(generator.seed(), call, index);    // index from (b, h, i, j)
//
// No fill above ever uses these bits.

/// 32 random bits of position `index`.
uint32_t word_at(uint64_t seed, uint64_t call, uint64_t index);

/// word_at(seed, call, first) … word_at(seed, call, first + n - 1), much faster.
void words_at(uint64_t seed, uint64_t call, uint64_t first, uint32_t* words, int64_t n);

/// Uniform on [0, 1): word_at · 2⁻³².
double uniform_at(uint64_t seed, uint64_t call, uint64_t index);

}  // namespace core
}  // namespace heed
