#include <heed/core/files/npy.h>

#include <cmath>
#include <cstring>
#include <string>

#include <heed/core/files/file.h>

#include "support/catch.h"
#include "support/errors.h"
#include "support/temp_dir.h"

using namespace heed;
using namespace heed::core;
using namespace std::string_literals;
using heed::test::message_of;
using heed::test::TempDir;

namespace {

const std::string magic = "\x93NUMPY";

// A file of this version with this header, unchanged, and `data` zero bytes of data.
std::string file_of(const std::string& header, size_t data = 0, int version = 1) {
  std::string bytes = magic + static_cast<char>(version) + '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i) bytes += static_cast<char>(header.size() >> (8 * i) & 255);
  return bytes + header + std::string(data, '\0');
}

std::string dict(const std::string& shape, const std::string& descr = "'<f4'", const std::string& order = "False") {
  return "{'descr': " + descr + ", 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
}

std::string refusal(const std::string& bytes) {
  const std::string message = message_of<FormatError>([&] { parse_npy(bytes, "t"); });
  const std::string start = "npy: \"t\": ";
  return message.starts_with(start) ? message.substr(start.size()) : "UNEXPECTED " + message;
}

}  // namespace

TEST_CASE("npy: malformed files") {
  const std::string h = "header: ";
  struct Row {
    std::string bytes, message;
  };
  const Row rows[] = {
      // The start.
      {"", "does not begin with \\x93NUMPY: it is not a .npy file"},
      {"PK\x03\x04", "does not begin with \\x93NUMPY: it is not a .npy file"},
      {"\x93NUMPX\x01\0"s, "does not begin with \\x93NUMPY: it is not a .npy file"},
      {magic, "6 bytes: the file is cut short"},
      {magic + "\x01\0\x10"s, "9 bytes: the file is cut short"},
      {magic + "\x02\0\x10\0"s, "10 bytes: the file is cut short"},
      {file_of(dict("()"), 4, 4), "version 4.0: is unknown: 1.0 to 3.0 are supported"},
      {file_of(dict("()"), 4, 0), "version 0.0: is unknown: 1.0 to 3.0 are supported"},
      {magic + "\x01\x01\x00\x00"s, "version 1.1: is unknown: 1.0 to 3.0 are supported"},
      {magic + "\x01\0\x10\0"s, "header of 16 bytes in a file of 10: the file is cut short"},
      {magic + "\x02\0\xff\xff\xff\xff"s, "header of 4294967295 bytes: at most 10000 are allowed"},
      {magic + "\x03\0\x00\x27\x00\x00"s, "header of 9984 bytes in a file of 12: the file is cut short"},
      {file_of(std::string(65535, ' ')), "header of 65535 bytes: at most 10000 are allowed"},
      {file_of(dict("(" + std::string(1000000, '1') + ",)"), 0, 2),
       "header of 1000057 bytes: at most 10000 are allowed"},
      // The dictionary.
      {file_of(""), h + "'{' is expected (at byte 0)"},
      {file_of(std::string(100, ' ')), h + "'{' is expected (at byte 100)"},
      {file_of("{}\n"), h + "descr is missing (at byte 2)"},
      {file_of("{'descr': '<f4', 'shape': (), }\n", 4), h + "fortran_order is missing (at byte 31)"},
      {file_of("{'descr': '<f4', 'fortran_order': False}\n", 4), h + "shape is missing (at byte 40)"},
      {file_of("{'fortran_order': False, 'shape': ()}\n", 4), h + "descr is missing (at byte 37)"},
      {file_of("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': ()}\n", 4),
       h + "the key \"descr\" is unknown or appears twice (at byte 25)"},
      {file_of("{'x': 1, 'descr': '<f4', 'fortran_order': False, 'shape': ()}\n", 4),
       h + "the key \"x\" is unknown or appears twice (at byte 5)"},
      {file_of("{'descr\0': '<f4'}\n"s), h + "the key \"descr\\x00\" is unknown or appears twice (at byte 10)"},
      {file_of("{'descr'\0: '<f4'}\n"s), h + "':' is expected (at byte 8)"},
      {file_of("{descr: '<f4'}\n"), h + "a string is expected (at byte 1)"},
      {file_of("{'descr: <f4}\n"), h + "a string is not closed (at byte 2)"},
      {file_of("{'descr' '<f4'}\n"), h + "':' is expected (at byte 9)"},
      {file_of("{'descr': '<f4' 'shape': ()}\n"), h + "',' is expected (at byte 16)"},
      {file_of("{'descr': '<f4',, 'shape': ()}\n"), h + "a string is expected (at byte 16)"},
      {file_of("{'descr': '<f4', 'fortran_order': False, 'shape': ()\n", 4), h + "',' is expected (at byte 53)"},
      {file_of("{'descr': '<f4', 'fortran_order': False, 'shape': ()}", 4),
       h + "does not end in a new line (at byte 53)"},
      {file_of("{'descr': '<f4', 'fortran_order': False, 'shape': ()} x\n", 4),
       h + "continues after the closing brace (at byte 54)"},
      {file_of("__import__('os')\n"), h + "'{' is expected (at byte 0)"},
      // fortran_order.
      {file_of(dict("()", "'<f4'", "0"), 4), h + "fortran_order is neither True nor False (at byte 34)"},
      {file_of(dict("()", "'<f4'", "false"), 4), h + "fortran_order is neither True nor False (at byte 34)"},
      {file_of(dict("()", "'<f4'", "'True'"), 4), h + "fortran_order is neither True nor False (at byte 34)"},
      // shape.
      {file_of(dict("3"), 12), h + "'(' is expected (at byte 50)"},
      {file_of(dict("[3]"), 12), h + "'(' is expected (at byte 50)"},
      {file_of(dict("None"), 4), h + "'(' is expected (at byte 50)"},
      {file_of(dict("(3)"), 12), h + "shape is a number, not a tuple (at byte 53)"},
      {file_of(dict("(2,,3)"), 24), h + "shape has an entry that is not a size of 63 bits (at byte 53)"},
      {file_of(dict("(,)"), 4), h + "shape has an entry that is not a size of 63 bits (at byte 51)"},
      {file_of(dict("(2 3)"), 24), h + "',' or ')' is expected (at byte 53)"},
      {file_of(dict("(2, 3"), 24), h + "shape has an entry that is not a size of 63 bits (at byte 57)"},
      {file_of(dict("((2, 3))"), 24), h + "shape has an entry that is not a size of 63 bits (at byte 51)"},
      {file_of(dict("(-2,)"), 8), h + "shape has an entry that is not a size of 63 bits (at byte 51)"},
      {file_of(dict("(2.0,)"), 8), h + "',' or ')' is expected (at byte 52)"},
      {file_of(dict("(02,)"), 8), h + "shape has an entry that is not a size of 63 bits (at byte 51)"},
      {file_of(dict("(9223372036854775808,)"), 8), h + "shape has an entry that is not a size of 63 bits (at byte 51)"},
      {file_of(dict("(" + std::string(5000, '1') + ",)")),
       h + "shape has an entry that is not a size of 63 bits (at byte 51)"},
      {file_of(dict("(1, 1, 1, 1, 1, 1, 1, 1, 1)"), 4), h + "shape has more than 8 axes (at byte 75)"},
      {file_of(dict("(4611686018427387905, 4)"), 4), "shape (4611686018427387905, 4): its size overflows 63 bits"},
      {file_of(dict("(4294967296, 4294967296, 0)")), "shape (4294967296, 4294967296, 0): its size overflows 63 bits"},
      {file_of(dict("(0, 4294967296, 4294967296)")), "shape (0, 4294967296, 4294967296): its size overflows 63 bits"},
      // descr.
      {file_of(dict("()", "'|O'"), 8),
       "an object array: it is a Python pickle, which may run any code: save it with a numeric type"},
      {file_of(dict("()", "[('a', '<f4')]"), 4),
       h + "descr is a list: structured arrays are not supported: save one field (at byte 10)"},
      {file_of(dict("()", "4"), 4), h + "a string is expected (at byte 10)"},
      // The data.
      {file_of(dict("(2, 3)"), 23), "shape (2, 3) of <f4 takes 24 bytes, the file has 23: it is cut short"},
      {file_of(dict("(2, 3)"), 25), "shape (2, 3) of <f4 takes 24 bytes, the file has 25: it is too long"},
      {file_of(dict("(1099511627776,)")),
       "shape (1099511627776,) of <f4 takes 4398046511104 bytes, the file has 0: it is cut short"},
      {file_of(dict("(1,)", "'|b1'")) + "\x02", "a bool is neither 0 nor 1: the file is damaged"},
  };
  for (const Row& row : rows) {
    INFO(row.bytes.substr(0, 200));
    CHECK(refusal(row.bytes) == row.message);
  }
  for (const char* type :
       {"<U5", "|S5", "<M8[ns]", "<m8", "<c8", "<u8", "<f16", "|V4", "f4", "", "<", "|f4", "<f3", "&f4"}) {
    INFO(type);
    CHECK(refusal(file_of(dict("()", cat("'", type, "'")), 8)) ==
          cat("descr \"", type,
              "\": is not supported: convert with x.astype: bool, integers up to "
              "int64, float16, float32 and float64 are"));
  }
}

