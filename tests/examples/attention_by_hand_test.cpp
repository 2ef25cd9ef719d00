// The exercise by hand: its values, its two conventions, its sheets.
#include "support/catch.h"

#include <algorithm>
#include <cmath>

#include <heed/core/files/file.h>
#include <heed/core/text.h>
#include <heed/examples/kit/pictures/worksheet.h>

#include "support/errors.h"
#include "support/run_program.h"

using namespace heed;
using heed::test::contains;
using heed::test::message_of;
using heed::test::Ran;
using heed::test::run_program;
using heed::test::TempDir;

namespace {

struct Sheets {
  Ran ran;
  std::string blank, key;
};

Sheets run(const std::string& options) {
  const TempDir dir;
  const Ran ran = run_program("attention_by_hand --json --out '" + dir.path().string() + "'" + options);
  return {ran, core::read_file(dir / "worksheet.html"), core::read_file(dir / "answer_key.html")};
}

int count(const std::string& text, const std::string& part) {
  int n = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

/// The values in the boxes of a sheet.
std::vector<double> numbers_of(const std::string& html) {
  std::vector<double> numbers;
  for (size_t at = html.find("<td>"); at != std::string::npos; at = html.find("<td>", at + 1))
    if (const auto number = parse_double(std::string_view(html).substr(at + 4, html.find('<', at + 4) - at - 4)))
      numbers.push_back(*number);
  return numbers;
}

}  // namespace

TEST_CASE("attention_by_hand: the classic has its published values, in both conventions") {
  const Sheets sheets = run("");
  const kit::Json results = sheets.ran.json();
  CHECK(sheets.ran.exit_code == 0);
  CHECK(results.at("tokens").as_integer() == 4);
  CHECK(results.at("published_error").as_number() < 1e-9);  // nine digits are published
  CHECK(results.at("library_error").as_number() < 1e-12);
  CHECK(results.at("holds").as_bool());
  // A column of A on paper is a row of A in heed.
  CHECK(contains(sheets.ran.out, "0.258 0.253 0.376 0.077"));
  CHECK(contains(sheets.ran.out, "0.258 0.459 0.026 0.258"));
  // Z: its columns on paper are rows in heed.
  CHECK(contains(sheets.ran.out, "10.31 10.11 15.03  3.06"));
  CHECK(contains(sheets.ran.out, "10.31  2.83  4.59"));
  CHECK(count(sheets.ran.out, "  holds\n") == 2);
}

TEST_CASE("attention_by_hand: dot product and cosine put keys in different orders") {
  const std::string out = run("").ran.out;
  CHECK(contains(out, "By dot product query 1 prefers key 2, by cosine key 1 (tied with key 4): the rankings differ."));
  CHECK(contains(out, "same direction"));
  for (const char* cosine : {"cosine 1\n", "cosine -1\n"}) CHECK(count(out, cosine) == 1);
  CHECK(count(out, "cosine 0\n") == 2);  // the right angle, and the zero vector
}

TEST_CASE("attention_by_hand: --steps prints the first steps, the sheets have all") {
  const Sheets two = run(" --steps 2"), all = run("");
  CHECK(contains(two.ran.out, "2. Scores"));
  CHECK_FALSE(contains(two.ran.out, "3. Scale"));
  CHECK(contains(two.ran.out, "6. Is it right?"));  // its table is always printed, so its heading is
  CHECK(contains(all.ran.out, "5. The weighted mean"));
  CHECK(two.key == all.key);
}

TEST_CASE("attention_by_hand: the worksheet has an empty box for each value of the answer key") {
  for (const char* options : {"", " --rows", " --exercise small", " --exercise large --seed 3"}) {
    INFO(options);
    const Sheets sheets = run(std::string(" --steps 0") + options);
    const int empty = count(sheets.blank, "<td></td>");
    CHECK(empty > 80);
    CHECK(count(sheets.key, "<td></td>") == 0);
    CHECK(count(sheets.key, "<td>") == count(sheets.blank, "<td>"));
    CHECK(count(sheets.blank, "<table class=\"given\"") == 6);
    CHECK(sheets.ran.json().at("library_error").as_number() < 1e-12);
  }
}

TEST_CASE("attention_by_hand: another seed makes another exercise, except for the classic") {
  CHECK(run(" --steps 0 --exercise medium --seed 1").key != run(" --steps 0 --exercise medium --seed 2").key);
  CHECK(run(" --steps 0 --exercise medium --seed 1").key == run(" --steps 0 --exercise medium --seed 1").key);
  CHECK(run(" --steps 0 --seed 1").key == run(" --steps 0 --seed 2").key);
  CHECK(run(" --exercise medium").ran.json().at("published_error").is_null());
}

TEST_CASE("attention_by_hand: made exercises stay within the range of a pocket calculator") {
  for (int seed = 0; seed < 8; ++seed)
    for (const char* size : {"small", "medium", "large"}) {
      INFO(size << " " << seed);
      const Sheets sheets = run(" --steps 0 --exercise " + std::string(size) + " --seed " + std::to_string(seed));
      CHECK(sheets.ran.json().at("holds").as_bool());
      double largest = 0;
      for (const double number : numbers_of(sheets.key)) largest = std::max(largest, std::abs(number));
      CHECK(largest >= 10);
      CHECK(largest < 12 * std::exp(8 / std::sqrt(4.0)));  // no score is above 8, and a sum has at most twelve terms
    }
}

TEST_CASE("attention_by_hand: the graph leads from the given matrices through queries, keys and values to Z") {
  const TempDir dir;
  run_program("attention_by_hand --steps 0 --out '" + dir.path().string() + "'");
  const std::string graph = core::read_file(dir / "graph.dot");
  for (const char* label : {"X\\n(4, 6)", "W_Q\\n(3, 6)", "W_K\\n(3, 6)", "W_V\\n(3, 6)", "linear\\nQ", "linear\\nK",
                            "linear\\nV", "softmax\\nA", "matmul\\nZ\\n(4, 3)"}) {
    INFO(label << " in " << graph);
    CHECK(count(graph, "\"" + std::string(label)) == 1);
  }
}

TEST_CASE("Worksheet: text in columns, names above, signs in the middle") {
  const kit::Grid a{.name = "A", .rows = 2, .columns = 2, .values = {1, -2, 30, 4}};
  const kit::Grid b{.name = "Sum", .rows = 1, .columns = 1, .values = {0.125}, .decimals = 2};
  CHECK(kit::formula_lines({a, "=", b}) == std::vector<std::string>{"A         Sum", " 1 -2  =  0.12", "30  4"});
  CHECK(kit::side_by_side({"ab", "", "c"}, {"x", "y"}, 2) == std::vector<std::string>{"ab  x", "    y", "c"});
  const kit::Grid zero{.name = "Z", .rows = 1, .columns = 1, .values = {-0.001}, .decimals = 2};
  CHECK(kit::formula_lines({zero})[1] == "0.00");  // not -0.00
}

TEST_CASE("Worksheet: markup in titles and names is text") {
  kit::Worksheet sheet{.title = "<b>", .note = "a & b"};
  sheet.steps.push_back(
      {"<i>", "x < y", {{kit::Grid{.name = "W_Q", .rows = 1, .columns = 1, .values = {5}}, "\"<\""}}});
  const std::string html = kit::worksheet_html(sheet, true);
  CHECK(contains(html, "&lt;b&gt;"));
  CHECK(contains(html, "a &amp; b"));
  CHECK(contains(html, "<h2>&lt;i&gt;</h2>"));
  CHECK(contains(html, "W<sub>Q</sub>"));
  CHECK(contains(html, "<td>5</td>"));
  CHECK_FALSE(contains(html, "<i>"));
  CHECK_FALSE(contains(kit::worksheet_html(sheet, false), "<td>5</td>"));
}

TEST_CASE("Worksheet: a grid whose sizes do not fit its values is refused") {
  const kit::Grid grid{.name = "A", .rows = 2, .columns = 2, .values = {1, 2, 3}};
  const std::string message =
      "worksheet: A with 2 rows and 2 columns, but 3 values: give rows x columns of them, row by row";
  CHECK(message_of<ShapeError>([&] { kit::formula_lines({grid}); }) == message);
  CHECK(message_of<ShapeError>([&] { kit::worksheet_html({.title = "", .steps = {{"", "", {{grid}}}}}, false); }) ==
        message);
}
