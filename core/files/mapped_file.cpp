#include <heed/core/files/mapped_file.h>

#include <heed/core/files/file.h>

#ifndef _WIN32
#include <sys/mman.h>
#endif

namespace heed::core {

MappedFile::MappedFile(const std::string& path) {
  InputFile file(path);
  bytes_ = {file.map(), file.size()};
  if (bytes_.data()) return;
  copy_ = file.read(file.size());
  bytes_ = copy_;
}

MappedFile::~MappedFile() {
#ifndef _WIN32
  if (copy_.empty() && !bytes_.empty()) ::munmap(const_cast<char*>(bytes_.data()), bytes_.size());
#endif
}

}  // namespace heed::core
