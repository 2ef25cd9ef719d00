// JsonReader: reads JSON value by value, without building a tree. Strict RFC 8259.
//
// The caller says what it expects, and gets it or a FormatError that says where:
//
//     JsonReader reader(text, "config.json");
//     reader.object([&](const std::string& key) {
//       if (key == "width") width = reader.integer();
//       else reader.fail("unknown key " + quote(key));
//     });
//     reader.finish();
//
// Refused: comments, trailing commas, NaN, single quotes, raw control characters, lone surrogates,
// broken UTF-8, duplicate keys (as decoded, so "a" and "\u0061" are the same), and nesting deeper
// than max_depth. Memory: the keys of all open objects, in an ordered set: in a hash table, crafted keys could
// all collide, and time would grow with the square of their count. json.h has the tree.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace heed::core {

class JsonReader {
 public:
  static constexpr int max_depth = 64;

  enum class Kind { null, boolean, integer, number, string, list, object };

  /// `source` is named in messages. Both must outlive the reader.
  JsonReader(std::string_view text, std::string_view source) : text_(text), source_(source) {}

  /// What the next value is, by its first characters. An integer is written without fraction and
  /// exponent and fits 64 bits; "-0" is not one.
  Kind peek();

  void null();
  bool boolean();
  int64_t integer();
  double number();  // an integer is a number too
  std::string string();
  void skip();  // any value

  /// Calls each() once per element; it must read exactly one value.
  template <class Each> void list(Each&& each) {
    open('[', "a list");
    for (bool first = true; more(']', first); first = false) each();
  }

  /// Calls each(key) once per member; it must read exactly one value.
  template <class Each> void object(Each&& each) {
    open('{', "an object");
    std::set<std::string> seen;
    for (bool first = true; more('}', first); first = false) each(key(seen));
  }

  /// Nothing but white space may follow.
  void finish();

  /// Where the next value begins, in bytes from the start.
  size_t position();

  /// Throws FormatError "source:line:column: wrong", for `position` or the reader's own.
  [[noreturn]] void fail(const std::string& wrong) const { fail(wrong, at_); }
  [[noreturn]] void fail(const std::string& wrong, size_t position) const;

 private:
  void skip_space();
  [[noreturn]] void expected(const char* what);
  std::string_view number_text();
  char32_t escape();
  char32_t hex4();
  void open(char bracket, const char* what);
  bool more(char bracket, bool first);
  const std::string& key(std::set<std::string>& seen);

  std::string_view text_;
  std::string_view source_;
  size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace heed::core
