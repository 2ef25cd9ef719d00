// A little memory, kept for the moment when there is none left: without it, the error message
// could not be built either. Thread-safe.
#pragma once

namespace heed::core {

/// Allocates the reserve unless it is there. Called before each allocation.
void keep_reserve() noexcept;

/// Frees it, to make room for the Error that follows.
void free_reserve() noexcept;

}  // namespace heed::core
