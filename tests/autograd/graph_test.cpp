#include <heed/autograd/graph.h>
#include <heed/autograd/node.h>
#include <heed/autograd/ops.h>

#include "support/catch.h"

using namespace heed;

namespace {

const std::string head =
    "digraph heed {\n  node [fontname=\"sans-serif\"];\n  edge [fontname=\"sans-serif\", fontsize=10];\n";
const std::string leaf_style = ", shape=box, style=filled, fillcolor=\"#dbe9f6\"";

}  // namespace

TEST_CASE("the drawing of a small graph") {
  const Tensor w = parameter(ones({3, 2})), b = parameter(ones({2}));
  const Tensor x = ones({4, 3});
  const Tensor y = mean(relu(matmul(x, w) + b));
  CHECK(graph_dot(y, {{"weight", w}, {"bias", b}, {"x", x}}) ==
        head + "  n0 [label=\"weight\\n(3, 2) float32\"" + leaf_style +
            "];\n"
            "  n1 [label=\"bias\\n(2,) float32\"" +
            leaf_style +
            "];\n"
            "  n2 [label=\"matmul\"];\n"
            "  n3 [label=\"add\"];\n"
            "  n4 [label=\"relu\"];\n"
            "  n5 [label=\"sum\"];\n"
            "  n6 [label=\"div\\n() float32\", peripheries=2];\n"
            "  n0 -> n2 [label=\"(3, 2)\"];\n"
            "  n2 -> n3 [label=\"(4, 2)\"];\n"
            "  n1 -> n3 [label=\"(2,)\"];\n"
            "  n3 -> n4 [label=\"(4, 2)\"];\n"
            "  n4 -> n5 [label=\"(4, 2)\"];\n"
            "  n5 -> n6 [label=\"()\"];\n}\n");
}

TEST_CASE("a shared node is drawn once, with all its edges, also after backward") {
  Tensor x = parameter(scalar(2.0, Dtype::f64)), frozen = parameter(scalar(1.0));
  const Tensor y = x * x;
  const std::string text = head + "  n0 [label=\"a \\\"b\\\" \\\\\\n() float64\"" + leaf_style +
                           "];\n"
                           "  n1 [label=\"mul\\nsquare\\n() float64\", peripheries=2];\n"
                           "  n0 -> n1 [label=\"()\"];\n  n0 -> n1 [label=\"()\"];\n}\n";
  CHECK(graph_dot(y, {{"a \"b\" \\", x}, {"square", y}}) == text);
  y.backward();
  CHECK(graph_dot(y, {{"a \"b\" \\", x}, {"square", y}}) == text);
  const Tensor z = frozen * 2.0;
  frozen.requires_grad(false);
  CHECK(graph_dot(z).find("style=dashed") != std::string::npos);
}

TEST_CASE("what has no history has an empty drawing, a leaf is its own") {
  CHECK(graph_dot(ones({2})) == head + "}\n");
  CHECK(graph_dot(parameter(ones({2}))) ==
        head + "  n0 [label=\"leaf\\n(2,) float32\"" + leaf_style + ", peripheries=2];\n}\n");
}

TEST_CASE("labels come from whatever has names and tensors") {
  struct Named {
    std::string name;
    Tensor tensor;
  };
  const Tensor w = parameter(ones({2}));
  CHECK(graph_dot(sum(w), std::vector<Named>{{"layer.weight", w}}).find("layer.weight\\n(2,)") != std::string::npos);
}

TEST_CASE("leaves and size of a graph") {
  const Tensor a = parameter(ones({2})), b = parameter(ones({2, 1}, Dtype::f32)), unused = parameter(ones({3}));
  const Tensor y = sum(exp(a) * b + a);
  const std::vector<LeafOf> found = leaves(y);
  REQUIRE(found.size() == 2);
  CHECK(found[0].node == a.node());
  CHECK(found[1].node == b.node());
  CHECK(found[1].shape == Shape{2, 1});
  CHECK(found[1].dtype == Dtype::f32);
  CHECK(graph_size(y) == 4);
  CHECK(leaves(ones({2})).empty());
  CHECK(graph_size(ones({2})) == 0);
}

TEST_CASE("a deep graph can be walked") {
  Tensor y = parameter(scalar(1.0));
  for (int i = 0; i < 100000; ++i) y = y + 1.0;
  CHECK(graph_size(y) == 100000);
  CHECK(leaves(y).size() == 1);
  CHECK(graph_dot(y).size() > 100000);
}
