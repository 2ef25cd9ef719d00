// Kernel regression against an independent computation of the same settings.
#include "support/catch.h"

#include <map>

#include "support/run_program.h"

using namespace heed;
using heed::test::run_program;
using heed::test::TempDir;

namespace {

kit::Json results_of(const std::string& options) {
  const TempDir dir;
  return run_program("kernel_regression --quiet --json" + options + " --out '" + dir.path().string() + "'").json();
}

// Means of the mean squared error over 2,000 data sets.
const std::map<std::string, double> expected = {
    {"gaussian", 0.459}, {"boxcar", 0.275},       {"triangular", 0.181},   {"epanechikov", 0.195},
    {"constant", 0.900}, {"gaussian_0.1", 0.427}, {"gaussian_0.2", 0.234}, {"gaussian_0.5", 0.200}};

void check_errors(const kit::Json& mse, double tolerance) {
  REQUIRE(mse.as_object().size() == expected.size());
  for (const auto& [kernel, error] : expected) {
    INFO(kernel);
    CHECK(mse.at(kernel).as_number() == Approx(error).epsilon(tolerance));
  }
  const auto error = [&](const char* kernel) { return mse.at(kernel).as_number(); };
  CHECK(error("constant") > error("gaussian"));
  CHECK(error("gaussian") > error("boxcar"));
  CHECK(error("boxcar") > error("triangular"));
  CHECK(error("gaussian_0.5") < error("gaussian_0.1"));
  CHECK(error("gaussian_0.5") < error("gaussian"));
}

}  // namespace

TEST_CASE("kernel_regression: errors of eight kernels over 400 data sets, within 8 %") {
  check_errors(results_of(" --seeds 400 --seed 9000").at("mse"), 0.08);
}

TEST_CASE("kernel_regression: errors of eight kernels over 2,000 data sets, within 5 %", "[slow]") {
  check_errors(results_of(" --seeds 2000").at("mse"), 0.05);
}

TEST_CASE("kernel_regression: the learnt width over 500 data sets") {
  const kit::Json results = results_of(" --seeds 500 --seed 3000");
  const auto value = [&](const char* key) { return results.at(key).as_number(); };
  CHECK(value("loss_first") >= 45);
  CHECK(value("loss_first") <= 49);
  CHECK(value("loss_last") >= 16.5);
  CHECK(value("loss_last") <= 19);
  CHECK(value("loss_falls") >= 0.95);
  CHECK(value("fixed_mse") >= 0.40);
  CHECK(value("fixed_mse") <= 0.43);
  CHECK(value("learnt_mse") >= 0.10);
  CHECK(value("learnt_mse") <= 0.13);
  CHECK(value("w") > 8);
  CHECK(value("w") < 16);
}

TEST_CASE("kernel_regression: the same values as dot-product attention if all keys have the same length") {
  CHECK(results_of(" --seeds 1").at("attention_difference").as_number() < 1e-14);
}
