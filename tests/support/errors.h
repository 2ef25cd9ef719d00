// The message of the exception that a call throws, for comparing whole messages.
#pragma once

#include <exception>
#include <string>

#include <heed/core/error.h>

namespace heed::test {

/// What f() throws as E says; "no exception" or "another exception: …" otherwise.
template <class E = Error, class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string("another exception: ") + error.what();
  }
  return "no exception";
}

}  // namespace heed::test
