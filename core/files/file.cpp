#include <heed/core/files/file.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <filesystem>
#include <new>
#include <system_error>
#include <utility>

#include <heed/core/error.h>
#include <heed/core/sanitizer.h>
#include <heed/core/text.h>

#ifdef _WIN32
#include <fstream>
#else
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>

#include <heed/core/files/file_system.h>
#endif

namespace heed::core {

namespace fs = std::filesystem;

void write_file_atomic(const std::string& path, std::string_view content) {
  write_file_atomic(path, std::span(&content, 1));
}

#ifdef _WIN32

struct InputFile::State {
  std::string path;
  size_t size = 0;
  std::ifstream file;
  State(const std::string& p) : path(p), file(p, std::ios::binary | std::ios::ate) {
    check<IoError>(file && fs::is_regular_file(path), "read_file: ", quote(path), ": cannot be opened");
    size = static_cast<size_t>(file.tellg());
    file.seekg(0);
  }
  void read(char* bytes, size_t count) {
    file.read(bytes, static_cast<std::streamsize>(count));
    check<IoError>(file.good(), "read_file: ", quote(path), ": could not be read to its end");
  }
  const char* map() const { return nullptr; }
};

void write_file_atomic(const std::string& path, std::span<const std::string_view> parts) {
  const std::string temporary = path + ".tmp";
  std::ofstream file(temporary, std::ios::binary);
  for (std::string_view part : parts) file.write(part.data(), static_cast<std::streamsize>(part.size()));
  file.close();
  check<IoError>(file.good(), "write_file_atomic: ", quote(path), ": could not be written");
  fs::rename(temporary, path);
}

#else

FileSystem& file_system() {
  static FileSystem table = {
      [](const char* path, int flags, mode_t mode) { return ::open(path, flags, mode); },
      [](int file, struct stat* status) { return ::fstat(file, status); },
      [](int file) { return ::flock(file, LOCK_EX | LOCK_NB); },
      [](int file, mode_t mode) { return ::fchmod(file, mode); },
      [](int file, void* bytes, size_t count) { return ::read(file, bytes, count); },
      [](int file, const void* bytes, size_t count) { return ::write(file, bytes, count); },
      [](int file) {
#ifdef F_FULLFSYNC  // macOS: fsync alone leaves the bytes in the drive's cache
        if (::fcntl(file, F_FULLFSYNC) == 0) return 0;
#endif
        return ::fsync(file);
      },
      [](int file) { return ::close(file); },
      [](const char* from, const char* to) { return ::rename(from, to); },
      [](const char* path) { return ::unlink(path); },
      [](int file, size_t size) { return ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0); },
  };
  return table;
}

namespace {

constexpr size_t one_call = size_t{1} << 30;  // bytes; macOS refuses 2³¹ and more at once

std::string reason(int error) { return std::generic_category().message(error); }

template <class Call> auto retry_interrupted(Call call) {
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

}  // namespace

// An open file. Its destructor closes it after an exception; close() reports errors.
class File {
 public:
  File() = default;
  explicit File(int file) : file_(file) {}
  File(const std::string& path, int flags, mode_t mode = 0)
      : file_(retry_interrupted([&] { return file_system().open(path.c_str(), flags | O_CLOEXEC, mode); })) {}
  File(File&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  File& operator=(File&& other) noexcept {
    std::swap(file_, other.file_);
    return *this;
  }
  ~File() {
    if (is_open()) file_system().close(file_);
  }

  bool is_open() const { return file_ != -1; }
  int number() const { return file_; }

  // False with errno if the file could not be closed. (Interrupted means closed, on Linux.)
  bool close() { return file_system().close(std::exchange(file_, -1)) == 0 || errno == EINTR; }

  // False with errno if the bytes may not be on the disk. File systems without sync are accepted.
  bool sync() const {
    return retry_interrupted([&] { return file_system().sync(file_); }) == 0 || errno == EINVAL || errno == ENOTSUP;
  }

 private:
  int file_ = -1;
};

namespace {

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "is a directory";
  if (S_ISFIFO(mode)) return "is a FIFO";
  if (S_ISSOCK(mode)) return "is a socket";
  return "is a device";
}

}  // namespace

struct InputFile::State {
  std::string path;
  size_t size = 0, done = 0;
  File file;

