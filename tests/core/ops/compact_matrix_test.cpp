// CompactMatrix: rounding, views, products of any number of rows.
#include <heed/core/ops/compact_matrix.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <heed/core/half.h>
#include <heed/core/ops/ops.h>
#include <heed/core/parallel.h>
#include <heed/core/random.h>

#include "support/catch.h"
#include "support/errors.h"
#include "support/every_isa.h"

using namespace heed;
using namespace heed::core;
using heed::test::message_of;

namespace {

constexpr CompactType types[] = {CompactType::f16, CompactType::bf16, CompactType::i8};

Array random(const Shape& shape, uint64_t seed, Dtype dtype = Dtype::f32) {
  Generator generator(seed);
  return core::randn(shape, dtype, generator);
}

double largest(const Array& x) { return item(amax(map(Unary::abs, x), {}, false)); }
double distance(const Array& a, const Array& b) { return largest(zip(Binary::sub, a, b)); }

bool same_bits(const Array& a, const Array& b) { return a.shape() == b.shape() && to_vector(a) == to_vector(b); }

}  // namespace

TEST_CASE("compact matrix: rounding errors are those that its header states") {
  for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
    const Array w = random({19, 301}, 1, dtype);
    for (const CompactType type : types) {
      const CompactMatrix matrix = CompactMatrix::from(w, type);
      CHECK(matrix.rows() == 19);
      CHECK(matrix.columns() == 301);
      CHECK(matrix.type() == type);
      CHECK(matrix.bytes() == (type == CompactType::i8 ? 19 * 301 + 19 * 4 : 2 * 19 * 301));
      const std::vector<double> before = to_vector(w), after = to_vector(matrix.widen());
      for (size_t i = 0; i < 19; ++i) {
        double highest = 0;
        for (size_t j = 0; j < 301; ++j) highest = std::max(highest, std::fabs(before[i * 301 + j]));
        for (size_t j = 0; j < 301; ++j) {
          const double x = before[i * 301 + j], error = std::fabs(x - after[i * 301 + j]);
          const double allowed = type == CompactType::f16    ? std::max(0x1p-11 * std::fabs(x), 0x1p-25)
                                 : type == CompactType::bf16 ? 0x1p-8 * std::fabs(x)
                                                             : highest / 127 * 0.5001;
          CAPTURE(name_of(type), i, j, x);
          REQUIRE(error <= allowed);
        }
      }
    }
  }
}

TEST_CASE("compact matrix: a view has the elements of the bytes, at any address, and keeps their owner alive") {
  const Array w = random({5, 33}, 2);
  for (const CompactType type : {CompactType::f16, CompactType::bf16}) {
    std::string bytes = "x";
    for (const double v : to_vector(w)) {
      const auto half = type == CompactType::f16 ? half_from_float(static_cast<float>(v))
                                                 : bfloat16_from_float(static_cast<float>(v));
      bytes.append(reinterpret_cast<const char*>(&half), 2);
    }
    auto owner = std::make_shared<const std::string>(bytes);
    const std::weak_ptr<const std::string> watched = owner;
    {
      const CompactMatrix view = CompactMatrix::view(owner, std::string_view(*owner).substr(1), 5, 33, type);
      owner.reset();
      CHECK(!watched.expired());
      const CompactMatrix copied = CompactMatrix::from(w, type);
      CHECK(same_bits(view.widen(), copied.widen()));
      const Array x = random({3, 33}, 3);
      CHECK(same_bits(view.product(x), copied.product(x)));
      const CompactMatrix another = view;  // shares the bytes
      CHECK(same_bits(another.product(x), view.product(x)));
    }
    CHECK(watched.expired());
  }
}

