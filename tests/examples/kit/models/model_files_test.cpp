// Published models as folders or files: where weights, configuration and tokens are found, and what is refused.
#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include <heed/autograd/ops.h>
#include <heed/core/files/file.h>
#include <heed/core/files/npy.h>
#include <heed/core/files/npz.h>
#include <heed/core/files/safetensors.h>
#include <heed/core/memory/storage.h>
#include <heed/examples/kit/cli.h>
#include <heed/examples/kit/models/gpt_files.h>
#include <heed/examples/kit/models/llama2c.h>
#include <heed/examples/kit/models/model_files.h>
#include <heed/examples/kit/models/model_size.h>
#include <heed/examples/kit/tokens/char_tokeniser.h>
#include <heed/nn/lora.h>

#include "support/catch.h"
#include "support/errors.h"
#include "support/temp_dir.h"

using namespace heed;
using heed::test::contains;
using heed::test::message_of;
using heed::test::TempDir;

namespace {

core::SafeTensors weights_in(const std::string& file, core::Metadata metadata = {}) {
  core::save_safetensors(file, {{"w", ones({3}).array()}}, std::move(metadata));
  return core::open_safetensors(file);
}

}  // namespace

TEST_CASE("model files: a folder, a folder with an index, or a file") {
  const TempDir dir;
  CHECK(contains(message_of<kit::UsageError>([&] { kit::ModelFiles files(dir.path()); }),
                 "has neither model.safetensors nor model.safetensors.index.json: give a folder with one of them"));
  core::write_file_atomic(dir / "model.safetensors.index.json", std::string("{}"));
  CHECK(kit::ModelFiles(dir.path()).weights == dir / "model.safetensors.index.json");
  core::write_file_atomic(dir / "model.safetensors", std::string(""));
  CHECK(kit::ModelFiles(dir.path()).weights == dir / "model.safetensors");
  const kit::ModelFiles file(dir / "other.safetensors");
  CHECK(file.weights == dir / "other.safetensors");
  CHECK(file.folder == dir.path());
}

TEST_CASE("model files: the configuration is in the weights' file, or beside it") {
  const TempDir dir;
  const kit::ModelFiles files(dir / "m.safetensors");
  const core::SafeTensors bare = weights_in(dir / "m.safetensors");
  CHECK(files.config(bare).empty());
  core::write_file_atomic(dir / "config.json", std::string("{\"beside\":1}"));
  CHECK(files.config(bare) == "{\"beside\":1}");
  CHECK(files.config_source(bare) == dir / "config.json");
  const core::SafeTensors own = weights_in(dir / "m.safetensors", {{"config", "{\"inside\":1}"}});
  CHECK(files.config(own) == "{\"inside\":1}");
  CHECK(files.config_source(own) == dir / "m.safetensors: config");
}

TEST_CASE("model files: tokens are those given, those inside, or those beside the weights") {
  const TempDir dir;
  const kit::ModelFiles files(dir / "m.safetensors");
  const core::SafeTensors bare = weights_in(dir / "m.safetensors");
  CHECK(message_of([&] { files.tokeniser(bare, {}); }) != "no error");
  core::write_file_atomic(dir / "tokenizer.json", kit::CharTokeniser(std::string_view("abc")).to_text());
  CHECK(files.tokeniser(bare, {})->size() == 3);
  const core::SafeTensors own =
      weights_in(dir / "m.safetensors", {{"tokeniser", kit::CharTokeniser(std::string_view("abcd")).to_text()}});
  CHECK(files.tokeniser(own, {})->size() == 4);
  core::write_file_atomic(dir / "given.json", kit::CharTokeniser(std::string_view("abcde")).to_text());
  CHECK(files.tokeniser(own, dir / "given.json")->size() == 5);
  const core::SafeTensors broken = weights_in(dir / "m.safetensors", {{"tokeniser", "{"}});
  CHECK(contains(message_of<FormatError>([&] { files.tokeniser(broken, {}); }), "m.safetensors: tokeniser"));
}

TEST_CASE("model files: tokens that a model does not know are refused, fewer are not") {
  const kit::CharTokeniser tokens(std::string_view("abc"));
  kit::check_tokens_fit(tokens, 3, "t.json");
  kit::check_tokens_fit(tokens, 4, "t.json");
  CHECK(message_of<kit::UsageError>([&] { kit::check_tokens_fit(tokens, 2, "t.json"); }) ==
        "--tokenizer: \"t.json\": has 3 tokens, the model has 2: they do not belong together: give the file of the "
        "model's tokens");
}

