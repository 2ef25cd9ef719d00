// Benchmarks: workloads by name, each timed as the median of many batches.
//
// A workload is prepared once (models, data), then its step is called again and again. A figure
// alone says little on a noisy machine: peers/compare.py runs the same workloads in heed and in
// PyTorch by turns, and prints ratios.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace heed::bench {

using Step = std::function<void()>;

/// How seconds a call become the figure that is printed.
struct Unit {
  std::string name;   // "ns/op", "GFLOP/s"
  double amount;      // of that unit's top in one call
  bool rate = false;  // true: amount / seconds; false: seconds · amount
};

struct Workload {
  std::string name;
  Unit unit;
  std::function<Step()> prepare;
  std::map<std::string, double> facts = {};  // printed beside: "gflop"
};

struct Figure {
  double median, low, high;  // in the workload's unit
};

/// Batches of at least 5 ms, for `seconds` in all, at least 5 of them, after two calls to warm up.
Figure measure(const Workload& workload, double seconds);

/// How much of the machine is there right now: f32 products that stay in the caches, GFLOP/s.
double probe(int threads);

using Workloads = std::vector<Workload>;
void add_overhead(Workloads& all);     // recorded ops on 4 elements
void add_tiny(Workloads& all);         // networks of the first chapters
void add_gpt(Workloads& all);          // training steps
void add_generation(Workloads& all);   // a token at a time
void add_seq2seq(Workloads& all);      // recurrent, with attention
void add_layers(Workloads& all);       // Transformer layers, attention alone
void add_gemm(Workloads& all);         // matrix products
void add_elementwise(Workloads& all);  // maps, rows, reductions, losses, the optimizer
void add_limits(Workloads& all);       // what the machine can do at most

}  // namespace heed::bench