TEST_CASE("compact matrix: products are those of the widened matrix, for any number of rows", "[compact]") {
  for (const auto& [n, k] : {std::pair<int64_t, int64_t>{1, 1}, {3, 7}, {37, 301}, {130, 768}, {70, 5000}}) {
    const Array w = random({n, k}, 4);
    for (const CompactType type : types) {
      const CompactMatrix matrix = CompactMatrix::from(w, type);
      for (const int64_t m : {1, 2, 5, 8, 9, 40}) {
        const Array x = random({m, k}, 5), wanted = linear(x, matrix.widen(), Array());
        const double size = largest(linear(map(Unary::abs, x), map(Unary::abs, matrix.widen()), Array()));
        CAPTURE(n, k, m, name_of(type));
        REQUIRE(distance(matrix.product(x), wanted) <= 1e-6 * size);
      }
    }
  }
}

TEST_CASE("compact matrix: products under every instruction set") {
  heed::test::require_under_every_isa("test_core", "[compact]");
}

TEST_CASE("compact matrix: the same bits for any number of threads") {
  const int before = num_threads();
  const Array w = random({1000, 300}, 6);
  for (const CompactType type : types) {
    const CompactMatrix matrix = CompactMatrix::from(w, type);
    for (const int64_t m : {1, 4, 30}) {
      const Array x = random({m, 300}, 7);
      set_num_threads(1);
      const Array one = matrix.product(x);
      for (const int threads : {2, 5}) {
        set_num_threads(threads);
        CHECK(same_bits(matrix.product(x), one));
        CHECK(same_bits(CompactMatrix::from(w, type).widen(), matrix.widen()));
      }
    }
  }
  set_num_threads(before);
}

TEST_CASE("compact matrix: shapes of x, rows by ids") {
  const CompactMatrix matrix = CompactMatrix::from(random({6, 4}, 8), CompactType::bf16);
  CHECK(matrix.product(random({4}, 1)).shape() == Shape{6});
  CHECK(matrix.product(random({2, 3, 4}, 1)).shape() == Shape{2, 3, 6});
  CHECK(matrix.product(Array({0, 4})).shape() == Shape{0, 6});
  const Array x = random({4, 3}, 1);
  CHECK(same_bits(matrix.product(transpose(x, 0, 1)), matrix.product(contiguous(transpose(x, 0, 1)))));
  const CompactMatrix nothing = CompactMatrix::from(Array({0, 4}), CompactType::i8);
  CHECK(nothing.product(x.size(0) == 4 ? transpose(x, 0, 1) : x).shape() == Shape{3, 0});
  const CompactMatrix narrow = CompactMatrix::from(Array({3, 0}), CompactType::f16);
  CHECK(to_vector(narrow.product(Array({2, 0}))) == std::vector<double>(6, 0.0));

  const Array ids = from_vector({5, 0, 5, 2}, {2, 2}, Dtype::i64);
  for (const CompactType type : types) {
    const CompactMatrix table = CompactMatrix::from(random({6, 4}, 8), type);
    CHECK(same_bits(table.take_rows(ids), embedding(table.widen(), ids)));
  }
  CHECK(matrix.take_rows(Array({0}, Dtype::i64)).shape() == Shape{0, 4});
}

TEST_CASE("compact matrix: int8 at its limits") {
  const float most = 3.4e38f, least = std::numeric_limits<float>::denorm_min();
  const Array w({4, 3});
  const std::vector<float> values = {most, -most, 0, 10 * least, -3 * least, 0, 0, 0, -0.0f, 127, 0.5f, 1.5f};
  std::copy(values.begin(), values.end(), w.data<float>());
  const std::vector<double> wide = to_vector(CompactMatrix::from(w, CompactType::i8).widen());
  CHECK(wide[0] == Approx(static_cast<double>(most)));
  CHECK(wide[1] == -wide[0]);
  CHECK(wide[3] == static_cast<double>(10 * least));  // a scale of one step, not of zero
  CHECK(wide[4] == static_cast<double>(-3 * least));
  CHECK(std::vector(wide.begin() + 6, wide.begin() + 9) == std::vector<double>{0, 0, 0});
  CHECK(wide[10] == 0.0);  // ties to even
  CHECK(wide[11] == 2.0);
}

