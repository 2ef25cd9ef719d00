// MappedFile: a file's bytes without reading it. The system reads a page when its bytes are first used, and may
// drop it again: a file larger than memory can be open.
//
// Only for files that are not shortened meanwhile: a page that the file no longer has ends the process with SIGBUS,
// and no program can prevent that. (Files that are replaced as write_file_atomic does are safe: the old file lives
// on until it is unmapped.) load_safetensors and read_file copy, and report such a file as an error.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace heed::core {

/// A regular file, whole and read-only. Where the system cannot map it (Windows, some network file systems), it is
/// read instead. Errors are IoError, as those of InputFile (file.h).
class MappedFile {
 public:
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  /// They live as long as this object.
  std::string_view bytes() const { return bytes_; }

 private:
  std::string_view bytes_;
  std::string copy_;  // where it is not mapped
};

}  // namespace heed::core
