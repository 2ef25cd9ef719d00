#include <heed/core/philox.h>

namespace heed::core {
namespace {

constexpr int rounds = 10;
constexpr uint32_t multiplier0 = 0xD2511F53, multiplier1 = 0xCD9E8D57;  // ibid., section 4.3
constexpr uint32_t weyl0 = 0x9E3779B9, weyl1 = 0xBB67AE85;              // golden ratio and √3 - 1: the keys

constexpr uint32_t low(uint64_t x) { return static_cast<uint32_t>(x); }
constexpr uint32_t high(uint64_t x) { return static_cast<uint32_t>(x >> 32); }

// The ten rounds for `Lanes` counters at once: word w of lane i is x[w][i]. Each inner loop has the
// same simple operation for every lane, which compilers turn into vector instructions.
template <int Lanes> void mix(uint32_t (&x)[4][Lanes], uint32_t key0, uint32_t key1) {
  for (int round = 0; round < rounds; ++round) {
    for (int i = 0; i < Lanes; ++i) {
      const uint64_t product0 = uint64_t{multiplier0} * x[0][i];
      const uint64_t product1 = uint64_t{multiplier1} * x[2][i];
      const uint32_t x1 = x[1][i], x3 = x[3][i];
      x[0][i] = high(product1) ^ x1 ^ key0;
      x[1][i] = low(product1);
      x[2][i] = high(product0) ^ x3 ^ key1;
      x[3][i] = low(product0);
    }
    key0 += weyl0;
    key1 += weyl1;
  }
}

}  // namespace

PhiloxBlock philox(PhiloxBlock counter, std::array<uint32_t, 2> key) {
  uint32_t x[4][1] = {{counter[0]}, {counter[1]}, {counter[2]}, {counter[3]}};
  mix<1>(x, key[0], key[1]);
  return {x[0][0], x[1][0], x[2][0], x[3][0]};
}

PhiloxBlock philox(uint64_t seed, uint64_t stream, uint64_t index) {
  return philox({low(index), high(index), low(stream), high(stream)}, {low(seed), high(seed)});
}

void philox_fill(uint64_t seed, uint64_t stream, uint64_t first, uint32_t* words, int64_t blocks) {
  constexpr int lanes = 8;
  int64_t done = 0;
  for (; done + lanes <= blocks; done += lanes, words += 4 * lanes) {
    uint32_t x[4][lanes];
    for (int i = 0; i < lanes; ++i) {
      const uint64_t index = first + static_cast<uint64_t>(done + i);
      x[0][i] = low(index), x[1][i] = high(index), x[2][i] = low(stream), x[3][i] = high(stream);
    }
    mix<lanes>(x, low(seed), high(seed));
    for (int i = 0; i < lanes; ++i)
      for (int w = 0; w < 4; ++w) words[4 * i + w] = x[w][i];
  }
  for (; done < blocks; ++done, words += 4) {
    const PhiloxBlock block = philox(seed, stream, first + static_cast<uint64_t>(done));
    for (int w = 0; w < 4; ++w) words[w] = block[static_cast<unsigned>(w)];
  }
}

}  // namespace heed::core
