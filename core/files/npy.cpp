#include <heed/core/files/npy.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include <heed/core/files/element_types.h>
#include <heed/core/files/file.h>
#include <heed/core/text.h>

namespace heed::core {
namespace {

constexpr std::string_view magic = "\x93NUMPY";
constexpr size_t max_npy_header = 10000;  // bytes, as NumPy

struct NpyHeader {
  std::string type;  // "<f4"
  bool fortran_order = false;
  Shape shape;
};

// Recursive descent over  {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& source) : text_(text), source_(source) {}

  NpyHeader header() {
    NpyHeader header;
    bool has_type = false, has_order = false, has_shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = string();
      expect(':');
      if (key == "descr" && !has_type) header.type = type(), has_type = true;
      else if (key == "fortran_order" && !has_order) header.fortran_order = boolean(), has_order = true;
      else if (key == "shape" && !has_shape) header.shape = shape(), has_shape = true;
      else fail(cat("the key ", quote(key), " is unknown or appears twice"));
      if (accept('}')) break;
      expect(',');
    }
    if (!has_type) fail("descr is missing");
    if (!has_order) fail("fortran_order is missing");
    if (!has_shape) fail("shape is missing");
    if (text_.empty() || text_.back() != '\n') fail("does not end in a new line");
    skip_space();
    if (at_ < text_.size()) fail("continues after the closing brace");
    return header;
  }

  [[noreturn]] void fail(const std::string& wrong) const {
    heed::fail<FormatError>(source_, ": header: ", wrong, " (at byte ", at_, ")");
  }

 private:
  void skip_space() { at_ = std::min(text_.find_first_not_of(" \t\n\r", at_), text_.size()); }

  char peek() {
    skip_space();
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  bool accept(char c) {
    const bool found = peek() == c && at_ < text_.size();
    at_ += found;
    return found;
  }

  void expect(char c) {
    if (!accept(c)) fail(cat("'", c, "' is expected"));
  }

  std::string string() {
    const char mark = peek();
    if (mark != '\'' && mark != '"') fail("a string is expected");
    const size_t start = ++at_, end = text_.find(mark, start);
    if (end == std::string_view::npos) fail("a string is not closed");
    at_ = end + 1;
    return std::string(text_.substr(start, end - start));
  }

  std::string type() {
    if (peek() == '[') fail("descr is a list: structured arrays are not supported: save one field");
    return string();
  }

  bool boolean() {
    for (std::string_view word : {"True", "False"}) {
      if (peek() != word[0] || !text_.substr(at_).starts_with(word)) continue;
      at_ += word.size();
      return word == "True";
    }
    fail("fortran_order is neither True nor False");
  }

  // (), (3,), (2, 3) or (2, 3, ), as Python writes tuples; Python 2 writes 2L.
  Shape shape() {
    Shape shape;
    bool comma = true;  // before the next size
    expect('(');
    while (!accept(')')) {
      if (!comma) fail("',' or ')' is expected");
      if (shape.rank() == Shape::max_rank) fail("shape has more than 8 axes");
      shape.push_back(size());
      comma = accept(',');
    }
    if (shape.rank() == 1 && !comma) fail("shape is a number, not a tuple");
    return shape;
  }

  int64_t size() {
    peek();
    const size_t end = std::min(text_.find_first_not_of("0123456789", at_), text_.size());
    const std::string_view digits = text_.substr(at_, end - at_);
    const std::optional<int64_t> value = parse_int(digits);
    if (!value || (digits.size() > 1 && digits[0] == '0')) fail("shape has an entry that is not a size of 63 bits");
    at_ = end;
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;
    return *value;
  }

  std::string_view text_;
  const std::string& source_;
  size_t at_ = 0;
};

struct NumpyType {
  std::string_view code;
  StoredType element;
};

constexpr NumpyType numpy_types[] = {
    {"b1", StoredType::boolean}, {"u1", StoredType::u8},  {"i1", StoredType::i8},  {"u2", StoredType::u16},
    {"i2", StoredType::i16},     {"f2", StoredType::f16}, {"i4", StoredType::i32}, {"u4", StoredType::u32},
    {"f4", StoredType::f32},     {"f8", StoredType::f64}, {"i8", StoredType::i64},
};

const char* code_of(Dtype dtype) {
  switch (dtype) {
    case Dtype::f32: return "<f4";
    case Dtype::f64: return "<f8";
    case Dtype::i32: return "<i4";
    case Dtype::i64: return "<i8";
    case Dtype::boolean: break;
  }
  return "|b1";
}

StoredType element_of(const NpyHeader& header, const std::string& source) {
  const std::string_view type = header.type;
  if (type.starts_with("|O") || type.starts_with("O"))
    fail<FormatError>(
        source, ": an object array: it is a Python pickle, which may run any code: ", "save it with a numeric type");
  const bool has_order = !type.empty() && std::string_view("<>|=").find(type[0]) != type.npos;
  for (const NumpyType& known : numpy_types)
    if (has_order && type.substr(1) == known.code && (type[0] != '|' || size_of(known.element) == 1))
      return known.element;
  fail<FormatError>(source, ": descr ", quote(type), ": is not supported: convert with x.astype: ",
                    "bool, integers up to int64, float16, float32 and float64 are");
}

}  // namespace

