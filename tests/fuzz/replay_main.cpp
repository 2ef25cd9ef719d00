// In place of libFuzzer, for compilers without it: runs the inputs that are named, files or folders.
#include <cstdint>
#include <cstdio>
#include <filesystem>

#include <heed/core/file.h>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

int run(const std::filesystem::path& path) {
  if (std::filesystem::is_directory(path)) {
    int inputs = 0;
    for (const auto& entry : std::filesystem::directory_iterator(path)) inputs += run(entry.path());
    return inputs;
  }
  const std::string bytes = heed::core::read_file(path);
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  int inputs = 0;
  for (int i = 1; i < argc; ++i) inputs += run(argv[i]);
  std::printf("%d inputs\n", inputs);
}
