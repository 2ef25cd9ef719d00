// .npz: what NumPy wrote (tests/golden/make_npz.py), what heed writes, and archives that are refused.
#include <heed/core/files/npz.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <heed/core/files/file.h>
#include <heed/core/files/inflate.h>
#include <heed/core/files/npy.h>
#include <heed/core/ops/ops.h>
#include <heed/examples/kit/json.h>

#include "support/catch.h"
#include "support/errors.h"
#include "support/temp_dir.h"

using namespace heed;
using namespace heed::core;
using namespace std::string_literals;
using heed::test::contains, heed::test::message_of, heed::test::TempDir;

namespace {

using Arrays = std::map<std::string, Array>;

std::string from_hex(const std::string& digits) {
  std::string bytes;
  for (size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  return bytes;
}

std::string number(uint64_t value, size_t width) {
  return std::string(reinterpret_cast<const char*>(&value),
                     width);  // little-endian, as every machine that heed runs on
}

// An archive in which every field can be set wrong. Sizes, checksums and positions are right unless stated.
struct File {
  std::string name = "a.npy", content = to_npy(full({2}, 7)), packed = content;
  uint64_t flags = 0, method = 0, stated = content.size(), checksum = crc32(content), disk = 0;
  std::string local_extra = "", extra = "", local_name = name;
  uint64_t size_field = stated, packed_field = packed.size();
  int64_t moved = 0;  // added to the position

  std::string local() const {
    return "PK\x03\x04" + number(20, 2) + number(flags, 2) + number(method, 2) + number(0, 4) + number(checksum, 4) +
           number(packed_field, 4) + number(size_field, 4) + number(local_name.size(), 2) +
           number(local_extra.size(), 2) + local_name + local_extra + packed;
  }
  std::string entry(size_t at) const {
    return "PK\x01\x02" + number(20, 2) + number(20, 2) + number(flags, 2) + number(method, 2) + number(0, 4) +
           number(checksum, 4) + number(packed_field, 4) + number(size_field, 4) + number(name.size(), 2) +
           number(extra.size(), 2) + number(0, 2) + number(disk, 2) + number(0, 6) +
           number(at + static_cast<uint64_t>(moved), 4) + name + extra;
  }
};

std::string end_of(uint64_t count, uint64_t size, uint64_t at, uint64_t disk = 0, uint64_t comment = 0) {
  return "PK\x05\x06" + number(disk, 2) + number(0, 2) + number(count, 2) + number(count, 2) + number(size, 4) +
         number(at, 4) + number(comment, 2);
}

std::string zip(const std::vector<File>& files) {
  std::string bytes, directory;
  for (const File& file : files) {
    directory += file.entry(bytes.size());
    bytes += file.local();
  }
  return bytes + directory + end_of(files.size(), directory.size(), bytes.size());
}

// The message for an archive, after its start.
std::string refusal(const std::string& bytes) {
  const std::string message = message_of<FormatError>([&] { parse_npz(bytes, "t"); });
  const std::string start = "npz: \"t\": ";
  return message.starts_with(start) ? message.substr(start.size()) : "UNEXPECTED " + message;
}

std::string refusal(const File& file) { return refusal(zip({file})); }

}  // namespace

TEST_CASE("npz: what NumPy wrote is read, and written again byte for byte") {
  const char* const folder = std::getenv("HEED_NPZ_WRITTEN");
  if (folder) std::filesystem::create_directories(folder);
  const std::string lines = read_file(HEED_TESTS_DIR "/golden/npz.jsonl");
  int cases = 0, same = 0;
  for (size_t begin = 0; begin < lines.size(); ++cases) {
    const size_t end = lines.find('\n', begin);
    const kit::Json row = kit::parse_json(std::string_view(lines).substr(begin, end - begin));
    begin = end + 1;
    INFO(row.at("case").as_string());
    const std::string bytes = from_hex(row.at("file").as_string());
    const Arrays arrays = parse_npz(bytes, "t");
    const kit::Json::List& wanted = row.at("arrays").as_list();
    REQUIRE(arrays.size() == wanted.size());
    for (const kit::Json& entry : wanted) {
      const kit::Json::List& fields = entry.as_list();
      const Array& x = arrays.at(fields[0].as_string());
      CHECK(name_of(x.dtype()) == fields[1].as_string());
      Shape shape;
      for (const kit::Json& size : fields[2].as_list()) shape.push_back(static_cast<int64_t>(size.as_number()));
      CHECK(x.shape() == shape);
      std::vector<double> elements;
      for (const kit::Json& element : fields[3].as_list()) elements.push_back(element.as_number());
      CHECK(to_vector(x) == elements);
    }
    if (row.at("same").as_bool()) {
      ++same;
      CHECK(to_npz(arrays) == bytes);
    }
    const Arrays again = parse_npz(to_npz(arrays), "again");
    REQUIRE(again.size() == arrays.size());
    for (const auto& [name, x] : arrays) CHECK(to_npy(again.at(name)) == to_npy(x));
    if (folder) save_npz(cat(folder, "/", cases, ".npz"), arrays);
  }
  CHECK(cases == 22);
  CHECK(same == 3);
}

TEST_CASE("npz: what is saved is loaded, views and every dtype") {
  const TempDir dir;
  const Array x = from_vector({1, 0, 1, 1, 0, 1}, {2, 3});
  Arrays arrays{{"view", slice(transpose(x, 0, 1), 0, 1, 3)}, {"none", Array({0, 4})}, {"", full({}, 2.5, Dtype::f64)}};
  for (const Dtype dtype : {Dtype::f32, Dtype::f64, Dtype::i32, Dtype::i64, Dtype::boolean})
    arrays[name_of(dtype)] = to(x, dtype);
  save_npz(dir / "x.npz", arrays);
  const Arrays loaded = load_npz(dir / "x.npz");
  REQUIRE(loaded.size() == arrays.size());
  for (const auto& [name, y] : arrays) CHECK(to_npy(loaded.at(name)) == to_npy(y));
  CHECK(message_of<FormatError>([&] { to_npz({{"x", Array()}}); }) ==
        "save_npz: array \"x\": has no storage: leave it out");
  CHECK(contains(message_of<FormatError>([&] { to_npz({{std::string(4093, 'x'), x}}); }),
                 ": a name of 4093 bytes: at most 4092 are allowed"));
  CHECK(contains(message_of<IoError>([&] { load_npz(dir / "none.npz"); }), "No such file"));
}

TEST_CASE("npz: forms that are accepted") {
  File wide;  // sizes and position in zip64 fields, among others
  wide.size_field = wide.packed_field = 0xffffffff;
  wide.local_extra = number(7, 2) + number(1, 2) + "x" + number(1, 2) + number(16, 2) + number(wide.stated, 8) +
                     number(wide.packed.size(), 8);
  wide.extra = wide.local_extra;
  CHECK(to_vector(parse_npz(zip({wide}), "t").at("a")) == std::vector<double>{7, 7});

  // The end of the directory in zip64 form.
  const File file;
  const std::string local = file.local(), directory = file.entry(0);
  const auto with_wide_end = [&](uint64_t parts, uint64_t at) {
    return local + directory + "PK\x06\x06" + number(44, 8) + number(45, 2) + number(45, 2) + number(0, 8) +
           number(1, 8) + number(1, 8) + number(directory.size(), 8) + number(local.size(), 8) + "PK\x06\x07" +
           number(0, 4) + number(at, 8) + number(parts, 4) + end_of(0xffff, 0xffffffff, 0xffffffff);
  };
  CHECK(parse_npz(with_wide_end(1, local.size() + directory.size()), "t").size() == 1);
  CHECK(refusal(with_wide_end(2, local.size() + directory.size())) ==
        "is one part of several: only whole archives are read");
  CHECK(refusal(with_wide_end(1, uint64_t{1} << 63)) ==
        "no zip64 end of the directory at byte 9223372036854775808: the file is damaged");
}

TEST_CASE("npz: malformed archives are refused before anything is unpacked") {
  const std::string good = zip({File()}), entry = "entry \"a.npy\": ";
  const std::string cut =
      "does not end with the directory of a zip archive: it is cut short, or something was appended";
  CHECK(parse_npz(good, "t").size() == 1);
  CHECK(refusal("") == "does not begin with PK: it is not a .npz file");
  CHECK(refusal(to_npy(full({2}, 1))) == "does not begin with PK: it is not a .npz file, but a .npy: use load_npy");
  CHECK(refusal("PK") == cut);
  for (size_t size = 2; size < good.size(); ++size) CHECK(refusal(good.substr(0, size)) == cut);
  CHECK(refusal(good + "x") == cut);
  CHECK(refusal("PK" + good) ==
        "its directory of 51 bytes at byte 171 does not end at byte 224: the file is cut short or damaged");
  CHECK(refusal(File().local() + end_of(0, 0, 0)) ==
        "its directory of 0 bytes at byte 0 does not end at byte 171: the file is cut short or damaged");

  const std::string local = File().local(), directory = File().entry(0);
  const auto ended = [&](const std::string& end) { return refusal(local + directory + end); };
  CHECK(ended(end_of(1, directory.size(), local.size(), 1)) == "is one part of several: only whole archives are read");
  CHECK(ended(end_of(1, directory.size(), local.size(), 0, 3)) ==
        "the end states a comment that is not there: the file is cut short");
  CHECK(ended(end_of(2, directory.size(), local.size())) == "its directory has 1 entries, its end states 2");
  CHECK(refusal(local + "PK\x01\x03" + directory.substr(4) + end_of(1, directory.size(), local.size())) ==
        "no directory entry at byte 171: the file is damaged");
  CHECK(refusal(local + directory.substr(0, 47) + end_of(1, 47, local.size())) ==
        "its directory is cut short at byte 171");

  File file;
  file.flags = 1;
  CHECK(refusal(file) == entry + "is encrypted: save it without a password");
  file = {}, file.disk = 2;
  CHECK(refusal(file) == entry + "is in another part of the archive: only whole archives are read");
  file = {}, file.method = 14;
  CHECK(refusal(file) == entry +
                             "is compressed by method 14: only stored and deflated entries are read: save it with "
                             "numpy.savez_compressed");
  file = {}, file.name = file.local_name = "a.txt";
  CHECK(refusal(file) == "entry \"a.txt\": is not a .npy file");
  file = {}, file.name = file.local_name = "a\x1b[2J.npy";
  CHECK(refusal(file) == "entry \"a\\x1b[2J.npy\": its name is not UTF-8 text, or holds a control character");
  file = {}, file.name = file.local_name = "\xff.npy";
  CHECK(contains(refusal(file), "its name is not UTF-8 text"));
  file = {}, file.name = file.local_name = std::string(5000, 'a') + ".npy";
  CHECK(contains(refusal(file), ": its name has 5004 bytes: at most 4096 are allowed"));
  file = {}, file.size_field = 1000;
  CHECK(refusal(file) == entry + "states 1000 bytes in 136: these cannot hold as many");
  file = {}, file.method = 8, file.size_field = 136 * 1032 + 1032;
  CHECK(refusal(file) == entry + "states 141384 bytes in 136: these cannot hold as many");
  file = {}, file.size_field = file.packed_field = 0xffffffff;
  CHECK(refusal(file) ==
        entry + "its 4294967295 bytes do not end before the directory: the file is cut short or damaged");
  file = {}, file.size_field = 0xffffffff, file.extra = number(1, 2) + number(4, 2) + number(136, 4);
  CHECK(refusal(file) == entry + "its zip64 field is cut short");
  file = {}, file.extra = number(1, 2) + number(9, 2) + "x";
  CHECK(refusal(file) == entry + "its extra fields are cut short");
  file = {}, file.moved = 1;
  CHECK(refusal(file) == "no entry at byte 1: the file is damaged");
  file = {}, file.moved = 1 << 30;
  CHECK(refusal(file) == "no entry at byte 1073741824: the file is damaged");
  file = {}, file.local_name = "b.npy";
  CHECK(refusal(file) == entry + "its header is not what the directory says: the file is damaged");
  file = {}, file.packed[135] ^= 1;
  CHECK(refusal(file) == entry + "its checksum is another: the file is damaged");
  CHECK(refusal(zip({File(), File()})) == entry + "appears twice");
  File again;  // of two entries, the second one's position is that of the first
  again.moved = -static_cast<int64_t>(local.size());
  CHECK(refusal(zip({File(), again})) == entry + "shares bytes with another entry");
  file = {}, file.content = file.packed = "no array", file.size_field = file.packed_field = 8,
  file.checksum = crc32("no array");
  CHECK(message_of<FormatError>([&] { parse_npz(zip({file}), "t"); }) ==
        "npy: \"t/a.npy\": does not begin with \\x93NUMPY: it is not a .npy file");
}

TEST_CASE("npz: deflated entries must hold exactly what they state") {
  // b"a" * 1000 as a .npy would be too easy a guess: any deflated bytes will do, they are checked before the array.
  const std::string deflated = from_hex("4b4c1c05a360140c770000");  // zlib: "a" · 1000
  File file;
  file.method = 8, file.packed = deflated, file.packed_field = deflated.size();
  file.content = std::string(1000, 'a'), file.checksum = crc32(file.content);
  const auto stated = [&](uint64_t size) {
    file.size_field = size;
    return message_of<FormatError>([&] { parse_npz(zip({file}), "t"); });
  };
  CHECK(stated(1000) == "npy: \"t/a.npy\": does not begin with \\x93NUMPY: it is not a .npy file");
  CHECK(stated(999) ==
        "npz: \"t\": entry \"a.npy\": the compressed data hold more than the 999 bytes that the file states");
  CHECK(stated(1001) == "npz: \"t\": entry \"a.npy\": its compressed data have another length: the file is damaged");
  file.packed += "x", file.packed_field += 1;
  CHECK(stated(1000) == "npz: \"t\": entry \"a.npy\": its compressed data have another length: the file is damaged");
}
