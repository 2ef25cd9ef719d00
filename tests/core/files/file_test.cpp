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

mode_t mode_of(const std::string& path) {
  struct stat status;
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

const bool root = ::geteuid() == 0;

}  // namespace

TEST_CASE("file: what is written is read back") {
  const TempDir dir;
  const std::string path = dir / "a.bin";
  for (size_t size : {0, 1, 4096, 1000003}) {
    std::string content(size, '\0');
    for (size_t i = 0; i < size; ++i) content[i] = static_cast<char>(i * 31);
    write_file_atomic(path, content);
    CHECK(read_file(path) == content);
  }
  const std::string_view parts[] = {"one ", "", "two ", "three"};
  write_file_atomic(path, parts);
  CHECK(read_file(path) == "one two three");
  CHECK(dir.count() == 1);
}

TEST_CASE("file: a path without a directory means the working directory") {
  const TempDir dir;
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(dir.path());
  write_file_atomic("plain", "x");
  CHECK(read_file("plain") == "x");
  std::filesystem::current_path(before);
  CHECK(dir.count() == 1);
}

TEST_CASE("file: a new file honours umask, an old one keeps its mode") {
  const TempDir dir;
  const std::string path = dir / "a";
  const mode_t before = ::umask(027);
  write_file_atomic(path, "new");
  CHECK(mode_of(path) == 0640);
  REQUIRE(::chmod(path.c_str(), 0604) == 0);
  write_file_atomic(path, "newer");
  CHECK(mode_of(path) == 0604);
  ::umask(before);
}

TEST_CASE("file: while it is written only its owner may open it") {
  const RestoreFileSystem restore;
  const TempDir dir;
  static mode_t widest, created;
  widest = 0;
  file_system().write = [](int file, const void* bytes, size_t count) -> ssize_t {
    struct stat status;
    ::fstat(file, &status);
    widest |= (status.st_mode & 07777) | created;  // not even at first: what is open stays open
    return ::write(file, bytes, count);
  };
  file_system().open = [](const char* path, int flags, mode_t mode) {
    if (flags & O_CREAT) created = mode;
    return ::open(path, flags, mode);
  };
  const std::string path = dir / "a";
  const mode_t before = ::umask(022);
  write_file_atomic(path, "new");
  CHECK(widest == 0600);
  CHECK(mode_of(path) == 0644);
  for (mode_t mode : {0600, 0640, 0400, 0755}) {
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    write_file_atomic(path, "newer");
    CHECK(created == 0600);  // never more than the file that it takes the place of
    CHECK(mode_of(path) == mode);
  }
  CHECK(widest == 0600);
  ::umask(before);
}

TEST_CASE("file: names as long as the system allows, of any characters") {
  const TempDir dir;
  std::string accents;
  for (int i = 0; i < 127; ++i) accents += "é";
  for (const std::string& name : {std::string(255, 'x'), std::string(101, 'y'), "x" + accents, accents}) {
    write_file_atomic(dir / name, "content");
    write_file_atomic(dir / name, "content 2");
    CHECK(read_file(dir / name) == "content 2");
  }
  CHECK(dir.count() == 4);
  const std::string too_long(256, 'x');
  CHECK(message_of<IoError>([&] { write_file_atomic(dir / too_long, "abc"); })
            .ends_with("File name too long (0 of 3 bytes written): check the path and the free "
                       "space; nothing was changed"));
  CHECK(dir.count() == 4);
}

TEST_CASE("file: symbolic links in a circle are refused") {
  const TempDir dir;
  std::filesystem::create_symlink("b", dir / "a");
  std::filesystem::create_symlink("a", dir / "b");
  std::filesystem::create_symlink("self", dir / "self");
  for (const char* link : {"a", "b", "self"}) {
    CHECK(message_of<IoError>([&] { write_file_atomic(dir / link, "x"); }) ==
          "write_file_atomic: \"" + dir / link + "\": its symbolic links lead in a circle: remove one of them");
    CHECK(message_of<IoError>([&] { read_file(dir / link); }) ==
          "read_file: \"" + dir / link + "\": Too many levels of symbolic links: check the path");
    CHECK(std::filesystem::is_symlink(dir / link));
  }
  CHECK(dir.count() == 3);
}

TEST_CASE("file: symbolic links stay links") {
  const TempDir dir;
  REQUIRE(std::filesystem::create_directory(dir / "sub"));
  write_file_atomic(dir / "sub/target", "old");
  std::filesystem::create_symlink("link2", dir / "link1");
  std::filesystem::create_symlink("sub/target", dir / "link2");
  std::filesystem::create_symlink("sub/new", dir / "dangling");
  write_file_atomic(dir / "link1", "new");
  write_file_atomic(dir / "dangling", "created");
  CHECK(read_file(dir / "sub/target") == "new");
  CHECK(read_file(dir / "sub/new") == "created");
  for (const char* link : {"link1", "link2", "dangling"}) CHECK(std::filesystem::is_symlink(dir / link));
}

