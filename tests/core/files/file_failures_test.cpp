#include <heed/core/files/file.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <heed/core/files/file_system.h>

#include "support/catch.h"
#include "support/errors.h"
#include "support/sanitizer.h"
#include "support/temp_dir.h"

using namespace heed;
using namespace heed::core;
using heed::test::message_of;
using heed::test::TempDir;

namespace {

// Puts the real system calls back at the end of a test.
struct RestoreFileSystem {
  FileSystem saved = file_system();
  ~RestoreFileSystem() { file_system() = saved; }
};

}  // namespace

namespace {

// The n-th system call of a save fails with `error`; if `always`, all later ones too.
struct Fault {
  int call, error;
  bool always;
  int calls = 0;

  bool strikes() {
    ++calls;
    if (calls != call && !(always && calls > call)) return false;
    errno = error;
    return true;
  }
};
Fault fault;

void install_faults() {
  FileSystem& table = file_system();
  table.open = [](const char* path, int flags, mode_t mode) {
    return fault.strikes() ? -1 : ::open(path, flags, mode);
  };
  table.status = [](int file, struct stat* status) { return fault.strikes() ? -1 : ::fstat(file, status); };
  table.change_mode = [](int file, mode_t mode) { return fault.strikes() ? -1 : ::fchmod(file, mode); };
  table.write = [](int file, const void* bytes, size_t count) -> ssize_t {
    return fault.strikes() ? -1 : ::write(file, bytes, (count + 1) / 2);
  };
  table.sync = [](int) { return fault.strikes() ? -1 : 0; };
  table.close = [](int file) {
    const int result = ::close(file);  // the descriptor is gone even if the call reports an error
    return fault.strikes() ? -1 : result;
  };
  table.rename = [](const char* from, const char* to) { return fault.strikes() ? -1 : ::rename(from, to); };
  table.remove = [](const char* path) { return fault.strikes() ? -1 : ::unlink(path); };
}

}  // namespace

TEST_CASE("file: whichever system call fails, the old or the new file is whole") {
  const RestoreFileSystem restore;
  FileSystem working = restore.saved;
  working.sync = [](int) { return 0; };  // some hundred saves: no need to wait for the disk
  const std::string old_content = "the old checkpoint", new_content = "the new, longer checkpoint";
  int cases = 0;
  for (bool always : {false, true}) {
    for (int error : {ENOSPC, EIO, EINTR, EDQUOT, EROFS}) {
      if (error == EINTR && always) continue;  // would be tried again without end, as it should be
      for (int call = 1;; ++call, ++cases) {
        file_system() = working;
        const TempDir dir;
        const std::string path = dir / "checkpoint";
        write_file_atomic(path, old_content);

        fault = {call, error, always};
        install_faults();
        const std::string message = message_of<IoError>([&] { write_file_atomic(path, new_content); });
        const bool struck = fault.calls >= call;
        file_system() = working;
        INFO("call " << call << ", error " << error << ", always " << always << ": " << message);

        const std::string content = read_file(path);
        if (message == "no error") {
          CHECK(content == new_content);
        } else if (message.find("was replaced") != std::string::npos) {
          CHECK(content == new_content);
        } else {
          CHECK(message.find(std::strerror(error)) != std::string::npos);
          CHECK(content == old_content);
        }
        if (!always) CHECK(dir.count() == 1);  // else even removing the temporary file failed
        write_file_atomic(path, new_content);  // and what the killed process left is removed
        CHECK(dir.count() == 1);
        if (!struck) {
          CHECK(message == "no error");
          break;
        }
      }
    }
  }
  CHECK(cases > 60);
}

TEST_CASE("file: interrupted calls are repeated") {
  const RestoreFileSystem restore;
  const TempDir dir;
  for (int call = 1; call <= 8; ++call) {
    fault = {call, EINTR, false};
    install_faults();
    file_system().rename = restore.saved.rename;
    CHECK(message_of([&] { write_file_atomic(dir / "a", "content"); }) == "no error");
    file_system() = restore.saved;
    CHECK(read_file(dir / "a") == "content");
  }
}

TEST_CASE("file: file systems that cannot sync or lock are good enough") {
  const RestoreFileSystem restore;
  const TempDir dir;
  file_system().sync = [](int) { return errno = EINVAL, -1; };
  file_system().lock = [](int) { return errno = ENOTSUP, -1; };
  write_file_atomic(dir / "a", "content");
  CHECK(read_file(dir / "a") == "content");
}

TEST_CASE("file: leftovers of killed processes go, those of living ones and other files stay") {
  const TempDir dir;
  for (const char* name : {".a.12345.0.tmp", ".b.1.0.tmp", ".a.note.tmp", ".a.1.tmp.txt", "a.1.0.tmp"})
    write_file_atomic(dir / name, "x");
  const std::string locked = dir / ".a.77.3.tmp";
  const int file = ::open(locked.c_str(), O_CREAT | O_RDWR, 0600);
  REQUIRE(file_system().lock(file) == 0);
  write_file_atomic(dir / "a", "content");
  CHECK_FALSE(std::filesystem::exists(dir / ".a.12345.0.tmp"));
  CHECK(std::filesystem::exists(locked));
  CHECK(dir.count() == 6);
  ::close(file);
  write_file_atomic(dir / "a", "content");
  CHECK(dir.count() == 5);
}

TEST_CASE("file: a temporary file that another process takes away is made again") {
  const RestoreFileSystem restore;
  const TempDir dir;
  static int calls;
  calls = 0;
  file_system().lock = [](int file) {
    if (calls++ == 0) return errno = EWOULDBLOCK, -1;
    return ::flock(file, LOCK_EX | LOCK_NB);
  };
  write_file_atomic(dir / "a", "old");
  calls = 0;
  write_file_atomic(dir / "a", "content");
  CHECK(read_file(dir / "a") == "content");
  CHECK(calls == 2);

  static std::string directory;
  directory = dir.path();
  calls = 0;
  file_system().lock = [](int) {
    if (calls++ > 0) return 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory))
      if (entry.path().extension() == ".tmp") std::filesystem::remove(entry.path());
    return 0;
  };
  std::filesystem::remove(dir / ".a.0.0.tmp");
  write_file_atomic(dir / "a", "content 2");
  CHECK(read_file(dir / "a") == "content 2");
}
