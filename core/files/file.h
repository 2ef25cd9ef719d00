// Files: read whole, written so that a crash leaves the old file or the new one, never half of one.
//
// A checkpoint torn by a full disk or a power cut costs hours of training. So the bytes are written
// to a temporary file beside the target and forced to the disk before that file is renamed to the target:
// rename is atomic, and until then the old file is untouched.
//
// Thread-safe. Errors are IoError with the path and the operating system's reason.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace heed::core {

/// A regular file, read from its start. Directories, FIFOs and devices are refused before anything
/// is read; knowing the size, a caller can check what the first bytes claim before reading the rest.
class InputFile {
 public:
  explicit InputFile(const std::string& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  size_t size() const;
  std::string read(size_t count);  // the next `count` bytes

  /// All of its bytes, mapped read-only, to be unmapped by the caller. Null if the system cannot, or if it is empty.
  const char* map() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// All bytes of a regular file.
std::string read_file(const std::string& path);

/// The same of a file that no program makes larger than `most` bytes: a larger one is an IoError before anything is read.
std::string read_file(const std::string& path, size_t most);

/// Replaces the file at `path` by the concatenated parts, or creates it.
///
/// An existing file keeps its mode, a new one gets 0666 minus umask; while it is written
/// only its owner may open it. A symbolic link stays one (its target is replaced). On error the old
/// file is unchanged and the temporary one, `.name.PID.n.tmp` (only the first 100 bytes of a long name),
/// is removed. One left by a killed process is removed by the next save of the same file.
void write_file_atomic(const std::string& path, std::span<const std::string_view> parts);
void write_file_atomic(const std::string& path, std::string_view content);

}  // namespace heed::core
