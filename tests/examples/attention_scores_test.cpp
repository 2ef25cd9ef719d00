// The database, and every score on one task: which learn it, which cannot, and what the program says of them.
#include "support/catch.h"

#include <heed/core/files/file.h>

#include "support/errors.h"
#include "support/run_program.h"

using namespace heed;
using heed::test::contains;
using heed::test::Ran;
using heed::test::run_program;
using heed::test::TempDir;

namespace {

struct ScoresRun {
  Ran ran;
  std::string picture;
};

ScoresRun run_scores(const std::string& options) {
  const TempDir dir;
  const Ran ran =
      run_program("attention_scores --quiet --threads 1 --json --out '" + dir.path().string() + "'" + options);
  return {ran, ran.exit_code == 0 ? core::read_file(dir / "scores.svg") : ""};
}

}  // namespace

TEST_CASE("attention_scores: exact, soft and average look-ups of a name") {
  const ScoresRun run = run_scores(" --steps 0");
  REQUIRE(run.ran.exit_code == 0);
  const kit::Json answers = run.ran.json().at("database");
  CHECK(answers.at("exact").as_string() == "Mu");
  CHECK(answers.at("best").as_string() == "Mu");
  CHECK(answers.at("soft").as_string() == "Mu");
  CHECK(answers.at("average").as_string() == "a tie");
  CHECK(answers.at("exact_without").as_string() == "nobody");
  CHECK(answers.at("soft_without").as_string() == "Zachary");  // Li is most like Lipton
  CHECK(contains(run.ran.out, "0.167   0.167   0.167   0.167   0.167   0.167   a tie"));
}

TEST_CASE("attention_scores: which scores learn where to look, and which cannot", "[slow]") {
  const ScoresRun run = run_scores("");
  REQUIRE(run.ran.exit_code == 0);
  const kit::Json results = run.ran.json();
  const auto accuracy = [&](const char* score) {
    INFO(score);
    return results.at("accuracy").at(score).as_number();
  };
  for (const char* score :
       {"dot", "scaled_dot", "cosine_learnt", "elementwise", "multiplicative", "additive", "context", "mlp", "gaussian",
        "triangular", "sparsemax", "sigmoid", "local_m", "heads_dot", "heads_gaussian"}) {
    INFO(score);
    CHECK(accuracy(score) > 0.95);
  }
  CHECK(accuracy("cosine") < 0.95);  // too soft
  CHECK(accuracy("cosine") > 0.6);
  CHECK(accuracy("location") < 0.55);  // depends on positions, not on letters
  CHECK(accuracy("location") > results.at("own_place").as_number());
  CHECK(accuracy("constant") < 0.4);
  CHECK(accuracy("hard") < 0.4);  // no gradient
  CHECK(accuracy("boxcar") < 0.4);
  CHECK(results.at("own_place").as_number() == Approx(1.0 / 3 + 2.0 / 3 / 8).margin(0.03));
  CHECK(results.at("parameters").at("dot").as_integer() == 0);
  CHECK(results.at("parameters").at("additive").as_integer() == 2 * (16 * 16 + 16) + 17);
  CHECK(contains(run.picture, "<svg"));
  for (const auto& [score, value] : results.at("accuracy").as_object()) {
    INFO(score);
    CHECK(contains(run.picture, ">" + score + "  "));  // one panel per row
    CHECK(contains(run.ran.out, "  " + score + " "));
  }
}

TEST_CASE("attention_scores: the same seed gives the same results") {
  const auto accuracies = [](const std::string& options) {
    return run_scores(" --steps 3" + options).ran.json().at("accuracy").at("additive").as_number();
  };
  CHECK(accuracies(" --seed 5") == accuracies(" --seed 5"));
  CHECK(run_scores(" --stepz 3").ran.exit_code == 2);
}
