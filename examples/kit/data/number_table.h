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

/// A table whose first row names its columns. Fields stay text until a column is requested. Messages say the line, as a
/// text editor counts them, and the column's position and name.
class NumberTable {
 public:
  /// `lines[i]` is the line of rows[i]; `source` is named in messages. Throws FormatError if there is no row of names, or
  /// a name occurs twice.
  NumberTable(std::vector<Row> rows, std::vector<int64_t> lines, std::string source);

  const Row& names() const { return names_; }
  int64_t rows() const { return static_cast<int64_t>(rows_.size()); }

  /// The columns as numbers, (rows, columns), f32. A number is what Python's float() reads, with blanks around it or
  /// without: "1", "+1", ".5", "1e5", "inf"; not "1_000" and "1,000". "", "NA" and "nan" are NaN, in any case of the letters.
  /// Throws IndexError for an unknown name, FormatError for a field that is no number or too large for f32.
  Tensor columns(const std::vector<std::string>& names) const;

  /// A column of words as numbers of classes, (rows) i64: 0 is the first of `labels`, or of the words in byte order
  /// if there are none. Throws FormatError for a word that is not in `labels`, or labels that occur twice.
  Tensor classes(const std::string& name, const Row& labels = {}) const;

  /// The distinct words of a column, in byte order.
  Row labels(const std::string& name) const;

 private:
  size_t column(const std::string& name) const;

  /// "t.csv: line 3, column 2 ("width"): "2x"": where a field is, and the field.
  std::string place(size_t row, size_t column) const;

  std::string source_;
  Row names_;
  std::vector<Row> rows_;
  std::vector<int64_t> lines_;
};

/// A CSV file (tables.h says what it may contain: quotes, \r\n, a byte-order mark). Blank lines at its end are skipped,
/// others refused; in a table of one column they are missing values. Throws FormatError, saying what to pass, if the
/// names seem to be separated by another character.
NumberTable read_number_table(const std::filesystem::path& file, char separator = ',');
NumberTable parse_number_table(std::string_view content, const std::string& name, char separator = ',');

}  // namespace heed::kit
