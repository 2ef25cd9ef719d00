#include <heed/nn/layer_costs.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <utility>

#include <heed/autograd/observe.h>
#include <heed/core/watch.h>
#include <heed/nn/clone.h>

namespace heed::nn {

namespace {

const void* place_of(const core::Array& x) { return x.storage() ? x.storage().bytes() : nullptr; }

using RowOf = std::map<const void*, int>;

int row_of(const RowOf& rows, const core::ScopeFrame& frame) {
  const auto at = rows.find(frame.module);
  return at == rows.end() ? -1 : at->second;
}

}  // namespace

// The pass that is looked at: shapes, operations and bytes.
class CostWatch::Look final : public Observer, public core::Watch {
 public:
  Look(std::vector<LayerCost>& rows, const RowOf& row_of, const std::set<const void*>& parameters)
      : rows_(rows), row_of_(row_of), parameters_(parameters), outer_(std::exchange(observer, this)) {}
  ~Look() override { observer = outer_; }
  Look(const Look&) = delete;

  void module_begins(const core::ScopeFrame& frame) override {
    open_.push_back(calls_.size());
    calls_.push_back({row_of(row_of_, frame), calls_.empty() ? latest_ : std::nullopt});
    calls_.back().begun = core::memory_stats().in_use;
  }
  void module_ends(const core::ScopeFrame&) override {
    Call& call = calls_[open_.back()];
    open_.pop_back();
    if (!call.last) call.input = call.last = latest_;  // no op: it returned its input
    if (call.row < 0) return;
    unresolved_.insert(static_cast<size_t>(&call - calls_.data()));
    LayerCost& row = rows_[static_cast<size_t>(call.row)];
    ++row.calls;
    row.kept_bytes += std::max<int64_t>(0, core::memory_stats().in_use - call.begun);
  }
  void work(double flops, int64_t) override {
    std::set<int> counted;  // a module may be running within itself
    for (const size_t i : open_)
      if (calls_[i].row >= 0 && counted.insert(calls_[i].row).second)
        rows_[static_cast<size_t>(calls_[i].row)].flops += flops;
  }

  void input(const Tensor& x) override {
    const void* const place = place_of(x.array());
    if (!place || parameters_.contains(place)) return;
    if (calls_.empty() && !latest_) latest_ = x.shape();  // what the model will be given
    for (const size_t i : open_) {
      Call& call = calls_[i];
      if (call.made.contains(place)) continue;
      if (!call.input) call.input = x.shape();
      call.given.insert(place);
    }
    for (auto at = unresolved_.begin(); at != unresolved_.end();) {
      Call& call = calls_[*at];
      if (call.made.contains(place)) {
        call.output = x.shape();
        at = unresolved_.erase(at);
      } else {
        ++at;
      }
    }
  }
  void output(const char*, const core::Array& y) override {
    latest_ = y.shape();
    const void* const place = place_of(y);
    for (const size_t i : unresolved_) calls_[i].made.erase(place);  // memory that is used again
    for (const size_t i : open_) {
      Call& call = calls_[i];
      call.last = y.shape();
      if (!parameters_.contains(place) && !call.given.contains(place)) call.made[place] = y.shape();
    }
  }
  void gradient(const char*, const Tensor&, bool) override {}

  /// Once the pass is over.
  void write_shapes(const StateDict& state) const;

 private:
  struct Call {
    int row;  // -1: of a module that the model does not name
    std::optional<Shape> input = std::nullopt, output = std::nullopt, last = std::nullopt;
    std::map<const void*, Shape> made = {};  // what its ops made, by storage
    std::set<const void*> given = {};        // what they took and had not made
    int64_t begun = 0;                       // bytes in use
  };

  std::vector<LayerCost>& rows_;
  const RowOf& row_of_;
  const std::set<const void*>& parameters_;
  Observer* const outer_;
  std::vector<Call> calls_;
  std::vector<size_t> open_;     // positions in calls_, innermost last
  std::set<size_t> unresolved_;  // ended, and nothing that they made was used since
  std::optional<Shape> latest_;  // what was made last; at first, what the model is given
};

// The pass that is timed.
class CostWatch::Clock final : public core::Watch {
 public:
  Clock(std::vector<LayerCost>& rows, const RowOf& row_of) : rows_(rows), row_of_(row_of) {}
  void module_begins(const core::ScopeFrame&) override { begun_.push_back(std::chrono::steady_clock::now()); }
  void module_ends(const core::ScopeFrame& frame) override {
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun_.back();
    begun_.pop_back();
    const int row = row_of(row_of_, frame);
    if (row >= 0) rows_[static_cast<size_t>(row)].seconds += took.count();
  }

