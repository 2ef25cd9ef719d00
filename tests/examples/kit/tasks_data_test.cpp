// The tasks' examples: every target is computed again by plain code from what the model reads.
#include "support/catch.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>
#include <string>

#include <heed/examples/kit/data/batches.h>
#include <heed/examples/kit/tasks/task_generators.h>
#include <heed/examples/kit/tasks/text_tasks.h>

#include "support/errors.h"

using namespace heed;
using heed::kit::Dice;
using heed::kit::Example;
using heed::kit::Ids;
using heed::kit::ignored;
using heed::test::message_of;

namespace {

/// Some examples of a rule, drawn one after another.
std::vector<Example> drawn(const kit::MakeExample& make, int count = 200) {
  Dice dice(7, 0);
  std::vector<Example> examples;
  for (int i = 0; i < count; ++i) examples.push_back(make(dice));
  return examples;
}

Ids counted(const Ids& target) {
  Ids ids;
  for (const int64_t id : target)
    if (id != ignored) ids.push_back(id);
  return ids;
}

int64_t number(const Ids& digits) {
  int64_t n = 0;
  for (const int64_t d : digits) n = 10 * n + d;
  return n;
}

}  // namespace

TEST_CASE("Tasks: dice are fair, repeatable, and independent between streams") {
  Dice a(1, 5), b(1, 5), c(1, 6), d(2, 5);
  std::map<int64_t, int> counts;
  int equal_c = 0, equal_d = 0;
  for (int i = 0; i < 6000; ++i) {
    const int64_t x = a.between(1, 6);
    ++counts[x];
    REQUIRE(x == b.between(1, 6));
    equal_c += x == c.between(1, 6);
    equal_d += x == d.between(1, 6);
  }
  CHECK(counts.size() == 6);
  for (const auto& [side, count] : counts) CHECK(std::abs(count - 1000) < 150);  // 5 σ is 144
  CHECK(std::abs(equal_c - 1000) < 150);
  CHECK(std::abs(equal_d - 1000) < 150);
  Dice e(3, 0);
  for (int i = 0; i < 100; ++i) {
    const Ids ids = e.different(5, 10, 15);
    CHECK(std::set<int64_t>(ids.begin(), ids.end()).size() == 5);
    CHECK(*std::min_element(ids.begin(), ids.end()) >= 10);
    CHECK(*std::max_element(ids.begin(), ids.end()) <= 15);
  }
  CHECK(message_of<Error>([&] { e.different(7, 10, 15); }) ==
        "different: 7 numbers of 10 … 15: there are not as many: ask for fewer");
}

TEST_CASE("Tasks: sorting") {
  for (const Example& e : drawn(kit::make_sorting(6, 3))) {
    REQUIRE(e.input.size() == 11);
    REQUIRE(e.target.size() == 11);
    Ids sorted(e.input.begin(), e.input.begin() + 6);
    std::sort(sorted.begin(), sorted.end());
    CHECK(Ids(e.target.begin(), e.target.begin() + 5) == Ids(5, ignored));
    CHECK(Ids(e.target.begin() + 5, e.target.end()) == sorted);
    CHECK(Ids(e.input.begin() + 6, e.input.end()) == Ids(sorted.begin(), sorted.end() - 1));
  }
}

TEST_CASE("Tasks: reversing and copying") {
  for (const Example& e : drawn(kit::make_reversing(16, 10))) {
    REQUIRE(e.input.size() == 16);
    for (size_t i = 0; i < 16; ++i) CHECK(e.target[i] == e.input[15 - i]);
  }
  for (const Example& e : drawn(kit::make_copying(10, 10))) {
    REQUIRE(e.source.size() == 10);
    CHECK(e.source[0] == 1);
    CHECK(*std::min_element(e.source.begin(), e.source.end()) >= 1);
    CHECK(*std::max_element(e.source.begin(), e.source.end()) <= 10);
    CHECK(e.input == Ids(e.source.begin(), e.source.end() - 1));
    CHECK(e.target == Ids(e.source.begin() + 1, e.source.end()));
  }
  std::set<size_t> lengths;
  for (const Example& e : drawn(kit::make_string_copying(1, 8, 5))) {
    const size_t n = e.input.size() / 2 - 1;  // start s separator s
    lengths.insert(n);
    REQUIRE(e.input.size() == 2 * n + 2);
    CHECK(e.input[0] == 5);
    CHECK(e.input[n + 1] == 6);
    for (size_t i = 0; i <= n; ++i) CHECK(e.target[i] == ignored);
    for (size_t i = 1; i <= n; ++i) {
      CHECK(e.input[n + 1 + i] == e.input[i]);
      CHECK(e.target[n + i] == e.input[i]);
    }
    CHECK(e.target[2 * n + 1] == 7);
  }
  CHECK(lengths == std::set<size_t>{1, 2, 3, 4, 5, 6, 7, 8});
}

