// einsum and sort against PyTorch (make_einsum.py): values and gradients, in both types and in
// several layouts.
#include <heed/autograd/engine.h>
#include <heed/autograd/ops.h>

#include "support/catch.h"
#include "support/golden.h"
#include "support/layouts.h"

using namespace heed;
using test::Layout;

TEST_CASE("golden: einsum is PyTorch's for every equation") {
  const test::Golden golden("einsum.safetensors");
  int number = 0;
  for (; golden.contains(std::to_string(number) + "/equation"); ++number) {
    const std::string name = std::to_string(number);
    std::string equation;
    for (double c : golden.at(name + "/equation", Dtype::f64).to_vector()) equation += static_cast<char>(c);
    for (const Dtype dtype : {Dtype::f32, Dtype::f64})
      for (const Layout layout : {Layout::contiguous, Layout::permuted, Layout::sliced}) {
        INFO(name << ": \"" << equation << "\", " << dtype << ", " << test::name_of(layout));
        std::vector<Tensor> in;
        for (int i = 0; golden.contains(cat(name, "/in/", i)); ++i)
          in.push_back(parameter(test::laid_out(golden.at(cat(name, "/in/", i), dtype), layout)));
        const bool differs =
            std::any_of(in.begin(), in.end(), [&](const Tensor& x) { return test::has_layout(x, layout); });
        const test::Way way(layout != Layout::contiguous && differs ? test::name_of(layout) : "");
        const Tensor y = einsum(equation, in);
        golden.check(name + "/out", y);
        y.backward(golden.at(name + "/seed", dtype));
        for (size_t i = 0; i < in.size(); ++i) golden.check(cat(name, "/grad/", i), in[i].grad());
      }
  }
  CHECK(number >= 72);
}

TEST_CASE("golden: sort is PyTorch's along every axis, with equals, infinities and NaN") {
  const test::Golden golden("einsum.safetensors");
  const auto same = [](const Tensor& a, const Tensor& b) {  // NaN equals NaN
    const std::vector<double> x = a.to_vector(), y = b.to_vector();
    return std::equal(x.begin(), x.end(), y.begin(), y.end(),
                      [](double u, double v) { return u == v || (u != u && v != v); });
  };
  for (const int axis : {0, 1, 2, -2})
    for (const bool descending : {false, true})
      for (const Dtype dtype : {Dtype::f32, Dtype::f64})
        for (const Layout layout : {Layout::contiguous, Layout::permuted, Layout::sliced}) {
          const std::string name = cat("sort/", axis, descending ? "/down" : "/up");
          const test::Way way(layout == Layout::contiguous ? "" : test::name_of(layout));
          INFO(name << ", " << dtype << ", " << test::name_of(layout));
          const Tensor x = parameter(test::laid_out(golden.at("sort/in", dtype), layout));
          const Sorted y = sort(x, axis, descending);
          CHECK(same(y.values, golden.at(name + "/values", dtype)));
          CHECK(same(y.indices, golden.at(name + "/indices", dtype)));
          CHECK(same(argsort(x, axis, descending), y.indices));
          y.values.backward(golden.at("sort/seed", dtype));
          golden.check(name + "/grad", x.grad());
        }
}
