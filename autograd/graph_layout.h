// A layered drawing of a directed graph without cycles (Sugiyama, Tagawa & Toda 1981). For graph_svg.h.
//
//     rank:     every box below all that lead to it
//     order:    in each rank, sweeps that move a box to the mean of its neighbours' positions (barycentres)
//     position: in each rank, the places nearest to the neighbours' that keep the order and the gaps: a least-squares
//               problem, solved exactly by pooling boxes that would overlap (Barlow et al. 1972)
//
// An edge that crosses ranks is bent around the boxes there: each such rank gets a bend, a box without size. The same
// graph always gives the same drawing. O(sweeps (boxes + bends) log) time.
#pragma once

#include <utility>
#include <vector>

namespace heed {

struct GraphBox {
  double width, height;
  int rank = 0;         // set by rank_boxes(), or by the caller
  double x = 0, y = 0;  // its centre; from layout()
};

struct GraphEdge {
  int from, to;                                  // from leads to to
  std::vector<std::pair<double, double>> bends;  // between the two; from layout()
};

struct GraphSize {
  double width, height;
};

struct GraphGaps {
  double across = 24, down = 40;
};

/// Ranks from 0: a box without predecessors is as low as its successors permit. REQUIRES from < to for every edge.
void rank_boxes(std::vector<GraphBox>& boxes, const std::vector<GraphEdge>& edges);

/// Places boxes and bends; REQUIRES edges that lead to larger ranks. All coordinates are within the size returned.
GraphSize layout(std::vector<GraphBox>& boxes, std::vector<GraphEdge>& edges, const GraphGaps& gaps = {});

}  // namespace heed
