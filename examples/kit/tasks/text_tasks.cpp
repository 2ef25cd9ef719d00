#include <heed/examples/kit/tasks/text_tasks.h>

#include <chrono>
#include <set>

#include <heed/core/error.h>

namespace heed::kit {
namespace {

const char* const months[] = {"january", "february", "march",     "april",   "may",      "june",
                              "july",    "august",   "september", "october", "november", "december"};
const char* const weekdays[] = {"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"};

std::chrono::sys_days to_days(const Day& day) {
  return std::chrono::sys_days(std::chrono::year(day.year) / day.month / day.day);
}

std::string two_digits(int n) { return std::string(n < 10 ? "0" : "") + std::to_string(n); }

}  // namespace

std::string iso_date(const Day& day) {
  return std::to_string(day.year) + "-" + two_digits(day.month) + "-" + two_digits(day.day);
}

std::string written_date(const Day& date, int64_t format) {
  const std::string d = std::to_string(date.day), dd = two_digits(date.day), m = std::to_string(date.month),
                    mm = two_digits(date.month), y = std::to_string(date.year), yy = two_digits(date.year % 100);
  const std::string month = months[date.month - 1], mon = month.substr(0, 3);
  const std::string weekday = weekdays[std::chrono::weekday(to_days(date)).c_encoding()];
  switch (format) {
    case 0: return d + " " + mon + " " + y;
    case 1: return dd + " " + mon + " " + y;
    case 2: return d + " " + month + ", " + y;
    case 3: return d + " " + month + " " + y;
    case 4: return month + " " + d + " " + y;
    case 5: return month + " " + d + ", " + y;
    case 6: return weekday + " " + month + " " + d + " " + y;
    case 7: return weekday + ", " + d + " " + month + " " + y;
    case 8: return m + "/" + d + "/" + yy;
    case 9: return dd + "." + mm + "." + yy;
    case 10: return dd + "." + mm + "." + y;
    case 11: return y + " " + month + " " + d;
    default: fail<IndexError>("written_date: format ", format, ": must be 0 … ", date_formats - 1);
  }
}

const CharVocab& date_vocab() {
  static const CharVocab vocab(" ,-./0123456789abcdefghijklmnopqrstuvwxyz");
  return vocab;
}

MakeExample make_dates() {
  return [](Dice& dice) {
    using namespace std::chrono;
    const sys_days first = to_days({1970, 1, 1}), last = to_days({2069, 12, 31});
    const year_month_day date(first + days(dice.below((last - first).count() + 1)));
    const Day day{static_cast<int>(date.year()), static_cast<int>(unsigned{date.month()}),
                  static_cast<int>(unsigned{date.day()})};
    Example example{.source = date_vocab().encode(written_date(day, dice.below(date_formats))),
                    .target = date_vocab().encode(iso_date(day))};
    example.input = {date_vocab().size()};
    example.input.insert(example.input.end(), example.target.begin(), example.target.end() - 1);
    return example;
  };
}

Example name_example(const std::string& name, const CharVocab& vocab) {
  const Ids letters = vocab.encode(name);
  Example example{.input = {vocab.size()}, .target = letters};
  example.input.insert(example.input.end(), letters.begin(), letters.end());
  example.target.push_back(vocab.size());
  return example;
}

std::vector<std::string> invented_names(int64_t count, uint64_t seed) {
  static const std::vector<std::string> onsets = {"b", "d", "f", "g",  "j",  "k",  "l",  "m",  "n", "r",
                                                  "s", "t", "v", "br", "ch", "el", "kr", "sh", "",  "th"};
  static const std::vector<std::string> vowels = {"a", "e", "i", "o", "u", "ai", "ia", "ee"};
  static const std::vector<std::string> codas = {"", "", "", "n", "l", "r", "s", "h"};
  const auto pick = [](const std::vector<std::string>& of, Dice& dice) {
    return of[static_cast<size_t>(dice.below(static_cast<int64_t>(of.size())))];
  };
  Dice dice(seed, 0);
  std::set<std::string> seen;
  std::vector<std::string> names;
  while (static_cast<int64_t>(names.size()) < count) {
    std::string name;
    for (int64_t syllables = dice.between(2, 4); syllables > 0; --syllables) {
      name += pick(onsets, dice);
      name += pick(vowels, dice);
      if (syllables == 1) name += pick(codas, dice);
    }
    if (seen.insert(name).second) names.push_back(name);
  }
  return names;
}

}  // namespace heed::kit
