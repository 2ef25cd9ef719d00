// A little memory that is kept for the moment when there is none left: without it, the message that says so
// could not be made either. Thread-safe.
#pragma once

namespace heed::core {

/// Asks for it again where it was given back. Whoever is about to ask for memory calls this first.
void keep_reserve() noexcept;

/// Gives it back, for the Error that follows.
void free_reserve() noexcept;

}  // namespace heed::core
