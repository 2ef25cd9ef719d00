#include <heed/nn/pretrained_fit.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <heed/core/problems.h>
#include <heed/core/text.h>
#include <heed/nn/clone.h>
#include <heed/nn/load.h>

namespace heed::nn {

namespace {

bool transposed(const Shape& a, const Shape& b) {
  return a.rank() == 2 && b.rank() == 2 && a[0] == b[1] && a[1] == b[0];
}

// " (x.weight in the file)", where the table has changed it.
std::string in_file(const Origin& origin) {
  if (!origin.transpose && origin.parts == std::vector<std::string>{origin.name}) return "";
  std::string names;
  for (const std::string& part : origin.parts) names += (names.empty() ? "" : ", ") + readable(part);
  return " (" + names + " in the file" + (origin.transpose ? ", transposed)" : ")");
}

bool is_count(std::string_view part) {
  return !part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos;
}

// "h.3.attn.7" -> "h.*.attn.*" and "3.7."
std::pair<std::string, std::string> without_counts(const std::string& name) {
  std::string pattern, counts;
  for (size_t begin = 0; begin <= name.size();) {
    const size_t end = std::min(name.find('.', begin), name.size());
    const std::string part = name.substr(begin, end - begin);
    if (is_count(part)) counts += part + ".";
    pattern += (begin > 0 ? "." : "") + (is_count(part) ? "*" : part);
    begin = end + 1;
  }
  return {pattern, counts};
}

// Rows of a table, as C++, each once. A row for one layer is one for all of them where both names count alike.
class Rows {
 public:
  void add(const std::string& from, const std::string& to, bool transpose = false) {
    auto [from_pattern, from_counts] = without_counts(from);
    auto [to_pattern, to_counts] = without_counts(to);
    const bool general = from_counts == to_counts || to.empty();
    add_line("{" + quote(general ? from_pattern : from) + ", " + quote(general ? to_pattern : to) +
             (transpose    ? ", Change::transpose},"
              : to.empty() ? "},  // leaves it out"
                           : "},"));
  }
  // All of a layer that the model does not have: {"h.12.*", ""}.
  void leave_out_layer(const std::string& layer) { add_line("{" + quote(layer + "*") + ", \"\"},  // leaves it out"); }
  void add_prefix(const std::string& prefix) { add_line("{" + quote(prefix + "*") + ", \"*\"},"); }
  void add_unknown(const std::string& to) {
    add_line("{\"…\", " + quote(to) + "},  // …: its name in the file, or {\"…\", \"…\"}: those of its parts");
  }
  bool full() const { return lines_.size() >= most; }
  std::string text() const {
    std::string all;
    for (const std::string& line : lines_) all += "\n    " + line;
    return all;
  }

 private:
  static constexpr size_t most = 20;
  void add_line(const std::string& line) {
    if (!full() && std::find(lines_.begin(), lines_.end(), line) == lines_.end()) lines_.push_back(line);
  }
  std::vector<std::string> lines_;
};

bool is_floating_file_type(const std::string& dtype) {
  return dtype == "F16" || dtype == "BF16" || dtype == "F32" || dtype == "F64";
}

bool is_integer_type(const std::string& t) {
  return t == "BOOL" || t == "U8" || t == "I8" || t == "U16" || t == "I16" || t == "U32" || t == "I32" || t == "I64";
}

// What libraries of quantisation put beside integers: bitsandbytes, GPTQ, AWQ, compressed-tensors.
bool belongs_to_quantised(const std::string& name) {
  for (const char* end : {".SCB", ".weight_format", ".absmax", ".quant_map", ".qweight", ".qzeros", ".scales", ".g_idx",
                          ".weight_packed", ".weight_scale", ".weight_scale_inv", ".weight_zero_point"})
    if (name.ends_with(end)) return true;
  return name.find(".weight.quant_state.") != std::string::npos || name.find(".weight.nested_") != std::string::npos;
}

struct Comparison {
  std::map<std::string, const Arrival*> arrivals;
  std::map<std::string, Shape> mine;
  std::map<std::string, std::string> tied;  // to the first name of the same tensor
  Problems problems;
  Problems dtypes;  // those of them that a DtypeError says
  Rows rows;
  bool advise_rows = true;
  bool any_fits = false;
  bool quantised = false;

