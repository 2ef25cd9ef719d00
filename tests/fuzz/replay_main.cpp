// Replaces libFuzzer for compilers without it: runs the inputs named as arguments, files or folders,
// with its own limits on time and memory (as in bounds.cpp).
#include <cstdint>
#include <cstdio>
#include <filesystem>

#include <sys/resource.h>
#include <unistd.h>

#include <heed/core/files/file.h>

#include "support/sanitizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

int run(const std::filesystem::path& path) {
  if (std::filesystem::is_directory(path)) {
    int inputs = 0;
    for (const auto& entry : std::filesystem::directory_iterator(path)) inputs += run(entry.path());
    return inputs;
  }
  const std::string bytes = heed::core::read_file(path);
  ::alarm(10);
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const rlimit memory = {size_t{1} << 30, size_t{1} << 30};
  if (!heed::test::address_sanitizer && !heed::test::thread_sanitizer) ::setrlimit(RLIMIT_AS, &memory);
  int inputs = 0;
  for (int i = 1; i < argc; ++i) inputs += run(argv[i]);
  std::printf("%d inputs\n", inputs);
}
