#include <heed/core/print.h>

#include <cmath>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <heed/core/text.h>

#include "support/catch.h"

using namespace heed;
using namespace heed::core;

namespace {

Dtype dtype_named(const std::string& name) {
  for (Dtype dtype : {Dtype::f32, Dtype::f64, Dtype::i32, Dtype::i64, Dtype::boolean})
    if (name == name_of(dtype)) return dtype;
  FAIL("dtype " << name);
  return Dtype::f32;
}

std::string next_line(std::istream& in) {
  std::string line;
  REQUIRE(std::getline(in, line));
  return line;
}

// Numbers from text; 64-bit integers must not pass through a double.
template <class T> T number_of(const std::string& word) {
  if constexpr (std::is_floating_point_v<T>) return static_cast<T>(parse_double(word).value());
  else return static_cast<T>(parse_int(word).value());
}

// The array that the lines "DTYPE SHAPE…", "values V…" or "range START STEP", "axes A…" describe.
Array read_array(std::istream& in) {
  std::istringstream type(next_line(in)), source(next_line(in)), order(next_line(in));
  std::string word;
  type >> word;
  const Dtype dtype = dtype_named(word);
  Shape shape;
  for (int64_t size = 0; type >> size;) shape.push_back(size);
  const Array x(shape, dtype);
  source >> word;
  dispatch(dtype, [&]<class T>() {
    if (word == "values") {
      for (int64_t i = 0; source >> word; ++i) x.data<T>()[i] = number_of<T>(word);
    } else {
      REQUIRE(word == "range");
      std::string start, step;
      source >> start >> step;
      const double a = parse_double(start).value(), b = parse_double(step).value();
      for (int64_t i = 0; i < x.numel(); ++i) x.data<T>()[i] = static_cast<T>(a + b * static_cast<double>(i));
    }
  });
  Shape axes;
  order >> word;
  REQUIRE(word == "axes");
  for (int64_t axis = 0; order >> axis;) axes.push_back(axis);
  return permute(x, axes);
}

}  // namespace

TEST_CASE("print: what PyTorch prints, character by character") {
  std::ifstream in(HEED_TESTS_DIR "/golden/print_cases.txt");
  int expected_cases = 0;
  std::istringstream(next_line(in)) >> expected_cases;
  int cases = 0;
  for (std::string line; std::getline(in, line); ++cases) {
    REQUIRE(line.starts_with("case "));
    INFO(line);
    const Array x = read_array(in);
    std::vector<std::string> suffixes;
    std::string count = next_line(in);
    for (; count.starts_with("suffix "); count = next_line(in)) suffixes.push_back(count.substr(7));
    std::string expected;
    for (int64_t i = 0; i < parse_int(count).value(); ++i) expected += (i > 0 ? "\n" : "") + next_line(in);
    CHECK(to_string(x, suffixes) == expected);
  }
  CHECK(cases == expected_cases);
  CHECK(cases >= 60);
}

TEST_CASE("print: slices, streams, and arrays without numbers") {
  const Array x = from_vector({1, 2, 3, 4, 5, 6}, {2, 3});
  CHECK(to_string(slice(x, 1, 0, 3, 2)) == "tensor([[1., 3.],\n        [4., 6.]])");
  CHECK(to_string(expand(slice(x, 1, 1, 2), {2, 2})) == "tensor([[2., 2.],\n        [5., 5.]])");
  std::ostringstream out;
  out << select(x, 0, 1);
  CHECK(out.str() == "tensor([4., 5., 6.])");
  CHECK(to_string(Array()) == "tensor(undefined)");
}
