// French and English number words: hand-checked cases, every number below a million against
// spellings composed in another way, and texts that are refused.
#include "support/catch.h"

#include <array>
#include <string>
#include <utility>

#include <heed/core/error.h>
#include <heed/examples/kit/translation/number_words.h>
#include "support/errors.h"

using namespace heed;
using heed::kit::Dialect;
using heed::kit::FrenchNumbers;
using heed::kit::Hyphens;
using heed::test::message_of;

namespace {

const std::array<Dialect, 4> every_dialect = {Dialect::france, Dialect::belgium, Dialect::switzerland,
                                              Dialect::octante};

// 0 … 99 as written in France, listed without any rule.
const std::array<const char*, 100> first_hundred = {"zéro",
                                                    "un",
                                                    "deux",
                                                    "trois",
                                                    "quatre",
                                                    "cinq",
                                                    "six",
                                                    "sept",
                                                    "huit",
                                                    "neuf",
                                                    "dix",
                                                    "onze",
                                                    "douze",
                                                    "treize",
                                                    "quatorze",
                                                    "quinze",
                                                    "seize",
                                                    "dix-sept",
                                                    "dix-huit",
                                                    "dix-neuf",
                                                    "vingt",
                                                    "vingt et un",
                                                    "vingt-deux",
                                                    "vingt-trois",
                                                    "vingt-quatre",
                                                    "vingt-cinq",
                                                    "vingt-six",
                                                    "vingt-sept",
                                                    "vingt-huit",
                                                    "vingt-neuf",
                                                    "trente",
                                                    "trente et un",
                                                    "trente-deux",
                                                    "trente-trois",
                                                    "trente-quatre",
                                                    "trente-cinq",
                                                    "trente-six",
                                                    "trente-sept",
                                                    "trente-huit",
                                                    "trente-neuf",
                                                    "quarante",
                                                    "quarante et un",
                                                    "quarante-deux",
                                                    "quarante-trois",
                                                    "quarante-quatre",
                                                    "quarante-cinq",
                                                    "quarante-six",
                                                    "quarante-sept",
                                                    "quarante-huit",
                                                    "quarante-neuf",
                                                    "cinquante",
                                                    "cinquante et un",
                                                    "cinquante-deux",
                                                    "cinquante-trois",
                                                    "cinquante-quatre",
                                                    "cinquante-cinq",
                                                    "cinquante-six",
                                                    "cinquante-sept",
                                                    "cinquante-huit",
                                                    "cinquante-neuf",
                                                    "soixante",
                                                    "soixante et un",
                                                    "soixante-deux",
                                                    "soixante-trois",
                                                    "soixante-quatre",
                                                    "soixante-cinq",
                                                    "soixante-six",
                                                    "soixante-sept",
                                                    "soixante-huit",
                                                    "soixante-neuf",
                                                    "soixante-dix",
                                                    "soixante et onze",
                                                    "soixante-douze",
                                                    "soixante-treize",
                                                    "soixante-quatorze",
                                                    "soixante-quinze",
                                                    "soixante-seize",
                                                    "soixante-dix-sept",
                                                    "soixante-dix-huit",
                                                    "soixante-dix-neuf",
                                                    "quatre-vingts",
                                                    "quatre-vingt-un",
                                                    "quatre-vingt-deux",
                                                    "quatre-vingt-trois",
                                                    "quatre-vingt-quatre",
                                                    "quatre-vingt-cinq",
                                                    "quatre-vingt-six",
                                                    "quatre-vingt-sept",
                                                    "quatre-vingt-huit",
                                                    "quatre-vingt-neuf",
                                                    "quatre-vingt-dix",
                                                    "quatre-vingt-onze",
                                                    "quatre-vingt-douze",
                                                    "quatre-vingt-treize",
                                                    "quatre-vingt-quatorze",
                                                    "quatre-vingt-quinze",
                                                    "quatre-vingt-seize",
                                                    "quatre-vingt-dix-sept",
                                                    "quatre-vingt-dix-huit",
                                                    "quatre-vingt-dix-neuf"};

// The same for another dialect: seventies, eighties and nineties are the thirties with another word.
std::string hundred_in(Dialect dialect, int64_t n) {
  const bool own_eighty = dialect == Dialect::switzerland || dialect == Dialect::octante;
  const int64_t tens = n / 10;
  if (dialect == Dialect::france || tens < 7 || (tens == 8 && !own_eighty))
    return first_hundred[static_cast<size_t>(n)];
  const std::string word = tens == 7                     ? "septante"
                           : tens == 9                   ? "nonante"
                           : dialect == Dialect::octante ? "octante"
                                                         : "huitante";
  return word + std::string(first_hundred[static_cast<size_t>(30 + n % 10)]).substr(6);
}

// Any number from the table: words before "mille" or before other numbers lose their s.
std::string by_table(Dialect dialect, int64_t n) {
  if (n >= 1000) {
    std::string text = n < 2000 ? "mille" : by_table(dialect, n / 1000);
    if (text.ends_with("s") && (text.ends_with("cents") || text.ends_with("vingts"))) text.pop_back();
    if (n >= 2000) text += " mille";
    return n % 1000 == 0 ? text : text + " " + by_table(dialect, n % 1000);
  }
  if (n < 100) return hundred_in(dialect, n);
  const std::string cent = n < 200 ? "cent" : std::string(first_hundred[static_cast<size_t>(n / 100)]) + " cent";
  if (n % 100 == 0) return n < 200 ? cent : cent + "s";
  return cent + " " + hundred_in(dialect, n % 100);
}

struct Spelled {
  int64_t n;
  const char *traditional, *reformed;
};

}  // namespace

