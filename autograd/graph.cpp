#include <heed/autograd/graph.h>

#include <map>

#include <heed/autograd/node.h>

namespace heed {

namespace {

struct Seen {
  std::shared_ptr<Node> node;
  Shape shape;  // of the tensor that the node made
  Dtype dtype = Dtype::f32;
};

// Every node in y's history, by age. Ids grow with creation, so inputs come before outputs.
std::map<uint64_t, Seen> history(const Tensor& y) {
  std::map<uint64_t, Seen> seen;
  std::vector<Node*> open;
  const auto visit = [&](const std::shared_ptr<Node>& node, const Shape& shape, Dtype dtype) {
    if (node && seen.try_emplace(node->id, Seen{node, shape, dtype}).second) open.push_back(node.get());
  };
  visit(y.node(), y.shape(), y.dtype());
  while (!open.empty()) {
    const Node& node = *open.back();
    open.pop_back();
    for (const Input& input : node.inputs) visit(input.node, input.shape, input.dtype);
  }
  return seen;
}

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

std::string graph_dot(const Tensor& y, const std::vector<Label>& labels) {
  const std::map<uint64_t, Seen> seen = history(y);
  std::map<const Node*, std::string> names;
  for (const Label& label : labels)
    if (label.tensor.node()) names[label.tensor.node().get()] = label.name;
  std::map<const Node*, size_t> numbers;
  std::string nodes, edges;
  for (const auto& [id, at] : seen) {
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
  for (const auto& [id, at] : history(y))
    if (at.node->is_leaf()) found.push_back({at.node, at.shape, at.dtype});
  return found;
}

int64_t graph_size(const Tensor& y) {
  int64_t ops = 0;
  for (const auto& [id, at] : history(y)) ops += !at.node->is_leaf();
  return ops;
}

}  // namespace heed
