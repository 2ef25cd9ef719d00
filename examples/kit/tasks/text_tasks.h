// Tasks with text: dates of twelve formats rewritten as ISO dates, and names, letter by letter.
#pragma once

#include <string>
#include <vector>

#include <heed/examples/kit/tasks/sequences.h>

namespace heed::kit {

/// A day of 1970-01-01 … 2069-12-31, so that two digits determine a year.
struct Day {
  int year, month, day;
};

/// Ways to write a date, 0 … date_formats-1:
///     9 may 1998 · 09 may 1998 · 9 may, 1998 · 9 september 1998 · may 9 1998 · may 9, 1998 ·
///     saturday may 9 1998 · saturday, 9 may 1998 · 5/9/98 · 09.05.98 · 09.05.1998 · 1998 may 9
/// With slashes the month comes first, as in the USA; with dots the day. Names of months are written
/// out, except in the first two formats, where they have three letters.
inline constexpr int64_t date_formats = 12;
std::string written_date(const Day& day, int64_t format);
std::string iso_date(const Day& day);  // 1998-05-09

/// Source: a date, format and day uniform; target: the same as an ISO date. The decoder's input is the
/// target one character late, after a start: the id date_vocab().size().
const CharVocab& date_vocab();
MakeExample make_dates();

/// A name for a language model: end c₁ … c_n -> c₁ … c_n end, end being the id vocab.size().
Example name_example(const std::string& name, const CharVocab& vocab);

/// `count` different invented names of two to four syllables, for runs without a list.
std::vector<std::string> invented_names(int64_t count, uint64_t seed);

}  // namespace heed::kit
