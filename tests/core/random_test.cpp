#include <heed/core/random.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <heed/core/parallel.h>
#include <heed/core/philox.h>

#include "support/catch.h"
#include "support/errors.h"
#include "support/hash.h"

using namespace heed;
using namespace heed::core;
using heed::test::message_of;

namespace {

template <class T> std::vector<T> values(const Array& x) { return {x.data<T>(), x.data<T>() + x.numel()}; }

}  // namespace

TEST_CASE("philox: known answers of the published implementation") {
  // kat_vectors of Random123 (Salmon et al. 2011): counter, key, result.
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
        PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("philox: the filled blocks are the single ones, in any number") {
  const uint64_t near_carry = 0xfffffffe;  // the low counter word overflows within the fill
  for (int64_t blocks : {0, 1, 7, 8, 9, 31}) {
    std::vector<uint32_t> words(static_cast<size_t>(4 * blocks) + 1, 42);
    philox_fill(0x123456789abcdef0, 77, near_carry, words.data(), blocks);
    for (int64_t b = 0; b < blocks; ++b) {
      const PhiloxBlock block = philox(0x123456789abcdef0, 77, near_carry + static_cast<uint64_t>(b));
      for (size_t w = 0; w < 4; ++w) CHECK(words[static_cast<size_t>(4 * b) + w] == block[w]);
    }
    CHECK(words.back() == 42);
  }
}

TEST_CASE("random: recorded bits, the same on every platform") {
  // Printed by this library when it was written; a change of any is a change of every model.
  Generator g(1234);
  Array u32({1001}), u64({1001}, Dtype::f64), n32({1001}), n64({1001}, Dtype::f64);
  Array t32({1001}), b({1001}, Dtype::boolean);
  fill_uniform(u32, -1, 2, g);
  fill_uniform(u64, -1, 2, g);
  fill_normal(n32, 1, 2, g);
  fill_normal(n64, 1, 2, g);
  fill_truncated_normal(t32, 0, 1, -2, 2, g);
  fill_bernoulli(b, 0.3, g);
  CHECK(test::fnv1a(u32) == 0xd16183451896dec4);
  CHECK(test::fnv1a(u64) == 0xa55b0ed194467e93);
  CHECK(test::fnv1a(n32) == 0xbfb17775d3f6bdef);
  CHECK(test::fnv1a(n64) == 0x642fcd3fae6ba576);
  CHECK(test::fnv1a(t32) == 0x6d4ae71be400c11b);
  CHECK(test::fnv1a(b) == 0x4d83d18db03ad56e);
  CHECK(test::fnv1a(randint(-5, 1000, {1001}, g)) == 0xebe56a7e9822060d);
  CHECK(test::fnv1a(randperm(1001, g)) == 0xd664daa1da163348);
  CHECK(word_at(1234, 5, 6) == 0xcb840262);
}

TEST_CASE("random: the counter advances as documented, and resumes exactly") {
  Generator g(7);
  CHECK(g.seed() == 7);
  CHECK(g.counter() == 0);
  struct Row {
    const char* name;
    uint64_t steps;
    void (*draw)(Generator&);
  };
  const Row rows[] = {
      {"uniform", 51, [](Generator& r) { fill_uniform(Array({101}), 0, 1, r); }},
      {"normal", 51, [](Generator& r) { fill_normal(Array({101}), 0, 1, r); }},
      {"integers", 51, [](Generator& r) { randint(0, 10, {101}, r); }},
      {"permutation", 51, [](Generator& r) { randperm(101, r); }},
      {"bernoulli", 26, [](Generator& r) { fill_bernoulli(Array({101}), 0.5, r); }},
      {"truncated normal", 101, [](Generator& r) { fill_truncated_normal(Array({101}), 0, 1, -1, 1, r); }},
      {"nothing", 0, [](Generator& r) { fill_normal(Array({0}), 0, 1, r); }},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    const uint64_t before = g.counter();
    row.draw(g);
    CHECK(g.counter() - before == row.steps);
  }

  Generator other(7);
  other.set_counter(g.counter());
  CHECK(values<float>(randn({33}, Dtype::f32, g)) == values<float>(randn({33}, Dtype::f32, other)));
  g.seed(8);
  CHECK(g.counter() == 0);
}

TEST_CASE("random: two fills in a row are one long fill") {
  Generator once(3), twice(3);
  const std::vector<double> whole = values<double>(randn({20}, Dtype::f64, once));
  const std::vector<double> head = values<double>(randn({8}, Dtype::f64, twice));
  const std::vector<double> tail = values<double>(randn({12}, Dtype::f64, twice));
  CHECK(std::vector<double>(whole.begin(), whole.begin() + 8) == head);
  CHECK(std::vector<double>(whole.begin() + 8, whole.end()) == tail);
}

TEST_CASE("random: manual_seed restarts the default generator") {
  manual_seed(5);
  const std::vector<float> first = values<float>(rand({9}, Dtype::f32, default_generator()));
  manual_seed(5);
  CHECK(values<float>(rand({9}, Dtype::f32, default_generator())) == first);
  manual_seed(6);
  CHECK(values<float>(rand({9}, Dtype::f32, default_generator())) != first);
}

TEST_CASE("random: no two threads draw the same") {
  Generator generator(1);
  constexpr size_t each = 20000;
  std::vector<std::vector<uint64_t>> taken(4);
  std::vector<std::thread> threads;
  for (auto& mine : taken)
    threads.emplace_back([&generator, &mine] {
      for (size_t i = 0; i < each; ++i) mine.push_back(generator.take(3));
    });
  for (std::thread& thread : threads) thread.join();
  std::set<uint64_t> all;
  for (const auto& mine : taken) all.insert(mine.begin(), mine.end());
  CHECK(all.size() == 4 * each);
  CHECK(*all.rbegin() == 3 * (4 * each - 1));
  CHECK(generator.counter() == 3 * 4 * each);
}

// Each fill takes as many steps, so that fills by several threads are those of one, in some order.
TEST_CASE("random: fills by several threads are those of one thread") {
  constexpr int fills = 400;
  void (*const kinds[])(const Array&, Generator&) = {
      [](const Array& x, Generator& g) { fill_uniform(x, 0, 1, g); },
      [](const Array& x, Generator& g) { fill_normal(x, 0, 1, g); },
      [](const Array& x, Generator& g) { fill_truncated_normal(x, 0, 1, -0.1, 0.7, g); },
      [](const Array& x, Generator& g) { fill_integers(x, 0, int64_t{5} << 50, g); },  // 3 of 8 again
      [](const Array& x, Generator& g) { copy_into(x, randperm(x.numel(), g)); },
  };
  for (const auto& fill : kinds) {
    auto draw = [&](Generator& generator, std::vector<std::vector<double>>& out) {
      const Array x({9}, Dtype::f64);
      fill(x, generator);
      out.push_back(values<double>(x));
    };
    Generator alone(3), shared(3);
    std::vector<std::vector<double>> expected, found[2];
    for (int i = 0; i < 2 * fills; ++i) draw(alone, expected);
    std::thread other([&] {
      for (int i = 0; i < fills; ++i) draw(shared, found[1]);
    });
    for (int i = 0; i < fills; ++i) draw(shared, found[0]);
    other.join();
    found[0].insert(found[0].end(), found[1].begin(), found[1].end());
    std::sort(expected.begin(), expected.end());
    std::sort(found[0].begin(), found[0].end());
    CHECK(found[0] == expected);
  }
}

TEST_CASE("random: a GeneratorGuard gives one thread another default generator, for a while") {
  manual_seed(5);
  Generator mine(8), inner(9);
  {
    const GeneratorGuard guard(mine);
    CHECK(&default_generator() == &mine);
    std::thread([] { CHECK(default_generator().seed() == 5); }).join();
    {
      const GeneratorGuard nested(inner);
      CHECK(&default_generator() == &inner);
    }
    default_generator().take(2);
    CHECK(mine.counter() == 2);
    manual_seed(6);
    CHECK(mine.seed() == 6);
    CHECK(mine.counter() == 0);
  }
  CHECK(default_generator().seed() == 5);
  CHECK(default_generator().counter() == 0);
}

TEST_CASE("random: the same bits for any number of threads") {
  const int threads = num_threads();
  std::vector<uint64_t> hashes;
  for (int n : {1, 2, 3, 7}) {
    set_num_threads(n);
    Generator g(99);
    Array x({100003}), t({100003}), b({100003});
    fill_normal(x, 0, 1, g);
    fill_truncated_normal(t, 0, 1, -0.5, 0.5, g);
    fill_bernoulli(b, 0.5, g);
    hashes.push_back(test::fnv1a(x) ^ test::fnv1a(t) * 3 ^ test::fnv1a(b) * 5 ^
                     test::fnv1a(randint(0, 1000, {100003}, g)) * 7);
  }
  set_num_threads(threads);
  for (uint64_t hash : hashes) CHECK(hash == hashes[0]);
}

TEST_CASE("random: normal numbers are Box-Muller's, and f32 is f64 rounded") {
  const int64_t n = 4000;
  Generator g(11), same(11);
  const std::vector<double> z = values<double>(randn({n}, Dtype::f64, g));
  const std::vector<float> z32 = values<float>(randn({n}, Dtype::f32, same));
  double worst = 0;
  for (int64_t i = 0; i < n; i += 2) {
    const PhiloxBlock w = philox(11, 0, static_cast<uint64_t>(i / 2));
    auto unit = [](uint32_t low, uint32_t high) {
      return static_cast<double>((uint64_t{high} << 32 | low) >> 11) * 0x1p-53;
    };
    const long double radius = std::sqrt(-2 * std::log(unit(w[0], w[1]) + 0x1p-53L));
    const long double angle = 2 * std::numbers::pi_v<long double> * unit(w[2], w[3]);
    const long double expected[] = {radius * std::cos(angle), radius * std::sin(angle)};
    for (int64_t j = 0; j < 2; ++j) {
      const double got = z[static_cast<size_t>(i + j)];
      worst = std::max(worst, static_cast<double>(std::abs(got - expected[j]) / radius));
      CHECK(z32[static_cast<size_t>(i + j)] == static_cast<float>(got));
    }
  }
  CHECK(worst < 4e-16);
}

TEST_CASE("random: ranges are half open, and odd arguments do what they say") {
  Generator g(0);
  Array x({100000});
  fill_uniform(x, -3, -1, g);
  for (float v : values<float>(x)) REQUIRE((v >= -3 && v < -1));
  fill_uniform(x, 16777216, 16777217, g);  // the only f32 in this range is its low end
  for (float v : values<float>(x)) REQUIRE(v == 16777216);
  fill_uniform(x, 2, 2, g);
  for (float v : values<float>(x)) REQUIRE(v == 2);
  fill_normal(x, 3, 0, g);
  for (float v : values<float>(x)) REQUIRE(v == 3);

  fill_bernoulli(x, 0, g);
  for (float v : values<float>(x)) REQUIRE(v == 0);
  fill_bernoulli(x, 1, g);
  for (float v : values<float>(x)) REQUIRE(v == 1);
  fill_bernoulli(x, 0.3, g);
  double sum = 0;
  for (float v : values<float>(x)) {
    REQUIRE((v == 0 || v == 1));
    sum += v;
  }
  CHECK(std::abs(sum / 1e5 - 0.3) < 4 * std::sqrt(0.21 / 1e5));

  for (int64_t v : values<int64_t>(randint(7, 8, {100}, g))) CHECK(v == 7);
  bool negative = false, positive = false;
  for (int64_t v : values<int64_t>(randint(INT64_MIN, INT64_MAX, {100}, g))) (v < 0 ? negative : positive) = true;
  CHECK((negative && positive));
  Array small({1000}, Dtype::i32);
  fill_integers(small, -3, 4, g);
  for (int32_t v : values<int32_t>(small)) CHECK((v >= -3 && v < 4));

  CHECK(randperm(0, g).numel() == 0);
  CHECK(values<int64_t>(randperm(1, g)) == std::vector<int64_t>{0});
  std::vector<int64_t> p = values<int64_t>(randperm(1000, g));
  CHECK_FALSE(std::is_sorted(p.begin(), p.end()));
  std::sort(p.begin(), p.end());
  for (int64_t i = 0; i < 1000; ++i) REQUIRE(p[static_cast<size_t>(i)] == i);
}

TEST_CASE("random: a strided array is filled in the order of its indices") {
  Generator g(21), same(21);
  const Array straight = randn({5, 3}, Dtype::f32, g);
  const Array memory({3, 5});
  const Array crossed = transpose(memory, 0, 1);
  fill_normal(crossed, 0, 1, same);
  CHECK(to_vector(crossed) == to_vector(straight));
}

TEST_CASE("random: words_at is word_at, for any start and length") {
  for (uint64_t first : {0, 1, 2, 3, 4, 61})
    for (int64_t n : {0, 1, 2, 3, 4, 5, 40, 41}) {
      std::vector<uint32_t> words(static_cast<size_t>(n) + 1, 42);
      words_at(9, 8, first, words.data(), n);
      for (int64_t i = 0; i < n; ++i)
        REQUIRE(words[static_cast<size_t>(i)] == word_at(9, 8, first + static_cast<uint64_t>(i)));
      REQUIRE(words.back() == 42);
    }
  CHECK(uniform_at(9, 8, 7) == word_at(9, 8, 7) / 4294967296.0);
  CHECK(word_at(9, 8, 7) != word_at(9, 9, 7));
  CHECK(word_at(9, 8, 7) != word_at(8, 8, 7));
}

TEST_CASE("random: error messages") {
  Generator g(0);
  const Array x({2}), flags({2}, Dtype::boolean), ints({2}, Dtype::i32);
  const double nan = std::nan("");
  CHECK(message_of([&] { fill_uniform(x, 1, 0, g); }) == "fill_uniform: [1, 0): bounds must be finite and in order");
  CHECK(message_of([&] { fill_uniform(x, nan, 0, g); }) ==
        "fill_uniform: [nan, 0): bounds must be finite and in order");
  CHECK(message_of<DtypeError>([&] { fill_uniform(ints, 0, 1, g); }) ==
        "fill_uniform: dtype int32: needs float32 or float64: convert with x.to(Dtype::f32)");
  CHECK(message_of<DtypeError>([&] { fill_normal(flags, 0, 1, g); }) ==
        "fill_normal: dtype bool: needs float32 or float64: convert with x.to(Dtype::f32)");
  CHECK(message_of([&] { fill_normal(x, 0, -1, g); }) ==
        "fill_normal: mean 0, std -1: both must be finite and std not negative");
  CHECK(message_of([&] { fill_truncated_normal(x, 0, 1, 2, 2, g); }) ==
        "fill_truncated_normal: std 1 on [2, 2]: std must be positive and the bounds in order");
  CHECK(message_of([&] { fill_truncated_normal(x, 0, 0, 1, 2, g); }) ==
        "fill_truncated_normal: std 0 on [1, 2]: std must be positive and the bounds in order");
  CHECK(message_of([&] { fill_truncated_normal(x, 0, 1e-300, 1, 2, g); }) ==
        "fill_truncated_normal: mean 0, std 1e-300 on [1, 2]: the interval is a million standard "
        "deviations away: move it or the mean");
  CHECK(message_of([&] { fill_bernoulli(x, 1.5, g); }) == "fill_bernoulli: p = 1.5: a probability is between 0 and 1");
  CHECK(message_of([&] { fill_bernoulli(x, nan, g); }) == "fill_bernoulli: p = nan: a probability is between 0 and 1");
  CHECK(message_of([&] { randint(3, 3, {1}, g); }) == "randint: [3, 3): is empty: low must be less than high");
  CHECK(message_of<DtypeError>([&] { fill_integers(flags, 0, 1, g); }) ==
        "fill_integers: dtype bool: use fill_bernoulli");
  CHECK(message_of<DtypeError>([&] { fill_integers(x, 0, 16777217, g); }) ==
        "fill_integers: [0, 16777217): do not all fit float32: use int64");
  CHECK(message_of<DtypeError>([&] { fill_integers(ints, 0, 2147483649, g); }) ==
        "fill_integers: [0, 2147483649): do not all fit int32: use int64");
  CHECK(message_of([&] { randperm(-1, g); }) == "randperm: n = -1: must not be negative");
  CHECK(g.counter() == 0);  // what fails draws nothing
}
