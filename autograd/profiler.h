// Profiler: where does the time go? Time, operations and bytes of each op and each module.
//
//     Profiler profiler;                  // watches this thread's ops while it lives, or until stop()
//     for (int i = 0; i < 10; ++i) step();
//     std::cout << profiler.table();      // a table of ops and one of modules
//     profiler.write_trace("trace.json"); // every op on a time line, for chrome://tracing or ui.perfetto.dev
//
// An op's time is that of the call that computes its value (core/op_name.h); in the backward pass, that of its
// derivative rule with all ops in it. The rows and `outside ops` (everything else: this program's own code, views,
// the engine) sum to the time on the clock. Modules are those that open a Scope: `forward` is the time of their calls,
// `backward` that of the rules of the ops recorded in them.
//
// Operations and bytes are counted where the loops are (core/work.h): a multiply-add is 2, an elementwise function 1 for
// each element; bytes are those of the operands and the result, each once, so an op whose operands are in a cache may
// move more per second than memory could. Shares refer to what the machine was measured to do (core/ops/machine_peak.h).
//
// It watches one thread, and what the pool's threads do for it. Without a Profiler, an op costs one test more; with
// one, two readings of the clock. Profilers may be nested: the outer one sees everything too.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <heed/core/ops/machine_peak.h>

namespace heed {

struct ProfilerOptions {
  int64_t trace_events = 1'000'000;     // for write_trace(), 64 bytes each; what comes later is only counted
  std::function<int64_t()> clock = {};  // nanoseconds; by default the steady clock. For tests
  std::optional<core::MachinePeak> peak = std::nullopt;  // by default measured, when first needed
};

/// What an op cost: all its calls together.
struct OpCost {
  std::string op;
  bool backward = false;  // its derivative rule
  int64_t calls = 0;
  double seconds = 0;
  double self_seconds = 0;     // of it outside of the ops that a rule is composed of
  double threads_seconds = 0;  // summed over the threads that took part
  double flops = 0;
  int64_t bytes = 0;
};

/// What a module cost, with all that is inside it, except where it says self.
struct ModuleCost {
  std::string path;   // "h.3.attn"; of an outermost module its class
  std::string layer;  // its class
  int depth = 0;      // 0: outermost
  int64_t calls = 0;
  double forward_seconds = 0, backward_seconds = 0;
  double self_seconds = 0;  // both, without the modules inside it
  double flops = 0;
  int64_t bytes = 0;
};

class Profiler {
 public:
  explicit Profiler(ProfilerOptions options = {});
  ~Profiler();  // as stop()
  Profiler(const Profiler&) = delete;
  Profiler& operator=(const Profiler&) = delete;

  /// Ends the measurement; later calls do nothing. Throws Error while a Profiler that began later still watches, or on
  /// another thread than it began on.
  void stop();

  std::vector<OpCost> ops() const;          // the most time first
  std::vector<ModuleCost> modules() const;  // in the order of their first calls, each after the one that called it
  double seconds() const;                   // on the clock, from the beginning to stop(), or to now
  double outside_ops() const;               // seconds() without the rows of ops()

  /// Both tables, with the machine's peak and each op's share of it. Measures the peak at first (about 0.1 s).
  std::string table() const;

  /// Chrome's trace format (JSON): one slice for each op, rule and module, and one for each part of a parallel loop
  /// on the thread that ran it. IoError if it cannot be written.
  void write_trace(const std::string& path) const;

 private:
  struct Recorder;
  std::unique_ptr<Recorder> recorder_;
};

}  // namespace heed
