// MappedFile, and safetensors that are mapped instead of read.
#include <heed/core/files/mapped_file.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include <sys/mman.h>

#include <heed/core/files/file.h>
#include <heed/core/files/file_system.h>
#include <heed/core/files/safetensors.h>

#include "support/catch.h"
#include "support/errors.h"
#include "support/temp_dir.h"

using namespace heed;
using namespace heed::core;
using heed::test::message_of, heed::test::TempDir;

namespace {

std::string length_of(uint64_t n) { return std::string(reinterpret_cast<const char*>(&n), sizeof n); }

struct RestoreMap {
  void* (*saved)(int, size_t) = file_system().map;
  ~RestoreMap() { file_system().map = saved; }
};

}  // namespace

TEST_CASE("mapped files: the bytes of a file, mapped or read") {
  const TempDir dir;
  const RestoreMap restore;
  for (const bool mapped : {true, false}) {
    if (!mapped) file_system().map = [](int, size_t) { return errno = ENODEV, MAP_FAILED; };
    for (const size_t size : {0, 1, 4096, 100000}) {
      std::string content(size, 'x');
      if (size > 0) content.back() = '!';
      write_file_atomic(dir / "x", content);
      const MappedFile file(dir / "x");
      CHECK(file.bytes() == content);
      write_file_atomic(dir / "x", "another file under this name");  // the old one lives on
      CHECK(file.bytes() == content);
    }
  }
  for (const std::string& path : {dir / "none", dir.path().string()})
    CHECK(message_of<IoError>([&] { const MappedFile file(path); }) == message_of<IoError>([&] { read_file(path); }));
}

TEST_CASE("mapped safetensors: the same tensors, as views, whose owner outlives the file's object") {
  const TempDir dir;
  const Array x = from_vector({1, 2, 3, 4, 5, 6}, {2, 3}), y = from_vector({7, 8}, {2}, Dtype::i64);
  save_safetensors(dir / "x.safetensors", {{"x", x}, {"y", y}}, {{"key", "value"}});
  std::shared_ptr<const void> owner;
  std::string_view bytes;
  {
    const SafeTensors file = open_safetensors(dir / "x.safetensors"), same = load_safetensors(dir / "x.safetensors");
    CHECK(file.names() == same.names());
    CHECK(file.metadata() == same.metadata());
    for (const std::string& name : file.names()) {
      CHECK(file.bytes(name) == same.bytes(name));
      CHECK(to_vector(file.at(name)) == to_vector(same.at(name)));
      CHECK(file.owner(name) == file.owner("x"));  // one map for all
    }
    owner = file.owner("x"), bytes = file.bytes("x");
  }
  std::filesystem::remove(dir / "x.safetensors");
  CHECK(bytes == std::string_view(reinterpret_cast<const char*>(x.data<float>()), 24));

  save_safetensors(dir / "1", {{"x", x}});
  save_safetensors(dir / "2", {{"y", y}});
  write_file_atomic(dir / "m.index.json", R"({"weight_map":{"x":"1","y":"2"}})");
  const SafeTensors sharded = open_safetensors(dir / "m.index.json");
  CHECK(to_vector(sharded.at("x")) == to_vector(x));
  CHECK(to_vector(sharded.at("y")) == to_vector(y));
  CHECK(sharded.owner("x") != sharded.owner("y"));
}

TEST_CASE("mapped safetensors: the header is judged as that of a file that is read") {
  const TempDir dir;
  const std::string one = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  for (const std::string& bytes : std::vector<std::string>{
           "", "1234567", length_of(0), length_of(100) + one, length_of(one.size()) + one,
           length_of(one.size()) + one + "1234567", length_of(one.size()) + one + "123456789",
           length_of(uint64_t{1} << 63), "version https://git-lfs.github.com/spec/v1", "PK\x03\x04 a pickle"}) {
    write_file_atomic(dir / "x", bytes);
    const std::string message = message_of<FormatError>([&] { open_safetensors(dir / "x"); });
    CHECK(message == message_of<FormatError>([&] { load_safetensors(dir / "x"); }));
    CHECK(message.starts_with("safetensors: "));
  }
}

TEST_CASE("mapped safetensors: a file larger than what is read of it") {
  const TempDir dir;
  const std::string header = R"({"big":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4398046511104]},)"
                             R"("small":{"dtype":"F32","shape":[2],"data_offsets":[4398046511104,4398046511112]}})";
  std::ofstream(dir / "x", std::ios::binary) << length_of(header.size()) << header;
  std::error_code error;  // 4 TiB, without a block on the disk; not every file system can
  std::filesystem::resize_file(dir / "x", 8 + header.size() + 4398046511112, error);
  if (error) return;
  const SafeTensors file = open_safetensors(dir / "x");
  CHECK(file.bytes("big").size() == 4398046511104);
  CHECK(to_vector(file.at("small")) == std::vector<double>{0, 0});
}
