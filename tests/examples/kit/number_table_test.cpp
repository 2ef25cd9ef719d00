#include "support/catch.h"

#include <cmath>

#include <heed/autograd/ops.h>
#include <heed/examples/kit/data/number_table.h>
#include "support/errors.h"

using namespace heed;
using test::message_of;

namespace {

kit::NumberTable table(const std::string& text) { return {kit::parse_csv(text, "t.csv"), "t.csv"}; }

}  // namespace

TEST_CASE("kit tables: columns of a CSV file become tensors") {
  const kit::NumberTable t = table("length, width ,species\n1.5,2,rose\n-3e2, 4 ,\"a, lily\"\n,NA,rose\n");
  CHECK(t.rows() == 3);
  CHECK(t.names() == kit::Row{"length", "width", "species"});
  const Tensor x = t.columns({"width", "length"});
  CHECK(x.shape() == Shape({3, 2}));
  CHECK(x.dtype() == Dtype::f32);
  const std::vector<double> values = x.to_vector();
  CHECK(std::vector<double>(values.begin(), values.begin() + 4) == std::vector<double>{2, 1.5, 4, -300});
  CHECK(std::isnan(values[4]));
  CHECK(std::isnan(values[5]));
  CHECK(t.labels("species") == kit::Row{"a, lily", "rose"});
  CHECK(t.classes("species").to_vector() == std::vector<double>{1, 0, 1});
  CHECK(t.classes("species", {"rose", "tulip", "a, lily"}).to_vector() == std::vector<double>{0, 2, 0});
  CHECK(table("a,b\n").columns({"a"}).shape() == Shape({0, 1}));
  CHECK(t.columns({}).shape() == Shape({3, 0}));
}

TEST_CASE("kit tables: mistakes in a CSV file of numbers are named") {
  const kit::NumberTable t = table("length,species\n1,rose\n2x,lily\n");
  CHECK(message_of<FormatError>([&] { t.columns({"length"}); }) ==
        "t.csv: row 2, column \"length\": \"2x\": is not a number: leave the column out, or read it with classes()");
  CHECK(message_of<IndexError>([&] { t.columns({"lenght"}); }) ==
        "t.csv: has no column \"lenght\": did you mean \"length\"?");
  CHECK(message_of<FormatError>([&] { t.classes("species", {"rose"}); }) ==
        "t.csv: row 2, column \"species\": \"lily\": is none of the 1 labels: add it to them");
  CHECK(message_of<FormatError>([] { table("a,b,a\n1,2,3\n"); }) ==
        "t.csv: two columns are named \"a\": give each a name of its own");
  CHECK(message_of<FormatError>([] { table(""); }) == "t.csv: is empty: its first row must name the columns");
  CHECK_THROWS_AS(table("a,b\n1\n"), FormatError);
}
