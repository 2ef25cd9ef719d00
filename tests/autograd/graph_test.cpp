#include <heed/autograd/graph.h>
#include <heed/autograd/graph_layout.h>
#include <heed/autograd/graph_svg.h>
#include <heed/autograd/hooks.h>
#include <heed/autograd/node.h>
#include <heed/autograd/ops.h>

#include <cmath>

#include "support/catch.h"
#include "support/errors.h"

using namespace heed;
using test::contains;
using test::message_of;

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

TEST_CASE("the picture of a small graph: names, shapes, what is kept, values and gradients") {
  const Tensor w = parameter(ones({3, 2})), b = parameter(tensor({0.25, -2}, {2}));
  const Tensor x = ones({4, 3}), y = sum(square(matmul(x, w) + b));
  y.retain_grad();
  const GraphSvgOptions options{.labels = {{"a<weight>", w}, {"bias", b}}, .title = "small & neat"};
  const std::string before = graph_svg(y, options);
  INFO(before);
  for (const char* part : {"<title id=\"graph-title\">small &amp; neat</title>", ">a&lt;weight&gt;</text>",
                           ">(3, 2) float32</text>", ">= 0.25, -2</text>", "4 ops and 2 leaves", ">keeps 48.0 B</text>",
                           "<title>bias: (2,) float32; value 0.25, -2</title>", "class=\"op out\""})
    CHECK(contains(before, part));
  // matmul keeps x (48 bytes), square its input (32); b and w are kept by no rule.
  CHECK(contains(before, "80.0 B kept for backward"));
  CHECK(graph_svg(y, options) == before);
  y.backward();
  const std::string after = graph_svg(y, options);
  CHECK(contains(after, ">grad 26, 8</text>"));  // Σ 2 (3 + b)
  CHECK(contains(after, "gradient 1<"));
  CHECK(contains(after, "0.0 B kept for backward"));
  CHECK(contains(after, "was released by backward()"));
}

TEST_CASE("the picture of a graph: errors, and a leaf that is used again") {
  CHECK(message_of([] { graph_svg(ones({2})); }) ==
        "graph_svg: (2,): has no history: no tensor that requires grad led to it, or it was made under NoGrad");
  const Tensor w = parameter(scalar(0.5));
  Tensor y = w;
  for (int i = 0; i < 8; ++i) y = exp(y) * w;
  CHECK(
      message_of([&] { graph_svg(y, {.max_nodes = 16}); }) ==
      "graph_svg: () with 17 nodes in its history: more than max_nodes, 16: draw a part, as the output of one block of "
      "the model, or raise max_nodes");
  const std::string text = graph_svg(y, {.labels = {{"w", w}}});
  CHECK(contains(text, "<title>w, once more</title>"));
  size_t boxes = 0;
  for (size_t at = 0; (at = text.find("<rect", at)) != std::string::npos; ++at) ++boxes;
  CHECK(boxes > 17);
  for (int i = 0; i < 900; ++i) y = exp(y);
  CHECK(graph_svg(y).size() > 100000);  // deep graphs need no recursion
}

TEST_CASE("a layered layout: ranks grow along edges, nothing overlaps, all is inside") {
  // 0 and 1 lead to 2, 2 and 0 to 3, 4 is a late source of 3, 5 is far below 0.
  std::vector<GraphBox> boxes(6, GraphBox{60, 20});
  std::vector<GraphEdge> edges{{0, 2, {}}, {1, 2, {}}, {2, 3, {}}, {0, 3, {}}, {3, 5, {}}, {0, 5, {}}, {4, 5, {}}};
  rank_boxes(boxes, edges);
  for (const GraphEdge& e : edges)
    CHECK(boxes[static_cast<size_t>(e.from)].rank < boxes[static_cast<size_t>(e.to)].rank);
  CHECK(boxes[4].rank == boxes[5].rank - 1);
  const GraphSize size = layout(boxes, edges, {.across = 10, .down = 30});
  for (size_t i = 0; i < boxes.size(); ++i) {
    CHECK(boxes[i].x - 30 >= -1e-9);
    CHECK(boxes[i].x + 30 <= size.width + 1e-9);
    CHECK(boxes[i].y + 10 <= size.height + 1e-9);
    for (size_t j = 0; j < i; ++j)
      CHECK((boxes[i].rank != boxes[j].rank || std::abs(boxes[i].x - boxes[j].x) >= 70 - 1e-9));
  }
  CHECK(edges[5].bends.size() == 2);  // 0 to 5 crosses two ranks
  CHECK(edges[0].bends.empty());
}
