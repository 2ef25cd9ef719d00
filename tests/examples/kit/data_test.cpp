// Batches and built-in data.
#include "support/catch.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <heed/autograd/ops/create.h>
#include <heed/core/error.h>
#include <heed/core/files/file.h>
#include <heed/examples/kit/data/batches.h>
#include <heed/examples/kit/data/datasets.h>
#include <heed/examples/kit/data/tables.h>
#include "support/errors.h"
#include "support/temp_dir.h"

using namespace heed;
using heed::test::message_of;

TEST_CASE("kit batches: every index once, in an order given by the seed") {
  Generator generator(1), same(1), other(2);
  const auto once = kit::batches(10, {.batch = 4}, generator);
  REQUIRE(once.size() == 3);
  CHECK(once[2].size() == 2);
  kit::Ids all;
  for (const kit::Ids& batch : once) all.insert(all.end(), batch.begin(), batch.end());
  CHECK(once == kit::batches(10, {.batch = 4}, same));
  CHECK(once != kit::batches(10, {.batch = 4}, other));
  CHECK(once != kit::batches(10, {.batch = 4}, generator));  // the next epoch has another order
  std::sort(all.begin(), all.end());
  CHECK(all == kit::Ids{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});

  const uint64_t counter = generator.counter();
  CHECK(kit::batches(5, {.batch = 2, .shuffle = false}, generator) == std::vector<kit::Ids>{{0, 1}, {2, 3}, {4}});
  CHECK(kit::batches(5, {.batch = 2, .shuffle = false, .drop_last = true}, generator) ==
        std::vector<kit::Ids>{{0, 1}, {2, 3}});
  CHECK(generator.counter() == counter);
  CHECK(kit::batches(0, {.batch = 2, .shuffle = false}, generator).empty());
  CHECK(message_of<Error>([&] { kit::batches(5, {.batch = 0}, generator); }) ==
        "batches: a batch of 0: give at least 1");
}

TEST_CASE("kit batches: a loader keeps inputs and targets together") {
  const Tensor x = tensor({0, 0, 1, 10, 2, 20, 3, 30, 4, 40}, {5, 2}), y = tensor_i64({0, 10, 20, 30, 40});
  const kit::DataLoader loader({x, y}, {.batch = 2});
  CHECK(loader.examples() == 5);
  CHECK(loader.batches() == 3);
  CHECK(kit::DataLoader({x, y}, {.batch = 2, .drop_last = true}).batches() == 2);
  Generator generator(3);
  int seen = 0;
  for (const auto& batch : loader.epoch(generator)) {
    REQUIRE(batch.size() == 2);
    CHECK(batch[1].dtype() == Dtype::i64);
    const auto rows = batch[0].to_vector(), labels = batch[1].to_vector();
    for (size_t i = 0; i < labels.size(); ++i) {
      CHECK(rows[2 * i + 1] == labels[i]);
      ++seen;
    }
  }
  CHECK(seen == 5);
  CHECK(message_of<ShapeError>([&] { kit::DataLoader({x, tensor_i64({1})}); }) ==
        "DataLoader: (5, 2) and (1,): axis 0 counts the examples and must be equal");
  CHECK(message_of<ShapeError>([] { kit::DataLoader(std::vector<Tensor>{}); }) ==
        "DataLoader: no tensors: give the inputs, and their targets");
  CHECK(message_of<Error>([&] { kit::DataLoader({x}, {.batch = -1}); }) ==
        "DataLoader: a batch of -1: give at least 1");
}

TEST_CASE("kit batches: padding") {
  const kit::Padded padded = kit::pad({{5, 6, 7}, {}, {8}}, 1);
  CHECK(padded.ids.shape() == Shape{3, 3});
  CHECK(padded.ids.to_vector() == std::vector<double>{5, 6, 7, 1, 1, 1, 8, 1, 1});
  CHECK(padded.valid.dtype() == Dtype::boolean);
  CHECK(padded.valid.to_vector() == std::vector<double>{1, 1, 1, 0, 0, 0, 1, 0, 0});
  CHECK(kit::pad({{5, 6, 7}, {8}}, 0, 2).ids.to_vector() == std::vector<double>{5, 6, 8, 0});
  CHECK(message_of<ShapeError>([] { kit::pad({}, 0); }) == "pad: no sequences: give at least one");
}

