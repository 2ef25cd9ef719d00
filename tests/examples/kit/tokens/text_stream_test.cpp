// TextStream: whole characters, no stop strings, the same however the bytes are divided.
#include "support/catch.h"

#include <iterator>
#include <string>
#include <vector>

#include <heed/core/philox.h>
#include <heed/core/text.h>
#include <heed/examples/kit/tokens/text_stream.h>
#include "support/errors.h"

using namespace heed;
using heed::test::message_of;
using kit::TextStream;

TEST_CASE("text stream: half a character is held back until it is whole") {
  TextStream stream;
  CHECK(stream.add("a\xc3") == "a");
  CHECK(stream.add("\xa9") == "é");
  CHECK(stream.add("\xf0\x9f") == "");
  CHECK(stream.add("\x98") == "");
  CHECK(stream.add("\x80!") == "😀!");
  CHECK(stream.add("\xe2\x82") == "");
  CHECK(stream.finish() == "\xEF\xBF\xBD");
  CHECK(stream.finish() == "");
  CHECK_FALSE(stream.stopped());
}

TEST_CASE("text stream: broken sequences become U+FFFD, one for each that could have been whole") {
  const auto all = [](const std::string& bytes) {
    TextStream stream;
    const std::string first = stream.add(bytes);
    return first + stream.finish();
  };
  const std::string r = "\xEF\xBF\xBD";
  CHECK(all("a\x80z") == "a" + r + "z");
  CHECK(all("\xe2\x82z") == r + "z");
  CHECK(all("\xc0\xaf") == r + r);                  // overlong
  CHECK(all("\xed\xa0\x80") == r + r + r);          // a surrogate
  CHECK(all("\xf4\x90\x80\x80") == r + r + r + r);  // beyond U+10FFFF
  CHECK(all("\xf1\x80\x80\xe1\x80\xc2") == r + r + r);
  CHECK(all("\xf0\x9f\x98\x80") == "😀");
}

TEST_CASE("text stream: what may become a stop string is held back, what is one ends the text") {
  TextStream stream({"\n\n", "<end>"});
  CHECK(stream.add("one\n") == "one");
  CHECK(stream.add("two <e") == "\ntwo ");
  CHECK(stream.add("n>") == "<en>");
  CHECK(stream.add("three\n") == "three");
  CHECK_FALSE(stream.stopped());
  CHECK(stream.add("\nfour") == "");
  CHECK(stream.stopped());
  CHECK(stream.add("five") == "");
  CHECK(stream.finish() == "");

  TextStream overlapping({"aab"});
  CHECK(overlapping.add("aaa") == "a");
  CHECK(overlapping.add("b") == "");
  CHECK(overlapping.stopped());

  TextStream first({"abcd", "bc"});  // "bc" ends first
  CHECK(first.add("xabcd") == "xa");
  TextStream longest({"c", "abc"});  // both end here
  CHECK(longest.add("xabcd") == "x");
  TextStream unfinished({"stop"});
  CHECK(unfinished.add("to sto") == "to ");
  CHECK(unfinished.finish() == "sto");
}

TEST_CASE("text stream: an empty stop string is refused") {
  CHECK(message_of([] { TextStream({"a", ""}); }) == "text_stream: a stop string is empty: leave it out");
}

TEST_CASE("text stream: the same text, however the bytes are divided") {
  for (uint64_t number = 0; number < 3000; ++number) {
    uint64_t draws = 0;
    const auto below = [&](uint64_t n) { return core::philox(5, number, draws++)[0] % n; };
    const char* const parts[] = {"a", "b", "ab", "aab", "é", "\xc3", "\xa9", "😀", "\xf0\x9f", "\x98", "\n", "aba"};
    std::string bytes;
    for (uint64_t i = below(30); i > 0; --i) bytes += parts[below(std::size(parts))];
    const std::vector<std::string> stops = number % 3 == 0   ? std::vector<std::string>{}
                                           : number % 3 == 1 ? std::vector<std::string>{"abab", "\nb"}
                                                             : std::vector<std::string>{"aabaa", "é\n", "😀"};
    TextStream whole(stops), divided(stops);
    std::string expected = whole.add(bytes);
    expected += whole.finish();
    std::string text;
    const auto take = [&](const std::string& part) {
      for (std::string_view rest = part; !rest.empty();) REQUIRE(take_code_point(rest));
      text += part;
    };
    for (size_t at = 0; at < bytes.size();) {
      const size_t n = 1 + below(3);
      take(divided.add(bytes.substr(at, n)));
      at += n;
    }
    take(divided.finish());
    CHECK(text == expected);
    CHECK(divided.stopped() == whole.stopped());
    for (const std::string& stop : stops) CHECK(text.find(stop) == std::string::npos);
  }
}
