#include <heed/core/files/safetensors.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include <heed/core/files/file.h>

#include "support/catch.h"
#include "support/errors.h"
#include "support/temp_dir.h"

using namespace heed;
using namespace heed::core;
using heed::test::message_of;
using heed::test::TempDir;

namespace {

std::string length_of(uint64_t n) { return std::string(reinterpret_cast<const char*>(&n), sizeof n); }

// A file with this header, not padded, and that many bytes 0, 1, 0, 1, … of data.
std::string file_of(const std::string& header, size_t data_size = 0) {
  std::string data(data_size, '\0');
  for (size_t i = 1; i < data_size; i += 2) data[i] = 1;
  return length_of(header.size()) + header + data;
}

// "name":{"dtype":"F32","shape":…,"data_offsets":…}
std::string entry(const std::string& name, const std::string& shape, const std::string& offsets,
                  const std::string& dtype = "\"F32\"") {
  return "\"" + name + "\":{\"dtype\":" + dtype + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
}

std::string one(const std::string& shape, const std::string& offsets, const std::string& dtype = "\"F32\"") {
  return "{" + entry("a", shape, offsets, dtype) + "}";
}

SafeTensors parse(const std::string& bytes) { return parse_safetensors(bytes, "t"); }

std::string refusal(const std::string& bytes) {
  const std::string message = message_of<FormatError>([&] { parse(bytes); });
  const std::string start = "safetensors: \"t\": ";
  return message.starts_with(start) ? message.substr(start.size()) : "UNEXPECTED " + message;
}

struct Row {
  std::string bytes, message;
};

void check_refused(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    INFO(row.bytes.substr(0, 300));
    CHECK(refusal(row.bytes) == row.message);
  }
}

const std::string other = ": not a safetensors file, or its download is incomplete";

}  // namespace

TEST_CASE("safetensors: malformed lengths") {
  check_refused({
      {"", "0 bytes: header too small" + other},
      {"1234567", "7 bytes: header too small" + other},
      {length_of(0), "header does not begin with {" + other},
      {length_of(2), "header of 2 bytes in a file of 8: invalid header length" + other},
      {length_of(3) + "{}", "header of 3 bytes in a file of 10: invalid header length" + other},
      {length_of(uint64_t{1} << 63) + "{}", "header of 9223372036854775808 bytes: header too large" + other},
      {length_of(UINT64_MAX) + "{}", "header of 18446744073709551615 bytes: header too large" + other},
      {length_of(100000001) + "{}", "header of 100000001 bytes: header too large" + other},
      {length_of(100000000) + "{}", "header of 100000000 bytes in a file of 10: invalid header length" + other},
  });
}

TEST_CASE("safetensors: other files are recognised") {
  const std::string but = "not a safetensors file, but ";
  const std::string pickle = but + "a PyTorch pickle: convert it with safetensors.torch.save_file";
  const std::string page = but + "a web page: download the file itself";
  check_refused({
      {"PK\x03\x04 and then the zip archive", pickle},
      {"\x80\x02}q\x01 old pickle", pickle},
      {"\x80\x02.", pickle},
      {"\x80\x04\x95\x10 newer pickle", pickle},
      {"version https://git-lfs.github.com/spec/v1\noid sha256:0",
       but + "a git-lfs pointer: fetch the file itself with git lfs pull"},
      {"<!DOCTYPE html><html>", page},
      {"<html>404", page},
      {"\x1f\x8b\x08 gzip bytes", but + "gzip data: unpack it with gunzip"},
      {std::string("GGUF\x03\0\0\0more", 12), but + "a GGUF file: find a .safetensors file of the model"},
      {"\x93NUMPY\x01\x01", but + "a .npy file: use load_npy"},
      {"{\"weight_map\": {}}", but + "JSON: give a .safetensors file, or an index that ends in .index.json"},
  });
}

