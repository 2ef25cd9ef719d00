#include <heed/examples/kit/json.h>

#include <cmath>
#include <limits>
#include <string>

#include "support/catch.h"
#include "support/errors.h"

using namespace heed;
using namespace heed::kit;
using heed::test::message_of;

namespace {

std::string nested(int depth) {
  return std::string(static_cast<size_t>(depth), '[') + std::string(static_cast<size_t>(depth), ']');
}

}  // namespace

TEST_CASE("json: what is accepted, and what it means") {
  struct Row {
    std::string text;
    Json value;
  };
  const Row rows[] = {
      {"null", Json()},
      {"true", true},
      {" \t\r\nfalse \t\r\n", false},
      {"0", 0},
      {"-1", -1},
      {"9223372036854775807", std::numeric_limits<int64_t>::max()},
      {"-9223372036854775808", std::numeric_limits<int64_t>::min()},
      {"9223372036854775808", 9223372036854775808.0},  // too large for an integer: a double
      {"-0", -0.0},
      {"0.0", 0.0},
      {"1.5", 1.5},
      {"-1.5e-3", -0.0015},
      {"1E+2", 100.0},
      {"1e2", 100.0},
      {"\"\"", ""},
      {"\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "a\"\\/\b\f\n\r\t"},
      {"\"\\u0041\\u00e9\\u6f22\\ud83d\\uDE00\"", "Aé漢😀"},
      {"\"é漢😀\x7f\"", "é漢😀\x7f"},
      {"\"a\\u0000b\"", std::string("a\0b", 3)},
      {"[]", Json::List{}},
      {"[ ]", Json::List{}},
      {"[1,\"a\",[true]]", Json::List{1, "a", Json::List{true}}},
      {"{}", Json::Object{}},
      {"{\"b\" : 1 , \"a\":{\"\":null}}", Json::Object{{"b", 1}, {"a", Json::Object{{"", Json()}}}}},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    CHECK(parse_json(row.text) == row.value);
  }
  CHECK(std::signbit(parse_json("-0").as_number()));
  CHECK(message_of([] { parse_json(nested(64)); }) == "no error");
}

TEST_CASE("json: what is refused, and the message") {
  struct Row {
    std::string text, message;
  };
  const Row rows[] = {
      {"", "json:1:1: the text ends where a value is expected"},
      {"  \n ", "json:2:2: the text ends where a value is expected"},
      {"nul", "json:1:1: expected null, found \"n\""},
      {"True", "json:1:1: expected a value, found \"T\""},
      {"tru", "json:1:1: expected true or false, found \"t\""},
      {"NaN", "json:1:1: expected a value, found \"N\""},
      {"Infinity", "json:1:1: expected a value, found \"I\""},
      {"-Infinity", "json:1:1: expected a value, found \"-\""},
      {"-", "json:1:1: expected a value, found \"-\""},
      {"+1", "json:1:1: expected a value, found \"+\""},
      {".5", "json:1:1: expected a value, found \".\""},
      {"1.", "json:1:1: expected a value, found \"1\""},
      {"1e", "json:1:1: expected a value, found \"1\""},
      {"01", "json:1:1: \"01\"… is not a JSON number"},
      {"-01", "json:1:1: \"-01\"… is not a JSON number"},
      {"1.5.2", "json:1:1: \"1.5.\"… is not a JSON number"},
      {"0x10", "json:1:2: expected the end, found \"x\""},
      {"1e999", "json:1:1: \"1e999\" is out of the range of a double"},
      {"1 2", "json:1:3: expected the end, found \"2\""},
      {"{}x", "json:1:3: expected the end, found \"x\""},
      {"\xef\xbb\xbf{}", "json:1:1: expected a value, found \"\xef\xbb\xbf\""},
      {"'a'", "json:1:1: expected a value, found \"'\""},
      {"[1,]", "json:1:3: a trailing comma is not allowed"},
      {"[,1]", "json:1:2: expected a value, found \",\""},
      {"[1,,2]", "json:1:4: expected a value, found \",\""},
      {"[1 2]", "json:1:4: expected ',' or ']', found \"2\""},
      {"[1", "json:1:3: the text ends where ',' or ']' is expected"},
      {"[", "json:1:2: the text ends where a value is expected"},
      {"]", "json:1:1: expected a value, found \"]\""},
      {"[1}", "json:1:3: expected ',' or ']', found \"}\""},
      {"{", "json:1:2: the text ends where a key in double quotes is expected"},
      {"{\"a\"", "json:1:5: the text ends where ':' is expected"},
      {"{\"a\" 1}", "json:1:6: expected ':', found \"1\""},
      {"{\"a\":}", "json:1:6: expected a value, found \"}\""},
      {"{\"a\":1,}", "json:1:7: a trailing comma is not allowed"},
      {"{\"a\":1 \"b\":2}", "json:1:8: expected ',' or '}', found \"\\\"\""},
      {"{a:1}", "json:1:2: expected a key in double quotes, found \"a\""},
      {"{1:1}", "json:1:2: expected a key in double quotes, found \"1\""},
      {"{'a':1}", "json:1:2: expected a key in double quotes, found \"'\""},
      {"{\"a\":1,\"a\":2}", "json:1:8: the key \"a\" appears twice"},
      {"{\"a\":1,\n  \"\\u0061\":2}", "json:2:3: the key \"a\" appears twice"},
      {"{\"x\":{\"é\":1,\"é\":1}}", "json:1:13: the key \"é\" appears twice"},
      {"// no\n1", "json:1:1: expected a value, found \"/\""},
      {"[1,/* no */2]", "json:1:4: expected a value, found \"/\""},
      {"\"abc", "json:1:1: this string is not closed"},
      {"[\"abc\\\"]", "json:1:2: this string is not closed"},
      {"\"a\nb\"", "json:1:3: a control character must be escaped in a string"},
      {std::string("\"a\0\"", 4), "json:1:3: a control character must be escaped in a string"},
      {"\"a\tb\"", "json:1:3: a control character must be escaped in a string"},
      {"\"\\x41\"", "json:1:2: this escape is unknown"},
      {"\"\\", "json:1:2: this escape is unknown"},
      {"\"\\'\"", "json:1:2: this escape is unknown"},
      {"\"\\u12\"", "json:1:6: \\u needs four hexadecimal digits"},
      {"\"\\u12g4\"", "json:1:6: \\u needs four hexadecimal digits"},
      {"\"\\U0041\"", "json:1:2: this escape is unknown"},
      {"\"\\ud800\"", "json:1:2: half of a surrogate pair stands alone"},
      {"\"\\udc00\"", "json:1:2: half of a surrogate pair stands alone"},
      {"\"\\ud800\\ud800\"", "json:1:2: half of a surrogate pair stands alone"},
      {"\"\\ud800\\n\"", "json:1:2: half of a surrogate pair stands alone"},
      {"\"\xff\"", "json:1:2: this is not UTF-8"},
      {"\"é\xc0\x80\"", "json:1:3: this is not UTF-8"},
      {"\"\xed\xa0\x80\"", "json:1:2: this is not UTF-8"},
      {"\xff", "json:1:1: expected a value, found \"\\xff\""},
      {"[\x1b]", "json:1:2: expected a value, found \"\\x1b\""},
      {nested(65), "json:1:65: nested more than 64 deep"},
      {std::string(100000, '['), "json:1:65: nested more than 64 deep"},
  };
  for (const Row& row : rows) {
    INFO(row.text.substr(0, 200));
    CHECK(message_of<FormatError>([&] { parse_json(row.text); }) == row.message);
  }
  CHECK(message_of<FormatError>([] { parse_json("[1,\n2,\n x]", "config.json"); }) ==
        "config.json:3:2: expected a value, found \"x\"");
}

