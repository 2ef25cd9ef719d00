// What a translator is trained on: disjoint numbers, pairs, batches, and the order of the examples.
#include "support/catch.h"

#include <algorithm>
#include <set>

#include <heed/core/error.h>
#include <heed/core/files/file.h>
#include <heed/examples/kit/translation/translation_task.h>
#include "support/errors.h"
#include "support/temp_dir.h"

using namespace heed;
using heed::kit::Dialect;
using heed::kit::Hyphens;
using heed::kit::Preparation;
using heed::test::message_of;
using heed::test::TempDir;

namespace {

std::set<kit::Words> sources_of(const std::vector<kit::Translation>& sentences) {
  std::set<kit::Words> all;
  for (const auto& sentence : sentences) all.insert(sentence.source);
  return all;
}

std::vector<int64_t> integers(const Tensor& x) {
  const std::vector<double> values = x.to_vector();
  return {values.begin(), values.end()};
}

// Three pairs that the tutorial keeps and one that it does not.
const char* const few_pairs =
    "I'm cold.\tJ'ai froid.\nGo.\tVa !\nHe is ill.\tIl est malade.\nWe are here.\tOn est ici.\n";

}  // namespace

TEST_CASE("translation task: training and test numbers are disjoint") {
  const auto task = kit::number_task({.train_size = 3000, .seed = 4}, {});
  CHECK(task.training.size() == 3000);
  CHECK(task.test.size() == 2000);
  std::set<kit::Words> all = sources_of(task.training);
  CHECK(all.size() == 3000);
  all.merge(sources_of(task.test));
  CHECK(all.size() == 5000);
  for (const auto* part : {&task.training, &task.test})
    for (const auto& [source, target] : *part) {
      const auto n = kit::parse_french_number(kit::join_french_number(source));
      REQUIRE(n.has_value());
      REQUIRE(task.written(target) == kit::english_number(*n));
    }
  CHECK(task.name == "French number words to English");
  CHECK(task.source.size() == 4 + 26);  // 16 up to seize, 5 tens, et, vingts, cent, cents, mille
  CHECK(task.target.size() == 4 + 29);
  CHECK(task.source_steps == 14);  // neuf cent quatre vingt dix neuf mille neuf cent …, <eos>
  CHECK(task.target_steps == 10);
}

