// A whole run in one file: everything that it is made of, or nothing.
#include <heed/nn/resume.h>

#include <limits>

#include <heed/autograd/ops.h>
#include <heed/core/files/file.h>
#include <heed/core/files/safetensors.h>
#include <heed/nn/layers/losses.h>
#include <heed/nn/models/gpt.h>
#include <heed/optim/optim.h>
#include "support/catch.h"
#include "support/errors.h"
#include "support/temp_dir.h"

using namespace heed;
using namespace heed::nn;
using test::contains;
using test::message_of;
using test::TempDir;

namespace {

// Dropout draws from the default generator, batches from one of the run's own.
struct Run {
  GPT model{{.vocab = 7, .context = 6, .width = 8, .heads = 2, .layers = 1, .dropout = 0.2}};
  optim::AdamW adamw{model.parameters(), {.lr = 0.01}};
  optim::CosineAnnealingLR schedule{adamw, {.t_max = 20}};
  optim::ReduceLROnPlateau plateau{adamw, {.factor = 0.5, .patience = 1}};
  Generator data{3};
  int64_t step = 0;
  uint64_t tokens = 0;
  double best = std::numeric_limits<double>::infinity();
  float smooth = 0.1f;
  bool warm = false;
  std::string note = "none";

  std::vector<Part> parts() {
    return {{"model", model},   {"optimizer", adamw}, {"schedule", schedule}, {"plateau", plateau},
            {"data", data},     {"step", step},       {"tokens", tokens},     {"best", best},
            {"smooth", smooth}, {"warm", warm},       {"note", note}};
  }

  void train() {
    const Tensor x = Tensor(core::randint(0, 7, {2, 6}, data));
    const Tensor loss = cross_entropy(model(x), x);
    adamw.zero_grad();
    loss.backward();
    adamw.step();
    schedule.step();
    plateau.step(loss.item());
    ++step;
    tokens += 12;
    best = std::min(best, loss.item());
    smooth = 0.9f * smooth + 0.1f * static_cast<float>(loss.item());
    warm = step > 2;
    note = "step " + std::to_string(step) + " \"quoted\"\n";
  }
};

// Everything that a run writes about itself.
std::string content(Run& run, const TempDir& dir) {
  save_checkpoint(dir.path() / "content", run.parts());
  return core::read_file((dir.path() / "content").string());
}

}  // namespace

TEST_CASE("resume: a run stopped at any step and resumed is the same run, to the bit") {
  const TempDir dir;
  manual_seed(1);
  Run whole;
  for (int i = 0; i < 8; ++i) whole.train();
  const std::string expected = content(whole, dir);
  for (int stop = 0; stop < 8; ++stop) {
    INFO(stop);
    {
      manual_seed(1);
      Run first;
      for (int i = 0; i < stop; ++i) first.train();
      save_checkpoint(dir.path() / "run", first.parts(), {{"text_hash", "12"}});
    }
    manual_seed(99);
    Run second;
    second.train();
    load_checkpoint(dir.path() / "run", second.parts());
    CHECK(second.step == stop);
    for (int i = stop; i < 8; ++i) second.train();
    CHECK(content(second, dir) == expected);
  }
  CHECK(load(dir.path() / "run").get("text_hash") == "12");
}

TEST_CASE("resume: the file has PyTorch's names under those of the parts, and texts in its metadata") {
  const TempDir dir;
  Run run;
  run.train();
  save_checkpoint(dir.path() / "run", run.parts());
  const Checkpoint saved = load(dir.path() / "run");
  CHECK(saved.state.find("model.h.0.attn.c_attn.weight")->shape() == Shape{24, 8});
  CHECK(saved.state.find("optimizer.0.exp_avg")->shape() == Shape{7, 8});
  CHECK(saved.state.find("optimizer.0.step")->item() == 1);
  CHECK(saved.state.find("optimizer.param_groups.0.betas")->to_vector() == std::vector<double>{0.9, 0.999});
  CHECK(saved.state.find("schedule.last_epoch")->item() == 1);
  CHECK(saved.get("optimizer") == "AdamW");
  CHECK(saved.get("step") == "1");
  CHECK(saved.get("data.seed") == "3");
  CHECK(saved.get("parts") ==
        "model,optimizer,schedule,plateau,data,step,tokens,best,smooth,warm,note,default_generator");
}