TEST_CASE("number words: French by hand, both spellings") {
  const Spelled cases[] = {{0, "zéro", "zéro"},
                           {1, "un", "un"},
                           {16, "seize", "seize"},
                           {17, "dix-sept", "dix-sept"},
                           {20, "vingt", "vingt"},
                           {21, "vingt et un", "vingt-et-un"},
                           {22, "vingt-deux", "vingt-deux"},
                           {61, "soixante et un", "soixante-et-un"},
                           {70, "soixante-dix", "soixante-dix"},
                           {71, "soixante et onze", "soixante-et-onze"},
                           {72, "soixante-douze", "soixante-douze"},
                           {77, "soixante-dix-sept", "soixante-dix-sept"},
                           {80, "quatre-vingts", "quatre-vingts"},
                           {81, "quatre-vingt-un", "quatre-vingt-un"},
                           {90, "quatre-vingt-dix", "quatre-vingt-dix"},
                           {91, "quatre-vingt-onze", "quatre-vingt-onze"},
                           {97, "quatre-vingt-dix-sept", "quatre-vingt-dix-sept"},
                           {100, "cent", "cent"},
                           {101, "cent un", "cent-un"},
                           {104, "cent quatre", "cent-quatre"},
                           {120, "cent vingt", "cent-vingt"},
                           {121, "cent vingt et un", "cent-vingt-et-un"},
                           {171, "cent soixante et onze", "cent-soixante-et-onze"},
                           {180, "cent quatre-vingts", "cent-quatre-vingts"},
                           {200, "deux cents", "deux-cents"},
                           {201, "deux cent un", "deux-cent-un"},
                           {280, "deux cent quatre-vingts", "deux-cent-quatre-vingts"},
                           {281, "deux cent quatre-vingt-un", "deux-cent-quatre-vingt-un"},
                           {400, "quatre cents", "quatre-cents"},
                           {420, "quatre cent vingt", "quatre-cent-vingt"},
                           {424, "quatre cent vingt-quatre", "quatre-cent-vingt-quatre"},
                           {500, "cinq cents", "cinq-cents"},
                           {999, "neuf cent quatre-vingt-dix-neuf", "neuf-cent-quatre-vingt-dix-neuf"},
                           {1000, "mille", "mille"},
                           {1001, "mille un", "mille-un"},
                           {1100, "mille cent", "mille-cent"},
                           {1200, "mille deux cents", "mille-deux-cents"},
                           {1971, "mille neuf cent soixante et onze", "mille-neuf-cent-soixante-et-onze"},
                           {2000, "deux mille", "deux-mille"},
                           {2001, "deux mille un", "deux-mille-un"},
                           {4020, "quatre mille vingt", "quatre-mille-vingt"},
                           {4080, "quatre mille quatre-vingts", "quatre-mille-quatre-vingts"},
                           {21000, "vingt et un mille", "vingt-et-un-mille"},
                           {71000, "soixante et onze mille", "soixante-et-onze-mille"},
                           {80000, "quatre-vingt mille", "quatre-vingt-mille"},
                           {80080, "quatre-vingt mille quatre-vingts", "quatre-vingt-mille-quatre-vingts"},
                           {81000, "quatre-vingt-un mille", "quatre-vingt-un-mille"},
                           {99999, "quatre-vingt-dix-neuf mille neuf cent quatre-vingt-dix-neuf",
                            "quatre-vingt-dix-neuf-mille-neuf-cent-quatre-vingt-dix-neuf"},
                           {100000, "cent mille", "cent-mille"},
                           {100001, "cent mille un", "cent-mille-un"},
                           {101000, "cent un mille", "cent-un-mille"},
                           {180000, "cent quatre-vingt mille", "cent-quatre-vingt-mille"},
                           {200000, "deux cent mille", "deux-cent-mille"},
                           {200200, "deux cent mille deux cents", "deux-cent-mille-deux-cents"},
                           {300021, "trois cent mille vingt et un", "trois-cent-mille-vingt-et-un"},
                           {380000, "trois cent quatre-vingt mille", "trois-cent-quatre-vingt-mille"},
                           {571871, "cinq cent soixante et onze mille huit cent soixante et onze",
                            "cinq-cent-soixante-et-onze-mille-huit-cent-soixante-et-onze"},
                           {999999, "neuf cent quatre-vingt-dix-neuf mille neuf cent quatre-vingt-dix-neuf",
                            "neuf-cent-quatre-vingt-dix-neuf-mille-neuf-cent-quatre-vingt-dix-neuf"}};
  for (const Spelled& c : cases) {
    INFO(c.n);
    CHECK(kit::french_number(c.n) == c.traditional);
    CHECK(kit::french_number(c.n, {.hyphens = Hyphens::reform_1990}) == c.reformed);
    CHECK(kit::parse_french_number(c.traditional) == c.n);
    CHECK(kit::parse_french_number(c.reformed, {.hyphens = Hyphens::reform_1990}) == c.n);
  }
}

