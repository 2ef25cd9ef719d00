// The tables and the trace of a Profiler.
#include <algorithm>
#include <map>

#include <heed/autograd/profile_recorder.h>
#include <heed/core/error.h>
#include <heed/core/files/file.h>
#include <heed/core/parallel.h>
#include <heed/core/table.h>
#include <heed/core/text.h>

namespace heed {

namespace {

double seconds_of(int64_t nanoseconds) { return 1e-9 * static_cast<double>(nanoseconds); }

std::string percent(double part, double of) { return of > 0 ? decimals(100.0 * part / of, 1) + " %" : "-"; }

// Amount per second in units of 1e9, and its share of the peak; nothing where there is no amount.
void add_rate(std::vector<std::string>& row, double amount, double seconds, double peak) {
  const bool is = amount > 0 && seconds > 0;
  row.push_back(is ? decimals(1e-9 * amount / seconds, 1) : "");
  row.push_back(is ? decimals(100.0 * amount / seconds / peak, 0) + " %" : "");
}

}  // namespace

std::vector<OpCost> Profiler::ops() const {
  std::vector<OpCost> rows;
  for (const auto& [key, sum] : recorder_->sums)
    rows.push_back({std::string(key.first), key.second, sum.calls, seconds_of(sum.took), seconds_of(sum.self),
                    seconds_of(sum.threads), sum.flops, sum.bytes});
  std::stable_sort(rows.begin(), rows.end(), [](const OpCost& a, const OpCost& b) { return a.seconds > b.seconds; });
  return rows;
}

std::vector<ModuleCost> Profiler::modules() const {
  using Place = Recorder::Place;
  const std::vector<Place>& places = recorder_->places;
  std::vector<ModuleCost> at(places.size()), rows;
  std::map<std::pair<std::string, std::string>, size_t> row_of;  // by outermost module and path
  std::vector<std::string> outermost(places.size());
  // A place comes after the one that called it: backwards, what is called is complete before its caller.
  for (size_t i = places.size(); i-- > 1;) {
    const Place& p = places[i];
    ModuleCost& cost = at[i];
    cost.path = p.path;
    cost.layer = core::class_name(*p.layer);
    cost.calls = p.calls;
    cost.forward_seconds = seconds_of(p.forward);
    cost.backward_seconds += seconds_of(p.backward);
    cost.self_seconds = seconds_of(p.self + p.backward);
    cost.flops += p.flops;
    cost.bytes += p.bytes;
    if (p.caller <= 0) continue;
    ModuleCost& caller = at[static_cast<size_t>(p.caller)];
    caller.backward_seconds += cost.backward_seconds;
    caller.flops += cost.flops;
    caller.bytes += cost.bytes;
  }
  std::vector<size_t> todo(places[0].called.rbegin(), places[0].called.rend());  // callers first
  while (!todo.empty()) {
    const size_t i = todo.back();
    todo.pop_back();
    const Place& p = places[i];
    todo.insert(todo.end(), p.called.rbegin(), p.called.rend());
    const auto caller = static_cast<size_t>(p.caller);
    outermost[i] = caller == 0 ? p.path : outermost[caller];
    at[i].depth = caller == 0 ? 0 : at[caller].depth + 1;
    const auto [row, is_new] = row_of.try_emplace({outermost[i], p.path}, rows.size());
    if (is_new) {
      rows.push_back(at[i]);
      continue;
    }
    ModuleCost& sum = rows[row->second];  // the same module, called by another
    sum.calls += at[i].calls;
    sum.forward_seconds += at[i].forward_seconds;
    sum.backward_seconds += at[i].backward_seconds;
    sum.self_seconds += at[i].self_seconds;
    sum.flops += at[i].flops;
    sum.bytes += at[i].bytes;
  }
  return rows;
}

double Profiler::seconds() const {
  return seconds_of((recorder_->ended >= 0 ? recorder_->ended : recorder_->now()) - recorder_->begun);
}

double Profiler::outside_ops() const {
  double rest = seconds();
  for (const OpCost& row : ops()) rest -= row.seconds;
  return rest;
}

std::string Profiler::table() const {
  const double total = seconds();
  const core::MachinePeak peak = recorder_->options.peak ? *recorder_->options.peak : core::machine_peak();
  std::vector<std::vector<std::string>> rows{
      {"op", "", "calls", "time", "share", "each", "GFLOP/s", "of peak", "GB/s", "of peak", "threads"}};
  double rest = total;
  for (const OpCost& op : ops()) {
    rest -= op.seconds;
    rows.push_back({readable(op.op), op.backward ? "backward" : "", thousands(op.calls), duration(op.seconds),
                    percent(op.seconds, total), duration(op.seconds / static_cast<double>(op.calls))});
    add_rate(rows.back(), op.flops, op.seconds, peak.flops);
    add_rate(rows.back(), static_cast<double>(op.bytes), op.seconds, peak.bytes);
    rows.back().push_back(op.seconds > 0 ? decimals(op.threads_seconds / op.seconds, 1) : "");
  }
  rows.push_back({"outside ops", "", "", duration(rest), percent(rest, total)});
  rows.push_back({"total", "", "", duration(total), percent(total, total)});
  std::string text = laid_out(rows, "llrrrrrrrrr") + "peak: " + decimals(1e-9 * peak.flops, 1) + " GFLOP/s, " +
                     decimals(1e-9 * peak.bytes, 1) + " GB/s with " + cat(num_threads()) + " threads\n";

  rows = {{"module", "class", "calls", "forward", "backward", "share", "self", "GFLOP/s"}};
  for (const ModuleCost& m : modules()) {
    const double both = m.forward_seconds + m.backward_seconds;
    rows.push_back({std::string(static_cast<size_t>(2 * m.depth), ' ') + readable(m.path), m.layer, thousands(m.calls),
                    duration(m.forward_seconds), duration(m.backward_seconds), percent(both, total),
                    duration(m.self_seconds), both > 0 ? decimals(1e-9 * m.flops / both, 1) : ""});
  }
  return rows.size() > 1 ? text + "\n" + laid_out(rows, "llrrrrrr") : text;
}

void Profiler::write_trace(const std::string& path) const {
  const Recorder& r = *recorder_;
  std::string text =
      "{\"displayTimeUnit\":\"ms\",\"otherData\":{\"events_left_out\":" + cat(r.left_out) + "},\"traceEvents\":[\n";
  for (const auto& [id, thread] : r.threads)
    text += cat("{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":1,\"tid\":", thread, ",\"args\":{\"name\":\"",
                thread == 0 ? "this thread" : cat("worker ", thread), "\"}},\n");
  const auto micro = [](int64_t nanoseconds) { return decimals(1e-3 * static_cast<double>(nanoseconds), 3); };
  constexpr const char* kinds[] = {"op", "backward", "module", "part"};
  for (const Recorder::Event& e : r.events) {
    const Recorder::Place& place = r.places[static_cast<size_t>(e.place)];
    const bool module = e.kind == Recorder::Kind::module;
    std::string name = module ? place.path : e.name ? e.name : "parallel";
    if (e.kind == Recorder::Kind::rule) name += " backward";
    text += cat("{\"name\":", json_string(harmless(name)), ",\"cat\":\"", kinds[static_cast<size_t>(e.kind)],
                "\",\"ph\":\"X\",\"pid\":1,\"tid\":", e.thread, ",\"ts\":", micro(e.begun - r.begun),
                ",\"dur\":", micro(e.took), ",\"args\":{");
    if (module) text += "\"class\":" + json_string(harmless(core::class_name(*place.layer)));
    else text += "\"module\":" + json_string(harmless(place.path));
    if (e.flops > 0) text += ",\"flops\":" + decimals(e.flops, 0);
    if (e.bytes > 0) text += cat(",\"bytes\":", e.bytes);
    text += "}},\n";
  }
  text += "{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":1,\"tid\":0,\"args\":{\"name\":\"heed\"}}\n]}\n";
  core::write_file_atomic(path, text);
}

}  // namespace heed
