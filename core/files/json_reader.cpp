#include <heed/core/files/json_reader.h>

#include <algorithm>
#include <optional>

#include <heed/core/error.h>
#include <heed/core/text.h>

namespace heed::core {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// ASCII that stands for itself in a string.
bool is_plain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
}

// The JSON number that `text` starts with: -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?
// Empty if there is none.
std::string_view number_at(std::string_view text) {
  size_t i = 0;
  auto at = [&](size_t k) { return k < text.size() ? text[k] : '\0'; };
  auto digits = [&] {
    const size_t start = i;
    while (is_digit(at(i))) ++i;
    return i > start;
  };
  if (at(i) == '-') ++i;
  if (at(i) == '0') ++i;
  else if (!digits()) return {};
  if (at(i) == '.') {
    ++i;
    if (!digits()) return {};
  }
  if (at(i) == 'e' || at(i) == 'E') {
    ++i;
    if (at(i) == '+' || at(i) == '-') ++i;
    if (!digits()) return {};
  }
  return text.substr(0, i);
}

std::optional<int64_t> integer_of(std::string_view number) { return number == "-0" ? std::nullopt : parse_int(number); }

}  // namespace

void JsonReader::fail(const std::string& wrong, size_t position) const {
  const std::string_view before = text_.substr(0, position);
  const size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const auto columns = std::count_if(before.begin() + static_cast<ptrdiff_t>(line_start), before.end(),
                                     [](char c) { return (c & 0xc0) != 0x80; });
  heed::fail<FormatError>(source_, ":", lines + 1, ":", columns + 1, ": ", wrong);
}

void JsonReader::skip_space() { at_ = std::min(text_.find_first_not_of(" \t\n\r", at_), text_.size()); }

size_t JsonReader::position() {
  skip_space();
  return at_;
}

void JsonReader::expected(const char* what) {
  skip_space();
  if (at_ == text_.size()) fail(cat("the text ends where ", what, " is expected"));
  std::string_view rest = text_.substr(at_);
  const bool readable = take_code_point(rest).has_value();
  const size_t length = readable ? text_.size() - at_ - rest.size() : 1;
  fail(cat("expected ", what, ", found ", quote(text_.substr(at_, length))));
}

JsonReader::Kind JsonReader::peek() {
  skip_space();
  const std::string_view rest = text_.substr(at_);
  switch (rest.empty() ? '\0' : rest[0]) {
    case '{': return Kind::object;
    case '[': return Kind::list;
    case '"': return Kind::string;
    case 't':
    case 'f': return Kind::boolean;
    case 'n': return Kind::null;
    default: break;
  }
  const std::string_view number = number_at(rest);
  if (number.empty()) expected("a value");
  return integer_of(number) ? Kind::integer : Kind::number;
}

void JsonReader::null() {
  skip_space();
  if (!text_.substr(at_).starts_with("null")) expected("null");
  at_ += 4;
}

bool JsonReader::boolean() {
  skip_space();
  const std::string_view rest = text_.substr(at_);
  const bool value = rest.starts_with("true");
  if (!value && !rest.starts_with("false")) expected("true or false");
  at_ += value ? 4 : 5;
  return value;
}

std::string_view JsonReader::number_text() {
  skip_space();
  const std::string_view number = number_at(text_.substr(at_));
  // What follows tells the common slips apart: 01, 1.5.2, 1x.
  const size_t end = at_ + number.size();
  if (!number.empty() && end < text_.size() && (is_digit(text_[end]) || text_[end] == '.'))
    fail(cat(quote(text_.substr(at_, number.size() + 1)), "… is not a JSON number"));
  return number;
}

int64_t JsonReader::integer() {
  const std::string_view number = number_text();
  if (number.empty()) expected("an integer");
  const std::optional<int64_t> value = integer_of(number);
  if (!value) fail(cat(quote(number), " is not an integer of 64 bits"));
  at_ += number.size();
  return *value;
}