TEST_CASE("number words: septante, huitante or octante, nonante") {
  const struct {
    int64_t n;
    const char *belgium, *switzerland, *octante;
  } cases[] = {{70, "septante", "septante", "septante"},
               {71, "septante et un", "septante et un", "septante et un"},
               {79, "septante-neuf", "septante-neuf", "septante-neuf"},
               {80, "quatre-vingts", "huitante", "octante"},
               {81, "quatre-vingt-un", "huitante et un", "octante et un"},
               {87, "quatre-vingt-sept", "huitante-sept", "octante-sept"},
               {90, "nonante", "nonante", "nonante"},
               {91, "nonante et un", "nonante et un", "nonante et un"},
               {97, "nonante-sept", "nonante-sept", "nonante-sept"},
               {80000, "quatre-vingt mille", "huitante mille", "octante mille"},
               {291071, "deux cent nonante et un mille septante et un", "deux cent nonante et un mille septante et un",
                "deux cent nonante et un mille septante et un"}};
  for (const auto& c : cases) {
    INFO(c.n);
    CHECK(kit::french_number(c.n, {.dialect = Dialect::belgium}) == c.belgium);
    CHECK(kit::french_number(c.n, {.dialect = Dialect::switzerland}) == c.switzerland);
    CHECK(kit::french_number(c.n, {.dialect = Dialect::octante}) == c.octante);
  }
  CHECK(kit::french_number(1971, {Dialect::belgium, Hyphens::reform_1990}) == "mille-neuf-cent-septante-et-un");
}

TEST_CASE("number words: English by hand") {
  const std::pair<int64_t, const char*> cases[] = {
      {0, "zero"},
      {1, "one"},
      {10, "ten"},
      {13, "thirteen"},
      {15, "fifteen"},
      {18, "eighteen"},
      {20, "twenty"},
      {21, "twenty-one"},
      {40, "forty"},
      {80, "eighty"},
      {97, "ninety-seven"},
      {100, "one hundred"},
      {101, "one hundred one"},
      {112, "one hundred twelve"},
      {345, "three hundred forty-five"},
      {999, "nine hundred ninety-nine"},
      {1000, "one thousand"},
      {1001, "one thousand one"},
      {1100, "one thousand one hundred"},
      {20020, "twenty thousand twenty"},
      {71071, "seventy-one thousand seventy-one"},
      {100000, "one hundred thousand"},
      {100100, "one hundred thousand one hundred"},
      {999999, "nine hundred ninety-nine thousand nine hundred ninety-nine"}};
  for (const auto& [n, text] : cases) {
    INFO(n);
    CHECK(kit::english_number(n) == text);
    CHECK(kit::parse_english_number(text) == n);
  }
}

TEST_CASE("number words: each agrees with its composition from a table of the first hundred", "[slow]") {
  for (const Dialect dialect : every_dialect) {
    const FrenchNumbers traditional{.dialect = dialect};
    int64_t wrong = 0, lost = 0;  // 7: the other dialects differ below a hundred only
    for (int64_t n = 0; n < 1'000'000; n += dialect == Dialect::france ? 1 : 7) {
      const std::string text = kit::french_number(n, traditional);
      wrong += text != by_table(dialect, n);
      lost += kit::join_french_number(kit::split_number(text)) != text;
    }
    CHECK(wrong == 0);
    CHECK(lost == 0);
  }
}

