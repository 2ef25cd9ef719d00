// safetensors: named arrays in one file, as Hugging Face and PyTorch users exchange them.
//
//     u64 N, little-endian | N bytes of JSON | the numbers, to the end of the file
//     {"__metadata__":{"format":"pt"},
//      "wte.weight":{"dtype":"F32","shape":[50257,768],"data_offsets":[0,154389504]}, …}
//
// A file from elsewhere is not to be trusted, so reading is strict: every byte must belong to
// exactly one tensor (no hole, no overlap, nothing after the last), no key may appear twice, sizes
// are multiplied with overflow checks, and the header is judged, against the size of the file,
// before the data are read. Values are not looked at: NaN and infinity are legal numbers. Errors are
// FormatError, naming file and tensor.
//
// What heed reads, the format's own library reads alike: names, shapes, bytes and metadata. heed
// refuses more: keys that appear twice or are unknown, names with control characters or of more than
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

/// The tensors of a file. Holds its bytes; a tensor becomes an Array when it is asked for, so types
/// that heed does not have disturb only those who ask for them. Copies share the bytes.
class SafeTensors {
 public:
  const Metadata& metadata() const { return metadata_; }

  /// Of the tensors that the file holds, in alphabetical order. Metadata are texts, whatever they say:
  /// of tied tensors the one that was stored is found (save_safetensors), under its name.
  std::vector<std::string> names() const;
  bool contains(const std::string& name) const { return entries_.count(name) > 0; }

  // As in the file: "F32" or "BF16", and little-endian bytes, which live as long as this or a copy.
  const std::string& file_dtype(const std::string& name) const { return entry(name).dtype; }
  const Shape& shape(const std::string& name) const { return entry(name).shape; }
  std::string_view bytes(const std::string& name) const { return entry(name).bytes; }

  /// The tensor, each time a new Array. f16 and bf16 become f32, small integers i32 or i64
  /// (element_types.h). Throws FormatError for a name that is not there and a type that cannot be had.
  Array at(const std::string& name) const;

 private:
  friend struct SafeTensorsReader;

  struct Entry {
    std::string dtype;
    Shape shape;
    std::string_view bytes;  // within *file
    std::shared_ptr<const std::string> file;
  };
  const Entry& entry(const std::string& name) const;

  std::string source_;  // for messages
  std::map<std::string, Entry> entries_;
  Metadata metadata_;
};

/// Reads a file, or all files that an index ("model.safetensors.index.json") names: plain files
/// beside it, no other index. Of their metadata with one key, the alphabetically first file's holds.
SafeTensors load_safetensors(const std::string& path);

/// The same from memory. `source` is named in messages.
SafeTensors parse_safetensors(std::string bytes, std::string_view source);

/// Writes a file, crash-safe (file.h). The metadata is given "format":"pt", which some readers ask
/// for.
///
/// Arrays that are one and the same (tied weights) are stored once, under the alphabetically first
/// of their names; metadata says dropped -> kept, as safetensors.torch.save_model does, where it has
/// no such key yet. (It is a note for readers of the file: which weights are tied, a model knows.)
void save_safetensors(const std::string& path, const std::map<std::string, Array>& tensors, Metadata metadata = {});

/// The bytes of a file with exactly this metadata. Deterministic.
std::string to_safetensors(const std::map<std::string, Array>& tensors, Metadata metadata = {});

}  // namespace heed::core
