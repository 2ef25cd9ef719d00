// Whether a file fits a model, said in terms of the file and of the table (pretrained.h).
#pragma once

#include <vector>

#include <heed/nn/pretrained.h>

namespace heed::nn {

/// A tensor of the file as it would arrive in the model.
struct Arrival {
  Origin origin;
  Shape shape;
  std::vector<std::string> types;  // of its parts, as in the file: "F32"
};

/// Throws an Error that lists every name that is missing or unexpected and every shape that differs, each with the file's
/// own name for it, and the rows that a table could be given, unless
/// `advise_rows` is false. DtypeError if only types differ.
void check_fits(Module& model, const std::vector<Arrival>& arrivals, bool advise_rows);

}  // namespace heed::nn
