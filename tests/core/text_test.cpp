#include <heed/core/error.h>
#include <heed/core/text.h>

#include <clocale>
#include <cmath>
#include <limits>
#include <locale>

#include "support/catch.h"

using namespace heed;

TEST_CASE("text: shortest doubles read back the same") {
  CHECK(shortest(0.1) == "0.1");
  CHECK(shortest(-2) == "-2");
  CHECK(shortest(1e-5) == "1e-05");
  CHECK(shortest(1.0 / 3) == "0.3333333333333333");
  CHECK(shortest(INFINITY) == "inf");
  CHECK(shortest(std::copysign(NAN, -1.0)) == "nan");
  for (double value : {5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 123456789012345678.0, -0.0})
    CHECK(parse_double(shortest(value)) == value);
}

TEST_CASE("text: numbers are parsed whole or not at all") {
  CHECK(parse_double("1.5") == 1.5);
  CHECK(parse_double("-1e3") == -1000.0);
  CHECK(std::isinf(parse_double("inf").value()));
  for (const char* bad : {"", " 1", "1 ", "+1", "1,5", "0x10", "1e999", "one", "1.5.2", "-"}) {
    INFO(bad);
    CHECK_FALSE(parse_double(bad).has_value());
  }
  CHECK(parse_int("-9223372036854775808") == std::numeric_limits<int64_t>::min());
  CHECK(parse_int("9223372036854775807") == std::numeric_limits<int64_t>::max());
  for (const char* bad : {"", " 1", "1 ", "+1", "1.0", "0x10", "9223372036854775808", "-"}) {
    INFO(bad);
    CHECK_FALSE(parse_int(bad).has_value());
  }
  CHECK(parse_uint("18446744073709551615") == UINT64_MAX);
  CHECK(parse_uint("0") == 0u);
  for (const char* bad : {"", "-1", "-0", "+1", " 1", "1 ", "1.0", "1e3", "18446744073709551616"}) {
    INFO(bad);
    CHECK_FALSE(parse_uint(bad).has_value());
  }
}

TEST_CASE("text: edit distance counts insertions, deletions, replacements and swapped neighbours") {
  struct Case {
    const char *a, *b;
    size_t distance;
  };
  for (const Case& c : {Case{"", "", 0},
                        {"", "abc", 3},
                        {"abc", "abc", 0},
                        {"kitten", "sitting", 3},
                        {"ab", "ba", 1},
                        {"weihgt", "weight", 1},
                        {"ca", "abc", 3},
                        {"in_proj", "in_prjo_", 2},
                        {"seed", "sede", 1}}) {
    INFO(c.a << " to " << c.b);
    CHECK(edit_distance(c.a, c.b) == c.distance);
    CHECK(edit_distance(c.b, c.a) == c.distance);
  }
}

TEST_CASE("text: the locale changes nothing") {
  struct CommaPoint : std::numpunct<char> {
    char do_decimal_point() const override { return ','; }
    char do_thousands_sep() const override { return '.'; }
    std::string do_grouping() const override { return "\3"; }
  };
  const std::locale before = std::locale::global(std::locale(std::locale(), new CommaPoint));
  const std::string saved = std::setlocale(LC_ALL, nullptr);
  std::setlocale(LC_ALL, "de_DE.UTF-8");  // where it is installed
  CHECK(shortest(1234567.5) == "1234567.5");
  CHECK(parse_double("1234.5") == 1234.5);
  CHECK_FALSE(parse_double("1234,5").has_value());
  std::setlocale(LC_ALL, saved.c_str());
  std::locale::global(before);
}

TEST_CASE("text: quote makes names harmless") {
  CHECK(quote("a.weight") == "\"a.weight\"");
  CHECK(quote("") == "\"\"");
  CHECK(quote("say \"hi\" \\ bye") == "\"say \\\"hi\\\" \\\\ bye\"");
  CHECK(quote(std::string_view("\0\x1b[31m\x7f\n\t", 9)) == "\"\\x00\\x1b[31m\\x7f\\n\\x09\"");
  CHECK(quote("\xc2\x9b"
              "31m") == "\"\\x9b31m\"");  // U+009B, which some terminals take for ESC [
  CHECK(quote("é 漢 😀") == "\"é 漢 😀\"");
  // The direction of writing, and ends of lines that are none of ASCII's.
  CHECK(quote("a\u202eb\u2066\u200f\u2028") == "\"a\\u202eb\\u2066\\u200f\\u2028\"");
  CHECK(quote("\u061c") == "\"\\u061c\"");
  CHECK(quote("\u2010\u202f\u2065") == "\"\u2010\u202f\u2065\"");
  CHECK(quote("\xff\xc0\x80 \xed\xa0\x80") == "\"\\xff\\xc0\\x80 \\xed\\xa0\\x80\"");
  const std::string cut = quote(std::string(1000, 'x'));
  CHECK(cut == "\"" + std::string(99, 'x') + "…\"");
}

TEST_CASE("text: no message of an error steers a terminal, whatever its author forgot") {
  const std::string name = "a\x1b[2J\xc2\x9b\xff\u202e\nb";
  CHECK(harmless(name) == "a\\x1b[2J\\x9b\\xff\\u202e\nb");
  CHECK(harmless("a\tb\r\n") == "a\tb\\x0d\n");
  CHECK(harmless(quote(name)) == quote(name));
  CHECK(harmless("é … 漢 (2, 3)\n  next") == "é … 漢 (2, 3)\n  next");
  CHECK_THROWS_WITH(fail("op: ", name, ": is wrong"), "op: a\\x1b[2J\\x9b\\xff\\u202e\nb: is wrong");
  CHECK_THROWS_WITH(check(false, "op: ", name.c_str()), "op: a\\x1b[2J\\x9b\\xff\\u202e\nb");
}

TEST_CASE("text: readable leaves plain names and paths as they are") {
  for (const char* plain : {"h.0.attn.c_attn.weight", "/tmp/a-b_c/x.csv", "a"}) CHECK(readable(plain) == plain);
  for (const char* other : {"", "a b", "a\"", "a\\b", "\x1b[31m", "é", "a\n", "\x7f"})
    CHECK(readable(other) == quote(other));
  CHECK(readable(std::string(101, 'x')) == quote(std::string(101, 'x')));
}

TEST_CASE("text: UTF-8 is taken and made, and only the well-formed") {
  for (char32_t code : {U'\0', U'a', U'\x7f', U'\x80', U'\u07ff', U'\u0800', U'\ud7ff', U'\ue000', U'\uffff',
                        U'\U00010000', U'\U0010ffff'}) {
    std::string text;
    append_utf8(text, code);
    text += 'z';
    std::string_view rest = text;
    CHECK(take_code_point(rest) == code);
    CHECK(rest == "z");
  }
  for (std::string_view bad :
       {"", "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xed\xa0\x80",
        "\xed\xbf\xbf", "\xe2\x82", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
        "\xf8\x88\x80\x80\x80", "\xfe", "\xff", "\xe2\x28\xa1"}) {
    std::string_view rest = bad;
    CHECK_FALSE(take_code_point(rest).has_value());
    CHECK(rest == bad);
  }
}
