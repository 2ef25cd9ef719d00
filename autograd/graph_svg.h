// A recorded graph as a picture: an SVG file that any browser shows, without Graphviz.
//
//     const Tensor loss = mean(square(model(x) - y));
//     write_graph_svg("graph.svg", loss, {.labels = labels_of(model.named_parameters())});
//
// One box for each op and each leaf, in the direction of the computation, from top to bottom; gradients take the same
// lines upwards. A box says the op, or the leaf's name, the shape and dtype of its value, and how many bytes it keeps
// for backward. Values and gradients of at most 4 elements are written in the box, of at most 16 in its tooltip, where
// they are known: the value of a labelled tensor, of the output, and of whatever a derivative rule keeps; the gradient
// of a leaf, and of a tensor with retain_grad(). Draw before backward() to see what is kept, after it to see gradients.
//
// As in graph_dot() (graph.h) only tensors that require grad are shown. A leaf that is used far apart, as a recurrent
// weight is, has a box at each place. Colours follow the reader's choice of light or dark; each box has a title
// for screen readers. The text depends on the graph only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <heed/autograd/graph.h>

namespace heed {

struct GraphSvgOptions {
  std::vector<Label> labels = {};  // names; labels_of(model.named_parameters())
  std::string title = "Autograd graph";
  int64_t max_nodes = 2000;  // a larger graph is refused: nobody could read it
};

/// Error if y has no history, or one of more than max_nodes nodes.
std::string graph_svg(const Tensor& y, const GraphSvgOptions& = {});
void write_graph_svg(const std::string& path, const Tensor& y, const GraphSvgOptions& = {});  // IoError

}  // namespace heed
