// The program gpt2: folders of Hugging Face's layout and files of char_gpt, whole texts, and mistakes.
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <heed/autograd/ops.h>
#include <heed/core/files/file.h>
#include <heed/core/files/npy.h>
#include <heed/core/files/safetensors.h>
#include <heed/examples/kit/models/gpt_files.h>
#include <heed/examples/kit/tokens/byte_pair.h>
#include <heed/nn/models/config.h>
#include <heed/nn/models/generate.h>

#include "support/catch.h"
#include "support/errors.h"
#include "support/run_program.h"

using namespace heed;
using heed::test::contains;
using heed::test::Ran;
using heed::test::run_program;
using heed::test::TempDir;

namespace {

nn::GPT small_gpt() {
  manual_seed(5);
  nn::GPT gpt({.vocab = 258, .context = 12, .width = 16, .heads = 2, .layers = 2, .bias = true, .gelu_tanh = true});
  gpt.eval();
  return gpt;
}

const kit::BytePairTokeniser& tokens() {
  static const auto one = kit::BytePairTokeniser::train("the theme of the thesis", 258);
  return one;
}

// As the hub has GPT-2: with a prefix, matrices of the blocks as (in, out), tokens as vocab.json and merges.txt.
void write_folder(const TempDir& dir, const nn::GPT& gpt) {
  std::map<std::string, core::Array> tensors;
  for (const nn::NamedTensor& entry : gpt.state_dict()) {
    if (entry.name == "lm_head.weight") continue;
    const bool turned = entry.name.find("h.") == 0 && entry.tensor.dim() == 2;
    tensors.emplace("transformer." + entry.name,
                    (turned ? entry.tensor.transpose(0, 1).contiguous() : entry.tensor).array());
  }
  core::save_safetensors(dir / "model.safetensors", tensors);
  core::write_file_atomic(dir / "config.json", nn::to_config(gpt.options));
  const kit::Json json = kit::parse_json(tokens().to_text());
  core::write_file_atomic(dir / "vocab.json", kit::to_json(json.at("model").at("vocab")));
  std::string merges = "#version: 0.2\n";
  for (const auto& [left, right] : tokens().merges()) merges += left + " " + right + "\n";
  core::write_file_atomic(dir / "merges.txt", merges);
}

Ran gpt2(const std::string& options) {
  return run_program("gpt2 --json --quiet --prompt 'the the' --steps 20" + options);
}

}  // namespace

TEST_CASE("gpt2: a folder of the hub's, or a file of char_gpt's, writes what the model writes") {
  const TempDir dir, own;
  const nn::GPT gpt = small_gpt();
  write_folder(dir, gpt);
  kit::save_gpt(own / "model.safetensors", gpt, tokens());
  const std::vector<int64_t> prompt = tokens().encode("the the");
  const nn::Generated expected = nn::generate(gpt, {prompt}, {.max_tokens = 20, .sampling = {.temperature = 0.0}})[0];
  kit::Ids all = prompt;
  all.insert(all.end(), expected.tokens.begin(), expected.tokens.end());
  const NoGrad off;
  const Tensor logits = gpt(tensor_i64(prompt, {1, static_cast<int64_t>(prompt.size())}))[0];
  for (const std::string& model : {dir.path().string(), own / "model.safetensors"}) {
    INFO(model);
    const Ran ran = gpt2(" --temperature 0 --model '" + model + "' --logits '" + own / "logits.npy" + "'");
    INFO(ran.err);
    REQUIRE(ran.exit_code == 0);
    kit::Ids written;
    const kit::Json json = ran.json();
    for (const kit::Json& id : json.at("tokens").as_list()) written.push_back(id.as_integer());
    CHECK(written == all);
    CHECK(ran.json().at("text").as_string().find("the the") == 0);
    CHECK(ran.json().at("parameters").as_integer() == gpt.num_parameters());
    CHECK(core::to_vector(core::load_npy(own / "logits.npy")) == logits.to_vector());
  }
  const std::string model = " --model '" + dir.path().string() + "'";
  CHECK(gpt2(model + " --seed 1").json().at("tokens") == gpt2(model + " --seed 1 --threads 2").json().at("tokens"));
  CHECK(gpt2(model + " --seed 1").json().at("tokens") != gpt2(model + " --seed 2").json().at("tokens"));
  const Ran shown = run_program("gpt2 --prompt 'the the' --steps 3" + model);
  CHECK(contains(shown.err, " tokens/s, "));
  CHECK(contains(shown.err, " parameters; tokens of " + dir / "merges.txt"));
  CHECK(contains(shown.out, "the the"));
}

