// char_gpt with a trained model: writing without training, training on, some parameters or few, byte pairs.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <heed/autograd/ops.h>
#include <heed/core/files/file.h>
#include <heed/core/files/safetensors.h>

#include "support/catch.h"
#include "support/errors.h"
#include "support/run_program.h"

using namespace heed;
using heed::test::contains;
using heed::test::Ran;
using heed::test::run_program;
using heed::test::run_shell;
using heed::test::TempDir;

namespace {

// Letters in an order that can be learnt; `phase` makes another text of the same kind.
std::string text_file(const TempDir& dir, const std::string& name, uint32_t phase) {
  std::string text;
  uint32_t state = phase;
  while (text.size() < 3000) {
    state = state * 1664525u + 1013904223u;
    text += "abcdefghijkl"[(state >> 28) % 12];
    if (text.back() == 'a') text += "bc";
  }
  core::write_file_atomic(dir / name, text);
  return dir / name;
}

const std::string recipe = " --batch 4 --warmup 2 --lr 0.01 --eval-every 10 --characters 20 --quiet --prompt ab --json";
const std::string tiny = recipe + " --layers 2 --heads 2 --width 16 --context 8";

Ran char_gpt(const std::string& options, const TempDir& out) {
  return run_program("char_gpt" + options + " --out '" + out.path().string() + "'");
}

// A trained model: its folder and its file.
struct Trained {
  TempDir data, out;
  std::string text = text_file(data, "text", 1), other = text_file(data, "other", 2);
  std::string model = out / "model.safetensors";

  explicit Trained(const std::string& options = "") {
    const Ran ran = char_gpt(tiny + " --steps 60 --text '" + text + "'" + options, out);
    INFO(ran.err);
    REQUIRE(ran.exit_code == 0);
  }
  std::string load() const { return " --load '" + model + "'"; }
};

std::map<std::string, std::vector<double>> weights(const std::string& file) {
  std::map<std::string, std::vector<double>> values;
  const core::SafeTensors tensors = core::load_safetensors(file);
  for (const std::string& name : tensors.names()) values[name] = core::to_vector(tensors.at(name));
  return values;
}

}  // namespace

TEST_CASE("char_gpt: --load writes without training, and makes no folder") {
  const Trained trained;
  const TempDir here;
  const std::string write = "cd '" + here.path().string() + "' && " HEED_BIN_DIR "/char_gpt" + trained.load();
  const Ran ran = run_shell(write + " --prompt abc --characters 50 --seed 7 --quiet --json");
  INFO(ran.err);
  REQUIRE(ran.exit_code == 0);
  CHECK(here.count() == 0);
  const kit::Json json = ran.json();
  const std::string text = json.at("text").as_string();
  CHECK(text.substr(0, 3) == "abc");
  CHECK(text.size() == 53);  // longer than the context: the window rolls
  CHECK(json.at("val_loss").is_null());
  CHECK(json.at("steps").is_null());
  CHECK(json.at("parameters").as_integer() > 0);
  CHECK(json.at("writing_tokens_per_s").as_number() > 0);
  CHECK(contains(ran.out, text));
  const auto again = [&](const std::string& options) {
    return run_shell(write + " --prompt abc --characters 50 --quiet --json" + options).json().at("text").as_string();
  };
  CHECK(again(" --seed 7") == text);
  CHECK(again(" --seed 8") != text);
  CHECK(again(" --seed 7 --threads 2") == text);
  CHECK(again(" --seed 1 --temperature 0") == again(" --seed 2 --temperature 0"));
  CHECK(again(" --seed 7 --stop c").find('c', 3) == std::string::npos);
}

TEST_CASE("char_gpt: what was learnt helps with another text") {
  const Trained trained;
  const TempDir on, fresh;
  const std::string options = " --steps 10 --text '" + trained.other + "'";
  const Ran after = char_gpt(recipe + options + trained.load(), on), anew = char_gpt(tiny + options, fresh);
  REQUIRE(after.exit_code == 0);
  REQUIRE(anew.exit_code == 0);
  CHECK(after.json().at("steps").as_integer() == 10);
  CHECK(after.json().at("val_loss").as_number() < anew.json().at("val_loss").as_number());
}

TEST_CASE("char_gpt: --freeze leaves embeddings and first blocks as they are, bit by bit") {
  const Trained trained;
  const TempDir out;
  REQUIRE(char_gpt(recipe + " --steps 5 --text '" + trained.other + "' --freeze 1" + trained.load(), out).exit_code ==
          0);
  const auto before = weights(trained.model), after = weights(out / "model.safetensors");
  REQUIRE(before.size() == after.size());
  int kept = 0;
  for (const auto& [name, values] : before) {
    const bool frozen =
        name == "wte.weight" || name == "lm_head.weight" || name == "wpe.weight" || name.find("h.0.") == 0;
    INFO(name);
    CHECK((after.at(name) == values) == frozen);
    kept += frozen;
  }
  CHECK(kept >= 8);
}

