#include <heed/examples/kit/json.h>

#include <cmath>

#include <heed/core/error.h>
#include <heed/core/files/json_reader.h>
#include <heed/core/text.h>

namespace heed::kit {
namespace {

Json read_value(core::JsonReader& reader) {
  using Kind = core::JsonReader::Kind;
  switch (reader.peek()) {
    case Kind::null: reader.null(); break;
    case Kind::boolean: return reader.boolean();
    case Kind::integer: return reader.integer();
    case Kind::number: return reader.number();
    case Kind::string: return reader.string();
    case Kind::list: {
      Json::List list;
      reader.list([&] { list.push_back(read_value(reader)); });
      return list;
    }
    case Kind::object: {
      Json::Object object;
      reader.object([&](const std::string& key) { object.emplace_back(key, read_value(reader)); });
      return object;
    }
  }
  return {};
}

std::string json_number(double value) {
  if (!std::isfinite(value)) return "null";
  const std::string text = shortest(value);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

}  // namespace

Json parse_json(std::string_view text, std::string_view source) {
  const std::string name = readable(source);
  core::JsonReader reader(text, name);
  Json value = read_value(reader);
  reader.finish();
  return value;
}

double Json::as_number() const {
  if (const int64_t* integer = std::get_if<int64_t>(&value_)) return static_cast<double>(*integer);
  return get<double>("a number");
}

const Json* Json::find(std::string_view key) const {
  for (const auto& [name, value] : as_object())
    if (name == key) return &value;
  return nullptr;
}

const Json& Json::at(std::string_view key) const {
  const Json* member = find(key);
  if (member == nullptr) {
    std::string names;
    for (const auto& [name, value] : as_object()) names += (names.empty() ? "" : ", ") + name;
    fail<FormatError>("json: ", quote(key), ": there is no such key: there are: ", quote(names));
  }
  return *member;
}

void Json::mismatch(const char* expected) const {
  constexpr const char* names[] = {"null",     "true or false", "an integer", "a number",
                                   "a string", "a list",        "an object"};
  fail<FormatError>("json: ", names[value_.index()], " ", quote(to_json(*this)), ": expected ", expected);
}

std::string to_json(const Json& json) {
  struct Writer {
    std::string operator()(std::monostate) const { return "null"; }
    std::string operator()(bool value) const { return value ? "true" : "false"; }
    std::string operator()(int64_t value) const { return std::to_string(value); }
    std::string operator()(double value) const { return json_number(value); }
    std::string operator()(const std::string& value) const { return json_string(value); }
    std::string operator()(const Json::List& list) const {
      std::string out = "[";
      for (const Json& value : list) out += (out.size() > 1 ? "," : "") + to_json(value);
      return out + ']';
    }
    std::string operator()(const Json::Object& object) const {
      std::string out = "{";
      for (const auto& [name, value] : object)
        out += (out.size() > 1 ? "," : "") + json_string(name) + ':' + to_json(value);
      return out + '}';
    }
  };
  return std::visit(Writer{}, json.value_);
}

}  // namespace heed::kit
