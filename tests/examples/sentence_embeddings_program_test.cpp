// The program sentence_embeddings: a small BERT of random weights compares, searches and saves; mistakes.
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <heed/autograd/ops.h>
#include <heed/core/files/file.h>
#include <heed/core/files/npy.h>
#include <heed/examples/kit/tokens/word_piece.h>
#include <heed/nn/checkpoint.h>
#include <heed/nn/models/config.h>

#include "support/catch.h"
#include "support/errors.h"
#include "support/run_program.h"

using namespace heed;
using heed::test::contains;
using heed::test::Ran;
using heed::test::run_program;
using heed::test::TempDir;

namespace {

const char* const vocab = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nthe\ncat\nsat\ndog\nran\nexam\nis\non\nmonday\n.\n##s\n";

nn::Bert small_bert() {
  manual_seed(6);
  nn::Bert bert({.vocab = 15, .positions = 16, .width = 16, .heads = 2, .layers = 2, .hidden = 24});
  const NoGrad off;
  for (nn::NamedTensor& entry : bert.named_parameters()) entry.tensor.copy_(randn(entry.tensor.shape()) * 0.3);
  bert.eval();
  return bert;
}

// In heed's names: bert_names() leaves them as they are.
void write_folder(const TempDir& dir, const nn::Bert& bert) {
  nn::save(dir / "model.safetensors", bert.state_dict());
  core::write_file_atomic(dir / "config.json", nn::to_config(bert.options));
  core::write_file_atomic(dir / "vocab.txt", std::string(vocab));
}

Tensor embedding_of(const nn::Bert& bert, const std::string& sentence) {
  const NoGrad off;
  const auto tokens = kit::WordPieceTokeniser::from_vocab(vocab, "vocab.txt");
  const kit::Ids ids = tokens.encode_sentence(sentence, 16);
  const auto n = static_cast<int64_t>(ids.size());
  const Tensor all = ones({1, n}, Dtype::boolean);
  return nn::sentence_embedding(bert(tensor_i64(ids, {1, n})), all)[0];
}

Ran run(const TempDir& model, const std::string& options) {
  return run_program("sentence_embeddings --model '" + model.path().string() + "' --json --quiet" + options);
}

}  // namespace

TEST_CASE("sentence_embeddings: similarities, a search, and vectors are the model's") {
  const TempDir dir;
  const nn::Bert bert = small_bert();
  write_folder(dir, bert);
  const std::string first = "The cat sat.", second = "the dogs ran on Monday";
  const double expected = sum(embedding_of(bert, first) * embedding_of(bert, second)).item();
  Ran ran = run(dir, " --first '" + first + "' --second '" + second + "'");
  INFO(ran.err);
  REQUIRE(ran.exit_code == 0);
  CHECK(ran.json().at("similarity").as_number() == Approx(expected).margin(1e-5));
  CHECK(ran.json().at("width").as_integer() == 16);
  CHECK(ran.json().at("matches").as_list().empty());
  CHECK(run(dir, " --first cat --second cat").json().at("similarity").as_number() == Approx(1.0));

  const std::vector<std::string> lines = {
      "the cat sat", "exam is on monday",
      "dogs ran",    "the the the the the the the the the the the the the the the the the the",
      "unheard of",  "cat"};
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  core::write_file_atomic(dir / "notes.txt", text);
  const std::string file = " --file '" + dir / "notes.txt" + "'";
  for (const char* batch : {" --batch 1", " --batch 4", " --batch 100 --threads 2"}) {
    INFO(batch);
    ran = run(dir, file + batch + " --query 'exam monday' --top 3 --embeddings '" + dir / "vectors.npy" + "'");
    INFO(ran.err);
    REQUIRE(ran.exit_code == 0);
    const Tensor vectors(core::load_npy(dir / "vectors.npy"));
    REQUIRE(vectors.shape() == Shape{6, 16});
    std::vector<std::pair<double, int64_t>> best;
    const Tensor query = embedding_of(bert, "exam monday");
    for (size_t i = 0; i < lines.size(); ++i) {
      const Tensor one = embedding_of(bert, lines[i]);
      CHECK(amax(abs(vectors[static_cast<int64_t>(i)] - one)).item() < 1e-5);
      best.emplace_back(-sum(one * query).item(), static_cast<int64_t>(i) + 1);
    }
    std::sort(best.begin(), best.end());
    const kit::Json json = ran.json();
    const kit::Json::List& matches = json.at("matches").as_list();
    REQUIRE(matches.size() == 3);
    for (size_t i = 0; i < 3; ++i) {
      CHECK(matches[i].at("line").as_integer() == best[i].second);
      CHECK(matches[i].at("similarity").as_number() == Approx(-best[i].first).margin(1e-5));
      CHECK(matches[i].at("text").as_string() == lines[static_cast<size_t>(best[i].second - 1)]);
      CHECK(contains(ran.out, "  line " + std::to_string(best[i].second) + ": " + matches[i].at("text").as_string()));
    }
    CHECK(json.at("sentences").as_integer() == 6);
  }
}

TEST_CASE("sentence_embeddings: mistakes are one line") {
  const TempDir dir, bare, wrong;
  const nn::Bert bert = small_bert();
  write_folder(dir, bert);
  write_folder(bare, bert);
  std::filesystem::remove(bare / "config.json");
  write_folder(wrong, bert);
  core::write_file_atomic(dir / "blank", std::string("\n \n"));
  core::write_file_atomic(wrong / "vocab.txt", std::string(vocab) + "more\n");
  const auto model = [](const TempDir& folder) { return " --model '" + folder.path().string() + "'"; };
  const std::string two = " --first cat --second dog";
  struct Slip {
    std::string options;
    int code;
    const char* said;
  };
  const Slip slips[] = {
      {two, 2, "--model: is missing"},
      {model(dir) + " --first cat", 2, "--first and --second: give both, or none"},
      {model(dir), 2, "nothing to read: give --first and --second, or --file"},
      {model(dir) + " --file x", 2, "--file: is for --query or --embeddings: give one of them as well"},
      {model(dir) + two + " --query x --embeddings y", 2, "--query, --embeddings: for the lines of a file: give it"},
      {model(dir) + two + " --top 3", 2, "--top: for a search: say with --query what is searched for"},
      {model(dir) + " --first '' --second ''", 2, "--first: \"\": has no words: give a sentence"},
      {model(dir) + " --file x --query ' '", 2, "--query: \" \": has no words: give a sentence"},
      {model(dir) + " --query x --file '" + dir / "blank" + "'", 2, "blank\": has no sentence: give a file with one"},
      {model(dir) + two + " --steps 3", 2, "--steps: unknown option: "},
      {model(dir) + " --file /no/such --query x", 1, "/no/such"},
      {model(dir) + two + " --frist x", 2, "did you mean --first?"},
      {model(dir) + two + " --max-length 2", 2, "--max-length"},
      {model(bare) + two, 2, "has no configuration"},
      {model(wrong) + two, 2, "vocab.txt\": has 16 tokens, the model has 15: they do not belong together"}};
  for (const auto& [options, code, said] : slips) {
    const Ran ran = run_program("sentence_embeddings" + options);
    CAPTURE(options, ran.err);
    CHECK(ran.exit_code == code);
    CHECK(ran.out.empty());
    CHECK(contains(ran.err, said));
    CHECK(ran.err.find("sentence_embeddings: ") == 0);
    CHECK(ran.err.find('\n') == ran.err.size() - 1);
  }
}
