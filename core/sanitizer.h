// What differs under AddressSanitizer.
#pragma once

#include <cstddef>

namespace heed::core {

/// Under AddressSanitizer nothing is reused, so that an invalid access is reported where it happens.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool reuse_memory = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
inline constexpr bool reuse_memory = false;
#else
inline constexpr bool reuse_memory = true;
#endif
#else
inline constexpr bool reuse_memory = true;
#endif

/// Larger requests fail at once. (AddressSanitizer ends the program where the system would only refuse.)
inline constexpr size_t largest_allocation = size_t{1} << (reuse_memory ? 46 : 34);

}  // namespace heed::core