TEST_CASE("gpt2: mistakes are one line") {
  const TempDir dir, own, bare;
  write_folder(dir, small_gpt());
  write_folder(bare, small_gpt());
  std::filesystem::remove(bare / "merges.txt");
  core::save_safetensors(own / "checkpoint.safetensors", {{"optimizer.1.m", ones({2}).array()}});
  kit::save_gpt(own / "model.safetensors", small_gpt(), tokens());
  const std::string model = " --model '" + dir.path().string() + "'";
  const TempDir broken;
  nn::GPT diverged = small_gpt();
  diverged.h[1].ln_1.weight.detach()[3].fill_(std::nan(""));
  write_folder(broken, diverged);
  core::write_file_atomic(dir / "more.json", kit::BytePairTokeniser::train("the theme of the thesis", 259).to_text());
  core::write_file_atomic(dir / "pickle", std::string("\x80\x02}q\x00.", 6));
  struct Slip {
    std::string options;
    int code;
    const char* said;
  };
  const Slip slips[] = {{"", 2, "--model: is missing: give the weights of a trained model"},
                        {model + " --promt x", 2, "did you mean --prompt?"},
                        {model + " --top-p 2", 2, "--top-p"},
                        {model + " --prompt ''", 2, "--prompt: is empty"},
                        {model + " --tokenizer '" + dir / "more.json" + "'", 2,
                         "more.json\": has 259 tokens, the model has 258: they do not belong together"},
                        {model + " --steps 0 --top-k 3 --stop a", 2,
                         "--stop, --top-k: nothing is written with --steps 0: give a larger one"},
                        {model + " --temperature 0 --top-k 3", 2,
                         "--top-k: --temperature 0 always takes the likeliest token: give a temperature above 0"},
                        {model + " --prompt 'the thesis of the theme' --logits l.npy", 2,
                         "tokens, the model's context is 12: give a shorter --prompt"},
                        {" --model '" + own / "checkpoint.safetensors" + "'", 2,
                         "checkpoint.safetensors\": is the state of a run, for --resume: give its model: \""},
                        {" --model '" + bare.path().string() + "'", 2,
                         "there is none of tokenizer.json, vocab.bpe, merges.txt, gpt2-vocab.bpe, tokenizer.bin, "
                         "vocab.txt: give the file of the model's tokens"},
                        {" --model '" + broken.path().string() + "'", 1,
                         "model.safetensors\": transformer.h.1.ln_1.weight (16,): holds NaN or infinity: the file is "
                         "damaged"},
                        {" --model '" + dir / "pickle" + "'", 1, "pickle"},
                        {" --model /no/such", 1, "/no/such"},
                        {model + " --logits /dev/null/x.npy", 1, "/dev/null/x.npy"}};
  for (const auto& [options, code, said] : slips) {
    const Ran ran = run_program("gpt2 --steps 1" + options);
    CAPTURE(options, ran.err);
    CHECK(ran.exit_code == code);
    CHECK(ran.out.empty());
    CHECK(contains(ran.err, said));
    CHECK(ran.err.find("gpt2: ") == 0);
    CHECK(ran.err.find('\n') == ran.err.size() - 1);
  }

  // Where a file has more layers than its configuration, no rows of a table are advised: a program's users have none.
  nn::GPTOptions fewer = small_gpt().options;
  fewer.layers = 1;
  core::write_file_atomic(dir / "config.json", nn::to_config(fewer));
  const Ran ran = run_program("gpt2 --steps 1" + model);
  CHECK(ran.exit_code == 1);
  CHECK(contains(ran.err, "transformer.h.1.ln_1.weight in the file): the model has no such tensor"));
  CHECK_FALSE(contains(ran.err, "table"));
}
