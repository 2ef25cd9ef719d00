#include <heed/core/random.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include <heed/core/number.h>
#include <heed/core/op_name.h>
#include <heed/core/parallel.h>
#include <heed/core/philox.h>

namespace heed {

namespace {
thread_local Generator* generator_of_thread = nullptr;  // set while a GeneratorGuard lives
}

Generator& default_generator() {
  static Generator shared(0);
  return generator_of_thread ? *generator_of_thread : shared;
}

GeneratorGuard::GeneratorGuard(Generator& generator) : before_(generator_of_thread) {
  generator_of_thread = &generator;
}

GeneratorGuard::~GeneratorGuard() { generator_of_thread = before_; }

void manual_seed(uint64_t seed) { default_generator().seed(seed); }

namespace core {
namespace {

// Sequences under one seed never overlap: fills use stream 0, their later attempts streams -1, -2, … and
// dropout the streams 1 + call.
constexpr uint64_t fill_stream = 0;
constexpr uint64_t attempt_stream(uint64_t attempt) { return uint64_t{0} - attempt; }
constexpr uint64_t call_stream(uint64_t call) { return call + 1; }

uint64_t join(uint32_t low, uint32_t high) { return uint64_t{high} << 32 | low; }

constexpr double two_to_minus_53 = 0x1p-53;
double unit(uint64_t bits) { return static_cast<double>(bits >> 11) * two_to_minus_53; }  // [0, 1)

// --- Elementary functions, from +, ·, / only: those of libm differ between platforms. ---

// ln x for normal x > 0, to about 1 ulp. x = 2ᵏ m with √½ <= m < √2, and
// ln m = 2 artanh s = 2 (s + s³/3 + s⁵/5 + …), s = (m - 1)/(m + 1), |s| <= 0.172: 11 terms.
double log(double x) {
  constexpr double ln2 = 0.693147180559945309417;
  const uint64_t bits = std::bit_cast<uint64_t>(x);
  int k = static_cast<int>(bits >> 52) - 1022;
  double m = std::bit_cast<double>((bits & 0x000FFFFFFFFFFFFF) | 0x3FE0000000000000);  // [½, 1)
  if (m < 0.70710678118654752) m *= 2, --k;
  const double s = (m - 1) / (m + 1), s2 = s * s;
  static constexpr double inverse[] = {1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13,
                                       1.0 / 11, 1.0 / 9,  1.0 / 7,  1.0 / 5,  1.0 / 3};
  double series = 0;
  for (double coefficient : inverse) series = series * s2 + coefficient;
  return k * ln2 + (2 * s + 2 * s * s2 * series);
}

struct SinCos {
  double sin, cos;
};

// sin 2πu and cos 2πu for 0 <= u < 1, to about 1 ulp: whole quarter turns are removed exactly,
// the rest, |x| <= π/4, is computed by Taylor's series.
SinCos sin_cos_turns(double u) {
  constexpr double half_pi = 1.57079632679489661923;
  const int quarter = static_cast<int>(4 * u + 0.5);
  const double x = (4 * u - quarter) * half_pi, x2 = x * x;
  // x - x³/3! + x⁵/5! - … = x (1 - x²/(2·3) (1 - x²/(4·5) (…))), cosine likewise.
  static constexpr double sin_steps[] = {1.0 / (16 * 17), 1.0 / (14 * 15), 1.0 / (12 * 13), 1.0 / (10 * 11),
                                         1.0 / (8 * 9),   1.0 / (6 * 7),   1.0 / (4 * 5),   1.0 / (2 * 3)};
  static constexpr double cos_steps[] = {1.0 / (15 * 16), 1.0 / (13 * 14), 1.0 / (11 * 12), 1.0 / (9 * 10),
                                         1.0 / (7 * 8),   1.0 / (5 * 6),   1.0 / (3 * 4),   1.0 / (1 * 2)};
  double s = 1, c = 1;
  for (double step : sin_steps) s = 1 - s * x2 * step;
  for (double step : cos_steps) c = 1 - c * x2 * step;
  s *= x;
  switch (quarter & 3) {
    case 0: return {s, c};
    case 1: return {c, -s};
    case 2: return {-s, -c};
    default: return {-c, s};
  }
}

struct Pair {
  double first, second;
};

Pair box_muller(const uint32_t* block) {
  const double u1 = unit(join(block[0], block[1])) + two_to_minus_53;  // (0, 1]
  const double radius = std::sqrt(-2 * log(u1));
  const auto [sin, cos] = sin_cos_turns(unit(join(block[2], block[3])));
  return {radius * cos, radius * sin};
}

// --- Filling memory ---

constexpr int64_t chunk_blocks = 4096, batch_blocks = 128;

// Calls write(first, count, words) for the blocks of a fill, in batches, on several threads:
// `words` holds the 4 · count words of blocks first, first + 1, …
template <class Write> void for_blocks(uint64_t seed, uint64_t stream, uint64_t start, int64_t blocks, Write&& write) {
  parallel_for(blocks, chunk_blocks, [&](int64_t begin, int64_t end) {
    uint32_t words[4 * batch_blocks];
    for (int64_t first = begin; first < end; first += batch_blocks) {
      const int64_t count = std::min(batch_blocks, end - first);
      philox_fill(seed, stream, start + static_cast<uint64_t>(first), words, count);
      write(first, count, words);
    }
  });
}

// The blocks that a fill owns: taken once, since another thread may draw at the same time.
struct Draw {
  uint64_t seed, start;
  int64_t blocks;
  Draw(Generator& generator, int64_t n)
      : seed(generator.seed()), start(generator.take(static_cast<uint64_t>(n))), blocks(n) {}
};

// For n elements, `per_block` of which share a block.
template <int per_block> Draw draw_for(int64_t n, Generator& generator) {
  return Draw(generator, n / per_block + (n % per_block != 0));
}

// Calls write(i, words) for each of n elements with the element's own 4 / per_block words.
template <int per_block, class Write> void for_elements(int64_t n, const Draw& draw, Write&& write) {
  for_blocks(draw.seed, fill_stream, draw.start, draw.blocks, [&](int64_t first, int64_t count, const uint32_t* words) {
    const int64_t begin = first * per_block;
    const int64_t end = std::min(n, begin + count * per_block);
    for (int64_t i = begin; i < end; ++i) write(i, words + (i - begin) * (4 / per_block));
  });
}

// The 64 bits of element i of a fill, for its second and later attempts.
uint64_t retry_bits(const Draw& draw, uint64_t attempt, int64_t i) {
  const PhiloxBlock block = philox(draw.seed, attempt_stream(attempt), draw.start + static_cast<uint64_t>(i / 2));
  return i % 2 ? join(block[2], block[3]) : join(block[0], block[1]);
}

// Uniform on 0 … range-1: as many bits as range - 1 has, drawn again while they are too large.
uint64_t below(uint64_t range, uint64_t bits, const Draw& draw, int64_t i) {
  const int unused = std::countl_zero(range - 1);
  if (unused == 64) return 0;
  for (uint64_t attempt = 1; bits >> unused >= range; ++attempt) bits = retry_bits(draw, attempt, i);
  return bits >> unused;
}

// Runs fill(y) with a contiguous y: x itself if it is contiguous, else a copy that is written back.
template <class Fill> void into_contiguous(const Array& x, Fill&& fill) {
  if (x.is_contiguous()) return fill(x);
  const Array y(x.shape(), x.dtype());
  fill(y);
  copy_into(x, y);
}

void check_normal(const Array& x, double mean, double std) {
  const char* const op = OpName::current();
  check(std::isfinite(mean) && std::isfinite(std) && std >= 0, op, ": mean ", mean, ", std ", std,
        ": both must be finite and std not negative");
  for (const double value : {mean, std}) check_holds(op, x, value);
}

// v, clamped to [low, high] and rounded to T within that interval.
template <class T> T rounded_within(double v, double low, double high) {
  T t = static_cast<T>(std::clamp(v, low, high));
  if (t > high) t = std::nextafter(t, -std::numeric_limits<T>::infinity());
  if (t < low) t = std::nextafter(t, std::numeric_limits<T>::infinity());
  return t;
}

}  // namespace

void fill_uniform(const Array& x, double low, double high, Generator& generator) {
  const OpName at("fill_uniform");
  check(std::isfinite(low) && std::isfinite(high - low) && low <= high, OpName::current(), ": [", low, ", ", high,
        "): bounds must be finite and in order");
  for (const double bound : {low, high}) check_holds(OpName::current(), x, bound);
  dispatch_floating(x.dtype(), OpName::current(), [&]<class T>() {
    constexpr uint64_t kept = std::is_same_v<T, float> ? ~uint64_t{0} << 40 : ~uint64_t{0};
    into_contiguous(x, [&](const Array& y) {
      T* out = y.data<T>();
      const Draw draw = draw_for<2>(y.numel(), generator);
      for_elements<2>(y.numel(), draw, [=](int64_t i, const uint32_t* words) {
        const T v = static_cast<T>(low + (high - low) * unit(join(words[0], words[1]) & kept));
        out[i] = v < high || low == high ? v : std::nextafter(static_cast<T>(high), static_cast<T>(low));
      });
    });
  });
}

void fill_normal(const Array& x, double mean, double std, Generator& generator) {
  const OpName at("fill_normal");
  check_normal(x, mean, std);
  dispatch_floating(x.dtype(), OpName::current(), [&]<class T>() {
    into_contiguous(x, [&](const Array& y) {
      T* out = y.data<T>();
      const int64_t n = y.numel();
      const Draw draw = draw_for<2>(n, generator);
      for_blocks(draw.seed, fill_stream, draw.start, draw.blocks,
                 [=](int64_t first, int64_t count, const uint32_t* words) {
                   for (int64_t b = 0; b < count; ++b) {
                     const auto [z0, z1] = box_muller(words + 4 * b);
                     const int64_t i = 2 * (first + b);
                     out[i] = static_cast<T>(mean + std * z0);
                     if (i + 1 < n) out[i + 1] = static_cast<T>(mean + std * z1);
                   }
                 });
    });
  });
}

void fill_truncated_normal(const Array& x, double mean, double std, double low, double high, Generator& generator) {
  const OpName at("fill_truncated_normal");
  check_normal(x, mean, std);
  check(std > 0 && low < high, OpName::current(), ": std ", std, " on [", low, ", ", high,
        "]: std must be positive and the bounds in order");
  // In units of the standard normal: the interval [a, b], and its point of greatest density. Beyond
  // `far` the density is less than 2⁻⁵³ times the greatest: no proposal there would ever be accepted.
  double a = (low - mean) / std, b = (high - mean) / std;
  const double peak = std::clamp(0.0, a, b);
  check(std::abs(peak) < 1e6, OpName::current(), ": mean ", mean, ", std ", std, " on [", low, ", ", high,
        "]: the interval is a million standard deviations away: move it or the mean");
  const double far = std::sqrt(peak * peak + 106 * 0.693147180559945309417);
  a = std::max(a, -far), b = std::min(b, far);
  // Normal proposals are accepted at the rate Φ(b) - Φ(a), uniform ones at √(2π) exp(peak²/2) /
  // (b - a) times that rate. Compared as logarithms.
  constexpr double sqrt_two_pi = 2.50662827463100050242;
  const bool uniform = peak * peak / 2 > log((b - a) / sqrt_two_pi);

  // A value, or NaN where the proposal made from this block is rejected.
  auto propose = [=](const uint32_t* block) {
    double z = box_muller(block).first;
    bool accepted = a <= z && z <= b;
    if (uniform) {
      z = a + (b - a) * unit(join(block[0], block[1]));
      const double u = unit(join(block[2], block[3])) + two_to_minus_53;
      accepted = log(u) <= (peak * peak - z * z) / 2;
    }
    return accepted ? mean + std * z : std::numeric_limits<double>::quiet_NaN();
  };

  dispatch_floating(x.dtype(), OpName::current(), [&]<class T>() {
    into_contiguous(x, [&](const Array& y) {
      T* out = y.data<T>();
      const Draw draw = draw_for<1>(y.numel(), generator);
      for_elements<1>(y.numel(), draw, [=](int64_t i, const uint32_t* words) {
        double v = propose(words);
        for (uint64_t attempt = 1; std::isnan(v); ++attempt)
          v = propose(philox(draw.seed, attempt_stream(attempt), draw.start + static_cast<uint64_t>(i)).data());
        out[i] = rounded_within<T>(v, low, high);
      });
    });
  });
}

void fill_exponential(const Array& x, Generator& generator) {
  const OpName at("fill_exponential");
  dispatch_floating(x.dtype(), OpName::current(), [&]<class T>() {
    into_contiguous(x, [&](const Array& y) {
      T* const out = y.data<T>();
      for_elements<2>(y.numel(), draw_for<2>(y.numel(), generator), [=](int64_t i, const uint32_t* words) {
        out[i] = static_cast<T>(-log(unit(join(words[0], words[1])) + two_to_minus_53));
      });
    });
  });
}

void fill_bernoulli(const Array& x, double p, Generator& generator) {
  const OpName at("fill_bernoulli");
  check(p >= 0 && p <= 1, OpName::current(), ": p = ", p, ": a probability is between 0 and 1");
  const uint64_t threshold = static_cast<uint64_t>(p * 0x1p32 + 0.5);
  dispatch(x.dtype(), [&]<class T>() {
    into_contiguous(x, [&](const Array& y) {
      T* out = y.data<T>();
      const Draw draw = draw_for<4>(y.numel(), generator);
      for_elements<4>(y.numel(), draw,
                      [=](int64_t i, const uint32_t* words) { out[i] = static_cast<T>(words[0] < threshold); });
    });
  });
}

void fill_integers(const Array& x, int64_t low, int64_t high, Generator& generator) {
  const OpName at("fill_integers");
  check(low < high, OpName::current(), ": [", low, ", ", high, "): is empty: low must be less than high");
  check<DtypeError>(x.dtype() != Dtype::boolean, OpName::current(), ": dtype bool: use fill_bernoulli");
  dispatch(x.dtype(), [&]<class T>() {
    constexpr int digits = std::numeric_limits<T>::digits;  // integers up to 2^digits are exact
    constexpr int64_t limit = digits >= 63 ? INT64_MAX : int64_t{1} << digits;
    check<DtypeError>(digits >= 63 || (low >= -limit && high <= limit), OpName::current(), ": [", low, ", ", high,
                      "): do not all fit ", x.dtype(), ": use int64");
    const uint64_t range = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
    into_contiguous(x, [&](const Array& y) {
      T* out = y.data<T>();
      const Draw draw = draw_for<2>(y.numel(), generator);
      for_elements<2>(y.numel(), draw, [=](int64_t i, const uint32_t* words) {
        const uint64_t step = below(range, join(words[0], words[1]), draw, i);
        out[i] = static_cast<T>(static_cast<int64_t>(static_cast<uint64_t>(low) + step));
      });
    });
  });
}

Array rand(const Shape& shape, Dtype dtype, Generator& generator) {
  const OpName at("rand");
  const Array x(shape, dtype);
  fill_uniform(x, 0, 1, generator);
  return x;
}

Array randn(const Shape& shape, Dtype dtype, Generator& generator) {
  const OpName at("randn");
  const Array x(shape, dtype);
  fill_normal(x, 0, 1, generator);
  return x;
}

Array randint(int64_t low, int64_t high, const Shape& shape, Generator& generator) {
  const OpName at("randint");
  const Array x(shape, Dtype::i64);
  fill_integers(x, low, high, generator);
  return x;
}

Array randperm(int64_t n, Generator& generator) {
  const OpName at("randperm");
  check(n >= 0, "randperm: n = ", n, ": must not be negative");
  const Array x(Shape{n}, Dtype::i64);
  int64_t* order = x.data<int64_t>();
  std::iota(order, order + n, int64_t{0});
  const Draw draw = draw_for<2>(n, generator);
  for (int64_t i = n - 1; i > 0; --i) {
    const PhiloxBlock block = philox(draw.seed, fill_stream, draw.start + static_cast<uint64_t>(i / 2));
    const uint64_t bits = i % 2 ? join(block[2], block[3]) : join(block[0], block[1]);
    std::swap(order[i], order[below(static_cast<uint64_t>(i) + 1, bits, draw, i)]);
  }
  return x;
}

uint32_t word_at(uint64_t seed, uint64_t call, uint64_t index) {
  return philox(seed, call_stream(call), index / 4)[index % 4];
}

void words_at(uint64_t seed, uint64_t call, uint64_t first, uint32_t* words, int64_t n) {
  for (; n > 0 && first % 4 != 0; ++first, --n) *words++ = word_at(seed, call, first);
  philox_fill(seed, call_stream(call), first / 4, words, n / 4);
  for (int64_t i = n / 4 * 4; i < n; ++i) words[i] = word_at(seed, call, first + static_cast<uint64_t>(i));
}

double uniform_at(uint64_t seed, uint64_t call, uint64_t index) { return word_at(seed, call, index) * 0x1p-32; }

}  // namespace core
}  // namespace heed
