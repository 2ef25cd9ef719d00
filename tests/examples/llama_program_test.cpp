// The program llama: files of llama2.c and folders of Hugging Face's layout, whole texts, and mistakes.
#include <cmath>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include <heed/autograd/ops.h>
#include <heed/core/files/file.h>
#include <heed/core/files/npy.h>
#include <heed/core/files/safetensors.h>
#include <heed/core/text.h>
#include <heed/nn/checkpoint.h>
#include <heed/nn/models/config.h>
#include <heed/nn/models/generate.h>

#include "kit/models/models_made.h"
#include "kit/tokens/tokens_made.h"
#include "support/catch.h"
#include "support/errors.h"
#include "support/run_program.h"

using namespace heed;
using heed::test::contains;
using heed::test::Ran;
using heed::test::run_program;
using heed::test::TempDir;

namespace {

constexpr int64_t vocab = 275;  // of llama_json()

// A folder as the hub has it; with `index`, the weights are in two files.
void write_folder(const TempDir& dir, const nn::Llama& llama, bool index = false) {
  core::write_file_atomic(dir / "config.json", nn::to_config(llama.options));
  core::write_file_atomic(dir / "tokenizer.json", test::llama_json());
  if (!index) return nn::save(dir / "model.safetensors", llama.state_dict());
  std::map<std::string, core::Array> parts[2];
  std::string map;
  size_t at = 0;
  for (const nn::NamedTensor& entry : llama.state_dict()) {
    const size_t part = at++ % 2;
    parts[part].emplace(entry.name, entry.tensor.array());
    map += cat(map.empty() ? "" : ",", '"', entry.name, "\":\"part", part, ".safetensors\"");
  }
  for (size_t part = 0; part < 2; ++part) core::save_safetensors(dir / cat("part", part, ".safetensors"), parts[part]);
  core::write_file_atomic(dir / "model.safetensors.index.json", cat("{\"weight_map\":{", map, "}}"));
}

std::vector<int64_t> ids(const kit::Json& json) {
  std::vector<int64_t> ids;
  for (const kit::Json& id : json.at("tokens").as_list()) ids.push_back(id.as_integer());
  return ids;
}

Ran llama(const std::string& options) { return run_program("llama --json --quiet" + options); }

}  // namespace

TEST_CASE("llama: a folder of Hugging Face's layout, in one file or several, writes what the model writes") {
  for (const bool index : {false, true}) {
    const TempDir dir;
    nn::Llama model = test::small_llama(!index, nn::RopeLayout::half_split, vocab);
    write_folder(dir, model, index);
    const Ran ran = llama(" --model '" + dir.path().string() + "' --prompt the --steps 20 --temperature 0 --logits '" +
                          dir / "logits.npy" + "'");
    INFO(ran.err);
    REQUIRE(ran.exit_code == 0);
    const kit::Json json = ran.json();
    std::vector<std::string> keys;
    for (const auto& [key, value] : json.as_object()) keys.push_back(key);
    CHECK(keys == std::vector<std::string>{"tokens", "text", "tokens_per_s", "parameters"});
    CHECK(json.at("parameters").as_integer() == model.num_parameters());
    CHECK(json.at("tokens_per_s").as_number() > 0);
    CHECK(contains(json.at("text").as_string(), "the"));
    const std::vector<int64_t> written = ids(json);
    const std::vector<int64_t> prompt = {1, written.front()};  // "▁the" is one token
    model.eval();
    const nn::Generated expected =
        nn::generate(model, {prompt}, {.max_tokens = 20, .sampling = {.temperature = 0.0}, .stop_tokens = {2, 1}})[0];
    CHECK(std::vector<int64_t>(written.begin() + 1, written.end()) == expected.tokens);
    const NoGrad off;
    const core::Array logits = core::load_npy(dir / "logits.npy");
    CHECK(logits.shape() == Shape{2, vocab});
    CHECK(core::to_vector(logits) == model(tensor_i64(prompt, {1, 2}))[0].to_vector());
  }
}