TEST_CASE("translation task: test numbers depend on the seed, not on the number of training examples") {
  const auto a = kit::number_task({.train_size = 10, .test_size = 50, .seed = 1}, {});
  const auto b = kit::number_task({.train_size = 999, .test_size = 50, .seed = 1}, {});
  const auto c = kit::number_task({.train_size = 10, .test_size = 50, .seed = 2}, {});
  CHECK(sources_of(a.test) == sources_of(b.test));
  CHECK(sources_of(a.test) != sources_of(c.test));
  CHECK(kit::number_task({.seed = 1}, {}).training.size() == 30'000);
  CHECK(a.hash() == kit::number_task({.train_size = 10, .test_size = 50, .seed = 1}, {}).hash());
  CHECK(a.hash() != b.hash());
  CHECK(a.hash() != c.hash());
}

TEST_CASE("translation task: numbers the other way, in other dialects and hyphens") {
  const auto task = kit::number_task({.to_english = false, .train_size = 400, .test_size = 1, .seed = 3},
                                     {Dialect::switzerland, Hyphens::reform_1990});
  CHECK(task.name == "English number words to French");
  bool septante = false;
  for (const auto& [source, target] : task.training) {
    const auto n = kit::parse_english_number(kit::join_english_number(source));
    REQUIRE(n.has_value());
    REQUIRE(task.written(target) == kit::french_number(*n, {Dialect::switzerland, Hyphens::reform_1990}));
    septante |= std::find(target.begin(), target.end(), "septante") != target.end();
  }
  CHECK(septante);
  const auto plain = kit::number_task({.to_english = false, .train_size = 5, .test_size = 1}, {});
  CHECK(plain.written({"deux", "cent", "vingt", "deux"}) == "deux cent vingt-deux");
}

TEST_CASE("translation task: numbers that do not fit below a million") {
  CHECK(message_of<Error>([] { kit::number_task({.train_size = 999'000}, {}); }) ==
        "number_task: 999000 numbers to train on and 2000 to test with: there are 1000000: give two"
        " numbers that fit");
  CHECK_THROWS_AS(kit::number_task({.train_size = 10, .test_size = 0}, {}), Error);
  CHECK_THROWS_AS(kit::number_task({.train_size = -1}, {}), Error);
}

TEST_CASE("translation task: pairs, in both directions") {
  const TempDir dir;
  core::write_file_atomic(dir / "few.tsv", few_pairs);
  const auto english = kit::pair_task(dir / "few.tsv", Preparation::tutorial, {.seed = 1});
  CHECK(english.name == "French to English");
  CHECK(english.training.size() == 3);
  CHECK(sources_of(english.test) == sources_of(english.training));  // a tenth of three is zero
  CHECK(sources_of(english.training).count(kit::Words{"on", "est", "ici", "."}) == 1);
  CHECK(english.written({"we", "are", "here", "."}) == "we are here .");
  const auto french =
      kit::pair_task(dir / "few.tsv", Preparation::d2l, {.to_english = false, .train_size = 2, .min_freq = 2});
  CHECK(french.name == "English to French");
  REQUIRE(french.training.size() == 2);
  CHECK(french.training[0].source == kit::Words{"i'm", "cold", "."});
  CHECK(french.training[1].target == kit::Words{"va", "!"});
  CHECK(sources_of(french.test) == sources_of(french.training));
  CHECK(french.source.size() == 5);  // the four marks, and "." twice
  CHECK(french.target.size() == 4);

  std::string many;
  for (int i = 0; i < 200; ++i)
    many +=
        "he is n" + std::string(static_cast<size_t>(i), 'o') + "\tno" + std::string(static_cast<size_t>(i), 'n') + "\n";
  core::write_file_atomic(dir / "many.tsv", many);
  const auto task = kit::pair_task(dir / "many.tsv", Preparation::tutorial, {.to_english = false, .test_size = 15});
  CHECK(task.test.size() == 15);
  CHECK(task.training.size() == 185);
  auto all = sources_of(task.training);
  all.merge(sources_of(task.test));
  CHECK(all.size() == 200);
  CHECK(kit::pair_task(dir / "many.tsv", Preparation::tutorial, {}).test.size() == 20);
  const auto limited = kit::pair_task(dir / "many.tsv", Preparation::tutorial, {.train_size = 30, .test_size = 15});
  CHECK(limited.training.size() == 30);
  CHECK(limited.test.size() == 15);
}

TEST_CASE("translation task: a pair or sentence that is tested is not trained on, and those left out are counted") {
  const TempDir dir;
  std::string pairs;
  for (int i = 0; i < 100; ++i) {
    const std::string n(static_cast<size_t>(i), 'o');
    pairs += "He is n" + n + ".\til est n" + n + ".\r\n";
    if (i % 2 == 0) pairs += "he is n" + n + " .\tIl est n" + n + " .\r\n";  // the same after preparation
    if (i % 5 == 0) pairs += "he is n" + n + " .\tautre\r\n";                // another translation
  }
  core::write_file_atomic(dir / "pairs.tsv", pairs + "\r\n\n");
  for (const bool to_english : {false, true}) {
    const auto task = kit::pair_task(dir / "pairs.tsv", Preparation::tutorial, {.to_english = to_english});
    CHECK(task.repeated == 50);
    CHECK(task.test.size() == 12);
    CHECK(static_cast<int64_t>(task.training.size()) == 120 - 12 - task.also_tested);
    CHECK_FALSE(task.tests_training);
    const auto tested = sources_of(task.test), trained = sources_of(task.training);
    for (const kit::Words& sentence : tested) CHECK(trained.count(sentence) == 0);
  }
}

TEST_CASE("translation task: a file in which nothing is kept") {
  const TempDir dir;
  core::write_file_atomic(dir / "none.tsv", "Go.\tVa !\n");
  CHECK(message_of<Error>([&] { kit::pair_task(dir / "none.tsv", Preparation::tutorial, {}); }) ==
        "pair_task: " + dir / "none.tsv" +
            ": no pair is left after the filter: give more pairs, or"
            " prepare them in another way");
}

TEST_CASE("translation batch: a mark before, a mark after, padding after shorter sentences") {
  const kit::TranslationTask task("letters", {{{"a", "b"}, {"x"}}, {{"a"}, {"x", "y", "y"}}}, {{{"c"}, {"z"}}},
                                  kit::join_words);
  CHECK(task.source_steps == 3);
  CHECK(task.target_steps == 4);
  const auto batch = kit::make_batch(task, task.training, {1, 0});
  // a 4, b 5; x and y both twice: x 4, y 5
  CHECK(integers(batch.source.ids) == std::vector<int64_t>{4, 2, 0, 4, 5, 2});
  CHECK(integers(batch.source.valid) == std::vector<int64_t>{1, 1, 0, 1, 1, 1});
  CHECK(batch.lengths == std::vector<int64_t>{2, 3});
  CHECK(integers(batch.input) == std::vector<int64_t>{1, 4, 5, 5, 1, 4, 0, 0});
  CHECK(integers(batch.target) == std::vector<int64_t>{4, 5, 5, 2, 4, 2, 0, 0});
  const auto unknown = kit::source_batch(task, {"b", "c"});
  CHECK(integers(unknown.source.ids) == std::vector<int64_t>{5, kit::WordVocab::unk, 2});
  CHECK(unknown.lengths == std::vector<int64_t>{3});
  CHECK(integers(unknown.input) == std::vector<int64_t>{kit::WordVocab::sos});
  CHECK_THROWS_AS(kit::make_batch(task, task.training, {}), ShapeError);
}

TEST_CASE("training order: every pass visits each example once, in another order") {
  kit::TrainingOrder order(10, 4, 7);
  CHECK(order.steps_in_pass() == 3);
  std::vector<kit::Ids> passes;
  for (int64_t pass = 0; pass < 3; ++pass) {
    kit::Ids all;
    for (int64_t step = 0; step < 3; ++step) {
      const kit::Ids some = order.examples(3 * pass + step);
      CHECK(some.size() == (step < 2 ? 4 : 2));
      all.insert(all.end(), some.begin(), some.end());
    }
    passes.push_back(all);
    std::sort(all.begin(), all.end());
    CHECK(all == kit::Ids{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  }
  CHECK(passes[0] != passes[1]);
  CHECK(passes[1] != passes[2]);
}

TEST_CASE("training order: a function of seed and step") {
  kit::TrainingOrder a(11, 3, 7), b(11, 3, 7), other(11, 3, 8);
  for (const int64_t step : {9, 2, 0, 40, 9}) CHECK(a.examples(step) == kit::TrainingOrder(11, 3, 7).examples(step));
  CHECK(a.examples(0) == b.examples(0));
  CHECK(a.examples(0) != other.examples(0));
}
