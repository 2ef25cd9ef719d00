#include <heed/examples/kit/data/tables.h>

#include <algorithm>
#include <bit>
#include <cstdint>

#include <heed/core/error.h>
#include <heed/core/files/file.h>
#include <heed/core/files/inflate.h>
#include <heed/core/text.h>

namespace heed::kit {
namespace {

template <class... Parts> [[noreturn]] void malformed(const std::string& name, int64_t line, const Parts&... parts) {
  fail<FormatError>(readable(name), ":", line, ": ", parts...);
}

void check_utf8(std::string_view text, const std::string& name) {
  for (int64_t line = 1; !text.empty();) {
    const auto c = take_code_point(text);
    if (!c) malformed(name, line, "is not UTF-8: convert the file to UTF-8");
    line += *c == '\n';
  }
}

std::string_view without_mark(std::string_view text) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  return text.substr(0, 3) == byte_order_mark ? text.substr(3) : text;
}

void add_row(std::vector<Row>& rows, Row row, const std::string& name, int64_t line, size_t& columns) {
  if (columns == 0) columns = row.size();
  if (row.size() != columns)
    malformed(name, line, row.size(), row.size() == 1 ? " column" : " columns", ": expected ", columns,
              ": each row has as many");
  rows.push_back(std::move(row));
}

/// The line ends of a text: \n and \r\n, or, if it has no \n at all, \r (old Macs).
struct LineEnds {
  std::string_view text;
  bool of_old_macs;
  explicit LineEnds(std::string_view t) : text(t), of_old_macs(t.find('\n') == t.npos) {}