TEST_CASE("llama: a context longer than the text changes nothing") {
  const TempDir dir;
  nn::Llama model = test::small_llama(false, nn::RopeLayout::half_split, vocab);
  write_folder(dir, model);
  const std::string options = " --model '" + dir.path().string() + "' --prompt the --steps 4 --temperature 0";
  const kit::Json text = llama(options).json().at("text");
  nn::LlamaOptions sizes = model.options;
  sizes.context = 1 << 19;
  core::write_file_atomic(dir / "config.json", nn::to_config(sizes));
  const Ran ran = llama(options);
  INFO(ran.err);
  REQUIRE(ran.exit_code == 0);
  CHECK(ran.json().at("text") == text);
}

TEST_CASE("llama: a file of llama2.c, its tokens, and narrower weights") {
  const TempDir dir;
  nn::Llama model = test::small_llama(true, nn::RopeLayout::interleaved, 263);
  core::write_file_atomic(dir / "m.bin", test::version_0(model));
  core::write_file_atomic(dir / "tok.bin", test::llama2c_file(test::llama_pieces({" ", "a", "b", " a"})));
  const std::string options =
      " --model '" + dir / "m.bin" + "' --tokenizer '" + dir / "tok.bin" + "' --prompt a --steps 9";
  const Ran ran = llama(options + " --seed 3");
  INFO(ran.err);
  REQUIRE(ran.exit_code == 0);
  CHECK(ids(ran.json()).front() == 262);
  CHECK(llama(options + " --seed 3").json().at("text") == ran.json().at("text"));
  std::filesystem::rename(dir / "tok.bin", dir / "tokenizer.bin");
  const Ran found = run_program("llama --json --seed 3 --prompt a --steps 9 --model '" + dir / "m.bin" + "'");
  CHECK(found.json().at("text") == ran.json().at("text"));
  CHECK(contains(found.err, " parameters; tokens of " + dir / "tokenizer.bin"));
  std::filesystem::rename(dir / "tokenizer.bin", dir / "tok.bin");
  for (const char* weights : {"f16", "bf16", "i8", "file"}) {
    INFO(weights);
    const Ran narrow = llama(options + " --weights " + weights);
    CHECK(narrow.exit_code == 0);
    CHECK(narrow.json().at("parameters") == ran.json().at("parameters"));
  }
}

TEST_CASE("llama: mistakes are one line") {
  const TempDir dir;
  nn::Llama model = test::small_llama(true, nn::RopeLayout::half_split, vocab);
  write_folder(dir, model);
  const std::string folder = " --model '" + dir.path().string() + "'";
  core::write_file_atomic(dir / "m.bin", std::string("x"));
  core::write_file_atomic(dir / "tok.json", test::byte_pair_json());
  const TempDir bare, wrong;
  nn::save(bare / "model.safetensors", model.state_dict());
  core::write_file_atomic(bare / "m.bin", std::string("x"));
  nn::save(wrong / "model.safetensors", model.state_dict());
  core::write_file_atomic(wrong / "config.json", nn::to_config(nn::GPTOptions{}));
  const TempDir huge;
  nn::save(huge / "model.safetensors", model.state_dict());
  nn::LlamaOptions sizes = model.options;
  sizes.vocab = int64_t{1} << 31;
  core::write_file_atomic(huge / "config.json", nn::to_config(sizes));
  const TempDir broken;
  nn::Llama diverged = test::small_llama(true, nn::RopeLayout::interleaved, vocab);
  diverged.model.norm.weight.detach()[1].fill_(std::nan(""));
  core::write_file_atomic(broken / "m.bin", test::version_0(diverged));
  core::write_file_atomic(broken / "tok.json", test::byte_pair_json());
  struct Slip {
    std::string options;
    int code;
    const char* said;
  };
  const Slip slips[] = {
      {"", 2, "--model: is missing"},
      {" --model '" + broken / "m.bin" + "' --tokenizer '" + broken / "tok.json" + "'", 1,
       "m.bin\": model.norm.weight (8,): holds NaN or infinity"},
      {" --modle x", 2, "did you mean --model?"},
      {" --model '" + bare / "m.bin" + "'", 2, "there is none of tokenizer.bin, tokenizer.json: give the file"},
      {" --model '" + bare / "m.bin" + "' --tokenizer x", 1, "\"x\": there is no such file"},
      {" --model '" + dir / "m.bin" + "'", 1, "not a llama2.c file"},
      {folder + " --prompt '" + std::string(40, 'x') + "' --logits l.npy", 2,
       " tokens, the model's context is 6: give a shorter --prompt"},
      {" --model /no/such", 1, "/no/such"},
      {" --model '" + bare.path().string() + "'", 2, "has no configuration: put the model's config.json beside"},
      {" --model '" + wrong.path().string() + "'", 1, "the model is of type \"gpt2\": must be \"llama\""},
      {" --model '" + huge.path().string() + "'", 1, "they do not belong together"},
      {folder + " --tokenizer '" + dir / "none.json" + "'", 1, "none.json"},
      {folder + " --weights f8", 2,
       "--weights: \"f8\": is not a choice: did you mean i8? give one of f32, file, f16, bf16, i8"},
      {folder + " --temperature -1", 2, "--temperature"}};
  for (const auto& [options, code, said] : slips) {
    const Ran ran = run_program("llama" + options);
    CAPTURE(options, ran.err);
    CHECK(ran.exit_code == code);
    CHECK(ran.out.empty());
    CHECK(contains(ran.err, said));
    CHECK(ran.err.find("llama: ") == 0);
    CHECK(ran.err.find('\n') == ran.err.size() - 1);
  }
}