  // O_NONBLOCK, because opening a FIFO would wait for a writer. Regular files ignore it.
  State(const std::string& p) : path(p), file(p, O_RDONLY | O_NONBLOCK) {
    struct stat status;
    if (!file.is_open() || file_system().status(file.number(), &status) != 0)
      fail<IoError>("read_file: ", quote(path), ": ", reason(errno), ": check the path");
    check<IoError>(S_ISREG(status.st_mode), "read_file: ", quote(path), ": ", kind_of(status.st_mode),
                   ": give the path of a regular file");
    size = static_cast<size_t>(status.st_size);
  }

  void read(char* bytes, size_t wanted) {
    for (const size_t end = done + wanted; done < end;) {
      const ssize_t count =
          retry_interrupted([&] { return file_system().read(file.number(), bytes, std::min(end - done, one_call)); });
      if (count == -1)
        fail<IoError>("read_file: ", quote(path), ": ", reason(errno), " after ", done, " of ", size,
                      " bytes: check the disk");
      if (count == 0)
        fail<IoError>("read_file: ", quote(path), ": ends after ", done, " of ", size,
                      " bytes: it was shortened while it was read: read it again");
      bytes += count;
      done += static_cast<size_t>(count);
    }
  }

  const char* map() const {
    if (size == 0) return nullptr;
    void* const bytes = file_system().map(file.number(), size);
    return bytes == MAP_FAILED ? nullptr : static_cast<const char*>(bytes);
  }
};

namespace {

// The file that `path` finally refers to: rename would replace a symbolic link itself, so links in the last
// component are followed first. (Links in the directory part do not matter.)
fs::path follow_links(const std::string& path) {
  fs::path target = path;
  std::error_code error;
  for (int links = 0; fs::is_symlink(target, error); ++links) {
    check<IoError>(links < 40, "write_file_atomic: ", quote(path),
                   ": its symbolic links lead in a circle: remove one of them");
    target = target.parent_path() / fs::read_symlink(target);
  }
  return target;
}

fs::path directory_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : fs::path("."); }

// The common start of the names of a file's temporary files: with their numbers they stay shorter
// than the 255 bytes that a name may have, and no character is cut in two.
std::string start_of_temporary(const fs::path& target) {
  const std::string name = target.filename().string();
  size_t length = std::min<size_t>(name.size(), 100);
  while (length < name.size() && length > 0 && (name[length] & 0xc0) == 0x80) --length;
  return "." + name.substr(0, length) + ".";
}

// A temporary file beside `target`, removed again unless it was renamed. It is locked for as long
// as this object lives, so an unlocked one must come from a killed process.
class TemporaryFile {
 public:
  explicit TemporaryFile(const fs::path& target, mode_t mode = 0600) {
    static std::atomic<unsigned> counter = 0;
    const std::string start = start_of_temporary(target);
    remove_leftovers(directory_of(target), start);
    for (int attempt = 0; attempt < 100; ++attempt) {
      path_ = directory_of(target) / cat(start, ::getpid(), ".", counter++, ".tmp");
      file = File(path_, O_WRONLY | O_CREAT | O_EXCL, mode);
      if (file.is_open()) {
        if (!lock()) continue;
        owned_ = true;
        return;
      }
      if (errno != EEXIST) return;
    }
  }
  ~TemporaryFile() {
    if (owned_) file_system().remove(path_.c_str());
  }

  bool rename_to(const fs::path& target) {
    if (file_system().rename(path_.c_str(), target.c_str()) != 0) return false;
    owned_ = false;
    return true;
  }

  File file;  // not open if it could not be created; errno says why

 private:
  // False if another process took the new file for a leftover and is removing it, or has done so.
  // On a file system without locks, nothing is locked and no leftover is removed.
  bool lock() {
    if (retry_interrupted([&] { return file_system().lock(file.number()); }) != 0) return errno != EWOULDBLOCK;
    lock_ = File(::fcntl(file.number(), F_DUPFD_CLOEXEC, 0));  // outlives the closing of `file`
    struct stat status;
    return file_system().status(file.number(), &status) != 0 || status.st_nlink > 0;
  }