TEST_CASE("npy: forms of the header that are accepted") {
  const std::string numbers = "\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40\0\0\x80\x40\0\0\xa0\x40\0\0\xc0\x40"s;  // 1 … 6
  const std::string headers[] = {
      dict("(2, 3)"),
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}\n",
      "{'shape':(2,3),'fortran_order':False,'descr':'<f4'}\n",
      "{\"descr\": \"<f4\", \"fortran_order\": False, \"shape\": (2, 3, ), }\n",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 3L), }\n",
      "  { 'descr' : '<f4' ,\n 'fortran_order' : False , 'shape' : ( 2 , 3 ) , }   \n",
      dict("(2, 3)", "'=f4'"),
  };
  for (const std::string& header : headers) {
    for (int version : {1, 2, 3}) {
      INFO(header << " version " << version);
      const Array x = parse_npy(file_of(header, 0, version) + numbers, "t");
      CHECK(x.shape() == Shape{2, 3});
      CHECK(to_vector(x) == std::vector<double>{1, 2, 3, 4, 5, 6});
    }
  }
  const Array crossed = parse_npy(file_of(dict("(2, 3)", "'<f4'", "True")) + numbers, "t");
  CHECK(crossed.shape() == Shape{2, 3});
  CHECK(crossed.is_contiguous());
  CHECK(to_vector(crossed) == std::vector<double>{1, 3, 5, 2, 4, 6});

  CHECK(parse_npy(file_of(dict("()"), 4), "t").shape() == Shape{});
  CHECK(parse_npy(file_of(dict("()", "'<f4'", "True"), 4), "t").shape() == Shape{});
  CHECK(parse_npy(file_of(dict("(0,)")), "t").shape() == Shape{0});
  CHECK(parse_npy(file_of(dict("(2, 0, 3)", "'<i8'", "True")), "t").shape() == Shape{2, 0, 3});
}

