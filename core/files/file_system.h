// The system calls that file.cpp makes, in a table: tests replace them by failing ones, as
// SQLite's tests do, and check that every failure at every call leaves the old file whole.
#pragma once

#ifndef _WIN32
#include <sys/stat.h>
#include <sys/types.h>

#include <cstddef>

namespace heed::core {

/// Each behaves as the POSIX function that its comment names: -1 (MAP_FAILED) and errno for errors.
struct FileSystem {
  int (*open)(const char* path, int flags, mode_t mode);        // open
  int (*status)(int file, struct stat* status);                 // fstat
  int (*lock)(int file);                                        // flock, exclusive, no waiting
  int (*change_mode)(int file, mode_t mode);                    // fchmod
  ssize_t (*read)(int file, void* bytes, size_t count);         // read
  ssize_t (*write)(int file, const void* bytes, size_t count);  // write
  int (*sync)(int file);                                        // fsync, or stronger
  int (*close)(int file);                                       // close
  int (*rename)(const char* from, const char* to);              // rename
  int (*remove)(const char* path);                              // unlink
  void* (*map)(int file, size_t size);                          // mmap, private and read-only
};

/// The table in use. Not to be changed while files are being read or written.
FileSystem& file_system();

}  // namespace heed::core
#endif
