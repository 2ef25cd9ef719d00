#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include <heed/core/files/file.h>
#include <heed/core/files/safetensors.h>
#include <heed/core/files/safetensors_format.h>
#include <heed/core/text.h>

namespace heed::core {

using namespace safetensors;

namespace {

const FileType& type_of(Dtype dtype) {
  switch (dtype) {
    case Dtype::f32: return *find_type("F32");
    case Dtype::f64: return *find_type("F64");
    case Dtype::i32: return *find_type("I32");
    case Dtype::i64: return *find_type("I64");
    case Dtype::boolean: break;
  }
  return *find_type("BOOL");
}

// Equal for arrays that are the same: the same elements of the same storage, in the same layout.
auto identity(const Array& x) {
  return std::tuple(bytes_of(x).data(), x.dtype(), std::vector(x.shape().begin(), x.shape().end()),
                    std::vector(x.strides().begin(), x.strides().end()));
}

struct Layout {
  std::string start;        // length and header
  std::vector<Array> data;  // contiguous, in the order of the file
};

Layout lay_out(const std::map<std::string, Array>& tensors, Metadata metadata) {
  // 1. Which tensors are stored, and in which order: wide types first, then by name.
  std::vector<std::pair<std::string, Array>> kept;
  std::map<decltype(identity(Array())), std::string> names;
  for (const auto& [name, x] : tensors) {
    const std::string problem = name == metadata_key ? "this name is reserved" : problem_of_name(name);
    check<FormatError>(problem.empty(), "save_safetensors: tensor ", quote(name), ": ", problem);
    check<FormatError>(x.defined(), "save_safetensors: tensor ", quote(name), ": has no storage: leave it out");
    const auto [twin, is_new] = names.emplace(identity(x), name);
    if (is_new || x.numel() == 0) kept.emplace_back(name, x);
    else metadata.try_emplace(name, twin->second);
  }
  std::stable_sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) {
    return &type_of(a.second.dtype()) > &type_of(b.second.dtype());
  });

  // 2. The header, padded so that the elements start at a multiple of 8.
  std::string header = "{";
  if (!metadata.empty()) {
    header += json_string(metadata_key) + ":{";
    for (const auto& [key, value] : metadata)
      header += (header.back() == '{' ? "" : ",") + json_string(key) + ":" + json_string(value);
    header += "}";
  }
  Layout layout;
  int64_t offset = 0;
  for (const auto& [name, x] : kept) {
    const int64_t end = offset + x.numel() * static_cast<int64_t>(size_of(x.dtype()));
    header += cat(header.size() == 1 ? "" : ",", json_string(name), ":{\"dtype\":\"", type_of(x.dtype()).name,
                  "\",\"shape\":[");
    for (int i = 0; i < x.rank(); ++i) header += (i ? "," : "") + std::to_string(x.shape()[i]);
    header += cat("],\"data_offsets\":[", offset, ",", end, "]}");
    offset = end;
    layout.data.push_back(contiguous(x));
  }
  header += "}";
  header.append((8 - header.size() % 8) % 8, ' ');
  const uint64_t length = header.size();
  check<FormatError>(length <= max_header, "save_safetensors: ", kept.size(), " tensors: the header would have ",
                     length, " bytes: at most ", max_header, " are allowed: use shorter names");
  layout.start.assign(reinterpret_cast<const char*>(&length), sizeof length);
  layout.start += header;
  return layout;
}

std::vector<std::string_view> parts_of(const Layout& layout) {
  std::vector<std::string_view> parts = {layout.start};
  for (const Array& x : layout.data) parts.push_back(bytes_of(x));
  return parts;
}

}  // namespace

void save_safetensors(const std::string& path, const std::map<std::string, Array>& tensors, Metadata metadata) {
  metadata.try_emplace("format", "pt");
  const Layout layout = lay_out(tensors, std::move(metadata));
  write_file_atomic(path, parts_of(layout));
}

std::string to_safetensors(const std::map<std::string, Array>& tensors, Metadata metadata) {
  const Layout layout = lay_out(tensors, std::move(metadata));
  std::string bytes;
  for (std::string_view part : parts_of(layout)) bytes += part;
  return bytes;
}

}  // namespace heed::core