TEST_CASE("npy: every type, in both byte orders") {
  struct Row {
    const char* type;
    std::string data;
    Dtype dtype;
    double value;
  };
  const Row rows[] = {
      {"|b1", "\1", Dtype::boolean, 1},
      {"|u1", "\xfe", Dtype::i32, 254},
      {"|i1", "\xfe", Dtype::i32, -2},
      {"<u1", "\xfe", Dtype::i32, 254},
      {"<i2", "\xfe\xff", Dtype::i32, -2},
      {">i2", "\xff\xfe", Dtype::i32, -2},
      {"<u2", "\xfe\xff", Dtype::i32, 65534},
      {">u2", "\xff\xfe", Dtype::i32, 65534},
      {"<i4", "\xfe\xff\xff\xff", Dtype::i32, -2},
      {">i4", "\xff\xff\xff\xfe", Dtype::i32, -2},
      {"<u4", "\xfe\xff\xff\xff", Dtype::i64, 4294967294.0},
      {">i8", "\xff\xff\xff\xff\xff\xff\xff\xfe", Dtype::i64, -2},
      {"<f2", "\x00\xc1"s, Dtype::f32, -2.5},
      {">f2", "\xc1\x00"s, Dtype::f32, -2.5},
      {">f4", "\xc0\x20\0\0"s, Dtype::f32, -2.5},
      {">f8", "\xc0\x04\0\0\0\0\0\0"s, Dtype::f64, -2.5},
      {"<f8", "\0\0\0\0\0\0\x04\xc0"s, Dtype::f64, -2.5},
  };
  for (const Row& row : rows) {
    INFO(row.type);
    const Array x = parse_npy(file_of(dict("()", cat("'", row.type, "'"))) + row.data, "t");
    CHECK(x.dtype() == row.dtype);
    CHECK(item(x) == row.value);
  }
}

