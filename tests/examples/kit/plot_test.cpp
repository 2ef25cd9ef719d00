// Pictures: well-formed, deterministic, with the values they were given.
#include "support/catch.h"

#include <cmath>
#include <limits>

#include <heed/core/error.h>
#include <heed/core/files/file.h>
#include <heed/examples/kit/format.h>
#include <heed/examples/kit/pictures/plot.h>
#include <heed/examples/kit/pictures/svg.h>
#include <heed/examples/kit/pictures/terminal_plot.h>
#include "support/errors.h"
#include "support/temp_dir.h"

using namespace heed;
using heed::test::message_of;

namespace {

/// The first fault in an XML text's nesting, quotes or entities; "" if there is none.
std::string xml_fault(const std::string& text) {
  std::vector<std::string> open;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '&') {
      const size_t end = text.find(';', i);
      const std::string name = text.substr(i, end - i + 1);
      if (name != "&amp;" && name != "&lt;" && name != "&gt;" && name != "&quot;" && name != "&#39;")
        return "entity " + name;
    }
    if (text[i] != '<') continue;
    const size_t end = text.find('>', i);
    if (end == std::string::npos) return "tag without end";
    std::string tag = text.substr(i + 1, end - i - 1);
    if (tag.find('<') != std::string::npos) return "< inside " + tag;
    if (std::count(tag.begin(), tag.end(), '"') % 2) return "quotes of " + tag;
    const std::string name = tag.substr(0, tag.find_first_of(" /", 1));
    if (tag[0] == '/') {
      if (open.empty() || open.back() != tag.substr(1)) return "unexpected " + tag;
      open.pop_back();
    } else if (tag.back() != '/') {
      open.push_back(name);
    }
    i = end;
  }
  return open.empty() ? "" : "not closed: " + open.back();
}

size_t count(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (size_t i = text.find(part); i != std::string::npos; i = text.find(part, i + 1)) ++n;
  return n;
}

bool has_no_bad_number(const std::string& svg) {
  for (const char* bad : {"\"nan", "\"-nan", "\"inf", "\"-inf", "Mnan", "Lnan", " nan", " inf"})
    if (svg.find(bad) != std::string::npos) return false;
  return true;
}

kit::HeatMap small_map() {
  return {.title = "head 0",
          .row_axis = "queries",
          .column_axis = "keys",
          .row_labels = {"le", "chat"},
          .column_labels = {"the", "cat", "<&\">"},
          .rows = 2,
          .columns = 3,
          .values = {0.1, 0.2, 0.7, 0.5, 0.25, 0.25}};
}

kit::Figure everything() {
  kit::Plot plot{.title = "a < b", .x_label = "x", .y_label = "y & z", .levels = {{2.0, "bigram"}, {2.01, "other"}}};
  plot.series.push_back({.name = "line \"1\"", .x = {0, 1, 2, 3}, .y = {3, NAN, 2, 1}});
  plot.series.push_back({.name = "dots", .x = {0, 1}, .y = {1, 2}, .mark = kit::Mark::dots});
  plot.series.push_back({.name = "dashes", .x = {0, 1}, .y = {2, 1}, .mark = kit::Mark::dashes});
  return {.title = "all \x01 of it", .panels = {plot, small_map(), kit::Plot{}}, .columns = 2};
}

}  // namespace

TEST_CASE("kit svg: well-formed for every picture, and the same bytes each time") {
  const std::string text = kit::svg(everything());
  CHECK(xml_fault(text) == "");
  CHECK(text == kit::svg(everything()));
  CHECK(text.rfind("<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\"", 0) == 0);
  CHECK(text.find("nan") == std::string::npos);
  CHECK(text.find("inf") == std::string::npos);
  CHECK(xml_fault("<a><b></a>") == "unexpected /a");  // the check itself can fail
  CHECK(xml_fault("<a>&x;</a>") == "entity &x;");
}

TEST_CASE("kit svg: title and description for screen readers") {
  const std::string text = kit::svg({.title = "Loss", .panels = {kit::Plot{.title = "one"}, small_map()}});
  CHECK(text.find("<title id=\"svg-title\">Loss</title>") != std::string::npos);
  CHECK(text.find("<desc id=\"svg-desc\">one; head 0</desc>") != std::string::npos);
  CHECK(kit::svg({.title = "Loss", .description = "It falls.", .panels = {kit::Plot{}}})
            .find("<desc id=\"svg-desc\">It falls.</desc>") != std::string::npos);
}

