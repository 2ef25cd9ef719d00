#include <heed/autograd/graph.h>

#include <map>

#include <heed/autograd/node.h>

namespace heed {

namespace {

std::string dot_string(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') out += "\\n";
    else out += c;
  }
  return out + "\"";
}

}  // namespace

// Ids grow with creation, so in their order inputs come before outputs.
std::vector<NodeOf> nodes_of(const Tensor& y) {
  std::map<uint64_t, NodeOf> seen;
  std::vector<Node*> open;
  const auto visit = [&](const std::shared_ptr<Node>& node, const Shape& shape, Dtype dtype) {
    if (node && seen.try_emplace(node->id, NodeOf{node, shape, dtype}).second) open.push_back(node.get());
  };
  visit(y.node(), y.shape(), y.dtype());
  while (!open.empty()) {
    const Node& node = *open.back();
    open.pop_back();
    for (const Input& input : node.inputs) visit(input.node, input.shape, input.dtype);
  }
  std::vector<NodeOf> by_age;
  for (auto& [id, at] : seen) by_age.push_back(std::move(at));
  return by_age;
}

std::string graph_dot(const Tensor& y, const std::vector<Label>& labels) {
  std::map<const Node*, std::string> names;
  for (const Label& label : labels)
    if (label.tensor.node()) names[label.tensor.node().get()] = label.name;
  std::map<const Node*, size_t> numbers;
  std::string nodes, edges;
  for (const NodeOf& at : nodes_of(y)) {
    const Node* const node = at.node.get();
    const size_t number = numbers.size();
    numbers[node] = number;
    const auto named = names.find(node);
    std::string text = node->is_leaf() ? "leaf" : node->name, style;
    if (named != names.end()) text = node->is_leaf() ? named->second : text + "\n" + named->second;
    if (node->is_leaf()) {
      text += cat("\n", at.shape, " ", at.dtype);
      style = node->requires_grad() ? ", shape=box, style=filled, fillcolor=\"#dbe9f6\"" : ", shape=box, style=dashed";
    }
    if (node == y.node().get()) {
      if (!node->is_leaf()) text += cat("\n", at.shape, " ", at.dtype);
      style += ", peripheries=2";
    }
    nodes += cat("  n", number, " [label=", dot_string(text), style, "];\n");
    for (const Input& input : node->inputs)
      if (input.node)
        edges +=
            cat("  n", numbers.at(input.node.get()), " -> n", number, " [label=", dot_string(cat(input.shape)), "];\n");
  }
  return "digraph heed {\n  node [fontname=\"sans-serif\"];\n  edge [fontname=\"sans-serif\", "
         "fontsize=10];\n" +
         nodes + edges + "}\n";
}

std::vector<LeafOf> leaves(const Tensor& y) {
  std::vector<LeafOf> found;
  for (const NodeOf& at : nodes_of(y))
    if (at.node->is_leaf()) found.push_back({at.node, at.shape, at.dtype});
  return found;
}

int64_t graph_size(const Tensor& y) {
  int64_t ops = 0;
  for (const NodeOf& at : nodes_of(y)) ops += !at.node->is_leaf();
  return ops;
}

}  // namespace heed