TEST_CASE("kit batches: windows of a stream") {
  const kit::Ids stream = {10, 11, 12, 13, 14, 15, 16};
  const kit::Windows w = kit::windows(stream, {0, 4}, 2);
  CHECK(w.inputs.to_vector() == std::vector<double>{10, 11, 14, 15});
  CHECK(w.targets.to_vector() == std::vector<double>{11, 12, 15, 16});
  CHECK(kit::covering_starts(stream, 2) == kit::Ids{0, 2, 4});
  CHECK(kit::covering_starts(stream, 3) == kit::Ids{0, 3});
  CHECK(kit::covering_starts(stream, 7).empty());
  Generator generator(1);
  bool first = false, last = false;
  for (const int64_t start : kit::random_starts(stream, 2, 200, generator)) {
    CHECK(start >= 0);
    CHECK(start <= 4);
    first |= start == 0, last |= start == 4;
  }
  CHECK(first);
  CHECK(last);
  CHECK(message_of<IndexError>([&] { kit::windows(stream, {5}, 2); }) ==
        "windows: start 5, length 2: leaves a stream of 7 tokens: start + length + 1 must fit");
  CHECK(message_of<ShapeError>([&] { kit::random_starts(stream, 7, 1, generator); }) ==
        "random_starts: a stream of 7 tokens: has no window of 7 and its targets: shorten the "
        "window or give more text");
}

TEST_CASE("kit datasets: two moons lie on their half circles") {
  Generator generator(1);
  const kit::Classified moons = kit::two_moons(7, 0, generator);
  CHECK(moons.points.shape() == Shape{7, 2});
  CHECK(moons.labels.to_vector() == std::vector<double>{0, 0, 0, 1, 1, 1, 1});
  const auto p = moons.points.to_vector();
  CHECK(p[0] == 1);
  CHECK(std::abs(p[2] - 0) < 1e-6);
  CHECK(p[3] == 1);
  CHECK(std::abs(p[4] + 1) < 1e-6);
  CHECK(p[6] == 0);
  CHECK(p[7] == 0.5);
  for (int i = 0; i < 7; ++i) {
    const double x = i < 3 ? p[2 * i] : 1 - p[2 * i], y = i < 3 ? p[2 * i + 1] : 0.5 - p[2 * i + 1];
    CHECK(std::abs(x * x + y * y - 1) < 1e-6);
    CHECK(y > -1e-6);
  }
  const auto noisy = kit::two_moons(2000, 0.1, generator).points.to_vector();
  double squares = 0;
  for (int i = 0; i < 1000; ++i) {
    const double t = std::numbers::pi * i / 999;
    squares += std::pow(noisy[2 * i] - std::cos(t), 2) + std::pow(noisy[2 * i + 1] - std::sin(t), 2);
  }
  CHECK(std::abs(std::sqrt(squares / 2000) - 0.1) < 0.005);
  CHECK(message_of<ShapeError>([&] { kit::two_moons(1, 0, generator); }) ==
        "two_moons: 1 points: give at least one per moon");
}