TEST_CASE("kit svg: a series becomes a path, interrupted by its gaps") {
  kit::Plot plot;
  plot.series.push_back({.x = {0, 1, 2, 3}, .y = {0, NAN, 0, 1}});
  const std::string text = kit::svg({.panels = {plot}});
  CHECK(count(text, "<path") == 1);
  const size_t d = text.find(" d=\"");
  const std::string path = text.substr(d, text.find('"', d + 4) - d);
  CHECK(count(path, "M") == 2);
  CHECK(count(path, "L") == 1);
}

TEST_CASE("kit svg: long curves are thinned, their extremes are kept") {
  kit::Series wild{.name = "wild"};
  for (int i = 0; i < 100'000; ++i) wild.x.push_back(i), wild.y.push_back(i == 54'321 ? 1000 : i % 7);
  const std::string text = kit::svg({.panels = {kit::Plot{.series = {wild}}}});
  CHECK(text.size() < 60'000);
  kit::Series calm = wild;
  calm.y[54'321] = 3;
  CHECK(kit::svg({.panels = {kit::Plot{.series = {calm}}}}) != text);
  CHECK(text.find(">1000<") != std::string::npos);
}

TEST_CASE("kit svg: heat map cells show values if they fit, and hatching if they are empty") {
  const std::string text = kit::svg({.panels = {small_map()}});
  for (const char* number : {">0.10<", ">0.20<", ">0.70<", ">0.50<", ">0.25<"}) CHECK(count(text, number) >= 1);
  CHECK(count(text, "url(#svg-hatch)") == 0);
  CHECK(text.find("&lt;&amp;&quot;&gt;") != std::string::npos);

  kit::HeatMap masked = small_map();
  masked.values[2] = NAN;
  const std::string gaps = kit::svg({.panels = {masked}});
  CHECK(count(gaps, "url(#svg-hatch)") == 1);
  CHECK(count(gaps, "<rect") == count(text, "<rect") - 1);

  kit::HeatMap large{.rows = 60, .columns = 60, .values = std::vector<double>(3600, 0.5)};
  CHECK(count(kit::svg({.panels = {large}}), ">0.50<") == 0);
  large.numbers = true;
  CHECK(count(kit::svg({.panels = {large}}), ">0.50<") == 3600);
}

TEST_CASE("kit svg: the text of a cell is readable on its colour") {
  for (const bool diverging : {false, true})
    for (int i = 0; i <= 100; ++i) {
      const double colour = kit::colour_scale(i / 100.0, diverging).luminance();
      const double text = colour < 0.179 ? 1.0 : 0.0;  // as draw chooses: white or black
      const double contrast = (std::max(colour, text) + 0.05) / (std::min(colour, text) + 0.05);
      CHECK(contrast >= 4.5);
    }
  CHECK(kit::colour_scale(0, false).hex() == "#fafafa");
  CHECK(kit::colour_scale(0.5, true).hex() == "#fafafa");
  CHECK(kit::colour_scale(0.6, false).hex() == "#0072b2");
  CHECK(kit::colour_scale(2, false).hex() == "#001e42");
}

TEST_CASE("kit svg: wrong sizes are refused") {
  kit::Plot plot;
  plot.series.push_back({.name = "s", .x = {1, 2}, .y = {1}});
  CHECK(message_of<ShapeError>([&] { kit::svg({.panels = {plot}}); }) ==
        "plot: 's' has 2 x and 1 y: each point needs both: give as many of each");
  kit::HeatMap map = small_map();
  map.values.pop_back();
  CHECK(message_of<ShapeError>([&] { kit::svg({.panels = {map}}); }) ==
        "heat map: 2 rows and 3 columns, but 5 values: give rows x columns of them, row by row");
  CHECK(message_of<ShapeError>([&] { kit::terminal_heat_map(map); }) ==
        "heat map: 2 rows and 3 columns, but 5 values, 2 row and 3 column labels: give rows x "
        "columns "
        "values, and a label per row and column, or none");
  map = small_map();
  map.row_labels.pop_back();
  CHECK(message_of<ShapeError>([&] { kit::svg({.panels = {map}}); }) ==
        "heat map: 2 rows and 3 columns, but 1 and 3 labels: give one per row and column, or none");
  CHECK(message_of<ShapeError>([&] { kit::svg({.panels = {small_map()}, .columns = 0}); }) ==
        "svg: 0 columns of panels of 640 x 400: a panel is at least 200 x 120, and there is at "
        "least one column: enlarge them");
}

TEST_CASE("kit plot: ticks are round numbers inside the range") {
  CHECK(kit::nice_ticks(0, 8, 4) == std::vector<double>{0, 2, 4, 6, 8});
  CHECK(kit::nice_ticks(-7, 12, 4) == std::vector<double>{-5, 0, 5, 10});
  CHECK(kit::nice_ticks(3, 3, 4) == std::vector<double>{3});
  CHECK(kit::log_ticks(1, 1000, 4) == std::vector<double>{1, 10, 100, 1000});
  CHECK(kit::log_ticks(1, 30, 4) == std::vector<double>{1, 2, 5, 10, 20});
  CHECK(kit::log_ticks(1e-12, 1, 4).size() <= 5);
  CHECK(kit::log_ticks(3, 4, 4).size() >= 2);
  for (const double span : {1e-9, 0.37, 1.0, 42.0, 1e12})
    for (const double low : {-3 * span, 0.0, 0.1 * span})
      for (int n = 2; n < 12; ++n) {
        const auto ticks = kit::nice_ticks(low, low + span, n);
        CHECK(static_cast<int>(ticks.size()) <= n + 2);
        REQUIRE(ticks.size() >= 2);
        CHECK(ticks.front() >= low - 1e-9 * span);
        CHECK(ticks.back() <= low + span * (1 + 1e-9));
      }
}

TEST_CASE("kit plot: smoothing is the two-sided exponential mean") {
  const std::vector<double> y = {3, 1, NAN, 4, 1, 5};
  const auto means = kit::smoothed(y, 4);
  for (size_t i = 0; i < y.size(); ++i) {
    double sum = 0, weights = 0;
    for (size_t j = 0; j < y.size(); ++j) {
      if (std::isnan(y[j])) continue;
      const double w = std::pow(0.75, std::abs(static_cast<double>(i) - static_cast<double>(j)));
      sum += w * y[j], weights += w;
    }
    CHECK(std::abs(means[i] - sum / weights) < 1e-12);
  }
  CHECK(kit::smoothed({1, 2, 3}, 1) == std::vector<double>{1, 2, 3});
  CHECK(kit::smoothed({}, 5).empty());
  CHECK(std::isnan(kit::smoothed({NAN}, 5)[0]));
}

TEST_CASE("kit plot: the loss plot shows raw and smoothed losses and the baselines") {
  const kit::Plot plot = kit::loss_plot({1, 2, 3}, {3, 2, 1}, {{2.48, "bigram 2.48"}});
  REQUIRE(plot.series.size() == 2);
  CHECK(plot.series[0].faint);
  CHECK(plot.series[0].y == std::vector<double>{3, 2, 1});
  const std::string text = kit::svg({.panels = {plot}});
  CHECK(text.find(">bigram 2.48<") != std::string::npos);
}

TEST_CASE("kit plot: save_svg writes the file") {
  const heed::test::TempDir dir;
  kit::save_svg(dir / "a.svg", everything());
  CHECK(core::read_file(dir / "a.svg") == kit::svg(everything()));
}

TEST_CASE("kit terminal: sparklines") {
  CHECK(kit::sparkline({0, 1, 2, 3, 4, 5, 6, 7}) == "▁▂▃▄▅▆▇█");
  CHECK(kit::sparkline({5, 5, 5}) == "▁▁▁");
  CHECK(kit::sparkline({0, NAN, 1}) == "▁ █");
  CHECK(kit::sparkline({}).empty());
  CHECK(kit::sparkline({1, 2}, 0).empty());
  CHECK(kit::sparkline({0, 2, 4, 6}, 2) == "▁█");
}

TEST_CASE("kit terminal: heat maps with labels, shades and values") {
  kit::HeatMap map = small_map();
  map.column_labels = {"the", "cat", "."};
  CHECK(kit::terminal_heat_map(map) ==
        "head 0\n"
        "     the cat .\n"
        "  le ··  ░░  ██\n"
        "chat ██  ▒▒  ▒▒\n"
        "\n"
        "· < 0.17  ░ < 0.24  ▒ < 0.34  ▓ < 0.49  █\n");
  CHECK(kit::terminal_heat_map(map, true) ==
        "head 0\n"
        "     the  cat  .\n"
        "  le 0.10 0.20 0.70\n"
        "chat 0.50 0.25 0.25\n");
  map.values[0] = NAN;
  map.title.clear();
  map.row_labels.clear();
  map.column_labels.clear();
  // Now the first row's sum is not 1: equal steps from zero to the largest.
  CHECK(kit::terminal_heat_map(map) == "    ░░ ██\n ▓▓ ░░ ░░\n\n· < 0.14  ░ < 0.28  ▒ < 0.42  ▓ < 0.56  █\n");
}

TEST_CASE("kit terminal: a uniform row of weights is seen beside a sharp one, at any length") {
  for (const int64_t n : {4, 10, 30, 200}) {
    kit::HeatMap map{.row_labels = {"even", "sharp"}, .rows = 2, .columns = n};
    map.values.assign(static_cast<size_t>(2 * n), 0.0);
    for (int64_t j = 0; j < n; ++j) map.values[static_cast<size_t>(j)] = 1.0 / static_cast<double>(n);
    map.values[static_cast<size_t>(n)] = 1;
    const std::string text = kit::terminal_heat_map(map);
    const std::string even = text.substr(0, text.find('\n')),
                      sharp = text.substr(even.size() + 1, text.find('\n', even.size() + 1) - even.size() - 1);
    CAPTURE(n, text);
    CHECK(count(even, "·") == 0);
    CHECK(count(even, "█") == 0);
    CHECK(count(sharp, "█") == 2);
    CHECK(count(sharp, "·") > 0);
  }
}

TEST_CASE("kit terminal: a heat map fits the width that it is given") {
  kit::HeatMap map{.title = "what each word attends to", .rows = 3, .columns = 25};
  map.values.assign(75, 0.04);
  for (int i = 0; i < 25; ++i) map.column_labels.push_back("word" + std::to_string(i));
  map.row_labels = {"a", "a long label", "ünïcödé"};
  for (const int width : {10, 20, 40, 80, 200})
    for (const bool numbers : {false, true}) {
      const std::string text = kit::terminal_heat_map(map, numbers, width);
      CAPTURE(width, numbers, text);
      for (size_t begin = 0; begin < text.size();) {
        const size_t end = text.find('\n', begin);
        CHECK(kit::text_width(text.substr(begin, end - begin)) <= std::max(width, 17));
        begin = end + 1;
      }
    }
  CHECK(kit::terminal_heat_map(map, false, 20).find("… 12 columns more") != std::string::npos);
  CHECK(kit::terminal_heat_map(map, false, 200) == kit::terminal_heat_map(map));
}

TEST_CASE("kit plot: an asked end of the axis holds, and a value beyond it is still drawn") {
  kit::Plot plot{.series = {{.x = {1, 2}, .y = {0.5, 1.0}}}, .y_low = 0.0, .y_high = 1.0};
  const std::string text = kit::svg({.panels = {plot}});
  // The top edge of the plot is at 28, the bottom at 16 + 400 - 24: y = 0.5 is in the middle, y = 1 on the edge.
  CHECK(text.find("d=\"M58 210L636.4 28\"") != std::string::npos);
  CHECK(text.find(" y=\"72.4\" text-anchor=\"end\">1.4<") == std::string::npos);
  plot.series[0].y[1] = 1.5;
  const std::string beyond = kit::svg({.panels = {plot}});
  CHECK(beyond.find(" y=\"72.4\" text-anchor=\"end\">1.4<") != std::string::npos);
  plot.series[0].y[1] = 1.0;
  plot.y_high = NAN;  // no end
  CHECK(has_no_bad_number(kit::svg({.panels = {plot}})));
}

TEST_CASE("kit plot: a band is one closed path per piece, and its sizes are checked") {
  kit::Plot plot{.series = {{.x = {0, 1, 2, 3}, .y = {1, 1, 1, 1}, .low = {0, 0, NAN, 0}, .high = {2, 2, 2, 2}}}};
  const std::string text = kit::svg({.panels = {plot}});
  const size_t band = text.find("class=\"band f0\"");
  REQUIRE(band != std::string::npos);
  const std::string path = text.substr(band, text.find("/>", band) - band);
  CHECK(count(path, "M") == 2);
  CHECK(count(path, "Z") == 2);
  CHECK(has_no_bad_number(text));
  plot.series[0].high.pop_back();
  CHECK(message_of<ShapeError>([&] { kit::svg({.panels = {plot}}); }) ==
        "plot: the band of '' has 4 and 3 ends for 4 points: give one of each per point, or none");
}

TEST_CASE("kit svg: the note stands below the title, in lines, and in the description") {
  const std::string note = "One sentence that says what to see, long enough for a second line of this narrow picture.";
  const std::string text = kit::svg({.title = "T", .note = note, .panels = {small_map()}});
  CHECK(count(text, "class=\"note\"") >= 2);
  CHECK(text.find("<desc id=\"svg-desc\">" + note + " head 0</desc>") != std::string::npos);
  CHECK(xml_fault(text) == "");
  // Several pictures of one page share no id.
  const std::string part = kit::svg_element({.title = "T", .panels = {small_map()}}, "second");
  CHECK(part.find("id=\"svg-") == std::string::npos);
  CHECK(part.find("<style>") == std::string::npos);
  CHECK(count(part, "id=\"second-") == 3);
}

TEST_CASE("kit format: text for XML and for JSON inside HTML") {
  CHECK(kit::escaped_xml("a<b>&\"'\x01\xff\n") == "a&lt;b&gt;&amp;&quot;&#39;\xEF\xBF\xBD\n");
  CHECK(kit::json_for_html("</script><!--\u2028\u2029&\"\\\n\t\x7f é\xff") ==
        "\"\\u003c/script\\u003e\\u003c!--\\u2028\\u2029\\u0026\\\"\\\\\\n\\u0009\\u007f "
        "é\xEF\xBF\xBD\"");
}

namespace {

constexpr double inf = std::numeric_limits<double>::infinity(), nan_value = std::numeric_limits<double>::quiet_NaN();
const std::vector<double> extreme = {nan_value, inf,     -inf,  1e308, -1e308, 1e301,
                                     5e-324,    -5e-324, 0,     1,     1e20,   std::nextafter(1e20, inf),
                                     1e300,     -1e300,  1e-300};

}  // namespace

TEST_CASE("kit pictures: any two values can be drawn, and the picture says what is left out") {
  for (const double a : extreme)
    for (const double b : extreme)
      for (const bool log : {false, true}) {
        CAPTURE(a, b, log);
        for (const kit::Mark mark : {kit::Mark::line, kit::Mark::dashes, kit::Mark::dots}) {
          kit::Plot plot{.series = {{.name = "s", .x = {a, 1, b}, .y = {b, 2, a}, .mark = mark}},
                         .levels = {{a, "level"}}};
          plot.log_x = plot.log_y = log;
          const std::string svg = kit::svg({.panels = {plot}});
          CHECK(has_no_bad_number(svg));
          const bool bad = !kit::drawable(a) || !kit::drawable(b) || (log && (a < 1e-300 || b < 1e-300));
          CHECK((svg.find("left out: not finite") != std::string::npos) == bad);
        }
        kit::HeatMap map;
        map.rows = 1, map.columns = 3, map.values = {a, b, 0.5};
        for (const bool numbers : {false, true}) {
          map.numbers = numbers;
          const std::string svg = kit::svg({.panels = {map}});
          CHECK(has_no_bad_number(svg));
          const bool beyond = [&](double v) { return !kit::drawable(v) && !std::isnan(v); }(a) ||
                              (!kit::drawable(b) && !std::isnan(b));
          CHECK((svg.find("left out, hatched: not finite") != std::string::npos) == beyond);
          CHECK(kit::terminal_heat_map(map, numbers).size() < 200);
        }
        map.low = a, map.high = b;
        CHECK(has_no_bad_number(kit::svg({.panels = {map}})));
        CHECK_FALSE(kit::terminal_heat_map(map).empty());
        CHECK_FALSE(kit::sparkline({a, b, 1}).empty());
        CHECK(kit::nice_ticks(std::min(a, b), std::max(a, b), 5).size() < 100);
        CHECK(has_no_bad_number(kit::svg({.panels = {kit::loss_plot({1, 2, 3}, {a, b, 1}, {{b, "level"}})}})));
      }
}

TEST_CASE("kit loss plot: logged losses, the validation loss, a log axis over decades") {
  const kit::Metric training{{1, 2, 3, 4}, {2.0, 1.5, 1.2, 1.0}}, validation{{2, 4}, {1.6, 1.1}};
  const kit::Plot one = kit::loss_plot({{.training = training, .validation = validation}});
  REQUIRE(one.series.size() == 3);
  CHECK(one.series[0].faint);
  CHECK(one.series[0].y == training.values);  // as logged, not smoothed
  CHECK(one.series[1].name == "smoothed");
  CHECK(one.series[2].name == "validation");
  CHECK(one.series[2].y == validation.values);
  CHECK_FALSE(one.log_y);
  const kit::Plot two = kit::loss_plot({{"a", training, validation}, {"b", {{1, 2}, {1, 0.01}}, {}}});
  REQUIRE(two.series.size() == 5);
  CHECK(two.series[1].name == "a");
  CHECK(two.series[2].name == "a, validation");
  CHECK(two.series[3].faint);
  CHECK(two.log_y);
  CHECK_FALSE(kit::loss_plot({1, 2}, {1, 0}).log_y);
  // A validation loss that was measured once is a point.
  const std::string svg = kit::svg({.panels = {kit::loss_plot({{.training = training, .validation = {{4}, {1.1}}}})}});
  CHECK(svg.find("<circle") != std::string::npos);
}