  void compare_shapes(const NamedTensor& entry, const Arrival& arrival) {
    const Shape &wanted = entry.tensor.shape(), &given = arrival.shape;
    any_fits = true;
    if (given != wanted) {
      const bool turned = transposed(given, wanted);
      problems.add(entry.name, in_file(arrival.origin), ": has shape ", given,
                   arrival.origin.transpose ? ", " : " in the file, ", wanted, " in the model",
                   !turned                    ? ""
                   : arrival.origin.transpose ? !advise_rows ? "" : ": take Change::transpose out of its row"
                                              : ": is transposed");
      if (turned && !arrival.origin.transpose) rows.add(entry.name, entry.name, true);
    } else {
      for (const std::string& type : arrival.types) compare_types(entry, arrival, type);
    }
  }

  void compare_types(const NamedTensor& entry, const Arrival& arrival, const std::string& type) {
    const Dtype dtype = entry.tensor.dtype();
    if (!is_floating_file_type(type) && !is_integer_type(type)) {
      dtypes.add(entry.name, in_file(arrival.origin), ": is ", readable(type),
                 " in the file, which heed does not read");
    } else if (is_floating_file_type(type) && !is_floating(dtype)) {
      dtypes.add(entry.name, in_file(arrival.origin), ": has fractions in the file, is ", dtype, " in the model");
    } else if (is_integer_type(type) && is_floating(dtype)) {
      dtypes.add(entry.name, in_file(arrival.origin), ": is ", type, " in the file, ", dtype,
                 " in the model: weights have fractions");
      quantised |= type == "I8" || type == "U8";
    }
  }

  // "h.12." if the tensor belongs to a layer that the model does not have, but has others of.
  std::optional<std::string> surplus_layer(const std::string& name) const {
    const auto has = [&](const std::string& prefix) {
      const auto next = mine.lower_bound(prefix);
      return next != mine.end() && next->first.starts_with(prefix);
    };
    for (size_t begin = 0, end = 0; (end = name.find('.', begin)) != std::string::npos; begin = end + 1) {
      const std::string layer = name.substr(0, end + 1), list = name.substr(0, begin);
      if (is_count(name.substr(begin, end - begin)) && !has(layer))
        return has(list + "0.") ? std::optional(layer) : std::nullopt;
      if (!has(layer)) return std::nullopt;
    }
    return std::nullopt;
  }

  // The unexpected tensor of this shape, or of its transpose, whose name is nearest. Only so many and such short names
  // are compared: a foreign file may hold anything.
  std::optional<std::string> nearest(const std::string& missing, const std::vector<std::string>& unexpected) const {
    constexpr size_t longest = 100, most = 100;
    std::optional<std::string> best;
    size_t least = 0, compared = 0;
    const Shape& wanted = mine.at(missing);
    for (const std::string& name : unexpected) {
      const Shape& given = arrivals.at(name)->shape;
      if (name.ends_with("." + missing)) return name;
      if (missing.size() > longest || name.size() > longest || compared >= most) continue;
      if (given != wanted && !transposed(given, wanted)) continue;
      ++compared;
      if (const size_t d = edit_distance(missing, name); !best || d < least) best = name, least = d;
    }
    return best;
  }