TEST_CASE("Tasks: addition, for a language model and for an encoder and a decoder") {
  for (const Example& e : drawn(kit::make_addition(2))) {
    REQUIRE(e.input.size() == 6);
    const int64_t a = number({e.input[0], e.input[1]}), b = number({e.input[2], e.input[3]});
    const Ids sum = counted(e.target);
    REQUIRE(sum.size() == 3);
    CHECK(number({sum.rbegin(), sum.rend()}) == a + b);
    CHECK(e.input[4] == sum[0]);
    CHECK(e.input[5] == sum[1]);
    CHECK(e.target[3] == sum[0]);
  }
  for (const Example& e : drawn(kit::make_addition_texts(3))) {
    REQUIRE(e.source.size() == 7);
    REQUIRE(e.target.size() == 4);
    std::string text, sum;
    for (auto id = e.source.rbegin(); id != e.source.rend(); ++id) text += "0123456789+ "[*id];
    for (const int64_t id : e.target) sum += "0123456789+ "[id];
    int a = 0, b = 0, c = 0;
    REQUIRE(std::sscanf(text.c_str(), "%d+%d", &a, &b) == 2);
    REQUIRE(std::sscanf(sum.c_str(), "%d", &c) == 1);
    CHECK(a + b == c);
    std::string again = std::to_string(a) + "+" + std::to_string(b);
    CHECK(text == again + std::string(7 - again.size(), ' '));
    again = std::to_string(c);
    CHECK(sum == again + std::string(4 - again.size(), ' '));
    CHECK(e.input[0] == 11);
    CHECK(Ids(e.input.begin() + 1, e.input.end()) == Ids(e.target.begin(), e.target.end() - 1));
  }
}

TEST_CASE("Tasks: modular sums, every pair once") {
  std::set<std::pair<int64_t, int64_t>> pairs;
  for (const Example& e : kit::all_modular_sums(7)) {
    REQUIRE(e.input.size() == 3);
    CHECK(e.input[2] == 7);
    CHECK(e.target == Ids{ignored, ignored, (e.input[0] + e.input[1]) % 7});
    pairs.insert({e.input[0], e.input[1]});
  }
  CHECK(pairs.size() == 49);
}

TEST_CASE("Tasks: cycles repeat from their first token on, after different periods") {
  std::set<size_t> periods;
  for (const Example& e : drawn(kit::make_cycles(32, 28))) {
    size_t period = 0;
    while (e.target[period] == ignored) ++period;
    periods.insert(period);
    for (size_t i = period; i < 32; ++i) CHECK(e.input[i] == e.input[i - period]);
    for (size_t i = period; i < 31; ++i) CHECK(e.target[i] == e.input[i + 1]);
    CHECK(e.target[31] == e.input[32 - period]);
  }
  CHECK(*periods.begin() == 8);
  CHECK(*periods.rbegin() == 16);
  CHECK(message_of<Error>([] { kit::make_cycles(3, 2); }) ==
        "cycles: a length of 3: two periods must fit: give at least 4");
}

TEST_CASE("Tasks: recall asks for each key once, and its value is the target") {
  int near = 0, asked = 0;
  for (const Example& e : drawn(kit::make_recall(64, 4, 256))) {
    REQUIRE(e.input.size() == 64);
    std::map<int64_t, int64_t> value_of;
    for (size_t i = 0; i < 8; i += 2) {
      CHECK((e.input[i] >= 1 && e.input[i] < 128));
      CHECK((e.input[i + 1] >= 128 && e.input[i + 1] < 256));
      value_of[e.input[i]] = e.input[i + 1];
    }
    CHECK(value_of.size() == 4);
    for (size_t i = 0; i < 64; ++i) {
      if (e.target[i] == ignored) continue;
      ++asked;
      near += i < 16;
      CHECK((i >= 8 && i % 2 == 0));
      REQUIRE(value_of.count(e.input[i]) == 1);
      CHECK(e.target[i] == value_of[e.input[i]]);
      value_of.erase(e.input[i]);
    }
    CHECK(value_of.empty());
  }
  CHECK(asked == 800);
  CHECK(near > 300);  // the first 4 of 28 positions: a power law favours small gaps (uniform: 114)
  CHECK(message_of<Error>([] { kit::make_recall(15, 4, 256); }) ==
        "recall: 4 pairs in a length of 15 and a vocabulary of 256: do not fit: the length must be "
        "at "
        "least 4 times the pairs, the vocabulary above twice them");
}

