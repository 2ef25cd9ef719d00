// kill -9 during a save: whatever the moment, the old or the new file is there, whole.
#include <algorithm>
#include <csignal>
#include <cstring>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include <heed/core/files/file.h>
#include <heed/core/files/file_system.h>
#include <heed/core/philox.h>

#include "support/catch.h"
#include "support/hash.h"
#include "support/temp_dir.h"

using namespace heed;
using namespace heed::core;
using heed::test::TempDir;

namespace {

// A file that proves itself: some bytes, then their hash.
std::string sealed(uint64_t number) {
  std::string content(20000 + number % 7 * 1000, static_cast<char>('a' + number % 26));
  const uint64_t hash = test::fnv1a(content.data(), content.size());
  return content.append(reinterpret_cast<const char*>(&hash), sizeof hash);
}

bool is_sealed(const std::string& content) {
  uint64_t hash = 0;
  if (content.size() < sizeof hash) return false;
  const size_t size = content.size() - sizeof hash;
  std::memcpy(&hash, content.data() + size, sizeof hash);
  return hash == test::fnv1a(content.data(), size);
}

int progress_pipe = -1;
void tell() {
  if (::write(progress_pipe, "x", 1) != 1) ::_exit(1);
}

// Saves for ever, telling its progress before and after each system call. Never returns.
void save_until_killed(const std::string& path) {
  FileSystem& table = file_system();
  table.write = [](int file, const void* bytes, size_t count) -> ssize_t {
    tell();
    return ::write(file, bytes, std::min<size_t>(count, 3000));  // many points to be killed at
  };
  table.sync = [](int file) { return tell(), ::fsync(file); };
  table.close = [](int file) { return tell(), ::close(file); };
  table.rename = [](const char* from, const char* to) {
    tell();
    const int result = ::rename(from, to);
    tell();
    return result;
  };
  for (uint64_t number = 0;; ++number) write_file_atomic(path, sealed(number));
}

void kill_during_save(int kills) {
  const TempDir dir;
  const std::string path = dir / "checkpoint";
  write_file_atomic(path, sealed(0));
  for (int i = 0; i < kills; ++i) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      ::close(ends[0]);
      progress_pipe = ends[1];
      save_until_killed(path);
    }
    ::close(ends[1]);
    // Let it come some way, which differs each time, then a little further, then kill it.
    const PhiloxBlock random = philox(7, 0, static_cast<uint64_t>(i));
    char byte;
    for (uint32_t steps = random[0] % 40 + 1; steps > 0; --steps) REQUIRE(::read(ends[0], &byte, 1) == 1);
    volatile uint32_t busy = 0;
    for (uint32_t k = 0; k < random[1] % 20000; ++k) busy = busy + k;
    REQUIRE(::kill(child, SIGKILL) == 0);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    ::close(ends[0]);

    INFO("kill " << i);
    REQUIRE(is_sealed(read_file(path)));
    REQUIRE(dir.count() <= 2);  // the file, and the temporary one of the last kill at most
  }
  write_file_atomic(path, sealed(1));
  CHECK(dir.count() == 1);
}

}  // namespace

TEST_CASE("file: killed at any moment of a save, 50 times") { kill_during_save(50); }

TEST_CASE("file: killed at any moment of a save, 1000 times", "[slow]") { kill_during_save(1000); }
