// What is recorded while a Profiler watches. The tables and the trace are made in profiler_report.cpp.
#include <heed/autograd/profiler.h>

#include <algorithm>

#include <heed/autograd/profile_recorder.h>
#include <heed/core/error.h>

namespace heed {

Profiler::Recorder::Recorder(ProfilerOptions&& with)
    : options(std::move(with)), before(core::watch), begun(now()), places(1) {
  threads[thread] = 0;
}

// A node that was recorded before the profiler began is outside of all modules.
int Profiler::Recorder::place_of_node(uint64_t node) const {
  const auto at = std::lower_bound(nodes.begin(), nodes.end(), std::pair(node, 0));
  return at != nodes.end() && at->first == node ? at->second : 0;
}

void Profiler::Recorder::module_begins(const core::ScopeFrame& frame) {
  if (before) before->module_begins(frame);
  const int caller = place_now();
  int place = -1;
  for (const int known : places[static_cast<size_t>(caller)].called) {
    const Place& at = places[static_cast<size_t>(known)];
    if (at.module == frame.module && *at.layer == *frame.layer) place = known;
  }
  if (place < 0) {  // its path is found once
    place = static_cast<int>(places.size());
    places[static_cast<size_t>(caller)].called.push_back(place);
    places.push_back({caller, frame.module, frame.layer, core::scope_path()});
  }
  push(Kind::module, nullptr, place);
}

void Profiler::Recorder::module_ends(const core::ScopeFrame& frame) {
  if (before) before->module_ends(frame);
  pop(Kind::module);
}

void Profiler::Recorder::op_begins(const char* op) {
  if (before) before->op_begins(op);
  push(Kind::op, op, place_now());
}

void Profiler::Recorder::op_ends() {
  if (before) before->op_ends();
  pop(Kind::op);
}

void Profiler::Recorder::work(double flops, int64_t bytes) {
  if (before) before->work(flops, bytes);
  if (open.empty()) return;
  open.back().flops += flops;
  open.back().bytes += bytes;
}

void Profiler::Recorder::recorded(uint64_t node) {
  if (before) before->recorded(node);
  const int place = place_now();
  constexpr size_t most = 1'000'000;  // graphs that are never differentiated must not fill the memory
  if (nodes.size() >= most) nodes.erase(nodes.begin(), nodes.begin() + most / 2);
  if (place > 0) nodes.emplace_back(node, place);
}

void Profiler::Recorder::rule_begins(const char* op, uint64_t node) {
  if (before) before->rule_begins(op, node);
  push(Kind::rule, op, place_of_node(node));
}

void Profiler::Recorder::rule_ends() {
  if (before) before->rule_ends();
  pop(Kind::rule);
}

void Profiler::Recorder::part_ends(int64_t part_began) {
  if (before) before->part_ends(part_began);
  const int64_t took = now() - part_began;
  const std::lock_guard lock(parts_mutex);
  const auto [at, is_new] = threads.try_emplace(std::this_thread::get_id(), static_cast<int>(threads.size()));
  if (open.empty()) return;
  // The caller of a parallel loop waits for its end, so `open` does not change while parts run.
  Frame& op = open.back();
  op.parts += took;
  if (at->second == 0) op.waited += took;
  else add_event({Kind::part, at->second, op.name, op.place, part_began, took, 0, 0});
}

void Profiler::Recorder::add_event(const Event& event) {
  if (static_cast<int64_t>(events.size()) < options.trace_events) events.push_back(event);
  else ++left_out;
}

// Ends the innermost frame. Whatever began before the profiler did is not on the list.
void Profiler::Recorder::pop(Kind kind) {
  if (open.empty() || open.back().kind != kind) return;
  const Frame frame = open.back();
  open.pop_back();
  const int64_t took = now() - frame.begun, own = took - frame.foreign;
  Frame* const outer = open.empty() ? nullptr : &open.back();
  Place& place = places[static_cast<size_t>(frame.place)];
  const bool in_rule = outer && outer->kind == Kind::rule;
  if (kind == Kind::module) {
    ++place.calls;
    place.forward += took;
    place.self += own;
    if (outer) outer->foreign += took;
  } else {
    if (kind == Kind::op && in_rule) {  // counted with the rule
      outer->inside += own;
      outer->parts += frame.parts;
      outer->waited += frame.waited;
      outer->flops += frame.flops;
      outer->bytes += frame.bytes;
    } else {
      Sum& sum = sums[{frame.name, kind == Kind::rule}];
      ++sum.calls;
      sum.took += own;
      sum.self += own - frame.inside;
      sum.threads += own - frame.waited + frame.parts;
      sum.flops += frame.flops;
      sum.bytes += frame.bytes;
      place.flops += frame.flops;
      place.bytes += frame.bytes;
    }
    if (kind == Kind::rule) place.backward += own;
    if (outer) outer->foreign += kind == Kind::rule ? took : frame.foreign;
  }
  add_event({frame.kind, 0, frame.name, frame.place, frame.begun, took, frame.flops, frame.bytes});
}

Profiler::Profiler(ProfilerOptions options) : recorder_(std::make_unique<Recorder>(std::move(options))) {
  core::watch = recorder_.get();
}

Profiler::~Profiler() {
  if (recorder_->ended < 0 && core::watch == recorder_.get()) stop();
}

void Profiler::stop() {
  Recorder& r = *recorder_;
  if (r.ended >= 0) return;
  check(core::watch == &r, "Profiler: stop(): ",
        std::this_thread::get_id() == r.thread ? "a Profiler that began later still watches: stop that one first"
                                               : "called on another thread than it began on: stop it there");
  while (!r.open.empty()) r.pop(r.open.back().kind);
  r.ended = r.now();
  core::watch = r.before;
}

}  // namespace heed