TEST_CASE("Tasks: brackets close what was opened last, within the depth") {
  std::set<size_t> depths;
  for (const Example& e : drawn(kit::make_brackets(20, 2, 4))) {
    CHECK(e.input[0] == 4);
    CHECK(Ids(e.input.begin() + 1, e.input.end()) == Ids(e.target.begin(), e.target.end() - 1));
    Ids open;
    size_t deepest = 0;
    for (const int64_t id : e.target) {
      REQUIRE((id >= 0 && id < 4));
      if (id % 2 == 0) {
        open.push_back(id);
      } else {
        REQUIRE(!open.empty());
        CHECK(open.back() == id - 1);
        open.pop_back();
      }
      deepest = std::max(deepest, open.size());
    }
    CHECK(open.empty());
    depths.insert(deepest);
  }
  CHECK(depths == std::set<size_t>{1, 2, 3, 4});
  CHECK(message_of<Error>([] { kit::make_brackets(7, 2, 4); }) ==
        "brackets: a length of 7, a depth of 4: every bracket closes: give an even length and a "
        "depth of "
        "at least 1");
}

TEST_CASE("Tasks: dates in every format, and their days of the week") {
  const kit::Day day{1998, 5, 9};
  const std::vector<std::string> formats = {"9 may 1998", "09 may 1998", "9 may, 1998",         "9 may 1998",
                                            "may 9 1998", "may 9, 1998", "saturday may 9 1998", "saturday, 9 may 1998",
                                            "5/9/98",     "09.05.98",    "09.05.1998",          "1998 may 9"};
  REQUIRE(formats.size() == static_cast<size_t>(kit::date_formats));
  for (int64_t i = 0; i < kit::date_formats; ++i) CHECK(kit::written_date(day, i) == formats[static_cast<size_t>(i)]);
  CHECK(kit::written_date({2069, 12, 31}, 0) == "31 dec 2069");
  CHECK(kit::written_date({2069, 12, 31}, 6) == "tuesday december 31 2069");
  CHECK(kit::iso_date(day) == "1998-05-09");
  CHECK(message_of<IndexError>([&] { kit::written_date(day, 12); }) == "written_date: format 12: must be 0 … 11");

  std::set<std::string> years;
  for (const Example& e : drawn(kit::make_dates(), 2000)) {
    const std::string from = kit::date_vocab().decode(e.source), to = kit::date_vocab().decode(e.target);
    int y = 0, m = 0, d = 0;
    REQUIRE(std::sscanf(to.c_str(), "%d-%d-%d", &y, &m, &d) == 3);
    REQUIRE(to == kit::iso_date({y, m, d}));
    bool found = false;
    for (int64_t f = 0; f < kit::date_formats; ++f) found = found || kit::written_date({y, m, d}, f) == from;
    CHECK(found);
    CHECK(e.input[0] == kit::date_vocab().size());
    CHECK(Ids(e.input.begin() + 1, e.input.end()) == Ids(e.target.begin(), e.target.end() - 1));
    years.insert(to.substr(0, 4));
  }
  CHECK(years.size() == 100);
  CHECK(*years.begin() == "1970");
  CHECK(*years.rbegin() == "2069");
}

TEST_CASE("Tasks: names for a language model, and invented names") {
  const kit::CharVocab vocab("abc");
  const Example e = kit::name_example("cab", vocab);
  CHECK(e.input == Ids{3, 2, 0, 1});
  CHECK(e.target == Ids{2, 0, 1, 3});
  const std::vector<std::string> names = kit::invented_names(500, 1);
  CHECK(std::set<std::string>(names.begin(), names.end()).size() == 500);
  CHECK(names == kit::invented_names(500, 1));
  CHECK(names != kit::invented_names(500, 2));
  for (const std::string& name : names)
    CHECK(std::all_of(name.begin(), name.end(), [](char c) { return c >= 'a' && c <= 'z'; }));
}

namespace {

std::set<std::string> keys_of(const std::vector<Example>& examples) {
  std::set<std::string> keys;
  for (const Example& e : examples) keys.insert(kit::example_key(e));
  return keys;
}

bool disjoint(const std::set<std::string>& a, const std::set<std::string>& b) {
  return std::none_of(a.begin(), a.end(), [&](const std::string& key) { return b.count(key) > 0; });
}

}  // namespace

