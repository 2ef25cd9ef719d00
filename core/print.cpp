#include <heed/core/print.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>

namespace heed::core {
namespace {

constexpr int precision = 4;
constexpr int64_t threshold = 1000, edge_items = 3, line_width = 80;
constexpr size_t indent = 7;  // of "tensor("

// The element at `offset` of x's storage.
template <class T> T element(const Array& x, int64_t offset) {
  return reinterpret_cast<const T*>(x.storage().bytes())[offset];
}

// Which indices of an axis are shown: all, or three at each end.
struct Shown {
  int64_t size;
  bool gap;

  Shown(const Array& x, int axis, bool summarize) : size(x.shape()[axis]), gap(summarize && size > 2 * edge_items) {}
  int64_t count() const { return gap ? 2 * edge_items : size; }
  int64_t index(int64_t i) const { return gap && i >= edge_items ? size - 2 * edge_items + i : i; }
};

// Calls visit(offset) for every element that is shown.
void for_shown(const Array& x, bool summarize, int axis, int64_t offset, const std::function<void(int64_t)>& visit) {
  if (axis == x.rank()) return visit(offset);
  const Shown shown(x, axis, summarize);
  for (int64_t i = 0; i < shown.count(); ++i)
    for_shown(x, summarize, axis + 1, offset + shown.index(i) * x.strides()[axis], visit);
}

std::string decimal(double value, std::chars_format format, int digits) {
  if (std::isnan(value)) return "nan";
  char text[400];  // the largest double has 309 digits before the point
  return {text, std::to_chars(text, text + sizeof text, value, format, digits).ptr};
}

// One number format for the whole array, so that columns line up.
class Format {
 public:
  Format(const Array& x, bool summarize) : x_(x) {
    if (is_floating(x.dtype())) choose_notation(summarize);
    for_shown(x, summarize, 0, x.offset(), [&](int64_t offset) {
      // Zeros, infinities and NaN do not widen a floating column (PyTorch's way).
      if (is_floating(x_.dtype()) && !is_ordinary(value(offset))) return;
      width_ = std::max(width_, text(offset).size());
    });
  }

  size_t width() const { return width_; }

  std::string padded(int64_t offset) const {
    const std::string number = text(offset);
    return std::string(width_ - std::min(width_, number.size()), ' ') + number;
  }

 private:
  static bool is_ordinary(double value) { return std::isfinite(value) && value != 0; }

  double value(int64_t offset) const {
    return x_.dtype() == Dtype::f64 ? element<double>(x_, offset) : element<float>(x_, offset);
  }

  void choose_notation(bool summarize) {
    double smallest = INFINITY, largest = 0;
    for_shown(x_, summarize, 0, x_.offset(), [&](int64_t offset) {
      const double number = value(offset);
      if (!is_ordinary(number)) return;
      smallest = std::min(smallest, std::abs(number));
      largest = std::max(largest, std::abs(number));
      whole_ = whole_ && number == std::ceil(number);
    });
    scientific_ = largest > 0 && (largest / smallest > 1000 || largest > 1e8 || smallest < 1e-4);
  }

  std::string text(int64_t offset) const {
    switch (x_.dtype()) {
      case Dtype::boolean: return element<bool>(x_, offset) ? "True" : "False";
      case Dtype::i32: return std::to_string(element<int32_t>(x_, offset));
      case Dtype::i64: return std::to_string(element<int64_t>(x_, offset));
      case Dtype::f32:
      case Dtype::f64: break;
    }
    const double number = value(offset);
    if (scientific_) return decimal(number, std::chars_format::scientific, precision);
    if (!whole_) return decimal(number, std::chars_format::fixed, precision);
    return decimal(number, std::chars_format::fixed, 0) + (std::isfinite(number) ? "." : "");
  }

  const Array& x_;
  bool whole_ = true, scientific_ = false;
  size_t width_ = 1;
};

// "[1, 2, …]", broken into lines that fit. The bracket stands in column `column`.
std::string row_text(const Array& x, const Format& format, bool summarize, int64_t offset, size_t column) {
  const Shown shown(x, x.rank() - 1, summarize);
  const int64_t room = line_width - static_cast<int64_t>(column);
  const int64_t per_line = std::max<int64_t>(1, room / static_cast<int64_t>(format.width() + 2));
  std::string out = "[";
  int64_t written = 0;
  auto write = [&](const std::string& item) {
    if (written > 0) out += written % per_line == 0 ? ",\n" + std::string(column + 1, ' ') : ", ";
    out += item;
    ++written;
  };
  for (int64_t i = 0; i < shown.count(); ++i) {
    if (shown.gap && i == edge_items) write(" ...");
    write(format.padded(offset + shown.index(i) * x.strides()[x.rank() - 1]));
  }
  return out + "]";
}

// The part of x from `axis` on, at `offset`: rows within brackets, blocks separated by one blank line
// per further axis.
std::string block_text(const Array& x, const Format& format, bool summarize, int axis, int64_t offset) {
  const size_t column = indent + static_cast<size_t>(axis);
  if (axis == x.rank()) return format.padded(offset);
  if (axis == x.rank() - 1) return row_text(x, format, summarize, offset, column);
  const Shown shown(x, axis, summarize);
  const std::string separator =
      "," + std::string(static_cast<size_t>(x.rank() - 1 - axis), '\n') + std::string(column + 1, ' ');
  std::string out = "[";
  for (int64_t i = 0; i < shown.count(); ++i) {
    if (i > 0) out += separator;
    if (shown.gap && i == edge_items) out += "..." + separator;
    const int64_t start = offset + shown.index(i) * x.strides()[axis];
    out += block_text(x, format, summarize, axis + 1, start);
  }
  return out + "]";
}

}  // namespace

std::string to_string(const Array& x, const std::vector<std::string>& more) {
  if (!x.defined()) return "tensor(undefined)";
  std::vector<std::string> suffixes;
  const bool empty = x.numel() == 0;
  if (empty && x.rank() != 1) suffixes.push_back(cat("size=", x.shape()));
  const bool usual = x.dtype() == Dtype::f32 || (!empty && (x.dtype() == Dtype::i64 || x.dtype() == Dtype::boolean));
  if (!usual) suffixes.push_back(cat("dtype=", x.dtype()));
  suffixes.insert(suffixes.end(), more.begin(), more.end());

  std::string out = "tensor(";
  if (empty) {
    out += "[]";
  } else {
    const bool summarize = x.numel() > threshold;
    out += block_text(x, Format(x, summarize), summarize, 0, x.offset());
  }

  // Suffixes are put on the last line while they fit. (PyTorch counts the comma and the bracket twice.)
  const size_t line_start = out.rfind('\n') + 1;  // npos + 1 is 0
  size_t line = out.size() - line_start + 2;
  for (const std::string& suffix : suffixes) {
    const bool fits = line + suffix.size() + 2 <= line_width;
    out += fits ? ", " : ",\n" + std::string(indent, ' ');
    line = fits ? line + suffix.size() + 2 : indent + suffix.size();
    out += suffix;
  }
  return out + ")";
}

std::ostream& operator<<(std::ostream& out, const Array& x) { return out << to_string(x); }

}  // namespace heed::core