TEST_CASE("json: many keys are read in a moment, and a duplicate among them is found") {
  std::string text = "{";
  for (int i = 0; i < 300000; ++i) text += "\"key" + std::to_string(i) + "\":" + std::to_string(i) + ",";
  const std::string good = text + "\"last\":0}", bad = text + "\"key123456\":0}";
  CHECK(parse_json(good).as_object().size() == 300001);
  CHECK(message_of<FormatError>([&] { parse_json(bad); }).find("the key \"key123456\" appears twice") !=
        std::string::npos);
}

TEST_CASE("json: writing") {
  struct Row {
    Json value;
    std::string text;
  };
  const Row rows[] = {
      {Json(), "null"},
      {true, "true"},
      {std::numeric_limits<int64_t>::min(), "-9223372036854775808"},
      {0.1, "0.1"},
      {1.0, "1.0"},
      {-0.0, "-0.0"},
      {1e300, "1e+300"},
      {123456789.0, "123456789.0"},
      {std::nan(""), "null"},
      {-INFINITY, "null"},
      {"a\"b\\c/\b\f\n\r\t\x01\x1f\x7f é漢😀", "\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f é漢😀\""},
      {std::string("\0", 1), "\"\\u0000\""},
      {Json::List{}, "[]"},
      {Json::List{1, Json::List{2.5, "x"}, Json()}, "[1,[2.5,\"x\"],null]"},
      {Json::Object{}, "{}"},
      {Json::Object{{"z", 1}, {"a\n", Json::Object{{"", false}}}}, "{\"z\":1,\"a\\n\":{\"\":false}}"},
  };
  for (const Row& row : rows) {
    CHECK(to_json(row.value) == row.text);
    if (row.text != "null") CHECK(parse_json(row.text) == row.value);
  }
  CHECK(cat(Json(3)) == "3");
  CHECK(message_of<FormatError>([] { to_json("a\xff"); }) == "json: \"a\\xff\": is not UTF-8, which JSON requires");
}

TEST_CASE("json: members and kinds") {
  const Json json = parse_json(R"({"width": 3, "rate": 0.5, "name": "x", "on": true, "of": [1]})");
  CHECK(json.at("width").as_integer() == 3);
  CHECK(json.at("width").as_number() == 3.0);
  CHECK(json.at("rate").as_number() == 0.5);
  CHECK(json.at("name").as_string() == "x");
  CHECK(json.at("on").as_bool());
  CHECK(json.at("of").as_list().size() == 1);
  CHECK(json.as_object().size() == 5);
  CHECK(json.find("none") == nullptr);
  CHECK_FALSE(json.is_null());
  CHECK(message_of<FormatError>([&] { json.at("none"); }) ==
        "json: \"none\": there is no such key: there are: \"width, rate, name, on, of\"");
  CHECK(message_of<FormatError>([&] { json.at("rate").as_integer(); }) ==
        "json: a number \"0.5\": expected an integer");
  CHECK(message_of<FormatError>([&] { json.at("name").as_number(); }) ==
        "json: a string \"\\\"x\\\"\": expected a number");
  CHECK(message_of<FormatError>([&] { json.at("of").as_object(); }) == "json: a list \"[1]\": expected an object");
  CHECK(message_of<FormatError>([&] { Json().as_bool(); }) == "json: null \"null\": expected true or false");
}
