// Tables of numbers: columns of a CSV file as tensors.
//
//     const auto table = kit::read_number_table("iris.csv");
//     const Tensor x = table.columns({"sepal_length", "sepal_width"});   // (rows, 2)
//     const Tensor y = table.classes("species");                         // (rows), i64: 0, 1, …
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <heed/examples/kit/data/tables.h>

namespace heed::kit {

/// A table whose first row names its columns. Fields stay text until a column is requested.
class NumberTable {
 public:
  /// Throws FormatError if there is no row of names, or a name occurs twice. `source` is named in messages.
  NumberTable(std::vector<Row> rows, std::string source);

  const Row& names() const { return names_; }
  int64_t rows() const { return static_cast<int64_t>(rows_.size()); }

  /// The columns as numbers, (rows, columns), f32. Throws IndexError for an unknown name, FormatError, naming row and
  /// column, for a field that is no number. "", "nan" and "NA" are NaN.
  Tensor columns(const std::vector<std::string>& names) const;

  /// A column of words as numbers of classes, (rows) i64: 0 is the first of `labels`, or of the words in byte order
  /// if there are none. Throws FormatError for a word that is not in `labels`.
  Tensor classes(const std::string& name, const Row& labels = {}) const;

  /// The distinct words of a column, in byte order.
  Row labels(const std::string& name) const;

 private:
  size_t column(const std::string& name) const;

  std::string source_;
  Row names_;
  std::vector<Row> rows_;
};

NumberTable read_number_table(const std::filesystem::path& file, char separator = ',');

}  // namespace heed::kit