  void compare_names(const std::vector<std::string>& missing, std::vector<std::string> unexpected) {
    const std::vector<std::string> all = unexpected;
    std::string prefix;              // that the file's names have
    std::set<std::string> answered;  // what of `unexpected` is found to be something that is missing
    bool looked_at_all = true;
    const auto without_prefix = [&](const std::string& name) {  // as the row for the prefix leaves it
      return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
    };
    for (const std::string& name : missing) {
      if (const auto other = tied.find(name); other != tied.end()) {
        problems.add(name, ": is missing from the file; it is tied to ", other->second, ", one of them is enough");
        continue;
      }
      std::optional<std::string> found;
      const bool look = !rows.full() && !problems.full();
      if (!prefix.empty() && arrivals.count(prefix + name) > 0) found = prefix + name;
      else if (look) found = nearest(name, unexpected);
      else looked_at_all = false;
      problems.add(name, " ", mine.at(name), ": is missing from the file",
                   found ? ": is it " + readable(*found) + in_file(arrivals.at(*found)->origin) + "?" : "");
      if (found) {
        if (found->ends_with("." + name)) rows.add_prefix(prefix = found->substr(0, found->size() - name.size()));
        else rows.add(without_prefix(*found), name, arrivals.at(*found)->shape != mine.at(name));
        answered.insert(*found);
        if (look) unexpected.erase(std::remove(unexpected.begin(), unexpected.end(), *found), unexpected.end());
      } else if (look && !all.empty()) {
        rows.add_unknown(name);
      }
    }
    for (const std::string& name : all) {
      const Arrival& arrival = *arrivals.at(name);
      if (problems.full()) problems.add();  // only counted
      else problems.add(readable(name), " ", arrival.shape, in_file(arrival.origin), ": the model has no such tensor");
      quantised |= belongs_to_quantised(name);
    }
    for (const std::string& name : all) {
      if (!looked_at_all || rows.full() || answered.count(name) > 0) continue;
      const std::string rest = without_prefix(name);
      if (const auto layer = surplus_layer(rest)) rows.leave_out_layer(*layer);
      else rows.add(rest, "");
    }
  }
};

}  // namespace

void check_fits(Module& model, const std::vector<Arrival>& list, bool advise_rows) {
  Comparison comparison;
  comparison.advise_rows = advise_rows;
  for (const Arrival& arrival : list) comparison.arrivals.emplace(arrival.origin.name, &arrival);
  StateDict names;                  // with tensors that fit and take no memory, to be compared by name only
  std::map<Dtype, Tensor> element;  // one for all, so that tied tensors are equal
  const auto add_name = [&](const std::string& name, const Shape& shape, Dtype dtype) {
    Tensor& zero = element[dtype];
    if (!zero.defined()) zero = zeros({}, dtype);
    names.push_back({name, zero.expand(shape)});
  };
  std::map<const void*, std::string> first;
  for (const NamedTensor& entry : model.state_dict()) {
    comparison.mine.emplace(entry.name, entry.tensor.shape());
    if (entry.tensor.numel() > 0) {
      const auto [one, is_new] = first.emplace(entry.tensor.array().storage().bytes(), entry.name);
      if (!is_new) comparison.tied.emplace(entry.name, one->second);
    }
    const auto found = comparison.arrivals.find(entry.name);
    if (found == comparison.arrivals.end()) continue;
    comparison.compare_shapes(entry, *found->second);
    add_name(entry.name, entry.tensor.shape(), entry.tensor.dtype());
  }
  for (const auto& [name, arrival] : comparison.arrivals)
    if (comparison.mine.count(name) == 0) add_name(name, arrival->shape, Dtype::f32);
  LoadResult result;
  prepare_load(model, names, {.strict = false}, &result);
  comparison.compare_names(result.missing, result.unexpected);
  const std::string rows = advise_rows && !comparison.quantised ? comparison.rows.text() : "";
  const std::string begin = cat("load_pretrained: ", class_name(model), ": the file does not fit, nothing is changed:");
  const char* const quantised = comparison.quantised ? "\nits weights are quantised, integers with scales, and such "
                                                       "files are not read: get the model's file of F32, "
                                                       "F16 or BF16"
                                                     : "";
  const bool only_dtypes = comparison.problems.empty();
  check<DtypeError>(!only_dtypes || comparison.dtypes.empty(), begin, comparison.dtypes.text(), quantised);
  check(
      only_dtypes, begin, comparison.problems.text(), comparison.dtypes.text(), quantised,
      comparison.any_fits || list.empty() ? "" : "\nnone of its names is the model's: is it the file of another model?",
      rows.empty() ? "" : "\nadd to the end of the table, where they are right:", rows);
}

}  // namespace heed::nn
