#include <heed/autograd/graph_svg.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <heed/autograd/graph_layout.h>
#include <heed/autograd/hooks.h>
#include <heed/autograd/leaf.h>
#include <heed/core/files/file.h>
#include <heed/core/table.h>
#include <heed/core/text.h>
#include <heed/core/xml.h>

namespace heed {

namespace {

constexpr int64_t shown = 4, told = 16;  // elements in a box, and in its tooltip
constexpr int far_apart = 3;             // ranks
constexpr double line_height = 15, padding = 8;

constexpr const char* style = R"(<style>
svg{background:#fff;font:12px system-ui,sans-serif}
text{fill:#1b1b1b;text-anchor:middle}
.n{font-weight:600}
.s{fill:#4a4a4a;font-size:11px}
rect{stroke-width:1.2;fill:#f2f2f2;stroke:#767676}
.leaf rect{fill:#dbe9f6;stroke:#0b5394}
.frozen rect{stroke-dasharray:4 3}
.again rect{stroke-dasharray:2 2}
.out rect{fill:#d9ead3;stroke:#2f6b1c;stroke-width:2}
path{fill:none;stroke:#767676;stroke-width:1.2}
#tip path{fill:#767676;stroke:none}
@media (prefers-color-scheme:dark){
svg{background:#16181c}
text{fill:#f2f2f2}
.s{fill:#c4c7cc}
rect{fill:#2a2d33;stroke:#9aa0a6}
.leaf rect{fill:#1d3a57;stroke:#8ab4f8}
.out rect{fill:#23402a;stroke:#81c995}
path{stroke:#9aa0a6}
#tip path{fill:#9aa0a6}
}
</style>
)";

// One drawn box: a node, or a leaf once more.
struct Drawn {
  const NodeOf* at;
  std::string css;
  std::vector<std::string> lines;  // the first is its name
  std::string told;                // its tooltip
};

std::string elements(const Tensor& x) {
  std::string text;
  for (const double value : x.to_vector()) text += (text.empty() ? "" : ", ") + significant(value, 4);
  return text;
}

// Bytes of the storages, each once.
int64_t bytes_of(const std::vector<Tensor>& tensors, std::set<const void*>& counted) {
  int64_t bytes = 0;
  for (const Tensor& x : tensors)
    if (x.defined() && x.numel() > 0 && counted.insert(x.array().storage().bytes()).second)
      bytes += static_cast<int64_t>(x.array().storage().size());
  return bytes;
}

Tensor gradient_of(const Node& node) {
  if (node.is_leaf()) return static_cast<const Leaf&>(node).grad;
  return node.hooks ? node.hooks->grad : Tensor();
}

class Picture {
 public:
  Picture(const Tensor& y, const GraphSvgOptions& options)
      : options_(options), output_(y.node().get()), nodes_(nodes_of(y)) {
    const auto size = static_cast<int64_t>(nodes_.size());
    check<AutogradError>(size > 0, "graph_svg: ", y.shape(),
                         ": has no history: no tensor that requires grad led to it, or it was made under NoGrad");
    check(size <= options.max_nodes, "graph_svg: ", y.shape(), " with ", size,
          " nodes in its history: more than max_nodes, ", options.max_nodes,
          ": draw a part, as the output of one block of the model, or raise max_nodes");
    values_[output_] = y;
    for (const NodeOf& at : nodes_)
      for (const Tensor& kept : at.node->kept())
        if (kept.node()) values_.try_emplace(kept.node().get(), kept);
    for (const Label& label : options.labels)
      if (const Node* const node = label.tensor.node().get()) {
        names_[node] = label.name;
        values_[node] = label.tensor;
      }
    add_boxes();
  }

  std::string svg();

 private:
  Drawn described(const NodeOf& at);
  int add(Drawn&& drawn, int rank);
  void add_boxes();
  std::string box_text(size_t i) const;
  std::string edge_path(const GraphEdge& edge) const;

  const GraphSvgOptions& options_;
  const Node* const output_;
  const std::vector<NodeOf> nodes_;
  std::map<const Node*, std::string> names_;
  std::map<const Node*, Tensor> values_;
  std::vector<Drawn> drawn_;
  std::vector<GraphBox> boxes_;
  std::vector<GraphEdge> edges_;
  std::set<const void*> counted_;
  int64_t kept_ = 0;
};

Drawn Picture::described(const NodeOf& at) {
  const Node& node = *at.node;
  const auto named = names_.find(&node);
  Drawn box{&at, node.is_leaf() ? node.requires_grad() ? "leaf" : "leaf frozen" : "op", {}, {}};
  if (&node == output_) box.css += " out";
  const std::string name = named != names_.end() ? named->second : "";
  box.lines.push_back(!node.is_leaf() ? node.name : name.empty() ? "leaf" : name);
  if (!node.is_leaf() && !name.empty()) box.lines.push_back(name);
  box.lines.push_back(cat(at.shape, " ", at.dtype));
  std::set<const void*> here;
  const std::vector<Tensor> kept = node.kept();
  const int64_t bytes = bytes_of(kept, here);
  kept_ += bytes_of(kept, counted_);
  if (bytes > 0) box.lines.push_back("keeps " + size_of_bytes(bytes));
  box.told = box.lines[0] + (name.empty() || node.is_leaf() ? "" : ", " + name) + cat(": ", at.shape, " ", at.dtype);
  if (node.layer) box.told += "; recorded in " + core::class_name(*node.layer);
  if (bytes > 0) box.told += "; keeps " + size_of_bytes(bytes) + " for backward";
  if (!node.is_leaf() && node.released()) box.told += "; what it kept was released by backward()";
  const auto tell = [&](const char* in_box, const char* in_words, const Tensor& x) {
    if (!x.defined() || x.numel() > told || x.numel() == 0) return;
    if (x.numel() <= shown) box.lines.push_back(in_box + elements(x));
    box.told += in_words + elements(x);
  };
  const auto value = values_.find(&node);
  if (value != values_.end()) tell("= ", "; value ", value->second);
  tell("grad ", "; gradient ", gradient_of(node));
  return box;
}

int Picture::add(Drawn&& drawn, int rank) {
  size_t longest = 0;
  for (size_t i = 0; i < drawn.lines.size(); ++i) longest = std::max(longest, drawn.lines[i].size() + (i == 0));
  boxes_.push_back({std::clamp(7.0 * static_cast<double>(longest), 44.0, 360.0) + 2 * padding,
                    line_height * static_cast<double>(drawn.lines.size()) + 2 * padding - 4, rank});
  drawn_.push_back(std::move(drawn));
  return static_cast<int>(drawn_.size()) - 1;
}

void Picture::add_boxes() {
  std::map<const Node*, int> box_of;
  for (const NodeOf& at : nodes_) {
    box_of[at.node.get()] = add(described(at), 0);
    for (const Input& input : at.node->inputs)
      if (input.node) edges_.push_back({box_of.at(input.node.get()), box_of.at(at.node.get()), {}});
  }
  rank_boxes(boxes_, edges_);
  // A leaf whose user is far below gets another box there, one for each rank.
  std::map<std::pair<int, int>, int> again;
  for (GraphEdge& edge : edges_) {
    const int rank = boxes_[static_cast<size_t>(edge.to)].rank - 1;
    const Drawn& from = drawn_[static_cast<size_t>(edge.from)];
    if (!from.at->node->is_leaf() || rank - boxes_[static_cast<size_t>(edge.from)].rank < far_apart) continue;
    const auto [box, is_new] = again.try_emplace({edge.from, rank}, static_cast<int>(drawn_.size()));
    if (is_new) add({from.at, from.css + " again", {from.lines[0]}, from.lines[0] + ", once more"}, rank);
    edge.from = box->second;
  }
}

std::string number(double x) { return decimals(x, 1); }

std::string Picture::box_text(size_t i) const {
  const GraphBox& box = boxes_[i];
  const Drawn& drawn = drawn_[i];
  std::string text = "<g class=\"" + drawn.css + "\" role=\"img\"><title>" + escaped_xml(drawn.told) +
                     "</title><rect x=\"" + number(box.x - box.width / 2) + "\" y=\"" + number(box.y - box.height / 2) +
                     "\" width=\"" + number(box.width) + "\" height=\"" + number(box.height) + "\" rx=\"" +
                     (drawn.at->node->is_leaf() ? "2" : "9") + "\"/>";
  double y = box.y - box.height / 2 + padding + 9;
  for (size_t line = 0; line < drawn.lines.size(); ++line, y += line_height) {
    // Names are of any length: a long one is squeezed into its box.
    const std::string squeeze =
        7.0 * static_cast<double>(drawn.lines[line].size()) > 360.0
            ? " textLength=\"" + number(box.width - 2 * padding) + "\" lengthAdjust=\"spacingAndGlyphs\""
            : "";
    text += "<text class=\"" + std::string(line == 0 ? "n" : "s") + "\" x=\"" + number(box.x) + "\" y=\"" + number(y) +
            "\"" + squeeze + ">" + escaped_xml(drawn.lines[line]) + "</text>";
  }
  return text + "</g>\n";
}

// From the lower side of a box through the bends to the upper side of another, upright at every point.
std::string Picture::edge_path(const GraphEdge& edge) const {
  const GraphBox &from = boxes_[static_cast<size_t>(edge.from)], &to = boxes_[static_cast<size_t>(edge.to)];
  std::vector<std::pair<double, double>> points{{from.x, from.y + from.height / 2}};
  points.insert(points.end(), edge.bends.begin(), edge.bends.end());
  points.emplace_back(to.x, to.y - to.height / 2 - 6);  // room for the tip
  std::string d = "M" + number(points[0].first) + " " + number(points[0].second);
  for (size_t i = 1; i < points.size(); ++i) {
    const auto [x0, y0] = points[i - 1];
    const auto [x1, y1] = points[i];
    const double middle = (y0 + y1) / 2;
    d += "C" + number(x0) + " " + number(middle) + " " + number(x1) + " " + number(middle) + " " + number(x1) + " " +
         number(y1);
  }
  return "<path d=\"" + d + "\" marker-end=\"url(#tip)\"/>\n";
}

std::string Picture::svg() {
  const GraphSize size = layout(boxes_, edges_);
  constexpr double margin = 16, head = 30;
  int64_t ops = 0;
  for (const NodeOf& at : nodes_) ops += !at.node->is_leaf();
  const std::string about = cat(ops, " ops and ", static_cast<int64_t>(nodes_.size()) - ops, " leaves; ",
                                size_of_bytes(kept_), " kept for backward, shared tensors once");
  const double wide = std::max(size.width, 7.0 * static_cast<double>(std::max(about.size(), options_.title.size())));
  const std::string width = number(wide + 2 * margin), height = number(size.height + 2 * margin + head);
  std::string text =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + width + "\" height=\"" + height + "\" viewBox=\"0 0 " +
      width + " " + height +
      "\" role=\"group\" aria-labelledby=\"graph-title graph-desc\">\n<title id=\"graph-title\">" +
      escaped_xml(options_.title) + "</title>\n<desc id=\"graph-desc\">" + about +
      ". Values are computed from top to bottom; gradients take the same lines upwards.</desc>\n" + style +
      "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"1\" refY=\"4\" markerWidth=\"6\" markerHeight=\"6\" "
      "orient=\"auto\"><path d=\"M0 0L8 4L0 8z\"/></marker></defs>\n<text class=\"n\" x=\"" +
      number(wide / 2 + margin) + "\" y=\"18\">" + escaped_xml(options_.title) + "</text>\n<text class=\"s\" x=\"" +
      number(wide / 2 + margin) + "\" y=\"34\">" + about + "</text>\n<g transform=\"translate(" +
      number(margin + (wide - size.width) / 2) + " " + number(margin + head) + ")\">\n";
  for (const GraphEdge& edge : edges_) text += edge_path(edge);
  for (size_t i = 0; i < drawn_.size(); ++i) text += box_text(i);
  return text + "</g>\n</svg>\n";
}

}  // namespace

std::string graph_svg(const Tensor& y, const GraphSvgOptions& options) { return Picture(y, options).svg(); }

void write_graph_svg(const std::string& path, const Tensor& y, const GraphSvgOptions& options) {
  core::write_file_atomic(path, graph_svg(y, options));
}

}  // namespace heed