TEST_CASE("model files: sizes that the weights do not have are refused before a model is made") {
  const TempDir dir;
  const core::SafeTensors tensors = weights_in(dir / "m.safetensors");
  CHECK(kit::elements_of(tensors) == 3);
  core::reset_peak_memory();
  const int64_t before = core::memory_stats().in_use;
  const int64_t most = int64_t{1} << 31;
  const auto gpt = [&](const nn::GPTOptions& o) {
    return message_of<FormatError>([&] { kit::check_size(o, 1000, "c"); });
  };
  const auto llama = [&](const nn::LlamaOptions& o) {
    return message_of<FormatError>([&] { kit::check_size(o, 1000, "c"); });
  };
  const auto bert = [&](const nn::BertOptions& o) {
    return message_of<FormatError>([&] { kit::check_size(o, 1000, "c"); });
  };
  const nn::GPTOptions g{.vocab = 4, .context = 4, .width = 4, .heads = 1, .layers = 1};
  CHECK(gpt(g) == "no error");
  CHECK(gpt({.vocab = most, .context = 4, .width = 4, .heads = 1, .layers = 1}) ==
        "c: describes a model with at least 8589934800 weights, its file has 1000: they do not belong together");
  CHECK(contains(gpt({.vocab = 4, .context = most, .width = 4, .heads = 1, .layers = 1}), "do not belong together"));
  CHECK(contains(gpt({.vocab = 4, .context = 4, .width = most, .heads = 1, .layers = 1}), "do not belong together"));
  CHECK(contains(gpt({.vocab = 4, .context = 4, .width = 4, .heads = 1, .layers = most}), "do not belong together"));
  nn::LlamaOptions l{.vocab = 4, .context = 4, .width = 4, .hidden = 4, .layers = 1, .heads = 1};
  CHECK(llama(l) == "no error");
  for (int64_t nn::LlamaOptions::* size :
       {&nn::LlamaOptions::vocab, &nn::LlamaOptions::width, &nn::LlamaOptions::hidden, &nn::LlamaOptions::layers,
        &nn::LlamaOptions::heads}) {
    nn::LlamaOptions huge = l;
    huge.*size = most;
    CHECK(contains(llama(huge), "do not belong together"));
  }
  l.context = most;
  CHECK(llama(l) == "c: a context of 2147483648 for heads of width 4 and 1000 weights: no model has these");
  const nn::BertOptions b{.vocab = 4, .positions = 4, .width = 4, .heads = 1, .layers = 1, .hidden = 4};
  CHECK(bert(b) == "no error");
  for (int64_t nn::BertOptions::* size :
       {&nn::BertOptions::vocab, &nn::BertOptions::positions, &nn::BertOptions::types, &nn::BertOptions::width,
        &nn::BertOptions::hidden, &nn::BertOptions::layers}) {
    nn::BertOptions huge = b;
    huge.*size = most;
    CHECK(contains(bert(huge), "do not belong together"));
  }
  CHECK(core::memory_stats().peak == before);
}

TEST_CASE("model files: a file of eight terabytes is judged by its first bytes, or by its size, in every format") {
  const TempDir dir;
  const auto refusal = [&](const std::string& name, const std::string& begin,
                           const std::function<void(const std::string&)>& read) {
    const std::string path = (dir.path() / name).string();
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    core::write_file_atomic(path, begin);
    std::error_code error;
    std::filesystem::resize_file(path, uintmax_t{1} << 43, error);  // sparse: it takes no room
    if (error) return std::string("the file system has smaller ones");
    const std::string message = message_of<Error>([&] { read(path); });
    std::filesystem::remove(path);
    INFO(name << ": " << message);
    CHECK(message != "no error");
    CHECK_FALSE(contains(message, "not enough memory"));  // then it would have been read
    return message;
  };
  const auto tokens = [](const std::string& path) { kit::load_tokeniser(path); };
  const auto npz = [](const std::string& path) { core::load_npz(path); };
  refusal("x.npy", core::to_npy(zeros({2, 2}).array()), [](const std::string& path) { core::load_npy(path); });
  refusal("x.npz", "", npz);
  refusal("y.npz", core::to_npz({{"a", zeros({2}).array()}}), npz);
  refusal("x.safetensors", "", [](const std::string& path) { core::load_safetensors(path); });
  refusal("y.safetensors", core::to_safetensors({{"a", zeros({2}).array()}}),
          [](const std::string& path) { core::load_safetensors(path); });
  refusal("model.safetensors.index.json", "{", [](const std::string& path) { core::open_safetensors(path); });
  refusal("tokenizer.json", "{", tokens);
  refusal("tokenizer.bin", std::string("\4\0\0\0", 4), tokens);
  refusal("vocab.txt", "[UNK]\n", tokens);
  core::write_file_atomic(dir / "vocab.json", std::string("{}"));
  refusal("merges.txt", "#version: 0.2\n", tokens);
  core::write_file_atomic(dir / "merges.txt", std::string("#version: 0.2\n"));
  refusal("vocab.json", "{", tokens);
  const core::SafeTensors weights = weights_in(dir / "model.safetensors");
  refusal("config.json", "{", [&](const std::string&) { kit::ModelFiles(dir.path()).config(weights); });
  refusal("stories.bin", std::string("\100\0\0\0\254\0\0\0\5\0\0\0\10\0\0\0\4\0\0\0\0\2\0\0\0\2\0\0", 28),
          [](const std::string& path) { kit::load_llama2c(path); });
}

TEST_CASE("model files: real models pass the comparison of sizes") {
  const nn::GPT gpt({.vocab = 7, .context = 5, .width = 8, .heads = 2, .layers = 2, .bias = true});
  kit::check_size(gpt.options, static_cast<double>(gpt.num_parameters()), "gpt");
  for (const bool tied : {true, false}) {
    const nn::Llama llama(
        {.vocab = 7, .context = 5, .width = 8, .hidden = 6, .layers = 2, .heads = 4, .kv_heads = 2, .tied = tied});
    kit::check_size(llama.options, static_cast<double>(llama.num_parameters()), "llama");
  }
  const nn::Bert bert({.vocab = 7, .positions = 5, .width = 8, .heads = 2, .layers = 2, .hidden = 12});
  kit::check_size(bert.options, static_cast<double>(bert.num_parameters()), "bert");
}

TEST_CASE("model files: a GPT with adapters is not saved as one without") {
  const TempDir dir;
  nn::GPT model({.vocab = 3, .context = 4, .width = 8, .heads = 2, .layers = 1});
  nn::add_low_rank(model, {.rank = 2});
  const auto save = [&] { kit::save_gpt(dir / "model.safetensors", model, kit::CharTokeniser("abc")); };
  CHECK(contains(message_of<Error>(save), "lora_A: a file of a GPT has no low-rank adapters: merge them with"));
  nn::merge_low_rank(model);
  save();
  CHECK(kit::load_gpt(dir / "model.safetensors").model.options.width == 8);
}