TEST_CASE("npy: the bytes are those that numpy.save writes") {
  // Headers printed by numpy 1.24 and 2.x.
  auto check_header = [](const Array& x, const std::string& start, size_t size) {
    const std::string bytes = to_npy(x);
    const size_t length = static_cast<unsigned char>(bytes[8]) + 256u * static_cast<unsigned char>(bytes[9]);
    CHECK(bytes.substr(0, 8) == magic + "\x01\0"s);
    CHECK(10 + length == size);
    CHECK(bytes.substr(10, length) == start + std::string(length - 1 - start.size(), ' ') + "\n");
    CHECK(bytes.size() == size + static_cast<size_t>(x.numel()) * size_of(x.dtype()));
  };
  check_header(Array({2, 3}), "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 128);
  check_header(Array({}, Dtype::f64), "{'descr': '<f8', 'fortran_order': False, 'shape': (), }", 128);
  check_header(Array({3}, Dtype::boolean), "{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }", 128);
  check_header(Array({0}, Dtype::i32), "{'descr': '<i4', 'fortran_order': False, 'shape': (0,), }", 128);
  check_header(Array({1, 22, 333, 44, 1, 1, 1, 1}, Dtype::i64),
               "{'descr': '<i8', 'fortran_order': False, 'shape': (1, 22, 333, 44, 1, 1, 1, 1), }", 128);
  check_header(Array({0, 10000000, 1000000, 100, 1000, 1, 1, 1}, Dtype::boolean),
               "{'descr': '|b1', 'fortran_order': False, 'shape': "
               "(0, 10000000, 1000000, 100, 1000, 1, 1, 1), }",
               128);
}

TEST_CASE("npy: what is saved is loaded, bit for bit") {
  const TempDir dir;
  for (Dtype dtype : {Dtype::f32, Dtype::f64, Dtype::i32, Dtype::i64, Dtype::boolean}) {
    const Array x = from_vector({1, 0, 1, 1, 0, 1}, {2, 3}, dtype);
    save_npy(dir / "x.npy", x);
    CHECK(load_npy(dir / "x.npy").dtype() == dtype);
    CHECK(to_vector(load_npy(dir / "x.npy")) == to_vector(x));
    save_npy(dir / "x.npy", slice(transpose(x, 0, 1), 0, 1, 3));
    CHECK(load_npy(dir / "x.npy").shape() == Shape{2, 2});
    CHECK(to_vector(load_npy(dir / "x.npy")) == std::vector<double>{0, 0, 1, 1});
  }
  CHECK(message_of<IoError>([&] { load_npy(dir / "none"); }) ==
        "read_file: \"" + dir / "none" + "\": No such file or directory: check the path");
}
