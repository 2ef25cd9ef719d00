// Json: a JSON value as a tree. For configurations, vocabularies and results.
//
//     const Json config = parse_json(read_file(path), path);
//     const int64_t width = config.at("n_embd").as_integer();
//     std::cout << Json::Object{{"loss", 1.25}, {"steps", 100}};      // -> {"loss":1.25,"steps":100}
//
// Objects keep the order of their members. Integers are exact and distinct from doubles. Reading is
// strict (core/files/json_reader.h); reading a value as another kind throws FormatError.
#pragma once

#include <concepts>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace heed::kit {

class Json {
 public:
  using List = std::vector<Json>;
  using Object = std::vector<std::pair<std::string, Json>>;

  Json() = default;  // null
  Json(bool value) : value_(value) {}
  Json(std::integral auto value) : value_(static_cast<int64_t>(value)) {}
  Json(double value) : value_(value) {}
  Json(const char* value) : value_(std::string(value)) {}
  Json(std::string value) : value_(std::move(value)) {}
  Json(List value) : value_(std::move(value)) {}
  Json(Object value) : value_(std::move(value)) {}

  bool is_null() const { return value_.index() == 0; }
  bool as_bool() const { return get<bool>("true or false"); }
  int64_t as_integer() const { return get<int64_t>("an integer"); }
  double as_number() const;  // an integer is a number too
  const std::string& as_string() const { return get<std::string>("a string"); }
  const std::string* if_string() const { return std::get_if<std::string>(&value_); }  // null for other kinds
  const List& as_list() const { return get<List>("a list"); }
  const Object& as_object() const { return get<Object>("an object"); }

  /// The member with this name; nullptr if there is none. O(members).
  const Json* find(std::string_view key) const;
  const Json& at(std::string_view key) const;  // throws FormatError if there is none

  bool operator==(const Json& other) const = default;

 private:
  friend std::string to_json(const Json& json);

  template <class T> const T& get(const char* what) const {
    if (const T* value = std::get_if<T>(&value_)) return *value;
    mismatch(what);
  }
  [[noreturn]] void mismatch(const char* expected) const;

  std::variant<std::monostate, bool, int64_t, double, std::string, List, Object> value_;
};

/// Parses the whole of `text` as one value. `source` names it in messages.
Json parse_json(std::string_view text, std::string_view source = "json");

/// Compact text. Doubles are the shortest text that reads back the same and always have a '.' or an 'e';
/// those that are not finite become null, as JSON cannot express them. Throws FormatError for a
/// string that is not UTF-8.
std::string to_json(const Json& json);

inline std::ostream& operator<<(std::ostream& out, const Json& json) { return out << to_json(json); }

}  // namespace heed::kit
