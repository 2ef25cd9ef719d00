// Weights that others trained: their names and layouts, translated by a table.
//
//     const Renames table = {
//         {"transformer.*", "*"},                                                 // a prefix
//         {"h.*.attn.c_attn.weight", "h.*.attn.c_attn.weight", Change::transpose}, // stored as (in, out)
//         {{"*.query.weight", "*.key.weight", "*.value.weight"}, "*.in_proj_weight"}, // several make one
//         {"h.*.attn.bias", ""},                                                  // not needed
//     };
//     load_pretrained(model, core::open_safetensors("model.safetensors"), table);
//
// A table is data: write one for a model of your own, and look at renamed_tensors() to see what it does.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include <heed/core/files/safetensors.h>
#include <heed/nn/module.h>

namespace heed::nn {

enum class Change : uint8_t { none, transpose };

/// A rule: tensors whose name matches `from` are named `to`. A * in `from` matches any text, at least one character,
/// and the * in `to` take what these matched, in order. An empty `to`: the tensor is left out. Several names in `from`
/// are parts of one tensor, one after the other along the first axis.
struct Rename {
  std::vector<std::string> from;
  std::string to;
  Change change = Change::none;

  Rename(const char* from_, const char* to_, Change change_ = Change::none) : from{from_}, to(to_), change(change_) {}
  Rename(std::initializer_list<const char*> parts, const char* to_, Change change_ = Change::none)
      : from(parts.begin(), parts.end()), to(to_), change(change_) {}
};

/// The rules are applied to a name one after the other, each to what the ones before it have made of the name.
using Renames = std::vector<Rename>;

/// Where a tensor of the model comes from.
struct Origin {
  std::string name;                // in the model
  std::vector<std::string> parts;  // in the file
  bool transpose = false;
};

/// What the table makes of these names. Throws FormatError if two make one name without being its parts, or a part is missing.
std::vector<Origin> renamed_tensors(const std::vector<std::string>& names, const Renames& table);

struct PretrainedOptions {
  /// Matrices of Linear and Embedding that the file has in 16 bits stay as they are, and are widened in the product
  /// (core/ops/compact_matrix.h): half the memory, and generation is nearly twice as fast. Such a model cannot be trained or
  /// saved.
  bool keep_16_bit = false;

  /// Whether messages advise rows for the table. A program has a table of its own, which its users cannot change: false.
  bool advise_rows = true;
};

/// Loads all weights of the model, one tensor after the other: besides the model, memory for one tensor is needed. Throws
/// Error listing every name that is missing or unexpected and every shape that differs, with the rows that the table seems to
/// lack; then nothing is changed. Weights must be floating: integers are refused, as are quantised files, and elements of F64
/// that f32 cannot hold (DtypeError).
void load_pretrained(Module& model, const core::SafeTensors& file, const Renames& table = {},
                     const PretrainedOptions& options = {});

}  // namespace heed::nn