  static void remove_leftovers(const fs::path& directory, const std::string& start) {
    // Not std::filesystem's iterator: running out of memory in it ends the program.
    const std::unique_ptr<DIR, int (*)(DIR*)> list(::opendir(directory.c_str()), ::closedir);
    if (!list) return;
    while (const dirent* entry = ::readdir(list.get())) {
      const std::string name = entry->d_name;
      if (!name.starts_with(start) || !name.ends_with(".tmp")) continue;
      const std::string numbers = name.substr(start.size(), name.size() - start.size() - 4);
      if (numbers.find_first_not_of("0123456789.") != std::string::npos) continue;
      const fs::path path = directory / name;
      const File leftover(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      if (leftover.is_open() && file_system().lock(leftover.number()) == 0) file_system().remove(path.c_str());
    }
  }

  fs::path path_;
  bool owned_ = false;
  File lock_;
};

}  // namespace

void write_file_atomic(const std::string& path, std::span<const std::string_view> parts) {
  size_t size = 0, done = 0;
  for (std::string_view part : parts) size += part.size();
  auto fail_system = [&](const std::string& why) {
    fail<IoError>("write_file_atomic: ", quote(path), ": ", why, " (", done, " of ", size,
                  " bytes written): check the path and the free space; nothing was changed");
  };
  auto check_system = [&](bool ok) {
    if (!ok) fail_system(reason(errno));
  };

  // 1. Which file is meant, and may it be replaced?
  const fs::path target = follow_links(path);
  std::error_code error;
  const fs::file_status old = fs::status(target, error);
  if (!fs::status_known(old)) fail_system(reason(error.value()));
  check<IoError>(!fs::exists(old) || fs::is_regular_file(old), "write_file_atomic: ", quote(path),
                 ": is not a regular file: give the path of a file");

  // 2. All bytes to a new file in the same directory, and from there to the disk.
  mode_t mode = static_cast<mode_t>(old.permissions());
  if (!fs::exists(old)) {
    // An empty file tells what umask or the directory leaves of 0666. The file that is written cannot be the
    // probe: a process that could open it, even for a moment, could read it to its end.
    const TemporaryFile probe(target, 0666);
    struct stat status;
    check_system(probe.file.is_open());
    check_system(retry_interrupted([&] { return file_system().status(probe.file.number(), &status); }) == 0);
    mode = status.st_mode & 07777;
  }
  TemporaryFile temporary(target);
  File& file = temporary.file;
  check_system(file.is_open());
  for (std::string_view part : parts) {
    while (!part.empty()) {
      const ssize_t count = retry_interrupted(
          [&] { return file_system().write(file.number(), part.data(), std::min(part.size(), one_call)); });
      check_system(count != -1);
      if (count == 0) fail_system("the system takes no more bytes");
      part.remove_prefix(static_cast<size_t>(count));
      done += static_cast<size_t>(count);
    }
  }
  check_system(retry_interrupted([&] { return file_system().change_mode(file.number(), mode); }) == 0);
  check_system(file.sync());
  check_system(file.close());

  // 3. Rename it; then sync the directory, which holds the names. Nothing is allocated
  // after the rename: running out of memory always means that nothing was changed.
  const std::string holder = directory_of(target).string();
  check_system(temporary.rename_to(target));
  const File directory(holder, O_RDONLY | O_DIRECTORY);
  if (!directory.is_open() || !directory.sync())
    fail<IoError>("write_file_atomic: ", quote(path), ": was replaced, but a power cut may undo it: ", reason(errno),
                  ": check the disk");
}
#endif

InputFile::InputFile(const std::string& path) : state_(std::make_unique<State>(path)) {}
InputFile::~InputFile() = default;
size_t InputFile::size() const { return state_->size; }
const char* InputFile::map() const { return state_->map(); }

std::string InputFile::read(size_t count) {
  std::string bytes;
  try {
    if (count > largest_allocation) throw std::bad_alloc();
    bytes.resize(count);
  } catch (const std::exception&) {  // bad_alloc, or length_error
    fail<IoError>("read_file: ", quote(state_->path), ": ", count, " bytes of ", state_->size,
                  ": not enough memory: is it the right file?");
  }
  state_->read(bytes.data(), count);
  return bytes;
}

std::string read_file(const std::string& path) {
  InputFile file(path);
  return file.read(file.size());
}

std::string read_file(const std::string& path, size_t most) {
  InputFile file(path);
  check<IoError>(file.size() <= most, "read_file: ", quote(path), ": ", file.size(), " bytes: at most ", most,
                 " are allowed: is it the right file?");
  return file.read(file.size());
}

}  // namespace heed::core
