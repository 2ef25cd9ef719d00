// Watch: sees modules, ops and derivative rules begin and end on this thread, and what they cost. Profiler
// (autograd/profiler.h) and the summary of a forward pass (nn/layer_costs.h) are such. Without one, each place
// that reports costs one test.
#pragma once

#include <cstdint>

namespace heed::core {

struct ScopeFrame;

struct Watch {
  virtual ~Watch() = default;
  virtual void module_begins(const ScopeFrame& /*frame*/) {}  // nn::Scope; the frame is on the list already
  virtual void module_ends(const ScopeFrame& /*frame*/) {}
  virtual void op_begins(const char* /*op*/) {}  // OpName: the outermost only
  virtual void op_ends() {}
  virtual void work(double /*flops*/, int64_t /*bytes*/) {}           // count_work (work.h)
  virtual void recorded(uint64_t /*node*/) {}                         // a node was made
  virtual void rule_begins(const char* /*op*/, uint64_t /*node*/) {}  // its derivative rule runs
  virtual void rule_ends() {}
  // On the threads that take part in a parallel_for, at the same time: time on a clock in nanoseconds, and
  // that a thread's part, which began then, is done.
  virtual int64_t now() { return 0; }
  virtual void part_ends(int64_t /*begun*/) {}
};

inline constinit thread_local Watch* watch = nullptr;  // null: nobody watches

}  // namespace heed::core