TEST_CASE("char_gpt: --lora changes matrices by a product of that rank, and nothing else") {
  const Trained trained;
  const TempDir out;
  const Ran ran = char_gpt(recipe + " --steps 5 --text '" + trained.other + "' --lora 2" + trained.load(), out);
  REQUIRE(ran.exit_code == 0);
  CHECK(contains(ran.out, "parameters to train"));
  const auto before = weights(trained.model), after = weights(out / "model.safetensors");
  REQUIRE(before.size() == after.size());
  for (const auto& [name, values] : before) {
    INFO(name);
    const bool adapted = contains(name, ".attn.") || contains(name, ".mlp.");
    CHECK((after.at(name) == values) == !adapted);
    if (name != "h.0.attn.c_attn.weight") continue;
    double largest = 0, minor = 0;  // three rows of a matrix of rank 2 depend on each other
    const auto &was = values, &now = after.at(name);
    const auto change = [&was, &now](size_t row, size_t column) {
      return now[row * 16 + column] - was[row * 16 + column];
    };
    for (size_t i = 0; i < values.size(); ++i) largest = std::max(largest, std::abs(after.at(name)[i] - values[i]));
    for (size_t r = 0; r + 2 < 48; r += 3)
      minor = std::max(
          minor, std::abs(change(r, 0) * (change(r + 1, 1) * change(r + 2, 2) - change(r + 1, 2) * change(r + 2, 1)) -
                          change(r, 1) * (change(r + 1, 0) * change(r + 2, 2) - change(r + 1, 2) * change(r + 2, 0)) +
                          change(r, 2) * (change(r + 1, 0) * change(r + 2, 1) - change(r + 1, 1) * change(r + 2, 0))));
    CHECK(largest > 0);
    CHECK(minor < 1e-3 * std::pow(largest, 3));
  }
  const TempDir written;
  const Ran writes =
      char_gpt(" --load '" + out / "model.safetensors" + "' --prompt ab --characters 5 --quiet", written);
  CHECK(writes.exit_code == 0);  // an ordinary model again
}

TEST_CASE("char_gpt: byte pairs are learnt, saved with the model and used again") {
  const Trained trained(" --tokens bpe --vocab 270");
  const core::SafeTensors tensors = core::load_safetensors(trained.model);
  CHECK(tensors.shape("wpe.weight") == Shape{8, 16});
  CHECK(contains(tensors.metadata().at("tokeniser"), "\"BPE\""));
  const TempDir out;
  const Ran ran = char_gpt(trained.load() + " --prompt 'any text: \xC3\xA9' --characters 30 --json --quiet", out);
  INFO(ran.err);
  REQUIRE(ran.exit_code == 0);
  CHECK(ran.json().at("text").as_string().find("any text: \xC3\xA9") == 0);
  CHECK(ran.json().at("text").as_string().size() > 30);
}

TEST_CASE("char_gpt: with a loaded model, too, a run that is stopped and resumed is the same run") {
  const Trained trained;
  const Trained pairs(" --tokens bpe --vocab 260");
  const std::string cases[] = {" --lora 2" + trained.load(), " --freeze 1" + trained.load(), trained.load(),
                               pairs.load(),
                               " --layers 2 --heads 2 --width 16 --context 8 --dropout 0.1 --tokens bpe --vocab 260"};
  for (const std::string& options : cases) {
    CAPTURE(options);
    const TempDir whole, parts;
    const std::string all = recipe + " --steps 6 --text '" + trained.other + "'" + options;
    const Ran at_once = char_gpt(all, whole);
    REQUIRE(at_once.exit_code == 0);
    CHECK(contains(at_once.out, "To write with it:\n  "));
    CHECK(contains(at_once.out, "/char_gpt --load=" + whole / "model.safetensors" + " --prompt=ab\n"));
    CHECK(contains(at_once.out, " --steps=12 --resume=" + whole / "checkpoint.safetensors" + "\n"));
    REQUIRE(char_gpt(all + " --stop-at 3", parts).exit_code == 0);
    const std::string load = " --load '" + parts / "model.safetensors" + "'";  // what is trained so far
    CHECK(char_gpt(load + " --prompt ab --characters 3 --quiet", parts).exit_code == 0);
    const Ran resumed = char_gpt(all + " --resume '" + parts / "checkpoint.safetensors" + "'", parts);
    INFO(resumed.err);
    REQUIRE(resumed.exit_code == 0);
    for (const char* file : {"checkpoint.safetensors", "model.safetensors", "metrics.jsonl"}) {
      INFO(file);
      CHECK(core::read_file(parts / file) == core::read_file(whole / file));
    }
  }
  const TempDir out;
  const std::string text = recipe + " --steps 6 --text '" + trained.other + "'";
  REQUIRE(char_gpt(text + " --stop-at 3 --lora 2" + trained.load(), out).exit_code == 0);
  const Ran other =
      char_gpt(text + " --lora 4" + trained.load() + " --resume '" + out / "checkpoint.safetensors" + "'", out);
  CHECK(other.exit_code == 2);
  CHECK(contains(other.err, "was made with --lora 2 (here 4)"));
}

