#include "support/catch.h"

#include <heed/autograd/ops.h>
#include <heed/nn/checkpoint.h>
#include <heed/nn/gpt.h>
#include "support/errors.h"
#include "support/temp_dir.h"

using namespace heed;
using namespace heed::nn;
using test::message_of;

TEST_CASE("a model is the same after saving and loading, tied weights are stored once") {
  const test::TempDir dir;
  const auto file = dir.path() / "model.safetensors";
  manual_seed(1);
  const GPTOptions small{.vocab = 11, .context = 8, .width = 8, .heads = 2, .layers = 1};
  const GPT model(small);
  save(file, model.state_dict(), {{"step", "12"}});
  const int64_t once = model.num_parameters() * 4;
  const auto size = static_cast<int64_t>(std::filesystem::file_size(file));
  CHECK(size > once);
  CHECK(size < once + model.wte.weight.numel() * 4 + 2048);

  const Checkpoint saved = load(file);
  CHECK(saved.get("step") == "12");
  CHECK(saved.metadata.at("format") == "pt");
  REQUIRE(saved.state.find("wte.weight"));
  REQUIRE(saved.state.find("lm_head.weight"));
  GPT other(small);
  other.load_state_dict(saved.state);
  const Tensor tokens = tensor_i64({1, 5, 10, 0}, {1, 4});
  CHECK(other(tokens).to_vector() == model(tokens).to_vector());
  CHECK(other.lm_head.weight.node() == other.wte.weight.node());
}

TEST_CASE("checkpoints say what is wrong") {
  const test::TempDir dir;
  const auto file = dir.path() / "x.safetensors";
  const Tensor x = zeros({2});
  StateDict twice;
  twice.push_back({"x", x});
  twice.push_back({"x", x});
  CHECK(message_of([&] { save(file, twice); }) ==
        "save: " + file.string() + ": two tensors are named x: names must differ");
  save(file, Linear(2, 1).state_dict());
  CHECK(
      message_of<FormatError>([&] { load(file).get("step"); }) ==
      "checkpoint: no metadata entry step: the file was not written by the program that reads it");
  CHECK(message_of<IoError>([&] { load(dir.path() / "none"); }).find("none") != std::string::npos);
}