TEST_CASE("safetensors: malformed JSON") {
  const std::string deep = "{\"a\":" + std::string(100000, '[');
  check_refused({
      {file_of("{"), "header:1:2: the text ends where a key in double quotes is expected"},
      {file_of("\xff\xff"), "header does not begin with {" + other},
      {file_of("{\"\xff\":1}"), "header:1:3: this is not UTF-8"},
      {file_of("{\"\xc0\x80\":1}"), "header:1:3: this is not UTF-8"},
      {file_of(std::string("\xff\xfe{\0}\0", 6)), "header does not begin with {" + other},
      {file_of("\xef\xbb\xbf{}"), "header does not begin with {" + other},
      {file_of(" {}"), "header does not begin with {" + other},
      {file_of("\n{}"), "header does not begin with {" + other},
      {file_of("[]"), "header does not begin with {" + other},
      {file_of("\"x\""), "header does not begin with {" + other},
      {file_of("null"), "header does not begin with {" + other},
      {file_of("{}x"), "header:1:3: expected the end, found \"x\""},
      {file_of("{}{}"), "header:1:3: expected the end, found \"{\""},
      {file_of(std::string("{}\0", 3)), "header:1:3: expected the end, found \"\\x00\""},
      {file_of("{" + entry("a", "[1]", "[0,4]") + ",}", 4), "header:1:54: a trailing comma is not allowed"},
      {file_of(one("[1,]", "[0,4]"), 4), "header:1:31: a trailing comma is not allowed"},
      {file_of("{/* */}"), "header:1:2: expected a key in double quotes, found \"/\""},
      {file_of("{'a':1}"), "header:1:2: expected a key in double quotes, found \"'\""},
      {file_of(deep), "header:1:6: expected an object, found \"[\""},
      {file_of("{\"a\":{\"shape\":" + std::string(100000, '[')), "header:1:16: expected an integer, found \"[\""},
      {file_of("{\"a\nb\":1}"), "header:1:4: a control character must be escaped in a string"},
      {file_of("{\"\\x\":1}"), "header:1:3: this escape is unknown"},
      {file_of("{\"\\u12\":1}"), "header:1:7: \\u needs four hexadecimal digits"},
      {file_of("{\"\\ud800\":1}"), "header:1:3: half of a surrogate pair stands alone"},
      {file_of("{\"a"), "header:1:2: this string is not closed"},
  });
}

