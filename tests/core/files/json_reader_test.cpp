#include <heed/core/files/json_reader.h>

#include <string>

#include "support/catch.h"
#include "support/errors.h"

using namespace heed;
using namespace heed::core;
using heed::test::message_of;

TEST_CASE("json: the reader gives what is asked for, or says what it found") {
  struct Row {
    const char* text;
    void (*read)(JsonReader&);
    const char* message;
  };
  const Row rows[] = {
      {"1.5", [](JsonReader& r) { r.integer(); }, "t:1:1: \"1.5\" is not an integer of 64 bits"},
      {"1e3", [](JsonReader& r) { r.integer(); }, "t:1:1: \"1e3\" is not an integer of 64 bits"},
      {"-0", [](JsonReader& r) { r.integer(); }, "t:1:1: \"-0\" is not an integer of 64 bits"},
      {"9223372036854775808", [](JsonReader& r) { r.integer(); },
       "t:1:1: \"9223372036854775808\" is not an integer of 64 bits"},
      {"007", [](JsonReader& r) { r.integer(); }, "t:1:1: \"00\"… is not a JSON number"},
      {"\"1\"", [](JsonReader& r) { r.integer(); }, "t:1:1: expected an integer, found \"\\\"\""},
      {"", [](JsonReader& r) { r.integer(); }, "t:1:1: the text ends where an integer is expected"},
      {"true", [](JsonReader& r) { r.number(); }, "t:1:1: expected a number, found \"t\""},
      {"3", [](JsonReader& r) { r.string(); }, "t:1:1: expected a string, found \"3\""},
      {"3", [](JsonReader& r) { r.list([] {}); }, "t:1:1: expected a list, found \"3\""},
      {"[]", [](JsonReader& r) { r.object([](const std::string&) {}); }, "t:1:1: expected an object, found \"[\""},
      {"0", [](JsonReader& r) { r.boolean(); }, "t:1:1: expected true or false, found \"0\""},
      {"0", [](JsonReader& r) { r.null(); }, "t:1:1: expected null, found \"0\""},
      {"  5", [](JsonReader& r) { r.fail("no good", r.position()); }, "t:1:3: no good"},
      {"  5",
       [](JsonReader& r) {
         r.integer();
         r.fail("too small");
       },
       "t:1:4: too small"},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    CHECK(message_of<FormatError>([&] {
            JsonReader reader(row.text, "t");
            row.read(reader);
          }) == row.message);
  }
  JsonReader reader(" { \"a\" : [ 1 , 2.5 ] } ", "t");
  double sum = 0;
  reader.object([&](const std::string& key) {
    CHECK(key == "a");
    reader.list([&] { sum += reader.number(); });
  });
  reader.finish();
  CHECK(sum == 3.5);
}
