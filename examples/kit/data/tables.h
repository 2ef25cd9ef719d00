// Files of examples: lines, tables (TSV, CSV) and IDX, MNIST's format. What breaks the format is a
// FormatError that begins with file:line (file: byte for IDX); what cannot be read is an IoError.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <heed/autograd/tensor.h>

namespace heed::kit {

using Row = std::vector<std::string>;

/// A text of UTF-8, without the byte-order mark some editors put first.
std::string read_text(const std::filesystem::path& file);

/// Its lines, without their ends (\n or \r\n; \r in a file that has no \n). Tables end their rows in the same ways; blank lines
/// at a table's end do not count.
std::vector<std::string> read_lines(const std::filesystem::path& file);

/// Rows of fields between tabs; no quotes, no escapes. All rows must have `columns` fields, or, if
/// it is 0, as many as the first.
std::vector<Row> read_tsv(const std::filesystem::path& file, size_t columns = 0);

/// Rows of fields between commas (RFC 4180): a field in double quotes may hold commas, line ends
/// and, doubled, quotes.
std::vector<Row> read_csv(const std::filesystem::path& file, size_t columns = 0, char separator = ',');

// The same for content that is in memory; `name` stands for the file in messages.
std::vector<Row> parse_tsv(std::string_view content, const std::string& name, size_t columns = 0);
std::vector<Row> parse_csv(std::string_view content, const std::string& name, size_t columns = 0, char separator = ',');

/// IDX: two zero bytes, a type, the number of axes, the sizes, the numbers; all big-endian.
/// Unsigned bytes and floats become f32, 32-bit integers i32. Nothing may be missing or left over.
Tensor read_idx(const std::filesystem::path& file);
Tensor parse_idx(std::string_view content, const std::string& name);

}  // namespace heed::kit
