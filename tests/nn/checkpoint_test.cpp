#include "support/catch.h"

#include <heed/autograd/ops.h>
#include <heed/nn/checkpoint.h>
#include <heed/nn/models/gpt.h>
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
  CHECK_FALSE(saved.state.find("wte.weight"));
  REQUIRE(saved.state.find("lm_head.weight"));  // the alphabetically first
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
        "save: \"" + file.string() + "\": two tensors are named \"x\": names must differ");
  save(file, Linear(2, 1).state_dict());
  CHECK(message_of<FormatError>([&] { load(file).get("step"); }) ==
        "checkpoint: no metadata entry \"step\": the file was not written by the program that reads it");
  CHECK(message_of<IoError>([&] { load(dir.path() / "none"); }).find("none") != std::string::npos);
}

TEST_CASE("a parameter of any name is saved and loaded, metadata make none") {
  struct Named : Module {
    Tensor pt = parameter(ones({2})), format = parameter(full({2}, 3));
    void visit(Visitor& v) override {
      v("pt", pt);
      v("format", format);
    }
  };
  const test::TempDir dir;
  const auto file = dir.path() / "x.safetensors";
  const Named model;
  save(file, model.state_dict(), {{"largest_layer", "pt"}});
  const Checkpoint saved = load(file);
  CHECK(saved.state.size() == 2);
  Named other;
  other.pt.detach().fill_(7);
  other.load_state_dict(saved.state);
  CHECK(other.pt.to_vector() == std::vector<double>{1, 1});
  CHECK(other.format.to_vector() == std::vector<double>{3, 3});
  CHECK(saved.get("largest_layer") == "pt");
}

TEST_CASE("states of one model can be averaged") {
  manual_seed(4);
  const GPTOptions small{.vocab = 11, .context = 8, .width = 8, .heads = 2, .layers = 1};
  const GPT a(small), b(small), c(small);
  const StateDict mean = average({a.state_dict(), b.state_dict(), c.state_dict()});
  GPT other(small);
  other.load_state_dict(mean);  // all names are there
  const Tensor wanted = (a.wpe.weight.detach() + b.wpe.weight.detach() + c.wpe.weight.detach()) / 3.0;
  CHECK(amax(abs(other.wpe.weight.detach() - wanted)).item() < 1e-7);
  CHECK(mean.find("wpe.weight")->dtype() == Dtype::f32);
  CHECK(average({a.state_dict()}).find("wpe.weight")->to_vector() == a.wpe.weight.to_vector());

  StateDict one, two;
  one.push_back({"steps", tensor_i64({3})});
  two.push_back({"steps", tensor_i64({4})});
  CHECK(average({one, two}).find("steps")->item() == 4.0);
  CHECK(message_of([] { average({}); }) == "average: no states: pass at least one");
  GPTOptions wide = small;
  wide.context = 9;
  CHECK(message_of<ShapeError>([&] { average({GPT(wide).state_dict(), a.state_dict()}); }) ==
        "average: \"wpe.weight\" (9, 8) and (8, 8): shapes must be equal");
  wide = small;
  wide.layers = 2;
  CHECK(message_of([&] { average({GPT(wide).state_dict(), a.state_dict()}); }) ==
        "average: \"wte.weight\": not all states have the same names: they must be of one model");
}
