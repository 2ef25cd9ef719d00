// Sanitizers retain freed memory and shadow the rest, so resident memory is meaningless under them.
#pragma once

namespace heed::test {

#if defined(__has_feature)
#define HEED_HAS_FEATURE(feature) __has_feature(feature)
#else
#define HEED_HAS_FEATURE(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || HEED_HAS_FEATURE(address_sanitizer)
inline constexpr bool address_sanitizer = true;
#else
inline constexpr bool address_sanitizer = false;
#endif
#if defined(__SANITIZE_THREAD__) || HEED_HAS_FEATURE(thread_sanitizer)
inline constexpr bool thread_sanitizer = true;
#else
inline constexpr bool thread_sanitizer = false;
#endif
#undef HEED_HAS_FEATURE

}  // namespace heed::test
