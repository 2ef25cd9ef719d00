// Memory that runs out while a file is saved or loaded: an exception, and the old file as it was. And how much
// a file may cost.
#include <cstdlib>
#include <new>
#include <string>

#include <heed/core/files/file.h>
#include <heed/core/files/file_system.h>
#include <heed/core/files/safetensors.h>
#include <heed/core/ops/ops.h>
#include <heed/examples/kit/json.h>

#include "support/catch.h"
#include "support/temp_dir.h"

using namespace heed;
using namespace heed::core;
using heed::test::TempDir;

namespace {

// Of this thread's allocations, the one that fails, counted down; 0: none does.
thread_local int64_t failing = 0;
thread_local bool all_later_too = false;
thread_local size_t asked_for = 0;  // bytes, in all

void* allocate(size_t bytes) noexcept {
  asked_for += bytes;
  if (failing > 0 && --failing == 0) {
    failing = all_later_too;  // 1: the next one again
    return nullptr;
  }
  return std::malloc(bytes == 0 ? 1 : bytes);
}

}  // namespace

// For all tests of this program, which see no difference. (Not inlined: compilers that see through
// both would take free() for a mistake.)
#define HEED_REPLACEMENT __attribute__((noinline))
HEED_REPLACEMENT void* operator new(size_t bytes) {
  if (void* const memory = allocate(bytes)) return memory;
  throw std::bad_alloc();
}
HEED_REPLACEMENT void* operator new(size_t bytes, const std::nothrow_t&) noexcept { return allocate(bytes); }
HEED_REPLACEMENT void operator delete(void* memory) noexcept { std::free(memory); }
HEED_REPLACEMENT void operator delete(void* memory, size_t) noexcept { std::free(memory); }
HEED_REPLACEMENT void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }

namespace {

// Runs body() with the first allocation failing, then with the second, …, until none does; checks
// afterwards() each time. Returns how many could fail.
template <class Body, class Afterwards> int fail_each_allocation(Body&& body, Afterwards&& afterwards) {
  for (int n = 1;; ++n) {
    for (const bool all : {false, true}) {
      failing = n, all_later_too = all;
      bool threw = false;
      try {
        body();
      } catch (const std::bad_alloc&) { threw = true; } catch (const Error&) {
        threw = true;
      }
      const bool struck = all ? failing == 1 : failing == 0;
      failing = 0;
      INFO("allocation " << n << (all ? " and all later ones" : ""));
      afterwards(threw);
      if (!struck) return n - 1;
    }
  }
}

}  // namespace

TEST_CASE("out of memory while saving: the old file stays, nothing else does") {
  FileSystem& table = file_system();
  const FileSystem saved = table;
  table.sync = [](int) { return 0; };
  const TempDir dir;
  const std::string path = dir / "a-name-that-is-too-long-for-the-place-that-a-string-has-in-itself";
  const Array x = full({3}, 1);
  save_safetensors(path, {{"old", x}});
  const std::string old = read_file(path);
  std::filesystem::create_symlink(path, dir / "link");
  write_file_atomic(dir / ".a-name-that-is-too-long-for-the-place-that-a-string-has-in-itself.1.0.tmp",
                    "a killed process's");
  const std::string target = dir / "link";
  const int failures =
      fail_each_allocation([&] { save_safetensors(target, {{"new", x}, {"tied", x}}, {{"note", "text"}}); },
                           [&](bool threw) {
                             const std::string now = read_file(path);
                             CHECK((threw ? now == old : now != old));
                             CHECK(dir.count() <= 3);
                             if (!threw) write_file_atomic(path, old);
                           });
  CHECK(failures > 40);
  CHECK(dir.count() == 2);
  table = saved;
}

TEST_CASE("out of memory while loading: the next load finds everything") {
  const TempDir dir;
  const std::string path = dir / "model.safetensors", index = dir / "model.safetensors.index.json";
  save_safetensors(path, {{"a.long.name.of.a.weight", full({3}, 1)}, {"b", full({2}, 2)}},
                   {{"a longer key of metadata", "and its text, which is longer, too"}});
  write_file_atomic(index, R"({"weight_map":{"b":"model.safetensors"}})");
  for (const std::string& file : {path, index}) {
    const int failures =
        fail_each_allocation([&] { load_safetensors(file).at("b"); },
                             [&](bool) { CHECK(item(select(load_safetensors(file).at("b"), 0, 1)) == 2); });
    CHECK(failures > 20);
  }
}

// Every allocation counts, even if it is soon freed: in all at most a small multiple of a file's size.
TEST_CASE("memory: a file costs what it holds, whatever its header is made of") {
  const auto many = [](const std::string& begin, const char* before, const char* after, const std::string& end) {
    std::string text = begin;
    for (int i = 10000; i < 60000; ++i) text += (i == 10000 ? "" : ",") + (before + std::to_string(i) + after);
    return text + end;
  };
  const auto file_of = [](const std::string& header) {
    const uint64_t length = header.size();
    return std::string(reinterpret_cast<const char*>(&length), sizeof length) + header;
  };
  const std::string metadata = file_of(many("{\"__metadata__\":{", "\"", "\":\"\"", "}}"));
  const std::string tensors =
      file_of(many("{", "\"", "\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}", "}"));
  const std::string lists = many("[", "[", "]", "]");
  const auto times = [](const std::string& file, auto&& read) {
    const size_t before = asked_for;
    read();
    return static_cast<double>(asked_for - before) / static_cast<double>(file.size());
  };
  CHECK(times(metadata, [&] { CHECK(parse_safetensors(metadata, "x").metadata().size() == 50000); }) < 30);
  CHECK(times(tensors, [&] { CHECK(parse_safetensors(tensors, "x").names().size() == 50000); }) < 30);
  CHECK(times(lists, [&] { kit::parse_json(lists); }) < 60);
}
