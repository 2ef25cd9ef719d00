#include <heed/core/files/element_types.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>

#include <heed/core/half.h>

namespace heed::core {

static_assert(std::endian::native == std::endian::little, "heed reads and writes elements in memory order");

Dtype dtype_of_stored(StoredType element) {
  switch (element) {
    case StoredType::boolean: return Dtype::boolean;
    case StoredType::u8:
    case StoredType::i8:
    case StoredType::u16:
    case StoredType::i16:
    case StoredType::i32: return Dtype::i32;
    case StoredType::u32:
    case StoredType::i64: return Dtype::i64;
    case StoredType::f16:
    case StoredType::bf16:
    case StoredType::f32: return Dtype::f32;
    case StoredType::f64: break;
  }
  return Dtype::f64;
}

size_t size_of(StoredType element) {
  switch (element) {
    case StoredType::boolean:
    case StoredType::u8:
    case StoredType::i8: return 1;
    case StoredType::u16:
    case StoredType::i16:
    case StoredType::f16:
    case StoredType::bf16: return 2;
    case StoredType::i32:
    case StoredType::u32:
    case StoredType::f32: return 4;
    case StoredType::f64:
    case StoredType::i64: break;
  }
  return 8;
}

namespace {

// Reads values stored as Raw and writes convert(value) to `out`.
template <class Raw, class Out, class Convert>
void each(std::string_view bytes, bool big_endian, Out* out, Convert convert) {
  for (size_t i = 0; i < bytes.size(); i += sizeof(Raw)) {
    char number[sizeof(Raw)];
    std::copy_n(bytes.data() + i, sizeof(Raw), number);
    if (big_endian) std::reverse(number, number + sizeof(Raw));
    Raw raw;
    std::memcpy(&raw, number, sizeof(Raw));
    *out++ = convert(raw);
  }
}

}  // namespace

std::optional<Array> decode(std::string_view bytes, StoredType element, const Shape& shape, bool big_endian) {
  const Array x(shape, dtype_of_stored(element));
  auto widen = [&]<class Raw>(Raw) {
    dispatch(x.dtype(), [&]<class T>() {
      if (std::is_same_v<Raw, T> && !big_endian && !bytes.empty()) {
        std::memcpy(x.data<T>(), bytes.data(), bytes.size());
      } else {
        each<Raw>(bytes, big_endian, x.data<T>(), [](Raw raw) { return static_cast<T>(raw); });
      }
    });
  };
  switch (element) {
    case StoredType::boolean:
      if (std::any_of(bytes.begin(), bytes.end(), [](char c) { return c != 0 && c != 1; })) return std::nullopt;
      each<uint8_t>(bytes, false, x.data<bool>(), [](uint8_t raw) { return raw == 1; });
      break;
    case StoredType::f16: each<uint16_t>(bytes, big_endian, x.data<float>(), float_from_half); break;
    case StoredType::bf16: each<uint16_t>(bytes, big_endian, x.data<float>(), float_from_bfloat16); break;
    case StoredType::u8: widen(uint8_t()); break;
    case StoredType::i8: widen(int8_t()); break;
    case StoredType::u16: widen(uint16_t()); break;
    case StoredType::i16: widen(int16_t()); break;
    case StoredType::i32: widen(int32_t()); break;
    case StoredType::u32: widen(uint32_t()); break;
    case StoredType::f32: widen(float()); break;
    case StoredType::f64: widen(double()); break;
    case StoredType::i64: widen(int64_t()); break;
  }
  return x;
}

std::string_view bytes_of(const Array& x) {
  const size_t width = size_of(x.dtype());
  const char* start = reinterpret_cast<const char*>(x.storage().bytes());
  return {start + static_cast<size_t>(x.offset()) * width, static_cast<size_t>(x.numel()) * width};
}

}  // namespace heed::core