TEST_CASE("char_gpt: mistakes with a loaded model are one line") {
  const Trained trained;
  core::write_file_atomic(trained.data / "no_model", std::string("text"));
  core::write_file_atomic(trained.data / "unknown", std::string(300, 'z'));
  core::save_safetensors(trained.data / "empty.safetensors", {{"w", ones({2}).array()}});
  struct Slip {
    std::string options;
    int code;
    std::string said;
  };
  std::filesystem::copy_file(trained.out / "checkpoint.safetensors", trained.data / "checkpoint.safetensors");
  const std::string text = " --text '" + trained.other + "'";
  const auto spoil = [](const std::string& from, const std::string& to, const std::string& name) {
    const core::SafeTensors file = core::load_safetensors(from);
    std::map<std::string, core::Array> tensors;
    for (const std::string& each : file.names()) tensors.emplace(each, file.at(each));
    tensors.at(name) = full(tensors.at(name).shape(), -HUGE_VAL).array();
    core::save_safetensors(to, tensors, file.metadata());
  };
  const std::string broken = trained.data / "broken.safetensors", broken_run = trained.data / "broken_run.safetensors";
  spoil(trained.model, broken, "h.1.ln_1.weight");
  spoil(trained.out / "checkpoint.safetensors", broken_run, "model.h.1.ln_1.weight");
  const std::string run = recipe + " --layers 2 --heads 2 --width 16 --context 8 --steps 70 --text '" + trained.text;
  const Slip slips[] = {
      {" --load '" + broken + "'", 1,
       "broken.safetensors\": h.1.ln_1.weight (16,): holds NaN or infinity: the file is damaged"},
      {run + "' --resume '" + broken_run + "'", 1,
       "broken_run.safetensors\": model.h.1.ln_1.weight (16,): holds NaN or infinity: the file is damaged"},
      {" --lora 4", 2, "--lora: for a trained model: give it with --load"},
      {" --freeze 1" + text, 2, "--freeze: for a trained model: give it with --load"},
      {" --tokenizer x", 2, "--tokenizer: is for a loaded model: give the model with --load"},
      {" --vocab 300", 2, "--vocab: is for byte pairs, characters are as many as the text has: give --tokens bpe"},
      {trained.load() + " --lora 4 --lr 1 --steps 2", 2,
       "--lora, --lr, --steps: with --load alone nothing is trained: give a text with --text"},
      {trained.load() + text + " --layers 2 --heads 2 --width 16 --context 8 --dropout 0.1", 2,
       "--layers, --heads, --width, --context, --dropout: a loaded model has its own: a new model, without --load, can "
       "have others"},
      {trained.load() + " --tokens bpe --vocab 300", 2, "--tokens, --vocab: a loaded model has its own tokens"},
      {text + " --characters 0 --prompt a", 2, "--prompt: nothing is written with --characters 0: give a larger one"},
      {text + " --characters 0 --top-k 2", 2, "--top-k: nothing is written with --characters 0"},
      {trained.load() + " --temperature 0 --min-p 0.1", 2, "--min-p: --temperature 0 always takes the likeliest token"},
      {text + " --steps 5 --stop-at 6", 2, "--stop-at 6: the run ends at --steps 5: give at most as many"},
      {" --load '" + trained.out / "checkpoint.safetensors" + "'", 2,
       "is the state of a run, for --resume: give its model: \"" + trained.out / "model.safetensors"},
      {" --load '" + trained.data / "checkpoint.safetensors" + "'", 2,
       "is the state of a run, for --resume: resume the run: when it ends or is stopped it writes model.safetensors"},
      {trained.load() + text + " --lora 4 --freeze 1", 2, "--lora, --freeze: give one of them"},
      {trained.load() + text + " --freeze 3", 2, "--freeze 3: the model has 2 blocks: give at most as many"},
      {trained.load() + text + " --lora 17", 2, "--lora 17: no matrix of the model has a rank above 16, its width"},
      {trained.load() + " --text '" + trained.data / "unknown" + "'", 2, "--text: vocabulary: \"z\""},
      {trained.load() + " --prompt xyz", 2, "--prompt: vocabulary: \"x\""},
      {" --lod x", 2, "--lod: unknown option: did you mean --load?"},
      {" --tokens bep", 2, "--tokens: \"bep\": is not a choice: did you mean bpe? give one of characters, bpe"},
      {" --load /no/such/model.safetensors", 1, "/no/such/model.safetensors"},
      {" --load '" + trained.data.path().string() + "'", 2,
       "--load: \"" + trained.data.path().string() + "\": has neither"},
      {" --load '" + trained.data / "no_model" + "'", 1, "no_model"},
      {" --load '" + trained.data / "empty.safetensors" + "'", 1, "no configuration: not a GPT-2"},
      {trained.load() + " --tokenizer /no/tokens.json", 1, "/no/tokens.json"}};
  for (const auto& [options, code, said] : slips) {
    const TempDir out;
    const Ran ran = char_gpt(options + " --quiet", out);
    CAPTURE(options, ran.err);
    CHECK(ran.exit_code == code);
    CHECK(contains(ran.err, said));
    CHECK(ran.out.empty());
    CHECK(ran.err.find("char_gpt: ") == 0);
    CHECK(ran.err.find('\n') == ran.err.size() - 1);
  }
}