TEST_CASE("kit datasets: the two regression curves") {
  Generator generator(5);
  double line_squares = 0, power_squares = 0;
  int points = 0;
  for (int round = 0; round < 100; ++round) {
    const kit::Curve line = kit::sine_plus_line(generator), power = kit::sine_plus_power(generator);
    REQUIRE(line.x.size() == 40);
    REQUIRE(power.x.size() == 50);
    CHECK(std::is_sorted(line.x.begin(), line.x.end()));
    CHECK(line.x.front() >= 0);
    CHECK(line.x.back() < 5);
    for (int i = 0; i < 40; ++i, ++points) {
      line_squares += std::pow(line.y[i] - 2 * std::sin(line.x[i]) - line.x[i], 2);
      power_squares += std::pow(power.y[i] - 2 * std::sin(power.x[i]) - std::pow(power.x[i], 0.8), 2);
    }
    REQUIRE(line.queries.size() == 50);
    CHECK(line.queries[49] == 4.9);
    CHECK(line.truth[10] == 2 * std::sin(1.0) + 1);
    CHECK(power.truth[20] == 2 * std::sin(2.0) + std::pow(2.0, 0.8));
  }
  CHECK(std::abs(std::sqrt(line_squares / points) - 1) < 0.05);
  CHECK(std::abs(std::sqrt(power_squares / points) - 0.5) < 0.025);
}

TEST_CASE("kit datasets: the source tree is read in the order of its paths") {
  const heed::test::TempDir dir;
  for (const char* folder : {"core/kernels", "autograd", "nn", "optim", "examples/kit"})
    std::filesystem::create_directories(dir.path() / folder);
  core::write_file_atomic(dir / "core/b.h", "2");
  core::write_file_atomic(dir / "core/kernels/a.cpp", "3");
  core::write_file_atomic(dir / "core/readme.md", "no");
  core::write_file_atomic(dir / "autograd/z.h", "1");
  core::write_file_atomic(dir / "optim/o.cpp", "4");
  CHECK(kit::source_tree_text(dir.path()) == "1234");
  std::filesystem::remove_all(dir.path() / "nn");
  CHECK(message_of<IoError>([&] { kit::source_tree_text(dir.path()); }) ==
        "source tree: \"" + (dir / "nn") + "\": does not exist: give a text to learn from with --text FILE");
}

TEST_CASE("kit datasets: heed's own source is a corpus") {
  const std::string text = kit::source_tree_text();
  CHECK(text.size() > 100'000);
  CHECK(text.find("class Tensor {") != std::string::npos);
}

TEST_CASE("kit tables: blank lines at the end and every kind of line end are read") {
  const std::vector<kit::Row> rows = {{"a", "b"}, {"c", "d"}};
  for (const std::string end : {"\n", "\r\n", "\r"})
    for (const std::string blank : {"", "\n", "\r\n", "\r\r", "\n \n\t\n"}) {
      if (end == "\r" && blank.find('\n') != std::string::npos) continue;
      CAPTURE(end, blank);
      CHECK(kit::parse_tsv("a\tb" + end + "c\td" + end + blank, "t") == rows);
      CHECK(kit::parse_csv("a,b" + end + "c,d" + end + blank, "t") == rows);
    }
  CHECK(kit::parse_tsv("a\tb\nc\td", "t") == rows);
  CHECK(kit::parse_tsv("", "t").empty());
  CHECK(kit::parse_tsv("\n\n", "t").empty());
  CHECK(message_of<FormatError>([] { kit::parse_tsv("a\tb\n\nc\td\n", "t"); }) ==
        "t:2: 1 column: expected 2: each row has as many");
  const heed::test::TempDir dir;
  core::write_file_atomic(dir / "lines", "a\rb\r\nc\n\nd");
  CHECK(kit::read_lines(dir / "lines") == std::vector<std::string>{"a\rb", "c", "", "d"});
  core::write_file_atomic(dir / "lines", "a\r\rb\r");
  CHECK(kit::read_lines(dir / "lines") == std::vector<std::string>{"a", "", "b"});
}

TEST_CASE("kit idx: sizes whose product overflows are refused, also beside an axis of 0") {
  for (const std::string& axes : {std::string("\0\0\0\0", 4), std::string("\0\0\0\1", 4)}) {
    const std::string file = std::string("\0\0\x08\x04", 4) + axes + std::string(12, '\xff');
    CHECK(message_of<FormatError>([&] { kit::parse_idx(file, "x.idx"); }).find("x.idx: byte ") == 0);
  }
}
