// Benchmarks: workloads by name, each timed as the median of many batches.
//
// A workload is prepared once (models, data), then its step is called repeatedly. A single figure
// says little on a noisy machine: peers/compare.py runs the same workloads alternately in heed and in
// PyTorch, and prints ratios.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace heed::bench {

using Step = std::function<void()>;

/// How seconds per call become the figure that is printed.
struct Unit {
  std::string name;   // "ns/op", "GFLOP/s"
  double amount;      // of the unit's numerator per call
  bool rate = false;  // true: amount / seconds; false: seconds · amount
};

struct Workload {
  std::string name;
  Unit unit;
  std::function<Step()> prepare;
  std::map<std::string, double> facts = {};  // printed with the figure: "gflop"
};

struct Figure {
  double median, low, high;  // in the workload's unit
};

/// At least five batches of at least 5 ms each, for `seconds` in all, after two calls to warm up.
Figure measure(const Workload& workload, double seconds);

/// How much of the machine is available now: f32 products that stay in the caches, GFLOP/s.
double probe(int threads);

using Workloads = std::vector<Workload>;
void add_overhead(Workloads& all);     // recorded ops on 4 elements
void add_tiny(Workloads& all);         // networks of the first chapters
void add_gpt(Workloads& all);          // training steps
void add_generation(Workloads& all);   // one token at a time
void add_seq2seq(Workloads& all);      // recurrent, with attention
void add_layers(Workloads& all);       // Transformer layers, attention alone
void add_gemm(Workloads& all);         // matrix products
void add_elementwise(Workloads& all);  // maps, rows, reductions, losses, the optimizer
void add_limits(Workloads& all);       // what the machine can do at most

}  // namespace heed::bench