TEST_CASE("llama: stories260K writes its documented 200 tokens", "[data]") {
  REQUIRE(std::getenv("HEED_DATA") != nullptr);
  const std::string data = std::getenv("HEED_DATA");
  const TempDir dir;
  const Ran ran = llama(" --model '" + data + "/stories260K.bin' --tokenizer '" + data +
                        "/tok512.bin' --steps 200 --temperature 0 --logits '" + dir / "logits.npy" + "'");
  INFO(ran.err);
  REQUIRE(ran.exit_code == 0);
  const std::vector<int64_t> golden = {
      403, 407, 261, 378, 432, 383, 286, 261, 376, 298, 315, 421, 395, 317, 426, 338, 401, 396, 267, 337, 410, 408, 419,
      292, 411, 322, 265, 282, 295, 433, 426, 385, 328, 432, 358, 394, 261, 370, 432, 352, 266, 268, 388, 426, 338, 391,
      266, 267, 337, 335, 312, 432, 398, 312, 286, 267, 414, 270, 333, 415, 426, 13,  438, 310, 439, 419, 357, 336, 432,
      313, 438, 310, 432, 278, 316, 439, 419, 298, 414, 267, 265, 282, 295, 433, 426, 436, 317, 286, 296, 418, 269, 279,
      292, 416, 439, 413, 409, 416, 327, 263, 415, 294, 267, 400, 426, 338, 336, 432, 313, 442, 391, 267, 337, 335, 364,
      420, 268, 388, 432, 398, 359, 280, 303, 439, 413, 272, 417, 264, 312, 426, 436, 13,  438, 310, 286, 296, 418, 269,
      279, 292, 416, 439, 413, 409, 416, 327, 263, 415, 294, 267, 400, 426, 338, 336, 432, 313, 442, 439, 423, 262, 304,
      420, 422, 432, 317, 426, 359, 279, 292, 416, 439, 413, 409, 416, 327, 263, 415, 294, 267, 400, 426, 436, 13,  438,
      310, 279, 292, 416, 439, 413, 391, 267, 281, 421, 427, 311, 357, 432, 384, 358};
  CHECK(ids(ran.json()) == golden);
  CHECK(ran.json().at("text").as_string().find(
            "Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day, she "
            "saw a big, red ball. She wanted to play with it, but it was too high.\nLily's mom said, \"Lily, let's go "
            "to the park.\"") == 0);
  const std::vector<double> logits = core::to_vector(core::load_npy(dir / "logits.npy"));
  const double first[] = {-6.22291, 8.40434, -6.22374, -6.22254, -6.22195, -6.22288};  // after BOS, in float64
  for (size_t i = 0; i < 6; ++i) CHECK(logits.at(i) == Approx(first[i]).margin(1e-3));
}
