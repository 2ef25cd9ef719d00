// Products with narrow weights: every table that this machine can run against the plain twins.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <heed/core/half.h>
#include <heed/core/kernels/dispatch.h>
#include <heed/core/kernels/plain_compact.h>

#include "support/catch.h"
#include "support/kernel_tables.h"

using namespace heed::core;
using heed::test::lengths, heed::test::numbers;

namespace {

constexpr int types = 3;

// n elements of a type, from any bits: everything that a file may hold, but for infinities and NaN.
std::string narrow(int type, int64_t n, uint32_t seed) {
  std::string bytes;
  for (int64_t i = 0; i < n; ++i) {
    seed = seed * 1664525u + 1013904223u;
    const float x =
        std::ldexp(static_cast<float>(static_cast<int>(seed >> 16 & 255) - 128), -static_cast<int>(seed >> 24 & 7));
    if (type == static_cast<int>(CompactType::i8)) {
      bytes += static_cast<char>(seed >> 16);
    } else {
      const uint16_t half = type == static_cast<int>(CompactType::f16) ? half_from_float(x) : bfloat16_from_float(x);
      bytes.append(reinterpret_cast<const char*>(&half), sizeof half);
    }
  }
  return bytes;
}

const CompactKernels& definition() { return choose_kernels("plain").compact; }

}  // namespace

TEST_CASE("compact kernels: every half is widened as its definition says, whatever its position") {
  std::vector<uint16_t> all(65536 + 5);
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint16_t>(i);
  const auto n = static_cast<int64_t>(all.size());
  std::vector<float> wide(all.size()), wanted(all.size());
  for (const Kernels* table : supported_kernels())
    for (int type = 0; type < 2; ++type) {
      INFO(table->isa << " " << type);
      table->compact.widen[type](all.data(), 1, wide.data(), n);
      definition().widen[type](all.data(), 1, wanted.data(), n);
      for (size_t i = 0; i < all.size(); ++i) {
        if (std::isnan(wanted[i])) REQUIRE(std::isnan(wide[i]));
        else REQUIRE(std::memcmp(&wide[i], &wanted[i], sizeof(float)) == 0);
      }
    }
}

TEST_CASE("compact kernels: widening is exact at every length and alignment, and touches nothing else") {
  for (const Kernels* table : supported_kernels())
    for (int type = 0; type < types; ++type)
      for (const int64_t n : lengths) {
        const std::string bytes = "x" + narrow(type, n, 3);  // at an odd address
        std::vector<float> wide(static_cast<size_t>(n + 1), -7), wanted = wide;
        table->compact.widen[type](bytes.data() + 1, 0.5f, wide.data(), n);
        definition().widen[type](bytes.data() + 1, 0.5f, wanted.data(), n);
        INFO(table->isa << " " << type << " " << n);
        REQUIRE(wide == wanted);
      }
}

TEST_CASE("compact kernels: products of one row, at every length and alignment") {
  for (const Kernels* table : supported_kernels())
    for (int type = 0; type < types; ++type)
      for (const int64_t k : lengths) {
        const int64_t n = 3;
        const std::string bytes = "x" + narrow(type, n * k, 5);
        const std::vector<float> x = numbers<float>(k, 7), scales = {0.5f, 2.0f, -1.0f};
        for (const float* scale : {static_cast<const float*>(nullptr), scales.data()}) {
          std::vector<float> y(static_cast<size_t>(n + 1), -7), wanted = y;
          table->compact.dots[type](x.data(), bytes.data() + 1, scale, y.data(), n, k);
          definition().dots[type](x.data(), bytes.data() + 1, scale, wanted.data(), n, k);
          REQUIRE(y.back() == -7);
          for (size_t j = 0; j < static_cast<size_t>(n); ++j) {
            std::vector<float> row(static_cast<size_t>(k));
            const int64_t width = type == static_cast<int>(CompactType::i8) ? 1 : 2;
            definition().widen[type](bytes.data() + 1 + static_cast<int64_t>(j) * k * width, scale ? scale[j] : 1,
                                     row.data(), k);
            double size = 0;
            for (size_t l = 0; l < row.size(); ++l)
              size += std::fabs(static_cast<double>(row[l]) * static_cast<double>(x[l]));
            CAPTURE(table->isa, type, k, j);
            REQUIRE(std::fabs(static_cast<double>(y[j]) - static_cast<double>(wanted[j])) <= 1e-6 * size + 1e-30);
          }
        }
      }
}

TEST_CASE("compact kernels: sums stay short however long a row is") {
  const int64_t k = 1 << 20;
  const std::vector<float> x(static_cast<size_t>(k), 0.1f);
  const std::vector<uint16_t> halves(static_cast<size_t>(k), bfloat16_from_float(1));
  for (const Kernels* table : supported_kernels()) {
    float y;
    table->compact.dots[static_cast<int>(CompactType::bf16)](x.data(), halves.data(), nullptr, &y, 1, k);
    INFO(table->isa);
    CHECK(std::fabs(static_cast<double>(y) / (static_cast<double>(0.1f) * static_cast<double>(k)) - 1) < 1e-5);
  }
}

TEST_CASE("compact kernels: infinity and NaN in a weight are not hidden") {
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> x(40, 1);
  for (const Kernels* table : supported_kernels())
    for (const size_t at : {0, 17, 39}) {
      std::vector<uint16_t> w(40, 0);
      float y;
      w[at] = 0xfc00;
      table->compact.dots[static_cast<int>(CompactType::f16)](x.data(), w.data(), nullptr, &y, 1, 40);
      INFO(table->isa << " " << at);
      CHECK(y == -infinity);
      w[at] = 0x7c01;
      table->compact.dots[static_cast<int>(CompactType::f16)](x.data(), w.data(), nullptr, &y, 1, 40);
      CHECK(std::isnan(y));
    }
}