double JsonReader::number() {
  const std::string_view number = number_text();
  if (number.empty()) expected("a number");
  const std::optional<double> value = parse_double(number);
  if (!value) fail(cat(quote(number), " is out of the range of a double"));
  at_ += number.size();
  return *value;
}

std::string JsonReader::string() {
  skip_space();
  if (!text_.substr(at_).starts_with('"')) expected("a string");
  const size_t start = at_++;
  std::string out;
  while (true) {
    // Runs of plain ASCII are copied at once.
    const size_t run = at_;
    while (at_ < text_.size() && is_plain(text_[at_])) ++at_;
    out += text_.substr(run, at_ - run);
    if (at_ == text_.size()) fail("this string is not closed", start);
    const char c = text_[at_];
    if (c == '"') return ++at_, out;
    if (c == '\\') {
      append_utf8(out, escape());
    } else if (static_cast<unsigned char>(c) < 0x20) {
      fail("a control character must be escaped in a string");
    } else {
      std::string_view rest = text_.substr(at_);
      if (!take_code_point(rest)) fail("this is not UTF-8");
      out += text_.substr(at_, text_.size() - at_ - rest.size());
      at_ = text_.size() - rest.size();
    }
  }
}

// The character that an escape means. Beyond U+FFFF it is written as two, a surrogate pair.
char32_t JsonReader::escape() {
  const size_t start = at_++;
  const char letter = at_ < text_.size() ? text_[at_++] : '\0';
  switch (letter) {
    case '"':
    case '\\':
    case '/': return static_cast<char32_t>(letter);
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'u': break;
    default: fail("this escape is unknown", start);
  }
  const char32_t high = hex4();
  if (high < 0xd800 || high > 0xdfff) return high;
  if (high < 0xdc00 && text_.substr(at_).starts_with("\\u")) {
    at_ += 2;
    const char32_t low = hex4();
    if (low >= 0xdc00 && low <= 0xdfff) return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
  }
  fail("half of a surrogate pair stands alone", start);
}

char32_t JsonReader::hex4() {
  char32_t value = 0;
  for (int i = 0; i < 4; ++i, ++at_) {
    const char c = at_ < text_.size() ? text_[at_] : '\0';
    const int digit = is_digit(c)            ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) fail("\\u needs four hexadecimal digits");
    value = value << 4 | static_cast<char32_t>(digit);
  }
  return value;
}

void JsonReader::open(char bracket, const char* what) {
  skip_space();
  if (at_ == text_.size() || text_[at_] != bracket) expected(what);
  if (++depth_ > max_depth) fail(cat("nested more than ", max_depth, " deep"));
  ++at_;
}

// True: the reader stands before the next element. False: it stands after the closing bracket.
bool JsonReader::more(char bracket, bool first) {
  skip_space();
  const char c = at_ < text_.size() ? text_[at_] : '\0';
  if (c == bracket) return ++at_, --depth_, false;
  if (first) return true;
  if (c != ',') expected(bracket == ']' ? "',' or ']'" : "',' or '}'");
  const size_t comma = at_++;
  skip_space();
  if (at_ < text_.size() && text_[at_] == bracket) fail("a trailing comma is not allowed", comma);
  return true;
}

const std::string& JsonReader::key(std::set<std::string>& seen) {
  skip_space();
  const size_t start = at_;
  if (!text_.substr(at_).starts_with('"')) expected("a key in double quotes");
  const auto [position, is_new] = seen.insert(string());
  if (!is_new) fail(cat("the key ", quote(*position), " appears twice"), start);
  skip_space();
  if (!text_.substr(at_).starts_with(':')) expected("':'");
  ++at_;
  return *position;
}

void JsonReader::skip() {
  switch (peek()) {
    case Kind::null: null(); break;
    case Kind::boolean: boolean(); break;
    case Kind::integer:
    case Kind::number: number(); break;
    case Kind::string: string(); break;
    case Kind::list: list([&] { skip(); }); break;
    case Kind::object: object([&](const std::string&) { skip(); }); break;
  }
}

void JsonReader::finish() {
  skip_space();
  if (at_ < text_.size()) expected("the end");
}

}  // namespace heed::core
