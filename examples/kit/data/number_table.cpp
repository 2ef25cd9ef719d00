#include <heed/examples/kit/data/number_table.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include <heed/autograd/ops/create.h>
#include <heed/core/files/file.h>
#include <heed/core/text.h>
#include <heed/examples/kit/format.h>
#include <heed/examples/kit/option.h>

namespace heed::kit {

namespace {

// " 1.5 " -> "1.5": blanks around a number mean nothing.
std::string trimmed(const std::string& field) {
  const size_t begin = field.find_first_not_of(" \t");
  return begin == std::string::npos ? "" : field.substr(begin, field.find_last_not_of(" \t") + 1 - begin);
}

bool is_missing(std::string field) {
  std::transform(field.begin(), field.end(), field.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  return field.empty() || field == "na" || field == "nan";
}

/// As Python's float() reads it; beyond the range of double, a value that float cannot hold either, or 0.
std::optional<double> number_of(std::string_view field) {
  if (field.size() > 1 && field[0] == '+' && field[1] != '-') field.remove_prefix(1);
  if (field.find('(') != field.npos) return std::nullopt;  // nan(0) is C's
  if (const auto value = parse_double(field)) return value;
  const size_t e = field.find_first_of("eE");
  if (e == field.npos) return std::nullopt;
  const bool plus = field.substr(e + 1, 1) == "+";
  const auto mantissa = parse_double(field.substr(0, e)), exponent = parse_double(field.substr(e + 1 + plus));
  const bool digits =
      field.find_first_not_of("0123456789", e + 1 + (plus || field.substr(e + 1, 1) == "-")) == field.npos;
  if (!mantissa || !std::isfinite(*mantissa) || !exponent || !digits) return std::nullopt;
  if (*exponent < 0 || *mantissa == 0) return *mantissa * 0;
  return std::copysign(std::numeric_limits<double>::max(), *mantissa);
}

/// What to do about a field that is no number.
std::string advice(const std::string& field) {
  std::string with_point = field;
  std::replace(with_point.begin(), with_point.end(), ',', '.');
  if (with_point != field && number_of(with_point)) return "write a point, not a comma, before decimals";
  return "leave the column out, or read it with classes()";
}

}  // namespace

NumberTable::NumberTable(std::vector<Row> rows, std::vector<int64_t> lines, std::string source)
    : source_(std::move(source)), lines_(std::move(lines)) {
  check<FormatError>(!rows.empty() && rows.front() != Row{""}, source_,
                     rows.empty() ? ": is empty: its first row must name the columns"
                                  : ": line 1: is blank: the first line must name the columns");
  check(rows.size() == lines_.size(), source_, ": ", rows.size(), " rows and ", lines_.size(),
        " lines: must be equally many");
  names_ = std::move(rows.front());
  rows.erase(rows.begin());
  lines_.erase(lines_.begin());
  rows_ = std::move(rows);
  for (size_t i = 0; i < names_.size(); ++i) {
    names_[i] = trimmed(names_[i]);
    const auto same = std::find(names_.begin(), names_.begin() + static_cast<ptrdiff_t>(i), names_[i]);
    check<FormatError>(same == names_.begin() + static_cast<ptrdiff_t>(i), source_, ": columns ",
                       same - names_.begin() + 1, " and ", i + 1, " are both named ", quote(names_[i]),
                       ": give each a name of its own");
  }
}

std::string NumberTable::place(size_t row, size_t column) const {
  return cat(source_, ": line ", lines_[row], ", column ", column + 1, " (", quote(names_[column]),
             "): ", quote(rows_[row][column]));
}

size_t NumberTable::column(const std::string& name) const {
  const auto found = std::find(names_.begin(), names_.end(), name);
  if (found != names_.end()) return static_cast<size_t>(found - names_.begin());
  const std::string near = nearest(name, names_);
  fail<IndexError>(
      source_, ": has no column ", quote(name),
      near.empty() ? ": the first line names " + quote(joined(names_, ", ")) : ": did you mean " + quote(near) + "?");
}

Tensor NumberTable::columns(const std::vector<std::string>& names) const {
  std::vector<double> values;
  for (const std::string& name : names) {
    const size_t at = column(name);
    for (size_t i = 0; i < rows_.size(); ++i) {
      const std::string field = trimmed(rows_[i][at]);
      const auto value = is_missing(field) ? std::optional<double>(NAN) : number_of(field);
      if (!value) fail<FormatError>(place(i, at), ": is not a number: ", advice(field));
      constexpr double most = std::numeric_limits<float>::max(),
                       too_large = 0x1.ffffffp127;  // what is below rounds to most
      if (std::isfinite(*value) && std::abs(*value) >= too_large)
        fail<FormatError>(place(i, at), ": is too large for float32: divide the column by a power of ten");
      values.push_back(std::isinf(*value) ? *value : std::clamp(*value, -most, most));
    }
  }
  return tensor(values, {static_cast<int64_t>(names.size()), rows()}).transpose(0, 1).contiguous();
}

Row NumberTable::labels(const std::string& name) const {
  const size_t at = column(name);
  std::set<std::string> words;
  for (const Row& row : rows_) words.insert(row[at]);
  return {words.begin(), words.end()};
}

Tensor NumberTable::classes(const std::string& name, const Row& given) const {
  const size_t at = column(name);
  const Row known = given.empty() ? labels(name) : given;
  const std::set<std::string> distinct(known.begin(), known.end());
  check<FormatError>(distinct.size() == known.size(), source_, ": classes of column ", quote(name), ": ", known.size(),
                     " labels, of which ", distinct.size(), " are distinct: give each once");
  std::vector<int64_t> ids;
  for (size_t i = 0; i < rows_.size(); ++i) {
    const auto found = std::find(known.begin(), known.end(), rows_[i][at]);
    if (found == known.end())
      fail<FormatError>(place(i, at), ": is none of the ", known.size(), " labels: add it to them");
    ids.push_back(found - known.begin());
  }
  return tensor_i64(ids);
}

NumberTable parse_number_table(std::string_view content, const std::string& name, char separator) {
  std::vector<int64_t> lines;
  std::vector<Row> rows = parse_csv(content, name, 0, separator, &lines);
  if (!rows.empty() && rows.front().size() == 1)
    for (const auto& [other, shown] : {std::pair(',', "','"), {';', "';'"}, {'\t', "'\\t'"}, {'|', "'|'"}})
      check<FormatError>(other == separator || rows.front()[0].find(other) == std::string::npos, name,
                         ": line 1: one column, ", quote(rows.front()[0]), ": its names seem to be separated by ",
                         shown, ": pass this character as the separator");
  return {std::move(rows), std::move(lines), name};
}

NumberTable read_number_table(const std::filesystem::path& file, char separator) {
  return parse_number_table(core::read_file(file.string()), file.string(), separator);
}

}  // namespace heed::kit
