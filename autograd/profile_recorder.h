// What Profiler records while it watches (profiler.h). Times in nanoseconds.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>

#include <heed/autograd/profiler.h>
#include <heed/core/scope.h>
#include <heed/core/watch.h>

namespace heed {

struct Profiler::Recorder final : core::Watch {
  enum class Kind : uint8_t { op, rule, module, part };

  /// A module as it was called: under which caller. The paths of two calls are equal, their places need not be.
  struct Place {
    int caller = -1;
    const void* module = nullptr;
    const std::type_info* layer = nullptr;
    std::string path = {};
    std::vector<int> called = {};
    int64_t calls = 0, forward = 0, backward = 0, self = 0;  // forward with what it calls, the others without
    double flops = 0;
    int64_t bytes = 0;
  };
  /// What is running: modules, an op, a rule and the ops in it, innermost last.
  struct Frame {
    Kind kind;
    const char* name;
    int place;
    int64_t begun;
    int64_t inside = 0;   // of its time, that of ops inside a rule
    int64_t foreign = 0;  // that of modules and rules inside, which have rows of their own
    int64_t waited = 0;   // in parallel loops on this thread
    int64_t parts = 0;    // in parallel loops on all threads
    double flops = 0;
    int64_t bytes = 0;
  };
  struct Event {
    Kind kind;
    int thread;
    const char* name;
    int place;
    int64_t begun, took;
    double flops;
    int64_t bytes;
  };
  struct Sum {
    int64_t calls = 0, took = 0, self = 0, threads = 0, bytes = 0;
    double flops = 0;
  };

  explicit Recorder(ProfilerOptions&& with);

  void module_begins(const core::ScopeFrame& frame) override;
  void module_ends(const core::ScopeFrame& frame) override;
  void op_begins(const char* op) override;
  void op_ends() override;
  void work(double flops, int64_t bytes) override;
  void recorded(uint64_t node) override;
  void rule_begins(const char* op, uint64_t node) override;
  void rule_ends() override;
  int64_t now() override { return options.clock ? options.clock() : steady(); }
  void part_ends(int64_t part_began) override;

  static int64_t steady() { return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1); }
  int place_now() const { return open.empty() ? 0 : open.back().place; }
  int place_of_node(uint64_t node) const;
  void push(Kind kind, const char* name, int place) { open.push_back({kind, name, place, now()}); }
  void pop(Kind kind);
  void add_event(const Event& event);

  ProfilerOptions options;
  core::Watch* const before;
  const std::thread::id thread = std::this_thread::get_id();
  int64_t begun, ended = -1;
  std::vector<Frame> open;
  std::vector<Place> places;                              // the first: outside of all modules
  std::map<std::pair<std::string_view, bool>, Sum> sums;  // by op and whether its rule
  std::vector<std::pair<uint64_t, int>> nodes;            // where each was recorded; ids grow
  std::vector<Event> events;
  int64_t left_out = 0;  // events

  std::mutex parts_mutex;  // guards what follows, and `events`, while a parallel loop runs
  std::map<std::thread::id, int> threads;
};

}  // namespace heed
