#include <heed/autograd/graph_layout.h>

#include <algorithm>
#include <cstdint>
#include <limits>

namespace heed {

namespace {

constexpr int sweeps = 12;
constexpr size_t most_bends = 20'000;  // beyond, long edges are drawn straight

// A box, or a bend of a long edge.
struct Item {
  double width;
  std::vector<int> above, below;  // in the ranks next to it
  double x = 0;
  // What begins a path gives way to what continues one, so that a long chain stays straight.
  double weight() const { return above.empty() ? 1 : 10; }
};

struct Layers {
  std::vector<Item> items;             // boxes first
  std::vector<std::vector<int>> rows;  // items of each rank, from left to right
};

double mean_of(const std::vector<int>& ids, const std::vector<double>& value) {
  double sum = 0;
  for (const int id : ids) sum += value[static_cast<size_t>(id)];
  return sum / static_cast<double>(ids.size());
}

// Reorders one row by the mean position of the neighbours; an item without any keeps its position.
void reorder(std::vector<int>& row, const std::vector<Item>& items, bool by_above, std::vector<double>& position) {
  std::vector<std::pair<double, int>> keys;
  for (const int id : row) {
    const Item& item = items[static_cast<size_t>(id)];
    const std::vector<int>& neighbours = by_above ? item.above : item.below;
    keys.emplace_back(neighbours.empty() ? position[static_cast<size_t>(id)] : mean_of(neighbours, position), id);
  }
  std::stable_sort(keys.begin(), keys.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (size_t i = 0; i < row.size(); ++i) {
    row[i] = keys[i].second;
    // As a share of the row, so that rows of different lengths can be compared.
    position[static_cast<size_t>(row[i])] = (static_cast<double>(i) + 0.5) / static_cast<double>(row.size());
  }
}

// Moves the items of a row as near to where they want to be as their order and the gaps permit.
void place(const std::vector<int>& row, std::vector<Item>& items, const std::vector<double>& wanted, double gap) {
  struct Block {
    double sum, weight;
    size_t first, count;
    double mean() const { return sum / weight; }
  };
  std::vector<double> offset(row.size());  // of each from the first of the row, packed tightly
  for (size_t i = 1; i < row.size(); ++i) {
    const double half = items[static_cast<size_t>(row[i - 1])].width + items[static_cast<size_t>(row[i])].width;
    offset[i] = offset[i - 1] + half / 2 + gap;
  }
  std::vector<Block> blocks;
  for (size_t i = 0; i < row.size(); ++i) {
    const double weight = items[static_cast<size_t>(row[i])].weight();
    blocks.push_back({weight * (wanted[i] - offset[i]), weight, i, 1});
    while (blocks.size() > 1 && blocks[blocks.size() - 2].mean() > blocks.back().mean()) {
      const Block last = blocks.back();
      blocks.pop_back();
      blocks.back().sum += last.sum;
      blocks.back().weight += last.weight;
      blocks.back().count += last.count;
    }
  }
  for (const Block& block : blocks)
    for (size_t i = block.first; i < block.first + block.count; ++i)
      items[static_cast<size_t>(row[i])].x = block.mean() + offset[i];
}

void align(Layers& layers, size_t r, bool by_above, bool by_below, double gap) {
  std::vector<double> wanted;
  for (const int id : layers.rows[r]) {
    const Item& item = layers.items[static_cast<size_t>(id)];
    double sum = 0, weights = 0;
    const auto add = [&](const std::vector<int>& ids) {
      for (const int other : ids) {
        const Item& from = layers.items[static_cast<size_t>(other)];
        sum += from.weight() * from.x;
        weights += from.weight();
      }
    };
    if (by_above) add(item.above);
    if (by_below) add(item.below);
    wanted.push_back(weights > 0 ? sum / weights : item.x);
  }
  place(layers.rows[r], layers.items, wanted, gap);
}

}  // namespace

void rank_boxes(std::vector<GraphBox>& boxes, const std::vector<GraphEdge>& edges) {
  std::vector<std::vector<int>> above(boxes.size()), below(boxes.size());
  for (const GraphEdge& e : edges) {
    above[static_cast<size_t>(e.to)].push_back(e.from);
    below[static_cast<size_t>(e.from)].push_back(e.to);
  }
  for (size_t i = 0; i < boxes.size(); ++i) {
    boxes[i].rank = 0;
    for (const int from : above[i]) boxes[i].rank = std::max(boxes[i].rank, boxes[static_cast<size_t>(from)].rank + 1);
  }
  for (size_t i = 0; i < boxes.size(); ++i) {  // sources come down to what they lead to
    if (!above[i].empty() || below[i].empty()) continue;
    int lowest = std::numeric_limits<int>::max();
    for (const int to : below[i]) lowest = std::min(lowest, boxes[static_cast<size_t>(to)].rank - 1);
    boxes[i].rank = lowest;
  }
}

GraphSize layout(std::vector<GraphBox>& boxes, std::vector<GraphEdge>& edges, const GraphGaps& gaps) {
  Layers layers;
  int ranks = 0;
  for (const GraphBox& box : boxes) {
    layers.items.push_back({box.width, {}, {}});
    ranks = std::max(ranks, box.rank + 1);
  }
  layers.rows.resize(static_cast<size_t>(ranks));
  for (size_t i = 0; i < boxes.size(); ++i)
    layers.rows[static_cast<size_t>(boxes[i].rank)].push_back(static_cast<int>(i));

  const auto join = [&](int above, int below) {
    layers.items[static_cast<size_t>(above)].below.push_back(below);
    layers.items[static_cast<size_t>(below)].above.push_back(above);
  };
  std::vector<std::vector<int>> chains(edges.size());  // the bends of each edge
  size_t bends = 0;
  for (const GraphEdge& e : edges)
    bends += static_cast<size_t>(boxes[static_cast<size_t>(e.to)].rank - boxes[static_cast<size_t>(e.from)].rank - 1);
  for (size_t k = 0; k < edges.size(); ++k) {
    const int first = boxes[static_cast<size_t>(edges[k].from)].rank,
              last = boxes[static_cast<size_t>(edges[k].to)].rank;
    int at = edges[k].from;
    for (int rank = first + 1; rank < last && bends <= most_bends; ++rank) {
      const int bend = static_cast<int>(layers.items.size());
      layers.items.push_back({4, {}, {}});
      layers.rows[static_cast<size_t>(rank)].push_back(bend);
      chains[k].push_back(bend);
      join(at, bend);
      at = bend;
    }
    if (bends <= most_bends || last == first + 1) join(at, edges[k].to);
  }

  std::vector<double> position(layers.items.size());
  for (const std::vector<int>& row : layers.rows)
    for (size_t i = 0; i < row.size(); ++i)
      position[static_cast<size_t>(row[i])] = (static_cast<double>(i) + 0.5) / static_cast<double>(row.size());
  for (int sweep = 0; sweep < sweeps; ++sweep) {
    for (size_t r = 1; r < layers.rows.size(); ++r) reorder(layers.rows[r], layers.items, true, position);
    for (size_t r = layers.rows.size(); r-- > 1;) reorder(layers.rows[r - 1], layers.items, false, position);
  }

  for (const std::vector<int>& row : layers.rows)
    place(row, layers.items, std::vector<double>(row.size(), 0.0), gaps.across);
  for (int sweep = 0; sweep < sweeps; ++sweep) {
    for (size_t r = 1; r < layers.rows.size(); ++r) align(layers, r, true, false, gaps.across);
    for (size_t r = layers.rows.size(); r-- > 1;) align(layers, r - 1, false, true, gaps.across);
  }
  for (int sweep = 0; sweep < sweeps; ++sweep)
    for (size_t r = 0; r < layers.rows.size(); ++r) align(layers, r, true, true, gaps.across);

  double left = std::numeric_limits<double>::max(), right = -left;
  for (const Item& item : layers.items) {
    left = std::min(left, item.x - item.width / 2);
    right = std::max(right, item.x + item.width / 2);
  }
  if (layers.items.empty()) left = right = 0;
  double y = 0;
  std::vector<double> middle;  // of each rank
  for (const std::vector<int>& row : layers.rows) {
    double height = 0;
    for (const int id : row)
      if (static_cast<size_t>(id) < boxes.size()) height = std::max(height, boxes[static_cast<size_t>(id)].height);
    middle.push_back(y + height / 2);
    y += height + gaps.down;
  }
  for (size_t i = 0; i < boxes.size(); ++i) {
    boxes[i].x = layers.items[i].x - left;
    boxes[i].y = middle[static_cast<size_t>(boxes[i].rank)];
  }
  for (size_t k = 0; k < edges.size(); ++k) {
    auto rank = static_cast<size_t>(boxes[static_cast<size_t>(edges[k].from)].rank);
    edges[k].bends.clear();
    for (const int bend : chains[k])
      edges[k].bends.emplace_back(layers.items[static_cast<size_t>(bend)].x - left, middle[++rank]);
  }
  return {right - left, std::max(0.0, y - gaps.down)};
}

}  // namespace heed
