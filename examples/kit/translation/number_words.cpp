#include <heed/examples/kit/translation/number_words.h>

#include <algorithm>
#include <array>

#include <heed/core/error.h>

namespace heed::kit {
namespace {

constexpr int64_t number_limit = 1'000'000;

constexpr std::array<const char*, 17> french_small = {"zéro",  "un",     "deux",     "trois",  "quatre", "cinq",
                                                      "six",   "sept",   "huit",     "neuf",   "dix",    "onze",
                                                      "douze", "treize", "quatorze", "quinze", "seize"};
constexpr std::array<const char*, 7> french_tens = {"", "", "vingt", "trente", "quarante", "cinquante", "soixante"};
constexpr std::array<const char*, 20> english_small = {
    "zero", "one",    "two",    "three",    "four",     "five",    "six",     "seven",     "eight",    "nine",
    "ten",  "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
constexpr std::array<const char*, 10> english_tens = {"",      "",      "twenty",  "thirty", "forty",
                                                      "fifty", "sixty", "seventy", "eighty", "ninety"};

const char* at_number(const auto& names, int64_t n) { return names[static_cast<size_t>(n)]; }

void check_number(const char* op, int64_t n) {
  check<IndexError>(n >= 0 && n < number_limit, op, ": ", n, ": is not in 0 … ", number_limit - 1,
                    ": give a number below a million");
}

/// A dialect's own word for 70, 80 or 90; null where it counts in twenties.
const char* own_word(int64_t tens, Dialect dialect) {
  if (dialect == Dialect::france) return nullptr;
  if (tens == 7) return "septante";
  if (tens == 9) return "nonante";
  if (dialect == Dialect::switzerland) return "huitante";
  return dialect == Dialect::octante ? "octante" : nullptr;
}

/// 1 … 99. `last`: no word follows, so 80 is "quatre-vingts".
void add_below_hundred(Words& words, int64_t n, bool last, Dialect dialect) {
  const int64_t tens = n / 10;
  if (n <= 16) {
    words.push_back(at_number(french_small, n));
  } else if (n < 20) {
    words.insert(words.end(), {"dix", at_number(french_small, n - 10)});
  } else if (const char* word = tens < 7 ? at_number(french_tens, tens) : own_word(tens, dialect)) {
    words.push_back(word);
    if (n % 10 == 1) words.push_back("et");
    if (n % 10 != 0) words.push_back(at_number(french_small, n % 10));
  } else if (tens == 7) {  // 60 + 10 … 60 + 19
    words.push_back("soixante");
    if (n == 71) words.push_back("et");
    add_below_hundred(words, n - 60, last, dialect);
  } else {  // 4·20 + 0 … 4·20 + 19
    words.insert(words.end(), {"quatre", n == 80 && last ? "vingts" : "vingt"});
    if (n > 80) add_below_hundred(words, n - 80, last, dialect);
  }
}

/// 1 … 999.
void add_below_thousand(Words& words, int64_t n, bool last, Dialect dialect) {
  const int64_t hundreds = n / 100, rest = n % 100;
  if (hundreds > 1) words.push_back(at_number(french_small, hundreds));
  if (hundreds > 0) words.push_back(hundreds > 1 && rest == 0 && last ? "cents" : "cent");
  if (rest > 0) add_below_hundred(words, rest, last, dialect);
}

Words french_words(int64_t n, Dialect dialect) {
  if (n == 0) return {french_small[0]};
  Words words;
  if (n >= 2000) add_below_thousand(words, n / 1000, false, dialect);
  if (n >= 1000) words.push_back("mille");
  if (n % 1000 > 0) add_below_thousand(words, n % 1000, true, dialect);
  return words;
}

/// 1 … 999.
void add_english(Words& words, int64_t n) {
  if (n >= 100) words.insert(words.end(), {at_number(english_small, n / 100), "hundred"});
  n %= 100;
  if (n >= 20) words.push_back(at_number(english_tens, n / 10));
  if (n >= 20) n %= 10;
  if (n > 0) words.push_back(at_number(english_small, n));
}

Words english_words(int64_t n) {
  if (n == 0) return {english_small[0]};
  Words words;
  if (n >= 1000) add_english(words, n / 1000);
  if (n >= 1000) words.push_back("thousand");
  add_english(words, n % 1000);
  return words;
}

/// True for words that traditional spelling never joins by a hyphen: "et" and words from a hundred up.
bool stands_alone(const std::string& word) {
  for (const char* alone : {"et", "cent", "cents", "mille", "hundred", "thousand"})
    if (word == alone) return true;
  return false;
}

std::string join_number(const Words& words, bool all_hyphens) {
  std::string text;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += all_hyphens || !(stands_alone(words[i - 1]) || stands_alone(words[i])) ? '-' : ' ';
    text += words[i];
  }
  return text;
}

std::optional<int64_t> index_of(const auto& names, const std::string& word) {
  const auto found = std::find(names.begin(), names.end(), word);
  if (found == names.end() || word.empty()) return std::nullopt;
  return found - names.begin();
}

/// The value that a French word adds; multipliers are handled elsewhere.
std::optional<int64_t> french_value(const std::string& word) {
  if (const auto small = index_of(french_small, word)) return small;
  if (const auto tens = index_of(french_tens, word)) return 10 * *tens;
  if (word == "septante") return 70;
  if (word == "huitante" || word == "octante") return 80;
  if (word == "nonante") return 90;
  return word == "et" ? std::optional<int64_t>(0) : std::nullopt;
}

std::optional<int64_t> english_value(const std::string& word) {
  if (const auto small = index_of(english_small, word)) return small;
  if (const auto tens = index_of(english_tens, word)) return 10 * *tens;
  return std::nullopt;
}

/// Reads leniently: words add up, "cent" and "mille" multiply what precedes them. That is right for every
/// number; the caller checks that the text was one by writing the value again.
std::optional<int64_t> generous_value(const Words& words, auto&& value_of) {
  int64_t thousands = 0, part = 0;
  for (const std::string& word : words) {
    if (word == "mille" || word == "thousand") {
      thousands = 1000 * std::max<int64_t>(part, 1);
      part = 0;
    } else if (word == "cent" || word == "cents" || word == "hundred") {
      part = 100 * std::max<int64_t>(part, 1);
    } else if ((word == "vingt" || word == "vingts") && part % 100 == 4) {
      part += 4 * 20 - 4;
    } else if (const auto value = value_of(word)) {
      part += *value;
    } else {
      return std::nullopt;
    }
    if (thousands + part >= number_limit) return std::nullopt;
  }
  return words.empty() ? std::nullopt : std::optional(thousands + part);
}

}  // namespace

std::string french_number(int64_t n, const FrenchNumbers& options) {
  check_number("french_number", n);
  return join_french_number(french_words(n, options.dialect), options.hyphens);
}

std::string english_number(int64_t n) {
  check_number("english_number", n);
  return join_english_number(english_words(n));
}

std::optional<int64_t> parse_french_number(std::string_view text, const FrenchNumbers& options) {
  const auto n = generous_value(split_number(text), french_value);
  return n && french_number(*n, options) == text ? n : std::nullopt;
}

std::optional<int64_t> parse_english_number(std::string_view text) {
  const auto n = generous_value(split_number(text), english_value);
  return n && english_number(*n) == text ? n : std::nullopt;
}

Words split_number(std::string_view text) {
  std::string blanks(text);
  std::replace(blanks.begin(), blanks.end(), '-', ' ');
  return split_words(blanks);
}

std::string join_french_number(const Words& words, Hyphens hyphens) {
  return join_number(words, hyphens == Hyphens::reform_1990);
}

std::string join_english_number(const Words& words) { return join_number(words, false); }

}  // namespace heed::kit
