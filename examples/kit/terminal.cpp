#include <heed/examples/kit/terminal.h>

#include <cstdlib>
#include <string>

#ifdef _WIN32
#include <io.h>
#else
#include <cerrno>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>
#endif

namespace heed::kit {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

}  // namespace

bool is_terminal(Stream stream) {
#ifdef _WIN32
  return _isatty(static_cast<int>(stream));
#else
  return isatty(static_cast<int>(stream)) && environment("TERM") != "dumb";
#endif
}

int terminal_width(Stream stream) {
#ifndef _WIN32
  winsize size{};
  if (ioctl(static_cast<int>(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
#endif
  static_cast<void>(stream);
  return 80;
}

void open_standard_streams() {
#ifndef _WIN32
  const auto closed = [](int number) { return fcntl(number, F_GETFD) == -1 && errno == EBADF; };
  // open() returns the lowest free descriptor: going up from 0, that is the closed one itself.
  for (const int number : {0, 1, 2})
    if (closed(number)) static_cast<void>(open("/dev/null", number == 1 ? O_RDONLY : O_WRONLY));
#endif
}

std::string stdout_fault() {
#ifndef _WIN32
  const int flags = fcntl(1, F_GETFL);
  if (flags == -1 || (flags & O_ACCMODE) == O_RDONLY)
    return "stdout: is closed: results were lost: open it, as in > results.txt";
#endif
  return "stdout: cannot be written: results were lost: is the disk full?";
}

double physical_memory() {
#if defined(_SC_PHYS_PAGES) && defined(_SC_PAGESIZE)
  const long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
  if (pages > 0 && size > 0) return static_cast<double>(pages) * static_cast<double>(size);
#endif
  return 0;
}

double peak_memory() {
#ifndef _WIN32
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) == 0) {
#ifdef __APPLE__
    return static_cast<double>(usage.ru_maxrss);  // bytes there, KiB elsewhere
#else
    return 1024.0 * static_cast<double>(usage.ru_maxrss);
#endif
  }
#endif
  return 0;
}

bool unicode_wanted() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string locale = environment(name);
    if (locale.empty()) continue;
    return locale.find("UTF-8") != std::string::npos || locale.find("utf8") != std::string::npos ||
           locale.find("UTF8") != std::string::npos || locale.find("utf-8") != std::string::npos;
  }
  return false;
}

}  // namespace heed::kit