TEST_CASE("resume: whatever is wrong with a file, nothing is changed") {
  const TempDir dir;
  const auto file = dir.path() / "run";
  manual_seed(1);
  Run source, run;
  for (int i = 0; i < 3; ++i) source.train();
  run.train();
  save_checkpoint(file, source.parts());
  const Checkpoint good = load(file);
  const std::string before = content(run, dir);
  const std::string begin = "load_checkpoint: \"" + file.string() + "\": does not fit, nothing is changed:";
  const auto refused = [&](const Checkpoint& saved, std::vector<Part> parts) {
    const std::string message = message_of([&] { load_checkpoint(saved, parts); });
    CHECK(content(run, dir) == before);
    return message;
  };
  for (const auto& [key, text] : good.metadata) {
    if (key == "parts" || key == "format" || key.starts_with("model.")) continue;
    INFO(key);
    Checkpoint changed = good;
    changed.metadata.erase(key);
    CHECK(refused(changed, run.parts()).starts_with(begin));
    if (key == "note") continue;
    for (const char* wrong : {"", "x", " 1", "1 ", "+1", "0x1", "1e", "-", "99999999999999999999999999"}) {
      if ((key == "best" || key == "smooth") && std::string(wrong)[0] == '9') continue;  // a number of that type
      changed.metadata[key] = wrong;
      CHECK(refused(changed, run.parts()).starts_with(begin));
    }
  }
  for (size_t i = 0; i < good.state.size(); ++i) {
    Checkpoint changed = good;
    changed.state[i].name += "x";
    INFO(good.state[i].name);
    CHECK(refused(changed, run.parts()).starts_with(begin));
  }
  std::vector<Part> fewer = run.parts(), more = run.parts();
  fewer.erase(fewer.begin() + 2);
  CHECK(refused(good, fewer) == begin + "\n  schedule: is in the file, but was not requested");
  int64_t other = 0;
  more.emplace_back("epoch", other);
  CHECK(refused(good, more) == begin + "\n  epoch: is not in the file");
  Checkpoint two = good;
  two.metadata["step"] = "many";
  two.metadata["optimizer"] = "SGD";
  CHECK(refused(two, run.parts()) == begin +
                                         "\n  optimizer: AdamW: load_state_dict: the state does not fit, nothing is "
                                         "changed:\n  is the state of another "
                                         "kind: SGD, not AdamW\n  step: is \"many\", must be a number of its type");
  save(dir.path() / "weights", run.model.state_dict());
  CHECK(contains(refused(load(dir.path() / "weights"), run.parts()), "lists no parts"));
  load_checkpoint(good, run.parts());
  CHECK(content(run, dir) == content(source, dir));
}

TEST_CASE("resume: a file of very many names is judged in a moment") {
  const Tensor x = zeros({1});
  Checkpoint saved;
  saved.metadata["parts"] = "model,default_generator";
  for (int i = 0; i < 100000; ++i) {
    saved.state.push_back({"other.tensor." + std::to_string(i), x});
    saved.metadata["model.text." + std::to_string(i)] = "model.no.tensor";
    saved.metadata["parts"] += ",part" + std::to_string(i);
  }
  Linear model(1, 1);
  const std::string message = message_of([&] { load_checkpoint(saved, {{"model", model}}); });
  CHECK(contains(message, "… and 99952 more"));  // and the model and the default generator, which are not there
  saved.metadata["parts"] = "model,default_generator";
  CHECK(contains(message_of([&] { load_checkpoint(saved, {{"model", model}}); }), "belongs to no part"));
  CHECK(contains(message_of([&] { average({saved.state, {}}); }), "not all states have the same names"));
  CHECK(average({saved.state, saved.state}).size() == saved.state.size());
}

TEST_CASE("resume: a number that its type cannot hold is refused") {
  const TempDir dir;
  double wide = 1e300;
  save_checkpoint(dir.path() / "run", {{"x", wide}});
  float narrow = 0.5f;
  CHECK(contains(message_of([&] { load_checkpoint(dir.path() / "run", {{"x", narrow}}); }),
                 "x: is \"1e+300\", must be a number of its type"));
  CHECK(narrow == 0.5f);
  wide = -std::numeric_limits<double>::infinity();
  save_checkpoint(dir.path() / "run", {{"x", wide}});
  load_checkpoint(dir.path() / "run", {{"x", narrow}});
  CHECK(narrow == -std::numeric_limits<float>::infinity());
}

TEST_CASE("resume: names of parts are checked before anything is written") {
  const TempDir dir;
  const auto file = dir.path() / "run";
  int64_t a = 0, b = 0;
  const auto save_as = [&](const char* first, const char* second) {
    return message_of([&] { save_checkpoint(file, {{first, a}, {second, b}}); });
  };
  CHECK(contains(save_as("a", "a"), "are equal, or one contains the other"));
  CHECK(contains(save_as("a", "a.b"), "are equal, or one contains the other"));
  CHECK(contains(save_as("a", ""), "is reserved, empty, or has a comma"));
  CHECK(contains(save_as("a", "parts"), "is reserved"));
  CHECK(contains(save_as("a", "b,c"), "is reserved"));
  CHECK(contains(save_as("a", "default_generator"), "are equal, or one contains the other"));
  for (const char* note : {"a", "a.x", "parts"})
    CHECK(contains(message_of([&] { save_checkpoint(file, {{"a", a}}, {{note, ""}}); }), "has the name of a part"));
  CHECK_FALSE(std::filesystem::exists(file));
}

TEST_CASE("resume: what two parts share is in the file once, and both find it") {
  const TempDir dir;
  const auto file = dir.path() / "run";
  manual_seed(1);
  Linear a(5, 3), b(5, 3), again_a(5, 3), again_b(5, 3);
  b.weight = a.weight;
  save_checkpoint(file, {{"a", a}, {"b", b}});
  const Checkpoint saved = load(file);
  CHECK(saved.state.find("a.weight"));
  CHECK_FALSE(saved.state.find("b.weight"));
  CHECK(saved.get("b.weight") == "a.weight");
  again_b.weight = again_a.weight;
  load_checkpoint(saved, {{"a", again_a}, {"b", again_b}});
  CHECK(again_a.weight.to_vector() == a.weight.to_vector());
  CHECK(again_b.bias.to_vector() == b.bias.to_vector());
  Linear alone(5, 3);  // which shares no memory
  load_checkpoint(saved, {{"a", again_a}, {"b", alone}});
  CHECK(alone.weight.to_vector() == a.weight.to_vector());
}