  /// The length of the line end that starts at text[i]; 0 if none does.
  size_t at(size_t i) const {
    if (i >= text.size()) return 0;
    if (text[i] == (of_old_macs ? '\r' : '\n')) return 1;
    return text.substr(i, 2) == "\r\n" ? 2 : 0;
  }
  size_t next(size_t i) const {
    while (i < text.size() && at(i) == 0) ++i;
    return i;
  }
};

/// The text without blank lines at its end, which some editors and exports leave.
std::string_view without_blank_end(std::string_view text) {
  const size_t last = text.find_last_not_of("\r\n \t");
  if (last == std::string_view::npos) return {};
  const LineEnds ends(text);
  const size_t end = ends.next(last);
  return text.substr(0, end + ends.at(end));
}

/// Calls use(line, line number) for each line.
template <class Use> void for_each_line(std::string_view text, const Use& use) {
  const LineEnds ends(text);
  size_t begin = 0;
  for (int64_t number = 1; begin < text.size(); ++number) {
    const size_t end = ends.next(begin);
    use(text.substr(begin, end - begin), number);
    begin = end + ends.at(end);
  }
}

uint32_t big_endian(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

}  // namespace

std::string read_text(const std::filesystem::path& file) {
  const std::string content = core::read_file(file.string());
  check_utf8(content, file.string());
  return std::string(without_mark(content));
}

std::vector<std::string> read_lines(const std::filesystem::path& file) {
  std::vector<std::string> lines;
  for_each_line(read_text(file), [&](std::string_view line, int64_t) { lines.emplace_back(line); });
  return lines;
}

std::vector<Row> read_tsv(const std::filesystem::path& file, size_t columns) {
  return parse_tsv(core::read_file(file.string()), file.string(), columns);
}

std::vector<Row> read_csv(const std::filesystem::path& file, size_t columns, char separator) {
  return parse_csv(core::read_file(file.string()), file.string(), columns, separator);
}

std::vector<Row> parse_tsv(std::string_view content, const std::string& name, size_t columns) {
  check_utf8(content, name);
  std::vector<Row> rows;
  for_each_line(without_blank_end(without_mark(content)), [&](std::string_view line, int64_t number) {
    Row row;
    for (size_t begin = 0; begin <= line.size();) {
      const size_t end = std::min(line.find('\t', begin), line.size());
      row.emplace_back(line.substr(begin, end - begin));
      begin = end + 1;
    }
    add_row(rows, std::move(row), name, number, columns);
  });
  return rows;
}

std::vector<Row> parse_csv(std::string_view content, const std::string& name, size_t columns, char separator,
                           std::vector<int64_t>* lines) {
  check_utf8(content, name);
  check(separator != '"' && separator != '\n' && separator != '\r' && separator != 0, name, ": separator ",
        quote(std::string_view(&separator, 1)), ": must be a character other than a quote or a line's end");
  const std::string_view text = without_blank_end(without_mark(content));
  std::vector<Row> rows;
  int64_t line = 1;
  const LineEnds ends(text);
  const auto at_line_end = [&](size_t i) { return ends.at(i) > 0; };
  for (size_t i = 0; i < text.size();) {  // one row per iteration
    const int64_t first_line = line;
    if (columns > 1 && at_line_end(i)) malformed(name, line, "is blank: remove the line");
    if (lines != nullptr) lines->push_back(line);
    Row row;
    for (bool more = true; more;) {  // one field per iteration
      std::string field;
      if (i < text.size() && text[i] == '"') {
        for (++i;; ++i) {
          if (i >= text.size()) malformed(name, first_line, "a quoted field has no end: close it with a \"");
          if (text[i] == '"' && (i + 1 >= text.size() || text[i + 1] != '"')) break;
          if (text[i] == '"') ++i;  // two quotes stand for one
          line += text[i] == '\n';
          field += text[i];
        }
        ++i;
        if (i < text.size() && text[i] != separator && !at_line_end(i))
          malformed(name, line, "text follows a closing quote: double the quotes inside a field");
      } else {
        for (; i < text.size() && text[i] != separator && !at_line_end(i); ++i) {
          if (text[i] == '"')
            malformed(name, line, "a quote inside a field without quotes: put the whole field in quotes");
          field += text[i];
        }
      }
      row.push_back(std::move(field));
      more = i < text.size() && text[i] == separator;
      i += more;
    }
    if (i < text.size()) i += ends.at(i), ++line;
    add_row(rows, std::move(row), name, first_line, columns);
  }
  return rows;
}

Tensor read_idx(const std::filesystem::path& file) { return parse_idx(core::read_file(file.string()), file.string()); }

Tensor parse_idx(std::string_view bytes, const std::string& source) {
  const std::string name = readable(source);
  if (core::is_gzip(bytes)) {
    const std::string content = core::gunzip(bytes, name);
    check<FormatError>(!core::is_gzip(content), name, ": byte 0: is compressed twice by gzip: unpack it with gunzip");
    return parse_idx(content, source);
  }
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(bytes[i]); };
  check<FormatError>(bytes.size() >= 4 && byte(0) == 0 && byte(1) == 0, name,
                     ": byte 0: is not an IDX file: it would begin with two zero bytes");
  const int type = byte(2);
  const size_t element = type == 0x08 ? 1 : 4;
  check<FormatError>(type == 0x08 || type == 0x0C || type == 0x0D, name, ": byte 2: element type ", type,
                     ": is not supported: 8 (bytes), 12 (32-bit integers) and 13 (floats) are");
  const size_t axes = byte(3), header = 4 + 4 * axes;
  check<FormatError>(axes <= Shape::max_rank, name, ": byte 3: ", axes, " axes: at most 8 are supported");
  check<FormatError>(bytes.size() >= header, name, ": byte ", bytes.size(), ": ends inside the sizes of its ", axes,
                     " axes");
  Shape shape;
  size_t count = 1, strides = 1;  // an axis of size 0 leaves no elements, but strides are computed anyway
  for (size_t i = 0; i < axes; ++i) {
    shape.push_back(big_endian(bytes, 4 + 4 * i));
    const auto size = static_cast<size_t>(shape.back());
    check<FormatError>(!__builtin_mul_overflow(strides, std::max<size_t>(size, 1), &strides), name, ": byte ",
                       4 + 4 * i, ": the number of elements overflows");
    count *= size;
  }
  // Division instead of multiplication: sizes in a false header cannot overflow.
  const size_t data = bytes.size() - header;
  check<FormatError>(data % element == 0 && data / element == count, name, ": byte ", header, ": ", data,
                     " bytes of data: shape ", shape, " needs ", count, " elements of ", element, " bytes");
  check<FormatError>(strides <= static_cast<size_t>(INT64_MAX) / 4, name, ": byte 4: shape ", shape,
                     ": is too large, though it holds no elements");
  if (type == 0x0C) {
    core::Array out(shape, Dtype::i32);
    for (size_t i = 0; i < count; ++i)
      out.data<int32_t>()[i] = std::bit_cast<int32_t>(big_endian(bytes, header + 4 * i));
    return Tensor(out);
  }
  core::Array out(shape);
  for (size_t i = 0; i < count; ++i)
    out.data<float>()[i] =
        type == 0x08 ? static_cast<float>(byte(header + i)) : std::bit_cast<float>(big_endian(bytes, header + 4 * i));
  return Tensor(out);
}

}  // namespace heed::kit
