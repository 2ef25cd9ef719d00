// What the reader and the writer of safetensors share: types and limits. Internal to core/.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <heed/core/error.h>
#include <heed/core/files/element_types.h>

namespace heed::core::safetensors {

inline constexpr uint64_t max_header = 100'000'000;  // bytes; the limit of the format's own reader
inline constexpr size_t max_name = 4096;             // bytes; real names have fewer than 200
inline constexpr std::string_view metadata_key = "__metadata__";

struct FileType {
  std::string_view name;
  int bits;
  std::optional<StoredType> element;  // none: heed cannot load it
};

// All types of the format, in the order of its own list. Files are sorted by it in reverse,
// so that wide types come first and stay aligned.
inline constexpr FileType file_types[] = {
    {"BOOL", 8, StoredType::boolean},
    {"F4", 4, {}},
    {"F6_E2M3", 6, {}},
    {"F6_E3M2", 6, {}},
    {"U8", 8, StoredType::u8},
    {"I8", 8, StoredType::i8},
    {"F8_E5M2", 8, {}},
    {"F8_E4M3", 8, {}},
    {"F8_E8M0", 8, {}},
    {"F8_E4M3FNUZ", 8, {}},
    {"F8_E5M2FNUZ", 8, {}},
    {"I16", 16, StoredType::i16},
    {"U16", 16, StoredType::u16},
    {"F16", 16, StoredType::f16},
    {"BF16", 16, StoredType::bf16},
    {"I32", 32, StoredType::i32},
    {"U32", 32, StoredType::u32},
    {"F32", 32, StoredType::f32},
    {"C64", 64, {}},
    {"F64", 64, StoredType::f64},
    {"I64", 64, StoredType::i64},
    {"U64", 64, {}},
};

/// Null for an unknown name.
inline const FileType* find_type(std::string_view name) {
  const auto* found = std::find_if(std::begin(file_types), std::end(file_types),
                                   [&](const FileType& type) { return type.name == name; });
  return found == std::end(file_types) ? nullptr : found;
}

/// What is wrong with a tensor's name, or "". Names are opaque, but they get printed.
inline std::string problem_of_name(const std::string& name) {
  if (name.size() > max_name) return cat("a name of ", name.size(), " bytes: at most ", max_name, " are allowed");
  for (char c : name)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return "a name with a control character";
  return "";
}

/// An index, {"metadata":{…},"weight_map":{"name":"model-00001-of-00002.safetensors", …}}, as the map
/// from tensors to files. Every file is a plain name, and not that of an index. Throws FormatError.
std::map<std::string, std::string> parse_index(std::string_view text, const std::string& source);

}  // namespace heed::core::safetensors
