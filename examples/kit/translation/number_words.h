// Numbers in words, French and English, 0 … 999,999: a language pair without a download.
//
//     french_number(97);      // -> quatre-vingt-dix-sept
//     english_number(97);     // -> ninety-seven
//     french_number(1971);    // -> mille neuf cent soixante et onze
//     const FrenchNumbers brussels{.dialect = Dialect::belgium, .hyphens = Hyphens::reform_1990};
//     french_number(1971, brussels);    // -> mille-neuf-cent-septante-et-un
//
// French: "et" before the 1 of 21, 31, … 61 (and 71, "soixante et onze"), not of 81 and 91;
// "cent" and "vingt" take an s when multiplied and last (deux cents, quatre-vingts), and none
// before another number (deux cent un, quatre-vingt-un, deux cent mille); "mille" never takes one,
// and stands without "un". English is the American form, without "and".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <heed/examples/kit/data/vocabulary.h>

namespace heed::kit {

/// The words for 70, 80 and 90.
enum class Dialect : uint8_t {
  france,       // soixante-dix, quatre-vingts, quatre-vingt-dix
  belgium,      // septante, quatre-vingts, nonante
  switzerland,  // septante, huitante, nonante (Vaud, Valais, Fribourg)
  octante       // septante, octante, nonante: once said in Switzerland, Belgium and Acadia
};

enum class Hyphens : uint8_t {
  traditional,  // between words below a hundred, unless "et" joins them
  reform_1990   // between all words (Conseil supérieur de la langue française 1990)
};

struct FrenchNumbers {
  Dialect dialect = Dialect::france;
  Hyphens hyphens = Hyphens::traditional;
};

/// The number as it is written. Throws IndexError unless 0 <= n <= 999,999.
std::string french_number(int64_t n, const FrenchNumbers& options = {});
std::string english_number(int64_t n);

/// The number that a text spells; nothing unless the text is exactly what the functions above write.
std::optional<int64_t> parse_french_number(std::string_view text, const FrenchNumbers& options = {});
std::optional<int64_t> parse_english_number(std::string_view text);

// Words without hyphens, {"quatre", "vingt", "dix", "sept"}: what a model reads and writes. Which
// of them a hyphen joins is a rule that no model has to learn.

/// Split at blanks and hyphens.
Words split_number(std::string_view text);

/// Restores the blanks and hyphens: join_french_number(split_number(s), h) == s for each number.
std::string join_french_number(const Words& words, Hyphens hyphens = Hyphens::traditional);
std::string join_english_number(const Words& words);

}  // namespace heed::kit
