// A recorded graph as a drawing, and as the list of its leaves.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <heed/autograd/tensor.h>

namespace heed {

struct Label {
  std::string name;
  Tensor tensor;
};

/// y's history in Graphviz' language:  dot -Tsvg graph.dot > graph.svg
///
/// One node for each op and each leaf, drawn in the direction of the computation; gradients flow
/// the other way along the same edges, with the shape that the edge shows. Only tensors that require
/// grad are shown. Leaves show their name, shape and dtype; inner tensors can be named too. The
/// text depends on the graph only. O(nodes + edges), for graphs of any depth.
std::string graph_dot(const Tensor& y, const std::vector<Label>& labels = {});

/// For any type with a `name` and a `tensor`:  graph_dot(loss, model.named_parameters())
template <class Named> std::vector<Label> labels_of(const std::vector<Named>& named) {
  std::vector<Label> labels;
  for (const Named& each : named) labels.push_back({each.name, each.tensor});
  return labels;
}
template <class Named> std::string graph_dot(const Tensor& y, const std::vector<Named>& named) {
  return graph_dot(y, labels_of(named));
}

/// A node of y's history, with what the edges to it say of the tensor that it made.
struct NodeOf {
  std::shared_ptr<Node> node;
  Shape shape;
  Dtype dtype = Dtype::f32;
};

/// All nodes of y's history, oldest first: each comes after its inputs.
std::vector<NodeOf> nodes_of(const Tensor& y);

struct LeafOf {
  std::shared_ptr<Node> node;  // equal to tensor.node() of the parameter
  Shape shape;
  Dtype dtype;
};

/// The leaves that y.backward() reaches, oldest first.
std::vector<LeafOf> leaves(const Tensor& y);

/// The number of ops recorded in y's history.
int64_t graph_size(const Tensor& y);

}  // namespace heed
