// Errors: one family of exceptions, one grammar.
//
//     op: what was given (full shapes): what is wrong, naming the clashing axis: what to do
//
// If a module was running, its path follows:  "… [in h.3.attn.out_proj]".
// A message may show text from a file or a command line (through quote(), text.h), but that text never
// controls a terminal: control characters are escaped here, for all messages.
// Thread-safe. Messages are built only when something is wrong.
#pragma once

#include <initializer_list>
#include <ostream>
#include <stdexcept>
#include <string>

namespace heed {

struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct ShapeError : Error {
  using Error::Error;
};  // sizes that do not fit together
struct DtypeError : Error {
  using Error::Error;
};  // an element type that does not fit
struct IndexError : Error {
  using Error::Error;
};  // a position, axis or token out of range
struct AutogradError : Error {
  using Error::Error;
};  // a derivative that cannot be computed
struct FormatError : Error {
  using Error::Error;
};  // a file whose content breaks its format
struct IoError : Error {
  using Error::Error;
};  // the operating system refused
/// Out of memory: for an array's elements, or for heed's own bookkeeping. (What the standard library
/// allocates itself, a vector's elements or a name, still ends in std::bad_alloc.)
struct MemoryError : Error {
  using Error::Error;
};

namespace core {
/// " [in h.3.attn.out_proj]" while a module runs on this thread, else "" (scope.h).
std::string scope_suffix();

/// One part of a message: any value that can be streamed, by address. (Type-erased, so that each of the
/// hundreds of different messages costs the compiler one small array only.)
struct Part {
  template <class T>
  Part(const T& v) : value(&v), print([](std::ostream& out, const void* p) { out << *static_cast<const T*>(p); }) {}
  Part(const char* v) : value(v), print([](std::ostream& out, const void* p) { out << static_cast<const char*>(p); }) {}
  const void* value;
  void (*print)(std::ostream&, const void*);
};

/// The concatenated parts; numbers do not depend on the user's locale: 12345.5.
std::string join(std::initializer_list<Part> parts);

/// The same through harmless() (text.h), with the path of the running module.
std::string message(std::initializer_list<Part> parts);

template <class E> [[noreturn]] void throw_error(std::initializer_list<Part> parts) { throw E(message(parts)); }
}  // namespace core

/// The parts, streamed one after the other. (Not the op cat(tensors, -1): vectors cannot be streamed.)
template <class... Parts>
  requires requires(std::ostream& out, const Parts&... parts) { (out << ... << parts); }
std::string cat(const Parts&... parts) {
  return core::join({core::Part(parts)...});
}

template <class E = Error, class... Parts> [[noreturn]] void fail(const Parts&... parts) {
  core::throw_error<E>({core::Part(parts)...});
}

/// Throws E with the concatenated parts unless `ok`.
///     check<ShapeError>(n == m, "dot: ", a.shape(), " · ", b.shape(), ": lengths differ");
template <class E = Error, class... Parts> void check(bool ok, const Parts&... parts) {
  if (!ok) [[unlikely]]
    fail<E>(parts...);
}

}  // namespace heed