 private:
  std::vector<LayerCost>& rows_;
  const RowOf& row_of_;
  std::vector<std::chrono::steady_clock::time_point> begun_;
};

namespace {

bool is_inside(const std::string& name, const std::string& path) {
  return path.empty() || (name.size() > path.size() && name.starts_with(path) && name[path.size()] == '.');
}

// One call of a leaf, as torchinfo counts.
int64_t mult_adds(const StateDict& state, const std::string& path, const Shape& output) {
  int64_t sum = 0;
  for (const NamedTensor& entry : state) {
    if (!is_inside(entry.name, path)) continue;
    const std::string name = path.empty() ? entry.name : entry.name.substr(path.size() + 1);
    const int64_t batch = output.rank() > 0 ? output[0] : 1, steps = output.rank() > 1 ? output[1] : 1;
    if (name == "weight" || name == "bias") sum += batch * entry.tensor.numel();
    else if (name.find("weight") != name.npos || name.find("bias") != name.npos)
      sum += batch * steps * entry.tensor.numel();
  }
  return sum;
}

std::vector<LayerCost> empty_rows(const Module& model, const StateDict& state) {
  const std::vector<NamedModule> modules = named_modules(model);
  std::set<const void*> trainable, counted;
  for (const Tensor& p : model.parameters()) trainable.insert(elements_of(p));
  std::vector<LayerCost> rows;
  std::map<const void*, std::string> first;
  for (const NamedModule& m : modules) {
    LayerCost row{m.name, class_name(*m.module)};
    if (!m.name.empty())
      row.depth = 1 + static_cast<int>(std::count_if(modules.begin(), modules.end(), [&](auto& other) {
                    return !other.name.empty() && is_inside(m.name, other.name);
                  }));
    row.leaf = std::none_of(modules.begin(), modules.end(),
                            [&](auto& other) { return !other.name.empty() && is_inside(other.name, m.name); });
    const auto [earlier, is_new] = first.emplace(m.module, m.name);
    if (!is_new) row.same_as = earlier->second;
    std::set<const void*> own;
    for (const NamedTensor& entry : state) {
      const void* const at = entry.tensor.numel() > 0 ? elements_of(entry.tensor) : nullptr;
      if (!at || !is_inside(entry.name, m.name) || !own.insert(at).second) continue;
      row.parameters += entry.tensor.numel();
      row.trainable += trainable.contains(at) ? entry.tensor.numel() : 0;
      if (row.leaf && counted.insert(at).second) row.new_parameters += entry.tensor.numel();
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

void CostWatch::Look::write_shapes(const StateDict& state) const {
  for (const Call& call : calls_) {
    if (call.row < 0) continue;
    LayerCost& row = rows_[static_cast<size_t>(call.row)];
    const std::optional<Shape>& output = call.output ? call.output : call.last;
    if (!row.output) {
      row.input = call.input;
      row.output = output;
    }
    if (row.leaf && output) row.mult_adds += mult_adds(state, row.path, *output);
  }
}

const void* elements_of(const Tensor& x) {
  return x.array().storage().bytes() + x.array().offset() * static_cast<int64_t>(size_of(x.dtype()));
}

struct CostWatch::State {
  std::vector<LayerCost> rows;
  StateDict state;
  RowOf row_of;
  std::set<const void*> parameters;
  const void* model = nullptr;
  std::optional<Look> look;
  std::optional<Clock> clock;
  int depth = 0;  // of the modules that are running
  int passes = 0;
};

CostWatch::CostWatch() : state_(std::make_unique<State>()), outer_(std::exchange(core::watch, this)) {}

CostWatch::~CostWatch() { core::watch = outer_; }

void CostWatch::expect(const Module& model) {
  State& s = *state_;
  s.model = &model;
  s.state = model.state_dict();
  s.rows = empty_rows(model, s.state);
  for (const NamedModule& m : named_modules(model)) s.row_of.emplace(m.module, static_cast<int>(s.row_of.size()));
  for (const NamedTensor& entry : s.state) s.parameters.insert(place_of(entry.tensor.array()));
  s.look.emplace(s.rows, s.row_of, s.parameters);
}

void CostWatch::module_begins(const core::ScopeFrame& frame) {
  if (outer_) outer_->module_begins(frame);
  State& s = *state_;
  if (s.depth++ == 0 && !s.model) expect(*static_cast<const Module*>(frame.module));
  if (s.depth == 1 && !s.look && !s.clock && s.passes < 2) s.clock.emplace(s.rows, s.row_of);
  if (s.look) s.look->module_begins(frame);
  if (s.clock) s.clock->module_begins(frame);
}

void CostWatch::module_ends(const core::ScopeFrame& frame) {
  if (outer_) outer_->module_ends(frame);
  State& s = *state_;
  if (s.depth == 0) return;  // it began earlier than this watch
  if (s.clock) s.clock->module_ends(frame);
  if (s.look) s.look->module_ends(frame);
  if (--s.depth > 0 || frame.module != s.model || s.passes == 2) return;
  ++s.passes;
  s.clock.reset();
  pass_ended(s.passes, *static_cast<const Module*>(frame.module));
}

void CostWatch::work(double flops, int64_t bytes) {
  if (outer_) outer_->work(flops, bytes);
  if (state_->look) state_->look->work(flops, bytes);
}

void CostWatch::end_look() {
  State& s = *state_;
  if (!s.look) return;
  s.look->write_shapes(s.state);
  s.look.reset();
  for (LayerCost& row : s.rows)
    if (!row.leaf)
      for (const LayerCost& inner : s.rows)
        if (inner.leaf && inner.same_as.empty() && is_inside(inner.path, row.path)) row.mult_adds += inner.mult_adds;
}

const std::vector<LayerCost>& CostWatch::rows() const { return state_->rows; }

std::vector<LayerCost> layer_costs(const Module& model, const std::function<void()>& forward) {
  const Generator drawn(default_generator());
  const auto run = [&] {
    Generator same(drawn);
    const GeneratorGuard for_now(same);
    forward();
  };
  CostWatch watch;
  watch.expect(model);
  run();
  watch.end_look();
  run();
  return watch.rows();
}

}  // namespace heed::nn