TEST_CASE("Tasks: no test example is trained on, however the examples are split") {
  // All test examples different; new training examples in every step.
  const kit::TaskData drawn_anew(kit::make_addition(1), {.test = 50, .seed = 1});
  const std::set<std::string> test = keys_of(drawn_anew.test);
  CHECK(test.size() == 50);
  std::set<std::string> seen;
  for (int64_t step = 0; step < 40; ++step) seen.merge(keys_of(drawn_anew.batch(step, 32)));
  CHECK(disjoint(test, seen));
  CHECK(seen.size() == 50);  // all the others of 100

  // By hash, for rules with few examples: about every fourth input is for testing, none is in both parts.
  const kit::TaskData hashed(kit::make_sorting(6, 3), {.test = 5000, .hash_split = 4, .seed = 1});
  std::set<std::string> trained;
  for (int64_t step = 0; step < 200; ++step) trained.merge(keys_of(hashed.batch(step, 32)));
  const std::set<std::string> held_out = keys_of(hashed.test);
  CHECK(hashed.test.size() == 5000);
  CHECK(disjoint(held_out, trained));
  CHECK(held_out.size() + trained.size() == 729);
  CHECK(std::abs(static_cast<int>(held_out.size()) - 182) < 60);

  // A list to train on, and a list of all examples.
  const kit::TaskData listed(kit::make_reversing(4, 10), {.training = 300, .test = 100, .seed = 1});
  CHECK(listed.training.size() == 300);
  CHECK(disjoint(keys_of(listed.test), keys_of(listed.training)));
  const kit::TaskData all(kit::all_modular_sums(11), 40, 1);
  CHECK(all.training.size() == 40);
  CHECK(all.test.size() == 81);
  CHECK(disjoint(keys_of(all.test), keys_of(all.training)));
  const kit::TaskData other(kit::all_modular_sums(11), 40, 2);
  CHECK(all.training != other.training);
}

TEST_CASE("Tasks: an epoch shows each training example once, and a batch is a function of its step") {
  const kit::TaskData data(kit::all_modular_sums(5), 20, 1);
  std::multiset<std::string> first, second;
  std::vector<Example> order1, order2;
  for (int64_t step = 0; step < 10; ++step)
    for (const Example& e : data.batch(step, 4)) {
      (step < 5 ? first : second).insert(kit::example_key(e));
      (step < 5 ? order1 : order2).push_back(e);
    }
  const std::set<std::string> all = keys_of(data.training);
  CHECK(first == std::multiset<std::string>(all.begin(), all.end()));
  CHECK(second == first);
  CHECK(order1 != order2);
  CHECK(data.batch(2, 4) == std::vector<Example>(order1.begin() + 8, order1.begin() + 12));
  CHECK(data.batch(0, 1000).size() == 20);  // never more than there are

  const kit::TaskData fresh(kit::make_reversing(8, 10), {.test = 5, .seed = 1});
  CHECK(fresh.batch(3, 4) == fresh.batch(3, 4));
  CHECK(fresh.batch(3, 4) != fresh.batch(4, 4));
}

TEST_CASE("Tasks: impossible splits are refused") {
  CHECK(message_of<Error>([] { kit::TaskData(kit::make_addition(1), {.test = 101}); }) ==
        "task data: 100 different examples found, 101 wanted for testing: there are too few: make the "
        "sequences "
        "longer");
  CHECK(message_of<Error>([] { kit::TaskData(kit::make_addition(1), {.training = 1, .test = 100}); }) ==
        "task data: every example drawn is one of the test's: none is left to train on: make the test "
        "smaller or "
        "the sequences longer");
  CHECK(message_of<Error>([] { kit::TaskData(kit::all_modular_sums(3), 9, 0); }) ==
        "task data: 9 of 9 examples to train on: some must be left for testing: give 1 to 8");
}

TEST_CASE("Tasks: a batch is padded if sequences differ in length") {
  const std::vector<Example> some = {{.source = {1, 2, 3}, .input = {4}, .target = {5}},
                                     {.source = {6}, .input = {7, 8}, .target = {9, ignored}}};
  const kit::SequenceBatch batch = kit::collate(some);
  CHECK(batch.source.to_vector() == std::vector<double>{1, 2, 3, 6, 0, 0});
  CHECK(batch.source_lengths == std::vector<int64_t>{3, 1});
  CHECK(batch.input.to_vector() == std::vector<double>{4, 0, 7, 8});
  CHECK(batch.target.to_vector() == std::vector<double>{5, -100, 9, -100});
  CHECK(batch.tokens() == 10);
  CHECK_FALSE(kit::collate({some[0], some[0]}).source_lengths.has_value());
  CHECK_FALSE(kit::collate(drawn(kit::make_sorting(3, 3), 2)).source.defined());
}

TEST_CASE("task data: an example that occurs twice is never in both training and test") {
  std::vector<kit::Example> all;
  for (int64_t i = 0; i < 100; ++i) all.push_back({.input = {i % 40}, .target = {i % 40}});
  CHECK(kit::distinct(all).size() == 40);
  const kit::TaskData data(all, 30, 1);
  CHECK(data.training.size() == 30);
  CHECK(data.test.size() == 10);
  for (const kit::Example& tested : data.test)
    CHECK(std::find(data.training.begin(), data.training.end(), tested) == data.training.end());
  CHECK(message_of<Error>([] {
          kit::TaskData(std::vector<kit::Example>(5, kit::Example{.input = {1}}), 1, 1);
        }).find("task data: 1 different examples: one to train on and one to test with are needed") == 0);
}
