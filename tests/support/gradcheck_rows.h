// Tables of derivatives: a row is a function with its options, a case is a row in one layout. Each case is checked in
// f64, first and second order, under its own name.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include <heed/autograd/gradcheck.h>

#include "support/cases.h"
#include "support/catch.h"
#include "support/layouts.h"

namespace heed::test {

using In = const std::vector<Tensor>&;

struct Row {
  std::string name;
  std::function<Tensor(In)> f;
  std::vector<Shape> shapes;     // of the inputs
  double low = -2, high = 2;     // bounds of their elements
  std::vector<Shape> more = {};  // further shapes to check, one for all inputs
  bool ties = true;              // smooth where elements are equal, as in the layout `expanded`
};

struct Case {
  std::string name;
  std::vector<Tensor> inputs;
};

inline std::vector<Case> cases_of(const Row& row) {
  std::vector<Case> cases;
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < row.shapes.size(); ++i)
    inputs.push_back(spread(row.shapes[i], row.low, row.high, static_cast<int>(i)));
  for (Layout layout : all_layouts) {
    if (layout == Layout::expanded && !row.ties) continue;
    if (std::none_of(inputs.begin(), inputs.end(), [&](const Tensor& x) { return has_layout(x, layout); })) continue;
    std::vector<Tensor> turned;
    for (const Tensor& x : inputs) turned.push_back(has_layout(x, layout) ? laid_out(x, layout) : x);
    cases.push_back({row.name + ", " + name_of(layout), std::move(turned)});
  }
  for (const Shape& shape : row.more) {
    std::vector<Tensor> same;
    for (size_t i = 0; i < row.shapes.size(); ++i)
      same.push_back(spread(shape, row.low, row.high, static_cast<int>(i)));
    cases.push_back({cat(row.name, ", of shape ", shape), std::move(same)});
  }
  return cases;
}

inline void check_rows(const std::vector<Row>& rows) {
  for (const Row& row : rows)
    for (const Case& c : cases_of(row)) {
      INFO(c.name);
      note_case("gradcheck", c.name);
      CHECK_NOTHROW(gradcheck(row.f, c.inputs));
    }
}

}  // namespace heed::test
