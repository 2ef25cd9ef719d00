// Two moons against micrograd's published run: 100 % after 100 steps, loss 0.011.
#include "support/catch.h"

#include "support/run_program.h"

using namespace heed;
using heed::test::run_program;
using heed::test::TempDir;

TEST_CASE("two_moons: of a hundred networks at least eighty are perfect") {
  const TempDir dir;
  const auto results = run_program("two_moons --seeds 100 --json --out '" + dir.path().string() + "'").json();
  CHECK(results.at("seeds").as_integer() == 100);
  CHECK(results.at("perfect").as_integer() >= 80);
  CHECK(results.at("mean_accuracy").as_number() >= 0.995);
  CHECK(results.at("mean_accuracy").as_number() <= 1.0);
}

TEST_CASE("two_moons: PyTorch's initial weights learn more slowly") {
  const TempDir dir;
  const auto results =
      run_program("two_moons --seeds 100 --init pytorch --json --out '" + dir.path().string() + "'").json();
  CHECK(results.at("perfect").as_integer() >= 30);
  CHECK(results.at("perfect").as_integer() <= 70);
}

TEST_CASE("two_moons: --doctor examines the run instead of training") {
  const TempDir dir;
  const std::string in = " --out '" + dir.path().string() + "'";
  const auto ran = run_program("two_moons --doctor" + in);
  CHECK(ran.exit_code == 0);
  CHECK(ran.out.find("healthy: no check found a fault") != std::string::npos);
  CHECK(ran.out.find("published") == std::string::npos);
  CHECK(std::filesystem::exists(dir.path() / "learning_rates.svg"));
  CHECK_FALSE(std::filesystem::exists(dir.path() / "boundary.svg"));
  const auto ran_json = run_program("two_moons --doctor --json" + in);
  CHECK(ran_json.exit_code == 0);
  CHECK(ran_json.json().at("loss").is_null());
}

TEST_CASE("two_moons: the loss of an untrained network is that of guessing") {
  const TempDir dir;
  const auto results =
      run_program("two_moons --steps 0 --init pytorch --json --out '" + dir.path().string() + "'").json();
  CHECK(results.at("loss").as_number() == Approx(1.0).margin(0.15));  // scores near 0: max(0, 1 - 0)
}