TEST_CASE("compact matrix: what cannot be rounded, viewed or multiplied is refused") {
  const Array w = random({2, 3}, 1);
  const auto with = [&](double value) {
    const Array changed = clone(w);
    changed.data<float>()[4] = static_cast<float>(value);
    return changed;
  };
  const double nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
  CHECK(message_of([&] { CompactMatrix::from(with(70000), CompactType::f16); }) ==
        "compact_matrix: (2, 3): element (1, 1) is 70000: float16 cannot hold it: use bfloat16");
  CHECK(message_of([&] { CompactMatrix::from(with(nan), CompactType::i8); }) ==
        "compact_matrix: (2, 3): element (1, 1) is nan: int8 cannot hold it: use float32");
  CHECK(message_of([&] { CompactMatrix::from(with(-infinity), CompactType::i8); }) ==
        "compact_matrix: (2, 3): element (1, 1) is -inf: int8 cannot hold it: use float32");
  CHECK(test::contains(message_of([&] { CompactMatrix::from(with(3.4028e38), CompactType::i8); }),
                       "int8 cannot hold it"));
  CHECK(std::isnan(to_vector(CompactMatrix::from(with(nan), CompactType::bf16).widen())[4]));
  CHECK(std::isinf(to_vector(CompactMatrix::from(with(infinity), CompactType::f16).widen())[4]));
  CHECK(message_of<ShapeError>([&] { CompactMatrix::from(Array({3}), CompactType::f16); }) ==
        "compact_matrix: (3,): needs two axes (rows, columns)");
  CHECK(message_of<DtypeError>([&] { CompactMatrix::from(Array({3, 2}, Dtype::i32), CompactType::f16); }) ==
        "compact_matrix: dtype int32: needs float32 or float64: convert with x.to(Dtype::f32)");
  CHECK(message_of<ShapeError>([&] { CompactMatrix::from(Array(), CompactType::f16); }) != "no error");

  const auto view = [](std::string_view bytes, int64_t rows, int64_t columns, CompactType type) {
    return message_of([&] { CompactMatrix::view(nullptr, bytes, rows, columns, type); });
  };
  CHECK(view("1234", 1, 3, CompactType::bf16) ==
        "compact_matrix: 4 bytes as 1 rows of 3 elements of bfloat16: must be rows · columns · 2 bytes");
  CHECK(test::contains(view("1234", -1, -2, CompactType::bf16), "must be rows"));
  CHECK(test::contains(view("1234", INT64_MAX, INT64_MAX, CompactType::f16), "must be rows"));
  CHECK(view("1234", 2, 2, CompactType::i8) ==
        "compact_matrix: a view of 4 bytes as int8: there are no scales: use f16 or bf16, or from()");

  const CompactMatrix matrix = CompactMatrix::from(w, CompactType::bf16);
  CHECK(message_of<ShapeError>([&] { matrix.product(Array({2, 4})); }) ==
        "compact_product: x (2, 4), W (2, 3): x's last axis must be 3, W's columns");
  CHECK(message_of<ShapeError>([&] { matrix.product(Array(Shape{})); }) ==
        "compact_product: x (), W (2, 3): x's last axis must be 3, W's columns");
  CHECK(message_of<DtypeError>([&] { matrix.product(Array({3}, Dtype::f64)); }) ==
        "compact_product: x (3,) of float64: needs float32: convert with to(Dtype::f32)");
  for (const int64_t id : {-1, 2})
    CHECK(message_of<IndexError>([&] {
            matrix.take_rows(from_vector({0, static_cast<double>(id)}, {2}, Dtype::i64));
          }) == cat("take_rows: (2, 3), ids (2,): id ", id, " (entry 1) is not a row: ids run from 0 to 1"));
  CHECK(message_of<DtypeError>([&] { matrix.take_rows(Array({2})); }) ==
        "take_rows: ids (2,) of float32: positions are int64: convert with to(Dtype::i64)");
}
