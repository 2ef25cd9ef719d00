// Element types of files, and their conversion to Arrays.
//
// Files know more types than heed. Those that fit one of heed's without loss are widened on load:
//
//     f16, bf16 -> f32      u8, i8, u16, i16 -> i32      u32 -> i64
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <heed/core/array.h>

namespace heed::core {

enum class StoredType : uint8_t { boolean, u8, i8, u16, i16, f16, bf16, i32, u32, f32, f64, i64 };

/// The Dtype that elements of this type are loaded as.
Dtype dtype_of_stored(StoredType element);
size_t size_of(StoredType element);

/// The elements in `bytes`, in row-major order. The bytes need no alignment; `big_endian` means that
/// each element's first byte is its highest. Nothing if a boolean is neither 0 nor 1.
/// REQUIRES: bytes.size() == shape.numel() * size_of(element)
std::optional<Array> decode(std::string_view bytes, StoredType element, const Shape& shape, bool big_endian = false);

/// The elements of a contiguous array as they are stored. They live as long as the array.
std::string_view bytes_of(const Array& x);

}  // namespace heed::core
