// Files of llama2.c: the three versions are read to the weights that were written, all else is refused at once.
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include <heed/autograd/ops.h>
#include <heed/core/files/file.h>
#include <heed/core/memory/storage.h>
#include <heed/examples/kit/models/llama2c.h>

#include "models_made.h"
#include "support/catch.h"
#include "support/errors.h"
#include "support/temp_dir.h"

using namespace heed;
using namespace heed::test;

namespace {

nn::Llama read(const std::string& bytes) {
  const TempDir dir;
  core::write_file_atomic(dir / "model.bin", bytes);
  return kit::load_llama2c(dir / "model.bin");
}

// The message without the path.
std::string refused(const std::string& bytes) {
  const TempDir dir;
  std::ofstream(dir / "model.bin", std::ios::binary) << bytes;  // a thousand files need not reach the disk
  const std::string text = message_of<FormatError>([&] { kit::load_llama2c(dir / "model.bin"); });
  const size_t at = text.find("\": ");
  return at == std::string::npos ? text : text.substr(at + 3);
}

}  // namespace

TEST_CASE("llama2c: every version gives the weights that were written, tied or not") {
  for (const bool tied : {true, false})
    for (const int version : {0, 1, 2}) {
      CAPTURE(tied, version);
      nn::Llama written = small_llama(tied);
      const std::string bytes = version == 0 ? version_0(written) : later_version(version, written);
      nn::Llama llama = read(bytes);
      CHECK(llama.options.tied == tied);
      CHECK(llama.options.context == 6);
      CHECK(*llama.options.kv_heads == 2);
      const nn::StateDict theirs = written.state_dict(), ours = llama.state_dict();
      REQUIRE(theirs.size() == ours.size());
      for (size_t i = 0; i < ours.size(); ++i) {
        INFO(ours[i].name);
        CHECK(ours[i].name == theirs[i].name);
        CHECK(ours[i].tensor.to_vector() == theirs[i].tensor.to_vector());
      }
      const Tensor tokens = tensor_i64({3, 10, 0, 7}, {1, 4});
      CHECK(llama(tokens).to_vector() == written(tokens).to_vector());
    }
}

TEST_CASE("llama2c: what is no such file is refused at once") {
  nn::Llama tied = small_llama(true);
  const std::string good = version_0(tied), later = later_version(1, tied), narrow = later_version(2, tied);
  CHECK(refused(good.substr(0, good.size() - 1)).find("bytes of weights, its header asks for") != std::string::npos);
  for (const std::string& bytes : {good, later, narrow}) {
    CHECK(contains(refused(bytes + "x"), "not a llama2.c file, or its download is incomplete"));
    for (size_t cut = 0; cut < bytes.size(); cut += cut < 300 ? 1 : 37)
      CHECK(refused(bytes.substr(0, cut)) != "no error");
  }
  CHECK(contains(refused("a short file"), "ends within 4 bytes that its header asks for"));
  CHECK(contains(refused(sizes({0x616b3432, 3, 8, 12, 2, 4, 2, 11, 6}) + good), "version 3 of llama2.c's format"));
  CHECK(
      contains(refused(header(2, true, 5) + narrow.substr(256)), "groups of 5: must divide the width 8 and hidden 12"));
  CHECK(contains(refused(header(2, true, 0) + narrow.substr(256)), "no model has these"));
  // Each size in turn: zero, negative, huge, and one that does not divide.
  for (size_t at = 0; at < 7; ++at)
    for (const int32_t size : {0, -1, -7, INT32_MIN, INT32_MAX, 1 << 24, 1 << 20, 7, 13}) {
      std::vector<int32_t> header_sizes{8, 12, 2, 4, 2, 11, 6};
      header_sizes[at] = size;
      CAPTURE(at, size);
      const std::string weights = good.substr(28);
      core::reset_peak_memory();
      const int64_t before = core::memory_stats().in_use;
      CHECK(contains(refused(sizes(header_sizes) + weights), "not a llama2.c file"));
      CHECK(core::memory_stats().peak == before);  // no tensor was made of these sizes
    }
}

TEST_CASE("llama2c: a context out of proportion is refused before tables are made for it") {
  nn::Llama tied = small_llama(true);
  std::string bytes = later_version(1, tied);
  const std::string huge = bytes_of(int32_t{1 << 24});
  bytes.replace(32, 4, huge);
  CHECK(contains(refused(bytes), "a context of 16777216 for heads of width 2"));
}

TEST_CASE("llama2c: a file is recognised by its name") {
  CHECK(kit::is_llama2c_file("a/stories15M.bin"));
  CHECK_FALSE(kit::is_llama2c_file("a/model.safetensors"));
  CHECK_FALSE(kit::is_llama2c_file("bin"));
}
