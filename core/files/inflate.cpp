#include <heed/core/files/inflate.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <utility>

#include <heed/core/error.h>

namespace heed::core {
namespace {

constexpr int longest_code = 15;
constexpr int quick_bits = 9;  // codes of at most this many bits are found in one step
constexpr int end_of_block = 256;
constexpr int symbol_count = 286, distance_count = 30;  // those that mean something; 288 and 32 have codes

constexpr uint16_t length_base[] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                    31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
constexpr uint8_t length_bits[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                   2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
constexpr uint16_t distance_base[] = {1,    2,    3,    4,    5,    7,    9,    13,    17,    25,
                                      33,   49,   65,   97,   129,  193,  257,  385,   513,   769,
                                      1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
constexpr uint8_t distance_bits[] = {0, 0, 0, 0, 1, 1, 2, 2,  3,  3,  4,  4,  5,  5,  6,
                                     6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13};

/// A canonical Huffman code: the codes of one length are consecutive, shorter ones come first.
struct Code {
  uint16_t quick[1 << quick_bits] = {};  // by the next bits: symbol · 16 + length, 0 for longer codes
  uint16_t count[longest_code + 1] = {};
  uint16_t symbol[288];  // in the order of their codes

  /// From the length of each symbol's code, 0 for those that do not occur. False unless every sequence of bits has a
  /// meaning; a single code, of one bit, is allowed all the same, as it is by zlib.
  bool set(std::span<const uint8_t> lengths) {
    *this = Code();
    for (const uint8_t length : lengths) ++count[length];
    count[0] = 0;
    int left = 1, used = 0;
    for (int length = 1; length <= longest_code; ++length) {
      left = 2 * left - count[length];
      used += count[length];
      if (left < 0) return false;
    }
    if (left > 0 && !(used == 1 && count[1] == 1)) return false;

    uint16_t at[longest_code + 2] = {};
    uint32_t next[longest_code + 2] = {};  // the next code of each length
    for (int length = 1; length <= longest_code; ++length) {
      at[length + 1] = static_cast<uint16_t>(at[length] + count[length]);
      next[length + 1] = (next[length] + count[length]) << 1;
    }
    for (size_t i = 0; i < lengths.size(); ++i) {
      const int length = lengths[i];
      if (length == 0) continue;
      symbol[at[length]++] = static_cast<uint16_t>(i);
      const uint32_t code = next[length]++;
      if (length > quick_bits) continue;
      uint32_t reversed = 0;  // codes are sent from their highest bit on
      for (int bit = 0; bit < length; ++bit) reversed |= (code >> bit & 1) << (length - 1 - bit);
      for (uint32_t bits = reversed; bits < 1 << quick_bits; bits += 1u << length)
        quick[bits] = static_cast<uint16_t>(i << 4 | static_cast<uint32_t>(length));
    }
    return true;
  }
};

class Inflater {
 public:
  Inflater(std::string_view bytes, size_t limit, std::string_view source)
      : bytes_(bytes), limit_(limit), source_(source) {}

  std::string run() {
    for (bool last = false; !last;) {
      last = take(1) == 1;
      switch (take(2)) {
        case 0: stored(); break;
        case 1:
          set_fixed_codes();
          compressed();
          break;
        case 2:
          read_codes();
          compressed();
          break;
        default: wrong("a block has the unknown type 3");
      }
    }
    return std::move(out_);
  }

  /// How many bytes of the input belong to the stream.
  size_t used() const { return at_ - static_cast<size_t>(held_ / 8); }

 private:
  [[noreturn]] void wrong(const char* what) const {
    fail<FormatError>(source_, ": the compressed data are damaged: ", what, " (after ", out_.size(), " bytes)");
  }

  void fill() {
    while (held_ <= 56 && at_ < bytes_.size()) {
      bits_ |= uint64_t{static_cast<unsigned char>(bytes_[at_++])} << held_;
      held_ += 8;
    }
  }

  void drop(int count) {
    if (count > held_) wrong("they end too early");
    bits_ >>= count;
    held_ -= count;
  }

  uint32_t take(int count) {
    if (held_ < count) fill();
    const auto value = static_cast<uint32_t>(bits_ & ((uint64_t{1} << count) - 1));
    drop(count);
    return value;
  }

  int take_symbol(const Code& code) {
    if (held_ < longest_code) fill();
    if (const uint16_t found = code.quick[bits_ & ((1 << quick_bits) - 1)]) {
      drop(found & 15);
      return found >> 4;
    }
    uint32_t value = 0, first = 0, index = 0;
    for (int length = 1; length <= longest_code; ++length) {
      value |= static_cast<uint32_t>(bits_ >> (length - 1) & 1);
      if (value - first < code.count[length]) {
        drop(length);
        return code.symbol[index + value - first];
      }
      index += code.count[length];
      first = (first + code.count[length]) << 1;
      value <<= 1;
    }
    if (held_ < longest_code) wrong("they end too early");
    wrong("a code means nothing");
  }

  void require_room(size_t count) {
    if (count > limit_ - out_.size())
      fail<FormatError>(source_, ": the compressed data hold more than the ", limit_, " bytes that the file states");
  }

  void stored() {
    drop(held_ % 8);
    const uint32_t length = take(16), inverse = take(16);
    if (length != (~inverse & 0xffff)) wrong("the length of a stored block and its inverse do not agree");
    at_ = used();  // give back what was held
    bits_ = 0, held_ = 0;
    if (length > bytes_.size() - at_) wrong("they end too early");
    require_room(length);
    out_.append(bytes_.substr(at_, length));
    at_ += length;
  }

  void set_fixed_codes() {
    std::array<uint8_t, 288> lengths;
    for (size_t i = 0; i < lengths.size(); ++i) lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    symbols_.set(lengths);
    std::array<uint8_t, 32> distances;
    distances.fill(5);
    distances_.set(distances);
    has_distances_ = true;
  }

  void read_codes() {
    const size_t symbols = take(5) + 257, distances = take(5) + 1, given = take(4) + 4;
    if (symbols > symbol_count || distances > distance_count) wrong("a code has too many symbols");
    constexpr uint8_t order[] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    std::array<uint8_t, 19> of_lengths{};
    for (size_t i = 0; i < given; ++i) of_lengths[order[i]] = static_cast<uint8_t>(take(3));
    Code code;
    if (!code.set(of_lengths)) wrong("the code of the code lengths is incomplete or contradicts itself");
    std::array<uint8_t, symbol_count + distance_count> lengths{};
    for (size_t i = 0; i < symbols + distances;) {
      const int symbol = take_symbol(code);
      if (symbol < 16) {
        lengths[i++] = static_cast<uint8_t>(symbol);
        continue;
      }
      if (symbol == 16 && i == 0) wrong("the first code length repeats one before it");
      const uint8_t repeated = symbol == 16 ? lengths[i - 1] : 0;
      size_t times = symbol == 16 ? 3 + take(2) : symbol == 17 ? 3 + take(3) : 11 + take(7);
      if (times > symbols + distances - i) wrong("there are more code lengths than symbols");
      while (times-- > 0) lengths[i++] = repeated;
    }
    const std::span<const uint8_t> all(lengths);
    if (all[end_of_block] == 0) wrong("a block has no end");
    if (!symbols_.set(all.first(symbols))) wrong("the code of the symbols is incomplete or contradicts itself");
    const auto of_distances = all.subspan(symbols, distances);
    has_distances_ = std::any_of(of_distances.begin(), of_distances.end(), [](uint8_t length) { return length > 0; });
    if (has_distances_ && !distances_.set(of_distances))
      wrong("the code of the distances is incomplete or contradicts itself");
  }

  void compressed() {
    for (int symbol = take_symbol(symbols_); symbol != end_of_block; symbol = take_symbol(symbols_)) {
      if (symbol < end_of_block) {
        require_room(1);
        out_ += static_cast<char>(symbol);
        continue;
      }
      if (symbol >= symbol_count) wrong("a length has an unknown symbol");
      const int l = symbol - end_of_block - 1;
      const size_t length = length_base[l] + take(length_bits[l]);
      if (!has_distances_) wrong("a distance has no code");
      const int d = take_symbol(distances_);
      if (d >= distance_count) wrong("a distance has an unknown symbol");
      const size_t distance = distance_base[d] + take(distance_bits[d]);
      if (distance > out_.size()) wrong("a distance reaches to before the start");
      require_room(length);
      repeat(length, distance);
    }
  }

  /// The last `distance` bytes again and again, until `length` are added.
  void repeat(size_t length, size_t distance) {
    const size_t from = out_.size() - distance;
    out_.resize(out_.size() + length);
    char* const to = out_.data() + from + distance;
    if (distance >= length) std::memcpy(to, out_.data() + from, length);
    else
      for (size_t i = 0; i < length; ++i) to[i] = out_[from + i];
  }

  std::string_view bytes_;
  size_t at_ = 0, limit_;
  std::string_view source_;
  uint64_t bits_ = 0;  // the next ones, lowest first
  int held_ = 0;
  std::string out_;
  Code symbols_, distances_;
  bool has_distances_ = false;
};

/// table[k][b]: what byte b does to the checksum when k bytes follow it.
constexpr auto crc_tables = [] {
  std::array<std::array<uint32_t, 256>, 8> tables{};
  for (uint32_t b = 0; b < 256; ++b) {
    uint32_t value = b;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1 ? 0xedb88320 : 0);
    tables[0][b] = value;
  }
  for (size_t k = 1; k < 8; ++k)
    for (uint32_t b = 0; b < 256; ++b) tables[k][b] = tables[k - 1][b] >> 8 ^ tables[0][tables[k - 1][b] & 255];
  return tables;
}();

uint32_t little_endian(std::string_view bytes) {
  uint32_t value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

/// Removes the header of a member, and what may follow it: extra bytes, a name, a comment, a checksum.
void skip_header(std::string_view& bytes, std::string_view source) {
  auto require = [&](bool ok, const char* wrong) { check<FormatError>(ok, source, ": the gzip header ", wrong); };
  require(bytes.size() >= 10, "is cut short");
  require(is_gzip(bytes) && bytes[2] == 8, "is not that of deflated data: the file is damaged");
  const unsigned flags = static_cast<unsigned char>(bytes[3]);
  require((flags & 0xe0) == 0, "has unknown flags: the file is damaged");
  bytes.remove_prefix(10);
  if (flags & 4) {
    require(bytes.size() >= 2, "is cut short");
    const size_t extra = static_cast<unsigned char>(bytes[0]) | size_t{static_cast<unsigned char>(bytes[1])} << 8;
    require(bytes.size() - 2 >= extra, "is cut short");
    bytes.remove_prefix(2 + extra);
  }
  for (const unsigned text : {8u, 16u}) {
    if (!(flags & text)) continue;
    const size_t end = bytes.find('\0');
    require(end != bytes.npos, "is cut short");
    bytes.remove_prefix(end + 1);
  }
  if (flags & 2) {
    require(bytes.size() >= 2, "is cut short");
    bytes.remove_prefix(2);
  }
}

}  // namespace

std::string inflate(std::string_view& bytes, size_t limit, std::string_view source) {
  Inflater inflater(bytes, limit, source);
  std::string out = inflater.run();
  bytes.remove_prefix(inflater.used());
  return out;
}

std::string gunzip(std::string_view bytes, std::string_view source) {
  std::string all;
  while (!bytes.empty()) {
    skip_header(bytes, source);
    const std::string part = inflate(bytes, max_inflation * bytes.size(), source);
    check<FormatError>(bytes.size() >= 8, source, ": the gzip data are cut short");
    check<FormatError>(
        little_endian(bytes) == crc32(part) && little_endian(bytes.substr(4)) == static_cast<uint32_t>(part.size()),
        source, ": the gzip checksum is another: the file is damaged");
    bytes.remove_prefix(8);
    all += part;
  }
  return all;
}

uint32_t crc32(std::string_view bytes, uint32_t before) {
  const auto& table = crc_tables;
  uint32_t sum = ~before;
  while (bytes.size() >= 8) {
    const uint32_t low = little_endian(bytes) ^ sum, high = little_endian(bytes.substr(4));
    sum = table[7][low & 255] ^ table[6][low >> 8 & 255] ^ table[5][low >> 16 & 255] ^ table[4][low >> 24] ^
          table[3][high & 255] ^ table[2][high >> 8 & 255] ^ table[1][high >> 16 & 255] ^ table[0][high >> 24];
    bytes.remove_prefix(8);
  }
  for (const char c : bytes) sum = sum >> 8 ^ table[0][(sum ^ static_cast<unsigned char>(c)) & 255];
  return ~sum;
}

}  // namespace heed::core
