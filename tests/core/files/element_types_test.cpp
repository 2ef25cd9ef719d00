#include <heed/core/files/element_types.h>
#include <heed/core/half.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include <heed/core/half.h>

#include "support/catch.h"

using namespace heed;
using namespace heed::core;

TEST_CASE("elements: every half is widened exactly") {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const float value = float_from_half(static_cast<uint16_t>(bits));
    const int exponent = static_cast<int>(bits >> 10 & 31), fraction = static_cast<int>(bits & 1023);
    const double sign = bits & 0x8000 ? -1 : 1;
    if (exponent == 31 && fraction != 0) {
      REQUIRE(std::isnan(value));
      REQUIRE((std::bit_cast<uint32_t>(value) & 0x7fffff) == static_cast<uint32_t>(fraction) << 13);
    } else {
      const double expected = exponent == 31  ? INFINITY
                              : exponent == 0 ? std::ldexp(fraction, -24)
                                              : std::ldexp(1024 + fraction, exponent - 25);
      REQUIRE(value == sign * expected);
    }
    REQUIRE(std::signbit(value) == (sign < 0));
  }
}

TEST_CASE("elements: bfloat16 is the upper half of a float") {
  CHECK(float_from_bfloat16(0x3f80) == 1.0f);
  CHECK(float_from_bfloat16(0xc049) == -3.140625f);
  CHECK(float_from_bfloat16(0x0001) == std::bit_cast<float>(0x00010000u));
  CHECK(std::isinf(float_from_bfloat16(0x7f80)));
  CHECK(std::isnan(float_from_bfloat16(0x7fc0)));
}

namespace {

template <class Raw>
void check_decoding(StoredType element, Dtype dtype, const std::vector<Raw>& raw, const std::vector<double>& expected) {
  INFO("element " << static_cast<int>(element));
  CHECK(dtype_of_stored(element) == dtype);
  REQUIRE(size_of(element) == sizeof(Raw));
  for (bool big_endian : {false, true}) {
    std::string bytes = "x";  // one byte first, so that nothing is aligned
    for (Raw value : raw) {
      char number[sizeof(Raw)];
      std::memcpy(number, &value, sizeof(Raw));
      if (big_endian) std::reverse(number, number + sizeof(Raw));
      bytes.append(number, sizeof(Raw));
    }
    const auto x =
        decode(std::string_view(bytes).substr(1), element, {1, static_cast<int64_t>(raw.size())}, big_endian);
    REQUIRE(x.has_value());
    CHECK(x->dtype() == dtype);
    CHECK(x->shape() == Shape{1, static_cast<int64_t>(raw.size())});
    CHECK(to_vector(*x) == expected);
  }
}

}  // namespace

TEST_CASE("elements: every type is widened to one of heed's, in either byte order") {
  check_decoding<uint8_t>(StoredType::boolean, Dtype::boolean, {0, 1, 1}, {0, 1, 1});
  check_decoding<uint8_t>(StoredType::u8, Dtype::i32, {0, 200, 255}, {0, 200, 255});
  check_decoding<int8_t>(StoredType::i8, Dtype::i32, {-128, 0, 127}, {-128, 0, 127});
  check_decoding<uint16_t>(StoredType::u16, Dtype::i32, {0, 258, 65535}, {0, 258, 65535});
  check_decoding<int16_t>(StoredType::i16, Dtype::i32, {-32768, 258}, {-32768, 258});
  check_decoding<uint16_t>(StoredType::f16, Dtype::f32, {0x3c00, 0xc100}, {1, -2.5});
  check_decoding<uint16_t>(StoredType::bf16, Dtype::f32, {0x3f80, 0xc020}, {1, -2.5});
  check_decoding<int32_t>(StoredType::i32, Dtype::i32, {-2000000000, 16909060}, {-2000000000, 16909060});
  check_decoding<uint32_t>(StoredType::u32, Dtype::i64, {0, 4294967295}, {0, 4294967295});
  check_decoding<float>(StoredType::f32, Dtype::f32, {0.1f, -2.5f}, {0.1f, -2.5});
  check_decoding<double>(StoredType::f64, Dtype::f64, {0.1, -2.5}, {0.1, -2.5});
  check_decoding<int64_t>(StoredType::i64, Dtype::i64, {-(int64_t{1} << 53), 72623859790382856},
                          {-9007199254740992.0, 72623859790382856.0});
}

TEST_CASE("elements: booleans other than 0 and 1 are refused, empty arrays are fine") {
  CHECK_FALSE(decode("\x02", StoredType::boolean, {1}).has_value());
  CHECK_FALSE(decode("\xff", StoredType::boolean, {}).has_value());
  CHECK(decode("", StoredType::f32, {2, 0})->shape() == Shape{2, 0});
  CHECK(decode("", StoredType::boolean, {0})->numel() == 0);
}
