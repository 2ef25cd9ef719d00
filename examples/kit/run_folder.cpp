#include <heed/examples/kit/run_folder.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <system_error>

#ifdef _WIN32
#include <process.h>
#else
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#endif

#include <heed/core/error.h>
#include <heed/core/text.h>
#include <heed/examples/kit/format.h>

namespace heed::kit {

namespace {

int process_number() {
#ifdef _WIN32
  return _getpid();
#else
  return getpid();
#endif
}

/// Tests by writing, since permissions, read-only disks and special folders have no common query.
void check_writable(const std::filesystem::path& folder) {
  const std::filesystem::path probe = folder / (".heed-" + std::to_string(process_number()));
  const bool written = (std::ofstream(probe) << 'x').flush().good();
  const std::string reason = std::strerror(errno);
  std::error_code ignored;
  std::filesystem::remove(probe, ignored);
  check<IoError>(written, "--out: ", quote(folder.string()), ": cannot be written (", reason, "): name another folder");
}

}  // namespace

RunFolder::RunFolder(const std::filesystem::path& folder) : path_(folder) {
  std::error_code error, unknown;
  for (auto at = folder; !at.empty() && !std::filesystem::exists(at, unknown); at = at.parent_path())
    created_.push_back(at);
  std::filesystem::create_directories(folder, error);
  check<IoError>(std::filesystem::is_directory(folder, unknown), "--out: ", quote(folder.string()),
                 ": cannot be created (", error.message(), "): name another folder");
  check_writable(folder);
#ifndef _WIN32
  // The lock is on the folder itself and ends with the process, so it cannot become stale.
  lock_ = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool taken = lock_ >= 0 && flock(lock_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  if (taken) {
    close(lock_);
    fail<IoError>("--out: ", quote(folder.string()),
                  ": another run is writing into it: wait for its end, or name another folder");
  }
#endif
}

RunFolder::~RunFolder() {
#ifndef _WIN32
  if (lock_ >= 0) close(lock_);
#endif
  std::error_code holds_files;
  for (const std::filesystem::path& at : created_)
    if (!std::filesystem::remove(at, holds_files)) break;
}

std::filesystem::path RunFolder::file(const std::string& name, const std::string& what) {
  const std::filesystem::path path = path_ / name;
  std::error_code unknown;
  check<IoError>(!std::filesystem::exists(path, unknown) || std::filesystem::is_regular_file(path, unknown),
                 "--out: ", quote(path.string()), ": is not a file, but one is to be written there: move it away");
  const bool listed = std::any_of(made_.begin(), made_.end(), [&](const Made& m) { return m.path == path; });
  if (!what.empty() && !listed) made_.push_back({path, what});
  return path;
}

void RunFolder::print() const { print(std::cout); }

void RunFolder::print(std::ostream& out) const {
  int width = 0;
  for (const Made& made : made_) width = std::max(width, text_width(harmless(made.path.string())));
  for (const Made& made : made_)
    if (std::filesystem::exists(made.path))
      out << "made  " << fit(harmless(made.path.string()), width) << "  " << made.what << '\n';
  out << std::flush;
}

}  // namespace heed::kit
