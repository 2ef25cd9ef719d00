// The fuzz targets without a fuzzer: their corpus, and mutations of it, the same in every run.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <heed/core/files/file.h>
#include <heed/core/philox.h>

#include "fuzz/model_targets.h"
#include "fuzz/program_targets.h"
#include "fuzz/token_targets.h"
#include "support/catch.h"

using namespace heed;

namespace {

struct Target {
  const char* name;
  void (*run)(std::string_view);
  uint64_t one_in = 1;  // of the mutations are run: a run takes so many times as long as others'
};

constexpr Target targets[] = {{"json", fuzz::json},
                              {"npy", fuzz::npy},
                              {"safetensors", fuzz::safetensors},
                              {"index", fuzz::index},
                              {"idx", fuzz::idx},
                              {"numbers", fuzz::numbers},
                              {"einsum", fuzz::einsum},
                              {"tables", fuzz::tables},
                              {"texts", fuzz::texts},
                              {"options", fuzz::options},
                              {"resume", fuzz::resume},
                              {"tokens", fuzz::tokens, 30},
                              {"word_piece", fuzz::word_piece},
                              {"llama2c", fuzz::llama2c},
                              {"tokenizer_json", fuzz::tokenizer_json},
                              {"gpt2_files", fuzz::gpt2_files},
                              {"npz", fuzz::npz},
                              {"inflate", fuzz::inflate},
                              {"mapped", fuzz::mapped},
                              {"llama2c_model", fuzz::llama2c_model},
                              {"model_config", fuzz::model_config},
                              {"gpt_model", fuzz::gpt_model, 10}};

std::vector<std::string> corpus(const char* target) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(HEED_TESTS_DIR "/fuzz/corpus/") + target))
    paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> inputs;
  for (const auto& path : paths) inputs.push_back(core::read_file(path));
  return inputs;
}

// A few random changes: bytes set, flipped, removed, doubled, taken from another input, or words of
// the formats put in.
std::string mutate(std::string text, const std::vector<std::string>& inputs, uint64_t number) {
  constexpr const char* words[] = {"0",           "-1",       "1e9",     "9223372036854775807",
                                   "4294967296",  "{",        "}",       "[",
                                   "]",           "\"",       "\\u0000", "\\ud800",
                                   ",",           ":",        "null",    "F16",
                                   "\"shape\":[", "(1,",      "'<f8'",   "True",
                                   "\xff",        "\xc3\xa9", "\n",      "--rate=",
                                   "->",          "...",      "##",      "\"special\":true",
                                   "▁",           "<0x41>"};
  uint64_t draws = 0;
  auto below = [&](size_t n) { return n == 0 ? 0 : core::philox(9, number, draws++)[0] % n; };
  for (size_t changes = 1 + below(4); changes > 0; --changes) {
    const size_t at = below(text.size() + 1), length = std::min(below(8) + 1, text.size() - at);
    switch (below(6)) {
      case 0:
        if (length > 0) text[at] = static_cast<char>(below(256));
        break;
      case 1:
        if (length > 0) text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
        break;
      case 2: text.erase(at, length); break;
      case 3: text.insert(at, text.substr(at, length)); break;
      case 4: text.insert(at, words[below(std::size(words))]); break;
      default: {
        const std::string& other = inputs[below(inputs.size())];
        const size_t from = below(other.size() + 1);
        text = text.substr(0, at) + other.substr(from);
      }
    }
  }
  return text;
}

void run_mutations(uint64_t count) {
  for (const Target& target : targets) {
    const std::vector<std::string> inputs = corpus(target.name);
    for (uint64_t number = 0; number < count; number += target.one_in)
      target.run(mutate(inputs[number % inputs.size()], inputs, number));
  }
}

}  // namespace

TEST_CASE("fuzz: every input of the corpus is read or refused") {
  for (const Target& target : targets) {
    const std::vector<std::string> inputs = corpus(target.name);
    CHECK(inputs.size() >= 8);
    for (const std::string& input : inputs) target.run(input);
  }
}

// A broken reader aborts, or fails under the sanitizers.
TEST_CASE("fuzz: 10,000 mutations of each corpus, fewer where one takes long") {
  REQUIRE_NOTHROW(run_mutations(10000));
}

TEST_CASE("fuzz: 300,000 mutations of each corpus, fewer where one takes long", "[slow]") {
  REQUIRE_NOTHROW(run_mutations(300000));
}
