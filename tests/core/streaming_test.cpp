#include <catch2/catch.hpp>

#include <numeric>
#include <vector>

#include <heed/core/ops.h>
#include <heed/core/random.h>
#include <heed/core/streaming.h>

using namespace heed;
using core::Array;

TEST_CASE("streaming: pieces fill the whole result and nothing beside it") {
  for (const int64_t n : {0, 1, 15, 2048, 2049, 5000}) {
    for (const int64_t start : {0, 1, 3}) {  // streamed stores want aligned addresses
      for (const bool streamed : {false, true}) {
        std::vector<float> y(static_cast<size_t>(n + 8), -1.0f);
        core::write_pieces(y.data() + start, n, streamed, [](int64_t i, int64_t m, float* to) {
          for (int64_t j = 0; j < m; ++j) to[j] = static_cast<float>(i + j);
        });
        for (int64_t i = 0; i < n + 8; ++i) {
          const bool inside = i >= start && i < start + n;
          REQUIRE(y[static_cast<size_t>(i)] == (inside ? static_cast<float>(i - start) : -1.0f));
        }
      }
    }
  }
}

TEST_CASE("streaming: a row comes whole, also one too long for the buffer") {
  for (const int64_t n : {5, 1024, 100'000}) {
    std::vector<double> y(static_cast<size_t>(n));
    int calls = 0;
    core::write_row(y.data(), n, true, [&](double* to) {
      ++calls;
      std::iota(to, to + n, 0.0);
    });
    CHECK(calls == 1);
    CHECK(y.front() == 0.0);
    CHECK(y.back() == static_cast<double>(n - 1));
  }
}

TEST_CASE("streaming: results larger than the caches are those of their parts, bit for bit") {
  const int64_t rows = 9000, n = 1000;
  Array x({rows, n});
  Generator generator(1);
  core::fill_uniform(x, -2.0, 2.0, generator);
  const auto same = [&](const Array& y, const auto& op) {
    for (const int64_t r : {int64_t{0}, int64_t{4321}, rows - 1}) {
      const Array part = op(core::slice(x, 0, r, r + 1));
      for (int64_t i = 0; i < n; ++i) REQUIRE(y.data<float>()[r * n + i] == part.data<float>()[i]);
    }
  };
  const auto check = [&](const auto& op) { same(op(x), op); };
  check([](const Array& a) { return core::map(core::Unary::exp, a); });
  check([](const Array& a) { return core::zip(core::Binary::mul, a, a); });
  check([](const Array& a) { return core::map_grad(core::UnaryGrad::gelu, a, a); });
  check([](const Array& a) { return core::softmax(a, -1); });
  check([](const Array& a) { return core::softmax_grad(a, a, -1); });
  check([](const Array& a) { return core::layer_norm(a, Array(), Array(), 1e-5).y; });
  check([](const Array& a) { return core::clone(a); });
}
