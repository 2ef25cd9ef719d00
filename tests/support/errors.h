// The messages of errors.
#pragma once

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <string>

#include <heed/core/error.h>

namespace heed::test {

/// The message of the E that `body` throws; "no error" or "another error: …" if it does not.
template <class E = Error, class Body> std::string message_of(Body&& body) {
  try {
    body();
  } catch (const E& e) { return e.what(); } catch (const std::exception& e) {
    return std::string("another error: ") + e.what();
  }
  return "no error";
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// The grammar of every message:  op: what was given: what is wrong[: what to do].
inline bool follows_grammar(const std::string& text) {
  size_t parts = 1;
  for (size_t at = text.find(": "); at != std::string::npos; at = text.find(": ", at + 2)) ++parts;
  const std::string op = text.substr(0, text.find(':'));
  return parts >= 3 && !op.empty() && op.find(' ') == std::string::npos;
}

}  // namespace heed::test