TEST_CASE("safetensors: malformed fields") {
  const std::string a = "header:1:6: tensor \"a\": ";
  check_refused({
      {file_of("{\"a\":null}"), "header:1:6: expected an object, found \"n\""},
      {file_of("{\"a\":1}"), "header:1:6: expected an object, found \"1\""},
      {file_of("{\"a\":{}}"), a + "dtype is missing"},
      {file_of("{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4), a + "dtype is missing"},
      {file_of("{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4), a + "shape is missing"},
      {file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4), a + "data_offsets is missing"},
      {file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}}", 4),
       "header:1:58: tensor \"a\": the key \"x\" is none of dtype, shape, data_offsets"},
      {file_of("{\"a\":{\"Dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4),
       "header:1:15: tensor \"a\": the key \"Dtype\" is none of dtype, shape, data_offsets"},
      {file_of(one("[1]", "[0,4]", "\"F33\""), 4), "header:1:15: tensor \"a\": dtype \"F33\" is unknown"},
      {file_of(one("[1]", "[0,4]", "\"f32\""), 4), "header:1:15: tensor \"a\": dtype \"f32\" is unknown"},
      {file_of(one("[1]", "[0,4]", "\"\""), 4), "header:1:15: tensor \"a\": dtype \"\" is unknown"},
      {file_of(one("[1]", "[0,4]", "3"), 4), "header:1:15: expected a string, found \"3\""},
      {file_of(one("[1]", "[0,4]", "null"), 4), "header:1:15: expected a string, found \"n\""},
      {file_of(one("\"2\"", "[0,8]"), 8), "header:1:29: expected a list, found \"\\\"\""},
      {file_of(one("2", "[0,8]"), 8), "header:1:29: expected a list, found \"2\""},
      {file_of(one("[2.0]", "[0,8]"), 8), "header:1:30: \"2.0\" is not an integer of 64 bits"},
      {file_of(one("[1e3]", "[0,4000]"), 4000), "header:1:30: \"1e3\" is not an integer of 64 bits"},
      {file_of(one("[NaN]", "[0,4]"), 4), "header:1:30: expected an integer, found \"N\""},
      {file_of(one("[+1]", "[0,4]"), 4), "header:1:30: expected an integer, found \"+\""},
      {file_of(one("[01]", "[0,4]"), 4), "header:1:30: \"01\"… is not a JSON number"},
      {file_of(one("[-1]", "[0,4]"), 4), "header:1:30: tensor \"a\": size -1 is negative"},
      {file_of(one("[-0]", "[0,0]")), "header:1:30: \"-0\" is not an integer of 64 bits"},
      {file_of(one("[[2]]", "[0,8]"), 8), "header:1:30: expected an integer, found \"[\""},
      {file_of(one("[null]", "[0,8]"), 8), "header:1:30: expected an integer, found \"n\""},
      {file_of(one("[\"2\"]", "[0,8]"), 8), "header:1:30: expected an integer, found \"\\\"\""},
      {file_of(one("[true]", "[0,4]"), 4), "header:1:30: expected an integer, found \"t\""},
      {file_of(one("[1]", "[0]"), 4), "header:1:48: tensor \"a\": data_offsets has fewer than 2 entries"},
      {file_of(one("[1]", "[]"), 4), "header:1:48: tensor \"a\": data_offsets has fewer than 2 entries"},
      {file_of(one("[1]", "[0,1,2]"), 4), "header:1:48: tensor \"a\": data_offsets has more than 2 entries"},
      {file_of(one("[1]", "\"0,4\""), 4), "header:1:48: expected a list, found \"\\\"\""},
      {file_of(one("[1]", "[4,0]"), 4), "header:1:48: tensor \"a\": data_offsets [4, 0] run backwards"},
      {file_of(one("[1]", "[null,4]"), 4), "header:1:49: expected an integer, found \"n\""},
      {file_of(one("[1]", "[-4,0]"), 4), "header:1:49: tensor \"a\": offset -4 is negative"},
      {file_of(one("[1]", "[0,4.0]"), 4), "header:1:51: \"4.0\" is not an integer of 64 bits"},
  });
}

TEST_CASE("safetensors: keys that appear twice") {
  const std::string a = entry("a", "[1]", "[0,4]");
  check_refused({
      {file_of("{" + a + "," + a + "}", 4), "header:1:55: the key \"a\" appears twice"},
      {file_of("{" + a + "," + entry("\\u0061", "[1]", "[4,8]") + "}", 8), "header:1:55: the key \"a\" appears twice"},
      {file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"shape\":[1],\"data_offsets\":[0,4]}}", 4),
       "header:1:33: the key \"shape\" appears twice"},
      {file_of("{\"__metadata__\":{},\"__metadata__\":{}}"), "header:1:20: the key \"__metadata__\" appears twice"},
      {file_of("{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}"), "header:1:26: the key \"a\" appears twice"},
  });
}

TEST_CASE("safetensors: malformed metadata") {
  check_refused({
      {file_of("{\"__metadata__\":{\"a\":1}}"), "header:1:22: expected a string, found \"1\""},
      {file_of("{\"__metadata__\":{\"a\":null}}"), "header:1:22: expected a string, found \"n\""},
      {file_of("{\"__metadata__\":{\"a\":{}}}"), "header:1:22: expected a string, found \"{\""},
      {file_of("{\"__metadata__\":{\"a\":[]}}"), "header:1:22: expected a string, found \"[\""},
      {file_of("{\"__metadata__\":[]}"), "header:1:17: expected an object, found \"[\""},
      {file_of("{\"__metadata__\":null}"), "header:1:17: expected an object, found \"n\""},
      {file_of("{\"__metadata__\":" + entry("x", "[1]", "[0,4]").substr(4) + "}", 4),
       "header:1:40: expected a string, found \"[\""},
  });
}

TEST_CASE("safetensors: malformed sizes") {
  const std::string a = "header:1:6: tensor \"a\": ";
  check_refused({
      {file_of(one("[9223372036854775808]", "[0,4]"), 4),
       "header:1:30: \"9223372036854775808\" is not an integer of 64 bits"},
      {file_of(one("[18446744073709551616]", "[0,4]"), 4),
       "header:1:30: \"18446744073709551616\" is not an integer of 64 bits"},
      {file_of(one("[2,18446744073709551614]", "[0,4]"), 4),
       "header:1:32: \"18446744073709551614\" is not an integer of 64 bits"},
      {file_of(one("[2,9223372036854775807]", "[0,4]"), 4),
       a + "the size of shape (2, 9223372036854775807) overflows 63 bits"},
      {file_of(one("[4294967296,4294967296,0]", "[0,0]")),
       a + "the size of shape (4294967296, 4294967296, 0) overflows 63 bits"},
      {file_of(one("[0,4294967296,4294967296]", "[0,0]")),
       a + "the size of shape (0, 4294967296, 4294967296) overflows 63 bits"},
      {file_of(one("[1152921504606846976]", "[0,4]"), 4),  // 2⁶⁰: the bits overflow
       a + "the size of shape (1152921504606846976,) overflows 63 bits"},
      {file_of(one("[1,1,1,1,1,1,1,1,1]", "[0,4]"), 4), "header:1:29: tensor \"a\": more than 8 axes"},
      {file_of(one("[3]", "[0,2]", "\"F4\""), 2), a + "shape (3,) of F4 ends within a byte"},
      {file_of(one("[2]", "[0,4]"), 4), a + "shape (2,) of F32 takes 8 bytes, data_offsets [0, 4] hold 4"},
      {file_of(one("[2]", "[0,9]"), 9), a + "shape (2,) of F32 takes 8 bytes, data_offsets [0, 9] hold 9"},
      {file_of(one("[]", "[0,0]")), a + "shape () of F32 takes 4 bytes, data_offsets [0, 0] hold 0"},
      {file_of(one("[2,0]", "[0,4]"), 4), a + "shape (2, 0) of F32 takes 0 bytes, data_offsets [0, 4] hold 4"},
  });
  std::string thousand = "[1";
  for (int i = 1; i < 1000; ++i) thousand += ",1";
  check_refused({{file_of(one(thousand + "]", "[0,4]"), 4), "header:1:29: tensor \"a\": more than 8 axes"}});
}

TEST_CASE("safetensors: data that is not covered exactly once") {
  auto two = [](const char* a, const char* b) { return "{" + entry("a", "[1]", a) + "," + entry("b", "[1]", b) + "}"; };
  const std::string damaged = ": the file is damaged";
  check_refused({
      {file_of(one("[1]", "[0,4]")), "tensor \"a\": ends at 4 of 0 bytes: the file is cut short: download it again"},
      {file_of(one("[1]", "[0,4]"), 2), "tensor \"a\": ends at 4 of 2 bytes: the file is cut short: download it again"},
      {file_of(one("[1]", "[9223372036854775803,9223372036854775807]"), 4),
       "tensor \"a\": begins at 9223372036854775803 where 0 is expected: no tensor owns the bytes "
       "between" +
           damaged},
      {file_of(one("[1]", "[4,8]"), 8),
       "tensor \"a\": begins at 4 where 0 is expected: no tensor owns the bytes between" + damaged},
      {file_of(two("[0,4]", "[3,7]"), 7),
       "tensor \"b\": begins at 3 where 4 is expected: it overlaps another tensor" + damaged},
      {file_of(two("[0,4]", "[0,4]"), 4),
       "tensor \"b\": begins at 0 where 4 is expected: it overlaps another tensor" + damaged},
      {file_of(two("[5,9]", "[0,4]"), 9),
       "tensor \"a\": begins at 5 where 4 is expected: no tensor owns the bytes between" + damaged},
      {file_of("{" + entry("a", "[2]", "[0,8]") + "," + entry("b", "[0]", "[4,4]") + "}", 8),
       "tensor \"b\": begins at 4 where 8 is expected: it overlaps another tensor" + damaged},
      {file_of(one("[1]", "[0,4]"), 5), "1 bytes follow the last tensor" + damaged},
      {file_of(one("[1]", "[0,4]"), 4) + "PK\x03\x04", "4 bytes follow the last tensor" + damaged},
      {file_of("{}", 1), "1 bytes follow the last tensor" + damaged},
      {file_of("{\"__metadata__\":{\"a\":\"b\"}}", 3), "3 bytes follow the last tensor" + damaged},
  });

  std::string many = "{";  // 10,000 names for the same megabyte
  for (int i = 0; i < 10000; ++i) many += (i ? "," : "") + entry("t" + std::to_string(i), "[250000]", "[0,1000000]");
  check_refused({{file_of(many + "}", 1000000),
                  "tensor \"t1\": begins at 0 where 1000000 is expected: it overlaps another tensor" + damaged}});
}

TEST_CASE("safetensors: names that could harm") {
  check_refused({
      {file_of("{" + entry("a\\u001b[31m", "[1]", "[0,4]") + "}", 4),
       "header:1:16: tensor \"a\\x1b[31m\": a name with a control character"},
      {file_of("{" + entry("a\\u0000", "[1]", "[0,4]") + "}", 4),
       "header:1:12: tensor \"a\\x00\": a name with a control character"},
      {file_of("{" + entry("a\x7f", "[1]", "[0,4]") + "}", 4),
       "header:1:7: tensor \"a\\x7f\": a name with a control character"},
      {file_of("{" + entry(std::string(10000000, 'x'), "[1]", "[0,4]") + "}", 4),
       "header:1:10000005: tensor \"" + std::string(99, 'x') +
           "…\": a name of 10000000 bytes: at most 4096 are allowed"},
  });
}

TEST_CASE("safetensors: files that are accepted") {
  CHECK(parse(file_of("{}")).names().empty());
  CHECK(parse(file_of("{}      ")).names().empty());
  CHECK(parse(file_of("{} \t\r\n")).names().empty());
  CHECK(parse(file_of("{\"__metadata__\":{}}")).metadata().empty());
  const SafeTensors described = parse(file_of("{\"__metadata__\":{\"a\":\"é\",\"\":\"\"}}"));
  CHECK(described.metadata() == Metadata{{"a", "é"}, {"", ""}});

  const SafeTensors scalar = parse(file_of(one("[]", "[0,4]", "\"I32\""), 4));
  CHECK(scalar.shape("a") == Shape{});
  CHECK(item(scalar.at("a")) == 0x01000100);
  CHECK(parse(file_of(one("[2,0]", "[0,0]"))).at("a").shape() == Shape{2, 0});
  CHECK(parse(file_of(one(" [ 1 , 2 ] ", " [ 0 , 8 ] "), 8)).at("a").shape() == Shape{1, 2});
  CHECK(parse(file_of(one("[1,1,1,1,1,1,1,2]", "[0,8]"), 8)).at("a").rank() == 8);

  // Keys in any order, tensors in any order, zero-size ones between, an unpadded header, data that is
  // aligned to nothing, names of all kinds.
  const SafeTensors mixed =
      parse(file_of("{\"z\":{\"data_offsets\":[1,5],\"shape\":[1],\"dtype\":\"I32\"}," + entry("", "[0,3]", "[1,1]") +
                        "," + entry("\\u00e9\\/", "[1]", "[0,1]", "\"BOOL\"") + "," +
                        entry("漢 \\\"q\\\"", "[4]", "[5,9]", "\"U8\"") + "," + entry("end", "[0]", "[9,9]") + "}",
                    9));
  CHECK(mixed.names() == std::vector<std::string>{"", "end", "z", "é/", "漢 \"q\""});
  CHECK(to_vector(mixed.at("z")) == std::vector<double>{0x00010001});
  CHECK(to_vector(mixed.at("漢 \"q\"")) == std::vector<double>{1, 0, 1, 0});
  CHECK(mixed.file_dtype("漢 \"q\"") == "U8");
  CHECK(mixed.at("").shape() == Shape{0, 3});

  std::string many = "{";
  for (int i = 0; i < 100000; ++i)
    many += (i ? "," : "") +
            entry("t" + std::to_string(i), "[1]", "[" + std::to_string(4 * i) + "," + std::to_string(4 * i + 4) + "]");
  CHECK(parse(file_of(many + "}", 400000)).names().size() == 100000);
}

TEST_CASE("safetensors: types, known and unknown to heed") {
  const std::string halves("\x00\x3c\x00\xc1", 4), brains("\x80\x3f\x20\xc0", 4);
  auto load = [](const std::string& dtype, const std::string& data, int64_t n) {
    const std::string header =
        one("[" + std::to_string(n) + "]", "[0," + std::to_string(data.size()) + "]", "\"" + dtype + "\"");
    return parse(file_of(header) + data).at("a");
  };
  CHECK(to_vector(load("F16", halves, 2)) == std::vector<double>{1, -2.5});
  CHECK(load("F16", halves, 2).dtype() == Dtype::f32);
  CHECK(to_vector(load("BF16", brains, 2)) == std::vector<double>{1, -2.5});
  CHECK(to_vector(load("BOOL", std::string("\x01\x00", 2), 2)) == std::vector<double>{1, 0});
  CHECK(to_vector(load("I8", "\xff\x7f", 2)) == std::vector<double>{-1, 127});
  CHECK(to_vector(load("I16", "\xfe\xff", 1)) == std::vector<double>{-2});
  CHECK(to_vector(load("U16", "\xfe\xff", 1)) == std::vector<double>{65534});
  CHECK(load("U32", "\xff\xff\xff\xff", 1).dtype() == Dtype::i64);
  CHECK(std::isnan(to_vector(load("F32", std::string("\x00\x00\xc0\x7f", 4), 1))[0]));
  CHECK(std::isinf(to_vector(load("F64", std::string("\0\0\0\0\0\0\xf0\x7f", 8), 1))[0]));

  struct Unsupported {
    const char* dtype;
    int64_t n, bytes;
  };
  for (const Unsupported& row : {Unsupported{"U64", 1, 8},
                                 {"C64", 1, 8},
                                 {"F8_E5M2", 8, 8},
                                 {"F8_E4M3", 8, 8},
                                 {"F8_E8M0", 8, 8},
                                 {"F8_E4M3FNUZ", 8, 8},
                                 {"F8_E5M2FNUZ", 8, 8},
                                 {"F4", 16, 8},
                                 {"F6_E2M3", 4, 3},
                                 {"F6_E3M2", 4, 3}}) {
    const std::string header = "{" +
                               entry("a", "[" + std::to_string(row.n) + "]",
                                     "[4," + std::to_string(4 + row.bytes) + "]", cat("\"", row.dtype, "\"")) +
                               "," + entry("b", "[1]", "[0,4]") + "}";
    const SafeTensors file = parse(file_of(header, static_cast<size_t>(4 + row.bytes)));
    CHECK(file.at("b").numel() == 1);  // its neighbour is not disturbed
    CHECK(file.file_dtype("a") == row.dtype);
    CHECK(message_of<FormatError>([&] { file.at("a"); }) ==
          cat("safetensors: \"t\": tensor \"a\": dtype ", row.dtype,
              " is not supported: supported are BOOL, U8, I8, U16, I16, F16, BF16, I32, U32, F32, "
              "F64, I64"));
  }
  const SafeTensors bad = parse(file_of(one("[2]", "[0,2]", "\"BOOL\"")) + "\x01\x02");
  CHECK(message_of<FormatError>([&] { bad.at("a"); }) ==
        "safetensors: \"t\": tensor \"a\": a BOOL byte is neither 0 nor 1: the file is damaged");
  CHECK(message_of<FormatError>([&] { bad.at("b\x1b"); }) ==
        "safetensors: \"t\": tensor \"b\\x1b\": there is no such tensor: names() lists all 1");
}