TEST_CASE("number words: there and back for every number", "[slow]") {
  const FrenchNumbers reformed{.hyphens = Hyphens::reform_1990};
  int64_t lost = 0, unlike = 0;
  for (int64_t n = 0; n < 1'000'000; ++n) {
    const std::string french = kit::french_number(n, reformed), english = kit::english_number(n);
    lost += kit::parse_french_number(french, reformed) != n;
    lost += kit::parse_english_number(english) != n;
    lost += kit::join_english_number(kit::split_number(english)) != english;
    lost += kit::join_french_number(kit::split_number(french), Hyphens::reform_1990) != french;
    std::string spaced = by_table(Dialect::france, n);  // 1990: a hyphen for each blank
    for (char& c : spaced) c = c == ' ' ? '-' : c;
    unlike += french != spaced;
  }
  CHECK(lost == 0);
  CHECK(unlike == 0);
}

TEST_CASE("number words: every parser reads its own dialect") {
  for (const Dialect dialect : every_dialect)
    for (const Hyphens hyphens : {Hyphens::traditional, Hyphens::reform_1990})
      for (int64_t n = 0; n < 1'000'000; n += n < 2000 ? 1 : 997)
        if (kit::parse_french_number(kit::french_number(n, {dialect, hyphens}), {dialect, hyphens}) != n)
          FAIL("dialect " << static_cast<int>(dialect) << ": " << kit::french_number(n, {dialect, hyphens}));
  CHECK_FALSE(kit::parse_french_number("septante"));
  CHECK_FALSE(kit::parse_french_number("huitante", {.dialect = Dialect::belgium}));
  CHECK_FALSE(kit::parse_french_number("octante", {.dialect = Dialect::switzerland}));
  CHECK_FALSE(kit::parse_french_number("quatre-vingt-dix", {.dialect = Dialect::belgium}));
}

TEST_CASE("number words: text that spells no number is refused") {
  for (const char* text : {"",
                           " ",
                           "-",
                           "et",
                           "une",
                           "Un",
                           "vingts",
                           "vingt un",
                           "vingt-et-un",
                           "vingt et deux",
                           "quatre-vingt",
                           "quatre vingts",
                           "quatre-vingts-un",
                           "quatre-vingt et un",
                           "deux cent",
                           "cents",
                           "un cent",
                           "deux cents un",
                           "deux cents mille",
                           "un mille",
                           "milles",
                           "deux milles",
                           "zéro mille",
                           "mille mille",
                           "cent cent",
                           "mille zéro",
                           "deux-mille",
                           "soixante-onze",
                           "dix-six",
                           "dix-un",
                           "un un",
                           "trente vingt",
                           "un  deux",
                           " un",
                           "un ",
                           "97",
                           "ninety-seven"}) {
    INFO(text);
    CHECK_FALSE(kit::parse_french_number(text));
  }
  for (const char* text : {"", "twenty one", "one-hundred", "hundred", "thousand", "zero thousand",
                           "one hundred and one", "twenty-ten", "one one", "fourty", "un", "one "}) {
    INFO(text);
    CHECK_FALSE(kit::parse_english_number(text));
  }
  std::string endless = "neuf cent mille";
  for (int i = 0; i < 1000; ++i) endless += " neuf cent mille cent";
  CHECK_FALSE(kit::parse_french_number(endless));
}

TEST_CASE("number words: words without hyphens, and back") {
  CHECK(kit::split_number("quatre-vingt-dix-sept") == kit::Words{"quatre", "vingt", "dix", "sept"});
  CHECK(kit::split_number("vingt et un mille") == kit::Words{"vingt", "et", "un", "mille"});
  CHECK(kit::split_number("").empty());
  CHECK(kit::join_french_number({}).empty());
  CHECK(kit::join_french_number({"soixante", "et", "onze"}) == "soixante et onze");
  CHECK(kit::join_french_number({"deux", "cent", "quatre", "vingts"}) == "deux cent quatre-vingts");
  CHECK(kit::join_french_number({"deux", "cents"}, Hyphens::reform_1990) == "deux-cents");
  CHECK(kit::join_english_number({"one", "hundred", "twenty", "one"}) == "one hundred twenty-one");
}

TEST_CASE("number words: from a million up and below zero there are none") {
  CHECK(message_of<IndexError>([] { kit::french_number(1'000'000); }) ==
        "french_number: 1000000: is not in 0 … 999999: give a number below a million");
  CHECK(message_of<IndexError>([] { kit::english_number(-1); }) ==
        "english_number: -1: is not in 0 … 999999: give a number below a million");
}
