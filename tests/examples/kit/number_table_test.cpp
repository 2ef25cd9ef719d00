#include "support/catch.h"

#include <cmath>

#include <heed/autograd/ops.h>
#include <heed/examples/kit/data/number_table.h>
#include "support/errors.h"

using namespace heed;
using test::message_of;

namespace {

kit::NumberTable table(const std::string& text, char separator = ',') {
  return kit::parse_number_table(text, "t.csv", separator);
}

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

TEST_CASE("kit tables: numbers are those that Python's float() reads") {
  const auto read = [](const std::string& field) {
    return table("a,b\n" + field + ",0\n").columns({"a"}).to_vector()[0];
  };
  for (const auto& [field, value] : std::vector<std::pair<std::string, double>>{{"+1", 1},
                                                                                {" 1", 1},
                                                                                {"1\t", 1},
                                                                                {"1e5", 1e5},
                                                                                {"1E+2", 100},
                                                                                {"-.5", -0.5},
                                                                                {"5.", 5},
                                                                                {"inf", INFINITY},
                                                                                {"-Infinity", -INFINITY},
                                                                                {"+inf", INFINITY},
                                                                                {"\"2.5\"", 2.5},
                                                                                {"007", 7},
                                                                                {"1e-400", 0},
                                                                                {"0e999", 0}}) {
    INFO(field);
    CHECK(read(field) == value);
  }
  for (const char* field : {"", " ", "\"\"", "nan", "NaN", "NAN", "NA", "na", "+nan", "-nan"}) {
    INFO(field);
    CHECK(std::isnan(read(field)));
  }
  for (const char* field :
       {"1_000", "0x10", "1e", "1 2", "--1", "+-1", "++1", "nan(1)", "1e5.5", "e5", "1e+-400", "infin"}) {
    INFO(field);
    CHECK(test::contains(message_of<FormatError>([&] { read(field); }), "is not a number"));
  }
  for (const char* field : {"1e39", "-1e400"}) {
    INFO(field);
    CHECK(message_of<FormatError>([&] { read(field); }) ==
          "t.csv: line 2, column 1 (\"a\"): \"" + std::string(field) +
              "\": is too large for float32: divide the column by a power of ten");
  }
}

TEST_CASE("kit tables: lines are counted as editors count them") {
  const std::string text =
      "\xEF\xBB\xBF"
      "a,note\r\n1,\"two\nlines\"\r\n2,x\r\n3x,y\r\n\r\n\r\n";
  CHECK(table(text).rows() == 3);
  CHECK(table(text).names()[0] == "a");
  CHECK(message_of<FormatError>([&] { table(text).columns({"a"}); }) ==
        "t.csv: line 5, column 1 (\"a\"): \"3x\": is not a number: leave the column out, or read it with classes()");
  CHECK(message_of<FormatError>([] { table("a,b\n1,2\n\n3,4\n"); }) == "t.csv:3: is blank: remove the line");
  CHECK(message_of<FormatError>([] { table("\na,b\n1,2\n"); }) ==
        "t.csv:2: 2 columns: expected 1: each row has as many");
  CHECK(message_of<FormatError>([] { table("\n1\n"); }) ==
        "t.csv: line 1: is blank: the first line must name the columns");
  CHECK(std::isnan(table("a\n1\n\n3\n").columns({"a"}).to_vector()[1]));
}

TEST_CASE("kit tables: other separators are noticed") {
  CHECK(message_of<FormatError>([] { table("a;b\n1;2\n"); }) ==
        "t.csv: line 1: one column, \"a;b\": its names seem to be separated by ';': pass this character as the "
        "separator");
  CHECK(test::contains(message_of<FormatError>([] { table("a\tb\n1\t2\n"); }), "separated by '\\t': pass"));
  CHECK(table("a;b\n1;2\n", ';').columns({"b"}).to_vector() == std::vector<double>{2});
  CHECK(message_of<FormatError>([] { table("a;b\n1,5;2\n", ';').columns({"a"}); }) ==
        "t.csv: line 2, column 1 (\"a\"): \"1,5\": is not a number: write a point, not a comma, before decimals");
}

TEST_CASE("kit tables: mistakes in a CSV file of numbers are named") {
  const kit::NumberTable t = table("length,species\n1,rose\n2x,lily\n");
  CHECK(
      message_of<FormatError>([&] { t.columns({"length"}); }) ==
      "t.csv: line 3, column 1 (\"length\"): \"2x\": is not a number: leave the column out, or read it with classes()");
  CHECK(message_of<IndexError>([&] { t.columns({"lenght"}); }) ==
        "t.csv: has no column \"lenght\": did you mean \"length\"?");
  CHECK(table("a\n3.4028235e38\n-3.40282356e38\n").columns({"a"}).to_vector() ==
        std::vector<double>{3.4028234663852886e38, -3.4028234663852886e38});
  CHECK(message_of<IndexError>([&] { kit::parse_number_table("1,2\n3,4\n", "t.csv").columns({"width"}); }) ==
        "t.csv: has no column \"width\": the first line names \"1, 2\"");
  CHECK(message_of<FormatError>([&] { t.classes("species", {"rose"}); }) ==
        "t.csv: line 3, column 2 (\"species\"): \"lily\": is none of the 1 labels: add it to them");
  CHECK(message_of<FormatError>([] { table("a,b,a\n1,2,3\n"); }) ==
        "t.csv: columns 1 and 3 are both named \"a\": give each a name of its own");
  CHECK(message_of<FormatError>([&] { t.classes("species", {"rose", "lily", "rose"}); }) ==
        "t.csv: classes of column \"species\": 3 labels, of which 2 are distinct: give each once");
  CHECK(message_of<FormatError>([] { table(""); }) == "t.csv: is empty: its first row must name the columns");
  CHECK_THROWS_AS(table("a,b\n1\n"), FormatError);
}
