// What every demo promises: its command line, its messages, its exit codes.
#include "support/catch.h"

#include <algorithm>

#include <heed/core/files/file.h>

#include "support/errors.h"
#include "support/run_program.h"

using namespace heed;
using heed::test::contains;
using heed::test::Ran;
using heed::test::run_program;
using heed::test::run_shell;
using heed::test::TempDir;

namespace {

struct Demo {
  std::string name, small;              // options for a very short run
  std::vector<std::string> made, keys;  // files, and keys of the JSON object
  bool random = true;                   // the seed makes a difference
};

const std::vector<Demo> demos = {
    {"attention_by_hand",
     " --exercise small",
     {"worksheet.html", "answer_key.html", "attention.html", "attention.svg", "graph.dot"},
     {"tokens", "published_error", "library_error", "holds"}},
    {"kernel_regression",
     " --seeds 2",
     {"curves.svg", "weights.svg", "kernels.svg", "learnt_width.svg", "film.html", "metrics.jsonl", "index.html",
      "settings.json"},
     {"mse", "seeds", "loss_first", "loss_last", "loss_falls", "w", "fixed_mse", "learnt_mse", "attention_difference"}},
    {"induction_head",
     " --steps 3 --width 8",
     {"model.safetensors", "heads.svg", "patterns.svg"},
     {"accuracy", "previous_head", "induction_heads", "previous", "induction", "without", "without_induction",
      "from_keys", "from_queries", "from_values", "proved"}},
    {"two_moons",
     " --seeds 2 --steps 3",
     {"boundary.svg", "loss.svg", "film.html", "metrics.jsonl", "index.html", "settings.json"},
     {"accuracy", "loss", "mean_accuracy", "perfect", "seeds"}},
    {"flash_attention_by_hand", " --longest 128", {"memory.svg"}, {"error", "tokens", "plain_bytes", "fused_bytes"}},
    {"positions", " --positions 16", {"positions.svg"}, {"sinusoid_spread", "rope_spread", "slopes"}, false}};

std::string in(const TempDir& dir) { return " --out '" + dir.path().string() + "'"; }

}  // namespace

TEST_CASE("Demos: --help says what each option does and its default") {
  for (const Demo& demo : demos) {
    INFO(demo.name);
    const Ran ran = run_program(demo.name + " --help");
    CHECK(ran.exit_code == 0);
    CHECK(ran.err.empty());
    for (const char* option : {"--seed N", "--threads N", "--out DIR", "--steps N", "--json", "--quiet"})
      CHECK(contains(ran.out, option));
    CHECK(contains(ran.out, "default out/" + demo.name));
    for (const std::string& key : demo.keys) CHECK(contains(ran.out, "\n  " + key + " "));
  }
}

TEST_CASE("Demos: make the files that they list, and end with one JSON object with the documented keys") {
  for (const Demo& demo : demos) {
    INFO(demo.name);
    const TempDir dir;
    const Ran ran = run_program(demo.name + demo.small + " --json" + in(dir));
    CHECK(ran.exit_code == 0);
    const kit::Json json = ran.json();
    const auto& results = json.as_object();
    REQUIRE(results.size() == demo.keys.size());
    for (size_t i = 0; i < results.size(); ++i) CHECK(results[i].first == demo.keys[i]);
    CHECK(dir.count() == static_cast<int>(demo.made.size()));
    for (const std::string& file : demo.made) {
      INFO(file);
      CHECK(contains(ran.out, dir / file));
      const std::string text = core::read_file(dir / file);
      CHECK(text.size() > (file.find(".json") == std::string::npos ? 500 : 100));
      for (const char* load : {"src=\"", "href=\"http", "url(http", "@import"})
        CHECK_FALSE(contains(text, load));  // nothing is loaded from anywhere
      if (file.ends_with(".svg")) CHECK_FALSE(contains(text, "nan"));
      if (file.ends_with(".safetensors")) continue;
      const char* end = file.ends_with(".svg") ? "</svg>\n" : file.ends_with(".html") ? "</html>\n" : "}\n";
      CHECK(text.ends_with(end));
    }
  }
}

TEST_CASE("Demos: same seed, same output and same files, for any number of threads") {
  for (const Demo& demo : demos) {
    INFO(demo.name);
    const TempDir first, second, other;
    const auto result = [&](const TempDir& dir, const std::string& options) {
      const Ran ran = run_program(demo.name + demo.small + options + in(dir));
      CHECK(ran.exit_code == 0);
      std::string all = ran.out.substr(0, ran.out.find("made  "));
      for (const std::string& file : demo.made)
        if (file != "index.html" && file != "settings.json")  // time and memory, the folder
          all += core::read_file(dir / file);
      return all;
    };
    const std::string seven = result(first, " --seed 7 --threads 1");
    CHECK(seven == result(second, " --seed 7 --threads 3"));
    CHECK((seven != result(other, " --seed 8")) == demo.random);
  }
}

TEST_CASE("Demos: a mistake in the command line gives one line and exit code 2") {
  for (const Demo& demo : demos) {
    INFO(demo.name);
    Ran ran = run_program(demo.name + " --sede 3");
    CHECK(ran.exit_code == 2);
    CHECK(ran.out.empty());
    CHECK(ran.err == demo.name + ": --sede: unknown option: did you mean --seed?\n");
    ran = run_program(demo.name + " --steps -1");
    CHECK(ran.exit_code == 2);
    CHECK(ran.err ==
          demo.name + ": --steps: \"-1\": is out of range: give an integer of at least 0 and at most 1e+09\n");
  }
  CHECK(run_program("kernel_regression --steps 0").err ==
        "kernel_regression: --steps: 0: nothing would be learnt: give at least 1\n");
  CHECK(run_program("attention_by_hand --exercise tiny").err ==
        "attention_by_hand: --exercise: \"tiny\": is not a choice: give one of classic, small, medium, large\n");
}

TEST_CASE("Demos: an error at run time is one line on stderr and exit code 1") {
  for (const Demo& demo : demos) {
    INFO(demo.name);
    const Ran ran = run_program(demo.name + demo.small + " --quiet --out /dev/null/folder");
    CHECK(ran.exit_code == 1);
    CHECK(ran.err.rfind(demo.name + ": ", 0) == 0);
    CHECK(contains(ran.err, "/dev/null/folder"));
    CHECK(ran.err.find('\n') == ran.err.size() - 1);
  }
}

TEST_CASE("Demos: no escape sequences and no carriage returns without a terminal") {
  for (const Demo& demo : demos) {
    INFO(demo.name);
    const TempDir dir;
    for (const char* environment : {"TERM=xterm-256color ", "NO_COLOR=1 "}) {
      const Ran ran = run_shell(environment + std::string(HEED_BIN_DIR "/") + demo.name + demo.small + in(dir));
      CHECK(ran.exit_code == 0);
      CHECK((ran.out + ran.err).find_first_of("\r\033") == std::string::npos);
    }
    CHECK(run_program(demo.name + demo.small + " --quiet" + in(dir)).err.empty());
  }
}

TEST_CASE("Demos: a reader that closes the pipe early is not an error") {
  for (const Demo& demo : demos) {
    INFO(demo.name);
    const TempDir dir;
    const Ran ran = run_shell(HEED_BIN_DIR "/" + demo.name + demo.small + " --quiet" + in(dir) + " | head -n 1");
    CHECK(ran.exit_code == 0);
    CHECK(ran.err.empty());
    CHECK(std::count(ran.out.begin(), ran.out.end(), '\n') == 1);
  }
}
