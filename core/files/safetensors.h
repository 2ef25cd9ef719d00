// safetensors: named arrays in one file, as Hugging Face and PyTorch users exchange them.
//
//     u64 N, little-endian | N bytes of JSON | the elements, to the end of the file
//     {"__metadata__":{"format":"pt"},
//      "wte.weight":{"dtype":"F32","shape":[50257,768],"data_offsets":[0,154389504]}, …}
//
// A file from elsewhere is not trusted, so reading is strict: every byte must belong to
// exactly one tensor (no hole, no overlap, nothing after the last), no key may appear twice, sizes
// are multiplied with overflow checks, and the header is checked against the size of the file
// before the data are read. Values are not checked: NaN and infinity are legal. Errors are
// FormatError, naming file and tensor.
//
// Any file that heed accepts is read by the format's own library with the same names, shapes, bytes and metadata.
// heed refuses more: keys that appear twice or are unknown, names with control characters or of more than
// 4096 bytes, more than 8 axes, sizes beyond 63 bits, white space before the header, null as metadata.
//
// Format: github.com/huggingface/safetensors, README.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <heed/core/array.h>

namespace heed::core {

using Metadata = std::map<std::string, std::string>;

/// The tensors of a file. Holds its bytes, or a map of them; a tensor becomes an Array when it is requested, so a type
/// that heed does not have is an error only when such a tensor is requested. Copies share the bytes.
class SafeTensors {
 public:
  const Metadata& metadata() const { return metadata_; }

  /// The names of the tensors in the file, in alphabetical order. Metadata is never interpreted:
  /// of tied tensors only the one that was stored (save_safetensors) is found, under its own name.
  std::vector<std::string> names() const;
  bool contains(const std::string& name) const { return entries_.count(name) > 0; }

  // As in the file: "F32" or "BF16", and little-endian bytes, which live as long as this or a copy.
  const std::string& file_dtype(const std::string& name) const { return entry(name).dtype; }
  const Shape& shape(const std::string& name) const { return entry(name).shape; }
  std::string_view bytes(const std::string& name) const { return entry(name).bytes; }

  /// What keeps bytes(name) alive without this: for views of them (CompactMatrix::view).
  const std::shared_ptr<const void>& owner(const std::string& name) const { return entry(name).owner; }

  /// The tensor, as a new Array each time. f16 and bf16 become f32, small integers i32 or i64
  /// (element_types.h). Throws FormatError for an unknown name or an unsupported type.
  Array at(const std::string& name) const;

 private:
  friend struct SafeTensorsReader;

  struct Entry {
    std::string dtype;
    Shape shape;
    std::string_view bytes;
    std::shared_ptr<const void> owner;
  };
  const Entry& entry(const std::string& name) const;

  std::string source_;  // for messages
  std::map<std::string, Entry> entries_;
  Metadata metadata_;
};

/// Reads a file, or all files that an index ("model.safetensors.index.json") names: plain files
/// beside it, no other index. If several have the same metadata key, the alphabetically first file's value is kept.
SafeTensors load_safetensors(const std::string& path);

/// The same, mapped instead of read (mapped_file.h): only the header is read and checked here, so that a file of any size
/// opens in milliseconds, and the bytes of a tensor when they are used. The file must not be shortened while this
/// or a copy lives; replacing it, as save_safetensors does, is safe.
SafeTensors open_safetensors(const std::string& path);

/// The same from memory. `source` is named in messages.
SafeTensors parse_safetensors(std::string bytes, std::string_view source);

/// Writes a file, crash-safe (file.h). "format":"pt" is added to the metadata, which some readers
/// require.
///
/// The same Array under several names (tied weights) is stored once, under the alphabetically first
/// of its names; the metadata then maps dropped -> kept name, as safetensors.torch.save_model does, unless it
/// has such a key already. (This only informs readers of the file: a model itself knows which weights are tied.)
void save_safetensors(const std::string& path, const std::map<std::string, Array>& tensors, Metadata metadata = {});

/// The bytes of a file with exactly this metadata. Deterministic.
std::string to_safetensors(const std::map<std::string, Array>& tensors, Metadata metadata = {});

}  // namespace heed::core
