// Inflate: streams of zlib's, and streams that are refused. (More come from NumPy: npz_test.cpp.)
#include <heed/core/files/inflate.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.h"
#include "support/errors.h"

using namespace heed;
using namespace heed::core;
using namespace std::string_literals;
using heed::test::message_of;

namespace {

std::string from_hex(const std::string& digits) {
  std::string bytes;
  for (size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  return bytes;
}

// Bits as RFC 1951 packs them: numbers from their lowest bit on, Huffman codes from their highest.
struct BitWriter {
  std::string bytes;
  int used = 8;
  BitWriter& bit(int value) {
    if (used == 8) bytes += '\0', used = 0;
    bytes.back() = static_cast<char>(bytes.back() | value << used++);
    return *this;
  }
  BitWriter& number(uint32_t value, int count) {
    for (int i = 0; i < count; ++i) bit(static_cast<int>(value >> i & 1));
    return *this;
  }
  BitWriter& code(const char* bits) {
    for (; *bits; ++bits) bit(*bits - '0');
    return *this;
  }
};

std::string inflated(std::string_view bytes, size_t limit = 1 << 20) { return inflate(bytes, limit, "t"); }

std::string refusal(const std::string& bytes, size_t limit = 1 << 20) {
  const std::string message = message_of<FormatError>([&] { inflated(bytes, limit); });
  const std::string start = "t: the compressed data are damaged: ";
  return message.starts_with(start) ? message.substr(start.size()) : message;
}

// The start of a block with codes of its own, given the lengths of the code of the code lengths in their strange order.
BitWriter dynamic(uint32_t symbols, uint32_t distances, const std::vector<uint32_t>& lengths) {
  BitWriter w;
  w.bit(1).number(2, 2).number(symbols - 257, 5).number(distances - 1, 5);
  w.number(static_cast<uint32_t>(lengths.size()) - 4, 4);
  for (const uint32_t length : lengths) w.number(length, 3);
  return w;
}

// Code lengths: 18 has the code 0, 1 the code 10, 2 the code 11.
const std::vector<uint32_t> with_18_1_2 = {0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2};
BitWriter& zeros(BitWriter& w, uint32_t count) { return w.code("0").number(count - 11, 7); }

}  // namespace

TEST_CASE("inflate: stored, fixed and dynamic blocks of zlib") {
  CHECK(inflated(from_hex("010500faff68656c6c6f")) == "hello");
  CHECK(inflated(from_hex("4b5428ca2f4e55c82c564844630100")) == "a rose is a rose is a rose");
  CHECK(inflated(from_hex("4b4c1c05a360140c770000")) == std::string(1000, 'a'));
  std::string wanted;
  for (int i = 0; i < 400; ++i) wanted += static_cast<char>(i * i * 7 % 251 % (1 + i % 17));
  const std::string dynamic = from_hex(
      "1d5049020321084b20a0a89de9ff5f5bacde026403e9466a0696f60982e608004aae9d67a221770bd9d87ec40dde9761182efbd4734f14e1"
      "3ec518fb2df485796a64c5623d02ccd448089e7be0e0ca8299c6bb846f0b5261b49ab1963fdf26b54602838b87efc1bdf1a69126cc4b6dcc"
      "9a9783e229f2d327fda59c3d919fe7fa102c66641423de060cd1716d6a609ceba3e796aa51c5de69527847cff069dada37bea4e156adf289"
      "cf05a0709b1dcdf0dff0b610116bf064fe394c5d5067cb35f9c5bfa1741bad56cf9b175017da9dc176ecb8d61549fb01");
  CHECK(inflated(dynamic) == wanted);
  CHECK(inflated(dynamic, 400) == wanted);
  CHECK(refusal(dynamic, 399) == "t: the compressed data hold more than the 399 bytes that the file states");
  for (size_t size = 0; size < dynamic.size(); ++size) {
    INFO(size);
    CHECK(refusal(dynamic.substr(0, size)).starts_with("they end too early"));
  }
}

TEST_CASE("inflate: only the bytes of the stream are taken") {
  for (const char* stream : {"010500faff68656c6c6f", "4b5428ca2f4e55c82c564844630100"}) {
    const std::string bytes = from_hex(stream) + "the rest, long enough to be looked at";
    std::string_view left = bytes;
    inflate(left, 100, "t");
    CHECK(left == "the rest, long enough to be looked at");
  }
  // A stored block after a compressed one, within a byte.
  BitWriter w;
  w.bit(0).number(1, 2).code("10010001").code("0000000").bit(1).number(0, 2);  // 'a', end; then stored
  CHECK(inflated(w.bytes + from_hex("0200fdff") + "bc") == "abc");
}

TEST_CASE("inflate: distances up to the whole past, overlapping or not") {
  BitWriter w;
  w.bit(1).number(1, 2).code("10010001").code("10010010").code("10010011");  // fixed codes: a b c
  w.code("0000001").code("00010");                                           // 3 bytes, 3 ago
  w.code("0000101").code("00001");                                           // 7 bytes, 2 ago
  w.code("11000101").code("00000").code("0000000");                          // 258 bytes, 1 ago; end
  CHECK(inflated(w.bytes) == "abcabc" + "bcbcbcb"s + std::string(258, 'b'));
}

TEST_CASE("inflate: what makes no sense is refused") {
  CHECK(refusal("") == "they end too early (after 0 bytes)");
  CHECK(refusal("\x07") == "a block has the unknown type 3 (after 0 bytes)");
  CHECK(refusal(from_hex("010500fbff68656c6c6f")) ==
        "the length of a stored block and its inverse do not agree (after 0 bytes)");
  CHECK(refusal(from_hex("010600f9ff68656c6c6f")) == "they end too early (after 0 bytes)");
  CHECK(refusal(BitWriter().bit(1).number(1, 2).code("11000110").bytes + "xxx") ==
        "a length has an unknown symbol (after 0 bytes)");
  CHECK(refusal(BitWriter().bit(1).number(1, 2).code("10010001").code("0000001").code("11110").bytes + "xxx") ==
        "a distance has an unknown symbol (after 1 bytes)");
  CHECK(refusal(BitWriter().bit(1).number(1, 2).code("10010001").code("0000001").code("00001").bytes + "xxx") ==
        "a distance reaches to before the start (after 1 bytes)");

  CHECK(refusal(dynamic(287, 1, {0, 0, 0, 0}).bytes + "xxx") == "a code has too many symbols (after 0 bytes)");
  CHECK(refusal(dynamic(257, 31, {0, 0, 0, 0}).bytes + "xxx") == "a code has too many symbols (after 0 bytes)");
  const std::string of_lengths = "the code of the code lengths is incomplete or contradicts itself (after 0 bytes)";
  CHECK(refusal(dynamic(257, 1, {0, 0, 0, 0}).bytes + "xxx") == of_lengths);
  CHECK(refusal(dynamic(257, 1, {1, 1, 1, 0}).bytes + "xxx") == of_lengths);
  CHECK(refusal(dynamic(257, 1, {2, 2, 0, 0}).bytes + "xxx") == of_lengths);
  CHECK(refusal(dynamic(257, 1, {1, 1, 0, 0}).code("0").bytes + "xxx") ==
        "the first code length repeats one before it (after 0 bytes)");

  BitWriter w = dynamic(257, 1, with_18_1_2);
  zeros(zeros(w, 138), 138);
  CHECK(refusal(w.bytes + "xxx") == "there are more code lengths than symbols (after 0 bytes)");
  w = dynamic(257, 1, with_18_1_2);
  zeros(zeros(w.code("10").code("10"), 138), 118);
  CHECK(refusal(w.bytes + "xxx") == "a block has no end (after 0 bytes)");
  w = dynamic(257, 1, with_18_1_2);
  zeros(zeros(w.code("10").code("10"), 138), 116).code("10").code("10");  // three codes of one bit
  CHECK(refusal(w.bytes + "xxx") == "the code of the symbols is incomplete or contradicts itself (after 0 bytes)");
  w = dynamic(257, 2, with_18_1_2);
  zeros(zeros(w.code("10"), 138), 117).code("10").code("11").code("11");  // two distances of two bits: two are missing
  CHECK(refusal(w.bytes + "xxx") == "the code of the distances is incomplete or contradicts itself (after 0 bytes)");
  w = dynamic(258, 1, with_18_1_2);
  zeros(zeros(w, 138), 118).code("10").code("10").code("10");  // only the end, and a length of 3; one distance
  w.code("1").code("1");
  CHECK(refusal(w.bytes + "\xff\xff\xff") == "a code means nothing (after 0 bytes)");
}

TEST_CASE("inflate: a block without distances may hold only literals") {
  // Lengths: 0 → 1 bit, 256 → 1 bit, the distance 0 → none.
  const std::vector<uint32_t> lengths = {0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};  // 18: 0, 0: 10, 1: 11
  BitWriter w = dynamic(257, 1, lengths);
  zeros(zeros(w.code("11"), 138), 117).code("11").code("10");
  w.code("0").code("0").code("1");
  CHECK(inflated(w.bytes) == "\0\0"s);
  w = dynamic(258, 1, lengths);  // the same, and a length
  zeros(zeros(w.code("10"), 138), 117).code("11").code("11").code("10");
  CHECK(refusal(w.code("1").bytes + "xxx") == "a distance has no code (after 0 bytes)");
}

TEST_CASE("inflate: gzip, several members, and their checksums") {
  const std::string named = from_hex("1f8b08080000000002ff6e616d652e74787400cb48cdc9c9070086a6103605000000");
  const std::string plain = from_hex("1f8b08000000000002036360e060646060604e4c4a0600542425c40b000000");
  CHECK(gunzip(named, "t") == "hello");
  CHECK(gunzip(plain, "t") == "\0\0\x08\x01\0\0\0\x03"s + "abc");
  CHECK(gunzip(named + plain, "t").size() == 16);
  // All that a header may have.
  const std::string full =
      from_hex("1f8b081e0000000002ff") + "\x03\0abc"s + "name\0comment\0"s + "hc" + named.substr(19);
  CHECK(gunzip(full, "t") == "hello");
  const auto wrong = [](const std::string& bytes) { return message_of<FormatError>([&] { gunzip(bytes, "t"); }); };
  for (size_t size = 1; size < full.size(); ++size) CHECK(wrong(full.substr(0, size)).starts_with("t: the "));
  CHECK(wrong("\x1f\x8b\x07" + std::string(20, 0)) ==
        "t: the gzip header is not that of deflated data: the file is damaged");
  CHECK(wrong("\x1f\x8b\x08\x20" + std::string(20, 0)) == "t: the gzip header has unknown flags: the file is damaged");
  CHECK(wrong(named + "x") == "t: the gzip header is cut short");
  for (const size_t at : {named.size() - 1, named.size() - 8}) {
    std::string other = named;
    other[at] = static_cast<char>(other[at] ^ 1);
    CHECK(wrong(other) == "t: the gzip checksum is another: the file is damaged");
  }
}

TEST_CASE("inflate: CRC-32, whole and in parts") {
  CHECK(crc32("123456789") == 0xcbf43926);
  std::string bytes;
  for (int i = 0; i < 768; ++i) bytes += static_cast<char>(i);
  CHECK(crc32(bytes) == 0xb0c0df2a);
  for (const size_t cut : {0, 1, 7, 8, 100, 768})
    CHECK(crc32(std::string_view(bytes).substr(cut), crc32(std::string_view(bytes).substr(0, cut))) == 0xb0c0df2a);
}