namespace {

struct NpyLayout {
  NpyHeader header;
  StoredType element;
  size_t data;  // where the elements begin
};

// What the first bytes say of a file of `total` bytes.
NpyLayout npy_layout(std::string_view bytes, size_t total, const std::string& source) {
  auto damaged = [&](const auto&... wrong) { fail<FormatError>(source, ": ", wrong...); };

  // 1. Magic, version and length of the header. Each is checked before it is used.
  if (!bytes.starts_with(magic)) damaged("does not begin with \\x93NUMPY: it is not a .npy file");
  if (total < 10) damaged(total, " bytes: the file is cut short");
  const int version = static_cast<unsigned char>(bytes[6]);
  if (version < 1 || version > 3 || bytes[7] != 0)
    damaged("version ", version, ".", int{static_cast<unsigned char>(bytes[7])},
            ": is unknown: 1.0 to 3.0 are supported");
  const size_t width = version == 1 ? 2 : 4, start = 8 + width;
  uint32_t length = 0;
  if (total < start) damaged(total, " bytes: the file is cut short");
  std::memcpy(&length, bytes.data() + 8, width);
  if (length > max_npy_header) damaged("header of ", length, " bytes: at most ", max_npy_header, " are allowed");
  if (length > total - start) damaged("header of ", length, " bytes in a file of ", total, ": the file is cut short");

  // 2. The header, and the size that follows from it.
  const NpyHeader header = HeaderParser(bytes.substr(start, length), source).header();
  const StoredType element = element_of(header, source);
  int64_t size = static_cast<int64_t>(size_of(element));
  bool overflow = false, empty = false;
  for (int64_t n : header.shape) {
    overflow |= __builtin_mul_overflow(size, std::max<int64_t>(n, 1), &size);
    empty |= n == 0;
  }
  if (empty) size = 0;
  if (overflow) damaged("shape ", header.shape, ": its size overflows 63 bits");
  const size_t data = total - start - length;
  if (data != static_cast<size_t>(size))
    damaged("shape ", header.shape, " of ", header.type, " takes ", size, " bytes, the file has ", data, ": it is ",
            data < static_cast<size_t>(size) ? "cut short" : "too long");
  return {header, element, start + length};
}

}  // namespace

Array parse_npy(std::string_view bytes, std::string_view name) {
  const std::string source = cat("npy: ", quote(name));
  const NpyLayout layout = npy_layout(bytes, bytes.size(), source);
  const NpyHeader& header = layout.header;
  // 3. The elements. Fortran order is row-major order of the transposed array.
  Shape shape = header.shape, axes = header.shape;
  if (header.fortran_order) std::reverse(&shape[0], &shape[0] + shape.rank());
  const std::optional<Array> x = decode(bytes.substr(layout.data), layout.element, shape, header.type[0] == '>');
  check<FormatError>(x.has_value(), source, ": a bool is neither 0 nor 1: the file is damaged");
  if (!header.fortran_order) return *x;
  for (int i = 0; i < axes.rank(); ++i) axes[i] = axes.rank() - 1 - i;
  return contiguous(permute(*x, axes));
}

Array load_npy(const std::string& path) {
  InputFile file(path);  // its header is judged before the rest is read
  npy_layout(file.read(std::min(file.size(), 12 + max_npy_header)), file.size(), cat("npy: ", quote(path)));
  return parse_npy(read_file(path), path);
}

std::string npy_header(const Array& x) {
  std::string header = cat("{'descr': '", code_of(x.dtype()), "', 'fortran_order': False, 'shape': (");
  for (int i = 0; i < x.rank(); ++i) header += cat(i ? ", " : "", x.shape()[i]);
  header += x.rank() == 1 ? ",), }" : "), }";
  const size_t start = magic.size() + 4;
  // Up to a multiple of 64. (NumPy also leaves room for the first size to grow to 21 digits; with
  // at most 8 axes that comes to the same.)
  header.append(63 - (start + header.size()) % 64, ' ');
  header += '\n';

  const auto length = static_cast<uint16_t>(header.size());
  std::string bytes = std::string(magic) + std::string("\x01\x00", 2);
  bytes.append(reinterpret_cast<const char*>(&length), sizeof length);
  return bytes + header;
}

std::string to_npy(const Array& x) {
  std::string bytes = npy_header(x);
  return bytes.append(bytes_of(contiguous(x)));
}

void save_npy(const std::string& path, const Array& x) {
  const std::string header = npy_header(x);
  const Array numbers = contiguous(x);
  const std::string_view parts[] = {header, bytes_of(numbers)};
  write_file_atomic(path, parts);
}

}  // namespace heed::core
