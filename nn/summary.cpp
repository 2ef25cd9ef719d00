#include <heed/nn/summary.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <heed/nn/clone.h>

namespace heed::nn {

namespace {

using Row = std::array<std::string, 5>;  // path, class, tensor, shape, elements and remarks

std::string thousands(int64_t n) {
  std::string digits = std::to_string(n);
  for (auto i = static_cast<int64_t>(digits.size()) - 3; i > 0; i -= 3) digits.insert(static_cast<size_t>(i), ",");
  return digits;
}

std::string size_of_bytes(int64_t bytes) {
  const char* unit = "B";
  double size = static_cast<double>(bytes);
  for (const char* larger : {"KiB", "MiB", "GiB"})
    if (size >= 1024.0) size /= 1024.0, unit = larger;
  const auto tenths = static_cast<int64_t>(size * 10.0 + 0.5);
  return cat(tenths / 10, ".", tenths % 10, " ", unit);
}

// Characters on the screen: bytes that begin one.
size_t width(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string laid_out(const std::vector<Row>& rows, const std::vector<std::string>& remarks) {
  std::array<size_t, 5> widths{};
  for (const Row& row : rows)
    for (size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], width(row[c]));
  std::string text;
  for (size_t r = 0; r < rows.size(); ++r) {
    std::string line;
    for (size_t c = 0; c < rows[r].size(); ++c) {
      const std::string gap(widths[c] - width(rows[r][c]), ' ');
      line += (c == 4 ? gap + rows[r][c] : rows[r][c] + gap) + "  ";
    }
    line += remarks[r];
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

}  // namespace

std::string summary(const Module& model) {
  // A tensor is identified by the address of its elements: ties and copied handles share them.
  const auto place = [](const Tensor& x) {
    return x.array().storage().bytes() + x.array().offset() * static_cast<int64_t>(size_of(x.dtype()));
  };
  std::set<const void*> trainable;
  for (const Tensor& p : model.parameters()) trainable.insert(place(p));

  const std::vector<NamedModule> modules = named_modules(model);
  std::map<std::string, std::vector<NamedTensor>> own;  // by the path of the module that names them
  for (const NamedTensor& entry : model.state_dict()) {
    std::string path = entry.name;
    do path.erase(path.find('.') == std::string::npos ? 0 : path.rfind('.'));
    while (std::none_of(modules.begin(), modules.end(), [&](const NamedModule& m) { return m.name == path; }));
    own[path].push_back(entry);
  }

  std::vector<Row> rows{{"path", "class", "tensor", "shape", "elements"}};
  std::vector<std::string> remarks{""};
  std::map<const void*, std::string> tensors_seen, modules_seen;
  int64_t numbers = 0, trained = 0, bytes = 0;
  for (const NamedModule& m : modules) {
    const auto [first, is_new] = modules_seen.emplace(m.module, m.name);
    Row row{m.name, class_name(*m.module), "", "", ""};
    std::string remark = is_new ? "" : "is " + first->second;
    for (const NamedTensor& entry : own[m.name]) {
      const Tensor& x = entry.tensor;
      const auto [owner, counts] = tensors_seen.emplace(place(x), entry.name);
      const bool learns = trainable.count(place(x)) > 0;
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
      rows.push_back(row);
      remarks.push_back(remark);
      row = Row{};
      remark.clear();
    }
    if (own[m.name].empty()) {
      rows.push_back(row);
      remarks.push_back(remark);
    }
  }
  return laid_out(rows, remarks) + "total " + thousands(numbers) + " elements, " + thousands(trained) +
         " of them trainable, " + size_of_bytes(bytes) + "\n";
}

}  // namespace heed::nn
