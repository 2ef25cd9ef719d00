// Files of examples: lines, tables (TSV, CSV) and IDX, the format of MNIST. A file that breaks its format is
// a FormatError that begins with file:line (file: byte for IDX); one that cannot be read is an IoError.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <heed/autograd/tensor.h>

namespace heed::kit {

using Row = std::vector<std::string>;

/// A UTF-8 text, without the byte-order mark that some editors write first.
std::string read_text(const std::filesystem::path& file);

/// Its lines, without their ends (\n or \r\n; \r in a file that has no \n). The rows of tables end in the same
/// ways; blank lines at a table's end are skipped.
std::vector<std::string> read_lines(const std::filesystem::path& file);

/// Rows of tab-separated fields, without quotes or escapes. Every row must have `columns` fields, or, if
/// that is 0, as many as the first row.
std::vector<Row> read_tsv(const std::filesystem::path& file, size_t columns = 0);

/// Rows of comma-separated fields (RFC 4180): a field in double quotes may contain commas, line ends
/// and, doubled, quotes. A blank line is a row of one empty field, and refused where rows have more.
std::vector<Row> read_csv(const std::filesystem::path& file, size_t columns = 0, char separator = ',');

// The same for content in memory; `name` stands for the file in messages.
std::vector<Row> parse_tsv(std::string_view content, const std::string& name, size_t columns = 0);
/// `lines` receives the line on which each row begins, the first line being 1.
std::vector<Row> parse_csv(std::string_view content, const std::string& name, size_t columns = 0, char separator = ',',
                           std::vector<int64_t>* lines = nullptr);

/// IDX: two zero bytes, a type, the number of axes, the sizes, the elements; all big-endian.
/// Unsigned bytes and floats become f32, 32-bit integers i32. No byte may be missing or left over. A .gz file is unpacked first.
Tensor read_idx(const std::filesystem::path& file);
Tensor parse_idx(std::string_view content, const std::string& name);

}  // namespace heed::kit
