// Whole runs of char_gpt: stopped and resumed, on several numbers of threads, with accumulated gradients.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <heed/core/files/file.h>
#include <heed/examples/kit/metrics_log.h>

#include "support/catch.h"
#include "support/errors.h"
#include "support/run_program.h"

using namespace heed;
using heed::test::contains;
using heed::test::Ran;
using heed::test::run_program;
using heed::test::TempDir;

namespace {

// 3,000 characters, twelve of them distinct, in an order that can be learnt.
std::string text_file(const TempDir& dir) {
  std::string text;
  uint32_t state = 1;
  while (text.size() < 3000) {
    state = state * 1664525u + 1013904223u;
    text += "abcdefghijkl"[(state >> 28) % 12];
    if (text.back() == 'a') text += "bc";
  }
  core::write_file_atomic(dir / "text.txt", text);
  return dir / "text.txt";
}

const std::string tiny =
    " --layers 1 --heads 2 --width 16 --context 8 --warmup 2 --dropout 0.2 --eval-every 2"
    " --save-every 2 --characters 0 --quiet";

Ran train(const std::string& text, const std::string& options, const TempDir& out) {
  return run_program("char_gpt --text '" + text + "'" + options + " --out '" + out.path().string() + "'");
}

// The files of a run: parameters, optimizer and counters; parameters alone; all logged values.
const char* const results[] = {"checkpoint.safetensors", "model.safetensors", "metrics.jsonl"};

}  // namespace

TEST_CASE("char_gpt: stopped at any step and resumed, a run is the same run, byte for byte") {
  const TempDir data, whole;
  const std::string text = text_file(data), options = tiny + " --batch 3 --steps 7 --seed 5";
  REQUIRE(train(text, options, whole).exit_code == 0);
  for (int stop = 1; stop < 7; ++stop) {
    INFO("stopped at " << stop);
    const TempDir parts;
    const std::string at = " --stop-at " + std::to_string(stop);
    const Ran first = train(text, options + at, parts);
    CHECK(first.exit_code == 0);
    CHECK(contains(first.err,
                   "stopped at step " + std::to_string(stop) + "; checkpoint and model saved. To write with it:"));
    CHECK(contains(first.err, "--resume=" + parts / "checkpoint.safetensors"));
    for (const char* file : {"checkpoint.safetensors", "metrics.jsonl"})
      CHECK(core::read_file(parts / file) != core::read_file(whole / file));
    // With its --stop-at, as in the command that it printed: after that step the option has no effect.
    const std::string resume = " --resume '" + parts / "checkpoint.safetensors" + "'";
    CHECK(train(text, options + at + resume, parts).exit_code == 0);
    for (const char* file : results) {
      INFO(file);
      CHECK(core::read_file(parts / file) == core::read_file(whole / file));
    }
  }
}

TEST_CASE("char_gpt: a run is the same with 1, 2 and 3 threads, byte for byte") {
  const TempDir data, one;
  const std::string text = text_file(data),
                    options =
                        " --layers 2 --heads 4 --width 64 --context 32 --batch 40 --steps 4"
                        " --warmup 2 --dropout 0.1 --eval-every 2 --prompt abc --characters 20 --quiet";
  REQUIRE(train(text, options + " --threads 1", one).exit_code == 0);
  for (const char* threads : {" --threads 2", " --threads 3"}) {
    INFO(threads);
    const TempDir several;
    CHECK(train(text, options + threads, several).exit_code == 0);
    for (const char* file : results) {
      INFO(file);
      CHECK(core::read_file(several / file) == core::read_file(one / file));
    }
    CHECK(core::read_file(several / "attention.html") == core::read_file(one / "attention.html"));
  }
}

TEST_CASE("char_gpt: --accumulate takes the steps of a larger batch") {
  const TempDir data, whole, parts, small;
  const std::string text = text_file(data),
                    options = tiny + " --dropout 0 --lr 0.01 --steps 12";  // the last one wins
  REQUIRE(train(text, options + " --batch 12", whole).exit_code == 0);
  REQUIRE(train(text, options + " --batch 4 --accumulate 3", parts).exit_code == 0);
  REQUIRE(train(text, options + " --batch 4", small).exit_code == 0);
  for (const char* metric : {"loss", "val_loss"}) {
    const auto of = [&](const TempDir& dir) { return kit::read_metric(dir / "metrics.jsonl", metric).values; };
    const std::vector<double> at_once = of(whole), in_parts = of(parts), fewer = of(small);
    REQUIRE(at_once.size() == in_parts.size());
    REQUIRE(at_once.size() >= 6);
    double worst = 0, other = 0;
    for (size_t i = 0; i < at_once.size(); ++i) {
      worst = std::max(worst, std::abs(in_parts[i] / at_once[i] - 1));
      other = std::max(other, std::abs(fewer[i] / at_once[i] - 1));
    }
    CAPTURE(metric, worst, other);
    CHECK(worst < 1e-4);
    CHECK(other > 1e-3);
  }
  const Ran refused = train(text, options + " --batch 4 --resume '" + parts / "checkpoint.safetensors" + "'", parts);
  CHECK(refused.exit_code == 2);
  CHECK(contains(refused.err, "was made with --accumulate 3 (here 1): give the options that it was made with"));
}
