#include <heed/examples/kit/data/number_table.h>

#include <algorithm>
#include <cmath>
#include <set>

#include <heed/autograd/ops/create.h>
#include <heed/core/text.h>
#include <heed/examples/kit/option.h>

namespace heed::kit {

namespace {

// " 1.5 " -> "1.5": blanks around a number mean nothing.
std::string trimmed(const std::string& field) {
  const size_t begin = field.find_first_not_of(" \t");
  return begin == std::string::npos ? "" : field.substr(begin, field.find_last_not_of(" \t") + 1 - begin);
}

}  // namespace

NumberTable::NumberTable(std::vector<Row> rows, std::string source) : source_(std::move(source)) {
  check<FormatError>(!rows.empty(), source_, ": is empty: its first row must name the columns");
  names_ = std::move(rows.front());
  rows.erase(rows.begin());
  rows_ = std::move(rows);
  std::set<std::string> seen;
  for (std::string& name : names_) {
    name = trimmed(name);
    check<FormatError>(seen.insert(name).second, source_, ": two columns are named ", quote(name),
                       ": give each a name of its own");
  }
}

size_t NumberTable::column(const std::string& name) const {
  const auto found = std::find(names_.begin(), names_.end(), name);
  if (found != names_.end()) return static_cast<size_t>(found - names_.begin());
  const std::string near = nearest(name, names_);
  fail<IndexError>(source_, ": has no column ", quote(name), near.empty() ? "" : ": did you mean " + quote(near) + "?");
}

Tensor NumberTable::columns(const std::vector<std::string>& names) const {
  std::vector<double> values;
  for (const std::string& name : names) {
    const size_t at = column(name);
    for (size_t i = 0; i < rows_.size(); ++i) {
      const std::string field = trimmed(rows_[i][at]);
      const bool missing = field.empty() || field == "NA" || field == "nan" || field == "NaN";
      const auto value = missing ? std::optional<double>(NAN) : parse_double(field);
      check<FormatError>(value.has_value(), source_, ": row ", i + 1, ", column ", quote(name), ": ", quote(field),
                         ": is not a number: leave the column out, or read it with classes()");
      values.push_back(*value);
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
  std::vector<int64_t> ids;
  for (size_t i = 0; i < rows_.size(); ++i) {
    const auto found = std::find(known.begin(), known.end(), rows_[i][at]);
    check<FormatError>(found != known.end(), source_, ": row ", i + 1, ", column ", quote(name), ": ",
                       quote(rows_[i][at]), ": is none of the ", known.size(), " labels: add it to them");
    ids.push_back(found - known.begin());
  }
  return tensor_i64(ids);
}

NumberTable read_number_table(const std::filesystem::path& file, char separator) {
  return {read_csv(file, 0, separator), file.string()};
}

}  // namespace heed::kit