TEST_CASE("file: what cannot be read says why") {
  const TempDir dir;
  CHECK(message_of<IoError>([&] { read_file(dir / "none"); }) ==
        "read_file: \"" + dir / "none" + "\": No such file or directory: check the path");
  CHECK(message_of<IoError>([&] { read_file(dir.path()); }) ==
        "read_file: \"" + dir.path().string() + "\": is a directory: give the path of a regular file");
  REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
  CHECK(message_of<IoError>([&] { read_file(dir / "fifo"); }) ==
        "read_file: \"" + dir / "fifo" + "\": is a FIFO: give the path of a regular file");
  CHECK(message_of<IoError>([&] { read_file("/dev/zero"); }) ==
        "read_file: \"/dev/zero\": is a device: give the path of a regular file");
  CHECK(message_of<IoError>([&] { read_file("a\x1b[31m\n"); }) ==
        "read_file: \"a\\x1b[31m\\n\": No such file or directory: check the path");
  if (!root) {
    write_file_atomic(dir / "secret", "x");
    ::chmod((dir / "secret").c_str(), 0);
    CHECK(message_of<IoError>([&] { read_file(dir / "secret"); }) ==
          "read_file: \"" + dir / "secret" + "\": Permission denied: check the path");
  }
}

TEST_CASE("file: reading survives short and interrupted reads, and reports failing ones") {
  const RestoreFileSystem restore;
  const TempDir dir;
  const std::string path = dir / "a";
  write_file_atomic(path, "0123456789");
  const std::string start = "read_file: \"" + path + "\": ";

  static int calls;
  calls = 0;
  file_system().read = [](int file, void* bytes, size_t count) -> ssize_t {
    if (calls++ % 2 == 0) return errno = EINTR, -1;
    return ::read(file, bytes, std::min<size_t>(count, 3));
  };
  CHECK(read_file(path) == "0123456789");

  file_system().read = [](int, void*, size_t) -> ssize_t { return errno = EIO, -1; };
  CHECK(message_of<IoError>([&] { read_file(path); }) ==
        start + "Input/output error after 0 of 10 bytes: check the disk");

  calls = 0;
  file_system().read = [](int file, void* bytes, size_t count) -> ssize_t {
    return calls++ == 0 ? ::read(file, bytes, std::min<size_t>(count, 4)) : 0;
  };
  CHECK(message_of<IoError>([&] { read_file(path); }) ==
        start + "ends after 4 of 10 bytes: it was shortened while it was read: read it again");

  file_system().open = [](const char*, int, mode_t) { return errno = EACCES, -1; };
  CHECK(message_of<IoError>([&] { read_file(path); }) == start + "Permission denied: check the path");
}

TEST_CASE("file: one that is larger than memory is refused, its first bytes can be read") {
  const TempDir dir;
  const std::string path = dir / "sparse";
  write_file_atomic(path, "0123456789");
  if (::truncate(path.c_str(), off_t{1} << 43) != 0) return;  // the file system has smaller ones
  if (!test::address_sanitizer && !test::thread_sanitizer)    // they end the program
    CHECK(message_of<IoError>([&] { read_file(path); }) ==
          "read_file: \"" + path +
              "\": 8796093022208 bytes of 8796093022208: not enough memory: is it the right "
              "file?");
  CHECK(message_of<IoError>([&] { read_file(path, 10); }) ==
        "read_file: \"" + path + "\": 8796093022208 bytes: at most 10 are allowed: is it the right file?");
  InputFile file(path);
  CHECK(file.size() == size_t{1} << 43);
  CHECK(file.read(4) == "0123");
  CHECK(file.read(6) == "456789");
}

TEST_CASE("file: what cannot be written says why") {
  const TempDir dir;
  CHECK(message_of<IoError>([&] { write_file_atomic(dir / "no/a", "abc"); }) ==
        "write_file_atomic: \"" + dir / "no/a" +
            "\": No such file or directory (0 of 3 bytes written): check the path and the free "
            "space; nothing was changed");
  CHECK(message_of<IoError>([&] { write_file_atomic(dir.path(), "abc"); }) ==
        "write_file_atomic: \"" + dir.path().string() + "\": is not a regular file: give the path of a file");
  CHECK(message_of<IoError>([&] { write_file_atomic("/dev/null", "abc"); }) ==
        "write_file_atomic: \"/dev/null\": is not a regular file: give the path of a file");
  if (::access("/dev/full", W_OK) == 0) {  // every write to it fails with ENOSPC
    const RestoreFileSystem restore;
    file_system().open = [](const char* path, int flags, mode_t mode) {
      return ::open(flags & O_CREAT ? "/dev/full" : path, flags & ~(O_CREAT | O_EXCL), mode);
    };
    CHECK(message_of<IoError>([&] { write_file_atomic(dir / "a", "abc"); }) ==
          "write_file_atomic: \"" + dir / "a" +
              "\": No space left on device (0 of 3 bytes written): check the path and the free "
              "space; nothing was changed");
  }
  CHECK(dir.count() == 0);

  const RestoreFileSystem restore;
  static int calls;
  calls = 0;
  file_system().write = [](int file, const void* bytes, size_t) -> ssize_t {
    return calls++ == 0 ? ::write(file, bytes, 1) : 0;
  };
  CHECK(message_of<IoError>([&] { write_file_atomic(dir / "a", "abc"); }) ==
        "write_file_atomic: \"" + dir / "a" +
            "\": the system takes no more bytes (1 of 3 bytes written): check the path and the free "
            "space; nothing was changed");
  CHECK(dir.count() == 0);
}
