#include <heed/nn/summary.h>

#include <algorithm>
#include <map>
#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <heed/core/table.h>
#include <heed/nn/clone.h>
#include <heed/nn/layer_costs.h>

namespace heed::nn {

namespace {

using Row = std::vector<std::string>;

}  // namespace

std::string summary(const Module& model) {
  std::set<const void*> trainable;
  for (const Tensor& p : model.parameters()) trainable.insert(elements_of(p));

  const std::vector<NamedModule> modules = named_modules(model);
  std::map<std::string, std::vector<NamedTensor>> own;  // by the path of the module that names them
  for (const NamedTensor& entry : model.state_dict()) {
    std::string path = entry.name;
    do path.erase(path.find('.') == std::string::npos ? 0 : path.rfind('.'));
    while (std::none_of(modules.begin(), modules.end(), [&](const NamedModule& m) { return m.name == path; }));
    own[path].push_back(entry);
  }

  std::vector<Row> rows{{"path", "class", "tensor", "shape", "elements", ""}};  // "": remarks
  std::map<const void*, std::string> tensors_seen, modules_seen;
  int64_t numbers = 0, trained = 0, bytes = 0;
  for (const NamedModule& m : modules) {
    const auto [first, is_new] = modules_seen.emplace(m.module, m.name);
    Row row{m.name, class_name(*m.module), "", "", "", ""};
    std::string remark = is_new ? "" : "is " + first->second;
    for (const NamedTensor& entry : own[m.name]) {
      const Tensor& x = entry.tensor;
      const auto [owner, counts] = tensors_seen.emplace(elements_of(x), entry.name);
      const bool learns = trainable.count(elements_of(x)) > 0;
      row[2] = entry.name.substr(m.name.empty() ? 0 : m.name.size() + 1);
      row[3] = cat(x.shape());
      row[4] = counts ? thousands(x.numel()) : "-";
      if (!counts) remark += (remark.empty() ? "is " : ", ") + owner->second;
      else if (!learns) remark += "frozen";
      if (counts) {
        numbers += x.numel();
        trained += learns ? x.numel() : 0;
        bytes += x.numel() * static_cast<int64_t>(size_of(x.dtype()));
      }
      row[5] = remark;
      rows.push_back(row);
      row = Row(6);
      remark.clear();
    }
    if (own[m.name].empty()) {
      row[5] = remark;
      rows.push_back(row);
    }
  }
  return laid_out(rows, "llllrl") + "total " + thousands(numbers) + " elements, " + thousands(trained) +
         " of them trainable, " + size_of_bytes(bytes) + "\n";
}

namespace {

// "total 2,560 parameters, 1,920 of them trainable, 10.0 KiB"
std::string totals(const Module& model) {
  int64_t numbers = 0, trained = 0, bytes = 0;
  std::set<const void*> seen;
  for (const NamedTensor& entry : model.state_dict())
    if (const Tensor& x = entry.tensor; x.numel() > 0 && seen.insert(elements_of(x)).second) {
      numbers += x.numel();
      bytes += x.numel() * static_cast<int64_t>(size_of(x.dtype()));
    }
  for (const Tensor& p : model.parameters()) trained += p.numel();
  return "total " + thousands(numbers) + " parameters, " + thousands(trained) + " of them trainable, " +
         size_of_bytes(bytes) + "\n";
}

std::string tree(const std::vector<LayerCost>& costs) {
  const auto shape = [](const std::optional<Shape>& x) { return x ? cat(*x) : std::string("-"); };
  const auto amount = [](int64_t n) { return n > 0 ? thousands(n) : "-"; };
  std::vector<Row> rows{{"layer", "class", "input", "output", "parameters", "mult-adds", "FLOPs", "time", "kept", ""}};
  for (const LayerCost& c : costs) {
    // The arguments of a template, as a Sequential's, are the rows below it.
    const std::string layer = c.leaf ? c.layer : c.layer.substr(0, c.layer.find('<'));
    const std::string name = std::string(static_cast<size_t>(2 * c.depth), ' ') + (c.path.empty() ? "(model)" : c.path);
    std::string remark = !c.same_as.empty()                               ? "is " + c.same_as
                         : c.leaf && c.new_parameters < c.parameters      ? "tied"
                         : c.calls == 0                                   ? "not called"
                         : c.calls > 1                                    ? cat(c.calls, " calls")
                         : c.parameters > 0 && c.trainable < c.parameters ? (c.trainable ? "partly frozen" : "frozen")
                                                                          : "";
    if (c.calls == 0) {
      rows.push_back({name, layer, "", "", amount(c.parameters), "", "", "", "", remark});
      continue;
    }
    rows.push_back({name, layer, shape(c.input), shape(c.output), amount(c.parameters), amount(c.mult_adds),
                    with_prefix(c.flops), duration(c.seconds), size_of_bytes(c.kept_bytes), remark});
  }
  return laid_out(rows, "llllrrrrrl");
}

std::string measured(const LayerCost& all, bool recorded) {
  return thousands(all.mult_adds) + " mult-adds as torchinfo counts; measured: " + with_prefix(all.flops) +
         " operations in " + duration(all.seconds) + ", " + size_of_bytes(all.kept_bytes) +
         (recorded ? " kept for backward and as the result\n" : " of results\n");
}

}  // namespace

std::string summary(const Module& model, const std::function<void()>& forward) {
  const std::vector<LayerCost> costs = layer_costs(model, forward);
  return tree(costs) + totals(model) + measured(costs.front(), grad_enabled());
}

void SummaryOfFirst::pass_ended(int pass, const Module& model) {
  if (pass == 1) {
    recorded_ = grad_enabled();
    totals_ = totals(model);
    end_look();
  } else {
    finish();
  }
}

void SummaryOfFirst::finish() {
  if (std::exchange(printed_, true)) return;
  if (rows().empty() || !rows().front().output) out_ << "summary: no model was called\n";
  else out_ << tree(rows()) << totals_ << measured(rows().front(), recorded_);
  out_ << std::flush;
}

}  // namespace heed::nn
