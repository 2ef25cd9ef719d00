#include <heed/examples/kit/files.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include <heed/core/error.h>

namespace heed::kit {

std::string read_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  check<IoError>(in.is_open() && !std::filesystem::is_directory(file), "read: ", file.string(),
                 ": cannot be opened: ", std::strerror(errno ? errno : EISDIR));
  std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  check<IoError>(!in.bad(), "read: ", file.string(), ": cannot be read to its end");
  return bytes;
}

void write_file(const std::filesystem::path& file, const std::string& bytes) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.flush();
  check<IoError>(out.good(), "write: ", file.string(), ": cannot be written: ", std::strerror(errno));
}

}  // namespace heed::kit
