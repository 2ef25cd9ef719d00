// The code in the headers of examples/kit/, as it stands there.
#include "snippets.h"

#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

#include <heed/autograd/ops.h>
#include <heed/core/files/file.h>
#include <heed/examples/kit/cli.h>
#include <heed/examples/kit/data/batches.h>
#include <heed/examples/kit/data/buckets.h>
#include <heed/examples/kit/data/number_table.h>
#include <heed/examples/kit/doctor.h>
#include <heed/examples/kit/interrupt.h>
#include <heed/examples/kit/json.h>
#include <heed/examples/kit/models/gpt_files.h>
#include <heed/examples/kit/models/insides.h>
#include <heed/examples/kit/pictures/attention_page.h>
#include <heed/examples/kit/pictures/film.h>
#include <heed/examples/kit/pictures/model_page.h>
#include <heed/examples/kit/pictures/plot.h>
#include <heed/examples/kit/pictures/statistics.h>
#include <heed/examples/kit/pictures/worksheet.h>
#include <heed/examples/kit/progress.h>
#include <heed/examples/kit/run_folder.h>
#include <heed/examples/kit/runs/compare.h>
#include <heed/examples/kit/runs/run_page.h>
#include <heed/examples/kit/tasks/sequences.h>
#include <heed/examples/kit/tasks/task_generators.h>
#include <heed/examples/kit/tokens/byte_pair.h>
#include <heed/examples/kit/tokens/char_tokeniser.h>
#include <heed/examples/kit/tokens/text_stream.h>
#include <heed/examples/kit/tokens/tokeniser.h>
#include <heed/examples/kit/tokens/word_piece.h>
#include <heed/examples/kit/translation/number_words.h>
#include <heed/examples/kit/translation/translation_task.h>
#include <heed/examples/kit/writing.h>
#include <heed/nn/layers/linear.h>
#include <heed/nn/layers/losses.h>
#include <heed/nn/models/generate.h>
#include <heed/nn/models/gpt.h>
#include <heed/optim/optim.h>

using namespace heed;
using namespace heed::kit;

namespace {

namespace in_cli {

#undef ELLIPSIS
#define ELLIPSIS const double loss = lr;
#define main main_of_page
#include <snippets/examples_kit_cli_h_1.inc>
#undef main
#undef ELLIPSIS
#define ELLIPSIS

}  // namespace in_cli

namespace in_models {

#define main main_of_page
#include <snippets/examples_kit_models_README_md_1.inc>
#undef main

}  // namespace in_models

std::string said_by(const std::function<void()>& body) {
  std::ostringstream out;
  std::streambuf* const before = std::cout.rdbuf(out.rdbuf());
  body();
  std::cout.rdbuf(before);
  return out.str();
}

}  // namespace

TEST_CASE("kit's headers: a command line") {
  std::string words[] = {"char_gpt", "--lr", "0.5", "--json"};
  char* argv[] = {words[0].data(), words[1].data(), words[2].data(), words[3].data()};
  int code = -1;
  const std::string said = said_by([&] { code = in_cli::main_of_page(4, argv); });
  CHECK(code == 0);
  CHECK(said == "{\"val_loss\":0.5}\n");
}

TEST_CASE("kit's headers: batches") {
  const uint64_t seed = 1;
  const Tensor x = randn({100, 2}), y = randn({100, 1});
  int64_t seen = 0;
  const auto step = [&](const Tensor& inputs, const Tensor& targets) {
    CHECK(inputs.size(0) == targets.size(0));
    seen += inputs.size(0);
  };
  {
#include <snippets/examples_kit_data_batches_h_1.inc>
  }
  CHECK(seen == 100);
  const kit::Ids lengths{3, 9, 4, 1};
  {
#undef ELLIPSIS
#define ELLIPSIS seen += static_cast<int64_t>(batch.size());
#include <snippets/examples_kit_data_buckets_h_1.inc>
#undef ELLIPSIS
#define ELLIPSIS
  }
  CHECK(seen == 104);
}

TEST_CASE("kit's headers: progress and interrupts") {
  const int64_t steps = 3;
  const kit::Common common{.quiet = true};
  const double loss = 1.5;
  {
#include <snippets/examples_kit_progress_h_1.inc>
  }
  const auto save = [] {};
#include <snippets/examples_kit_interrupt_h_1.inc>
}

TEST_CASE("kit's headers: JSON") {
  const test::InTempDir here;
  const std::string path = "config.json";
  core::write_file_atomic(path, std::string("{\"n_embd\": 64}"));
  const auto read_file = [](const std::filesystem::path& file) { return core::read_file(file); };
#include <snippets/examples_kit_json_h_1.inc>
  CHECK(width == 64);
}

TEST_CASE("kit's headers: pictures") {
  const test::InTempDir here;
  const std::vector<std::string> french{"le", "chat"}, english{"the", "cat"};
  const std::vector<std::vector<std::vector<float>>> weights{{{0.9f, 0.1f, 0.2f, 0.8f}}};
#include <snippets/examples_kit_pictures_attention_page_h_1.inc>
  const nn::GPT gpt({.vocab = 5, .context = 8, .width = 4, .heads = 1, .layers = 1});
  const kit::CharTokeniser tokeniser(std::string_view("ROMEO:"));
#include <snippets/examples_kit_pictures_model_page_h_1.inc>
  const std::vector<double> steps{1, 2, 3}, losses{3, 2, 1};
#include <snippets/examples_kit_pictures_plot_h_1.inc>
  const kit::Grid a{.name = "a", .rows = 1, .columns = 1, .values = {2}},
      b = a, c{.name = "c", .rows = 1, .columns = 1, .values = {4}};
#include <snippets/examples_kit_pictures_worksheet_h_1.inc>
  const std::vector<double> first{1, 2}, last{2, 3};
  {
#include <snippets/examples_kit_pictures_statistics_h_1.inc>
    CHECK(weights.series.size() == 2);
  }
  const nn::Linear model(2, 2);
  const kit::AttentionSet heads{.queries = {"a"}, .keys = {"b"}, .layers = {{{1.0f}}}};
#include <snippets/examples_kit_models_insides_h_1.inc>
  for (const char* file :
       {"insides.svg", "attention.html", "model.html", "loss.svg", "worksheet.html", "answer_key.html"})
    CHECK(std::filesystem::exists(file));
}

TEST_CASE("kit's headers: a film, the page of a run, and runs compared") {
  const test::InTempDir here;
  const int64_t steps = 3, step = 3;
  const kit::Figure figure;
#include <snippets/examples_kit_pictures_film_h_1.inc>
  CHECK(film.frames.size() == 4);
  CHECK(std::filesystem::exists("film.html"));

  const kit::Common common{.out = "out/a"};
  const kit::Cli cli("demo", "Shows.");
  const std::string metrics = "out/a/metrics.jsonl";
#include <snippets/examples_kit_runs_run_page_h_1.inc>
  CHECK(std::filesystem::exists("out/a/index.html"));

  std::filesystem::create_directories("out/b");
  for (const char* run : {"out/a", "out/b"})
    core::write_file_atomic(std::string(run) + "/metrics.jsonl", "{\"step\":1,\"loss\":2.0}\n");
  const std::string said = said_by([&] {
#include <snippets/examples_kit_runs_compare_h_1.inc>
  });
  CHECK(said.find("loss") != std::string::npos);
  CHECK(std::filesystem::exists("comparison.html"));
}

TEST_CASE("kit's headers: the folder of a run says what was made") {
  const test::InTempDir here;
  const kit::Common common{.out = "out/char_gpt"};
  const std::string said = said_by([&] {
#undef ELLIPSIS
#define ELLIPSIS                                 \
  {                                              \
    .panels = { kit::loss_plot({1, 2}, {2, 1}) } \
  }
#include <snippets/examples_kit_run_folder_h_1.inc>
#undef ELLIPSIS
#define ELLIPSIS
  });
  INFO(said);
  CHECK(said.find("made  out/char_gpt/loss.svg  loss curve") != std::string::npos);
}

TEST_CASE("kit's headers: an examination instead of training") {
  const test::InTempDir here;
  nn::Linear model(4, 3);
  optim::AdamW adamw(model.parameters(), {.lr = 1e-2});
  const std::vector<nn::Batch> batches{{randn({8, 4}), randint(0, 3, {8})}};
  const auto loss = [&](const nn::Batch& b) { return nn::cross_entropy(model(b.inputs), b.targets); };
  bool doctor = true;
  kit::RunFolder folder("out");
  const auto ends_with = [&]() -> int {
    kit::Cli cli("program", "Trains.");
#include <snippets/examples_kit_doctor_h_1.inc>
    return 2;
  };
  const std::string said = said_by([&] { CHECK(ends_with() == 0); });
  CHECK(said.find("examined: 1 batch, loss ") == 0);
  CHECK(std::filesystem::exists("out/rates.svg"));

  adamw.set_lr(1e3);
  CHECK(said_by([&] { CHECK(ends_with() == 1); }).find("fault: learning rate too high") != std::string::npos);
}

TEST_CASE("kit's headers: data of the tasks and of translation") {
  int64_t learnt = 0;
  const auto learn = [&](const kit::SequenceBatch& batch) { learnt += batch.input.size(0); };
  const int64_t steps = 2;
  {
#include <snippets/examples_kit_tasks_sequences_h_1.inc>
  }
  CHECK(learnt == 128);
  const uint64_t seed = 1;
  const int64_t step = 0;
  {
#include <snippets/examples_kit_translation_translation_task_h_1.inc>
    CHECK(batch.input.size(0) == 64);
  }
#include <snippets/examples_kit_translation_number_words_h_1.inc>
}

TEST_CASE("kit's headers: tokens") {
  const test::InTempDir here;
  std::filesystem::create_directory("gpt2");
  core::write_file_atomic("gpt2/tokenizer.json", kit::BytePairTokeniser::train("Hello world!", 256).to_text());
  const std::string decoded = said_by([] {
#include <snippets/examples_kit_tokens_tokeniser_h_1.inc>
  });
  CHECK(decoded == "Hello world!");
  const std::string text = "one two one two";
  {
#include <snippets/examples_kit_tokens_byte_pair_h_1.inc>
    CHECK(learnt.encode("one two").size() == 2);
    CHECK(gpt2->size() == 256);
  }
  const auto tokeniser = kit::CharTokeniser(std::string_view("ab\n"));
  const std::string streamed = said_by([&] {
    size_t at = 0;
    const auto next_token = [&] { return tokeniser.encode("a\nb\n\nba")[at++]; };
#include <snippets/examples_kit_tokens_text_stream_h_1.inc>
  });
  CHECK(streamed == "a\nb");
  core::write_file_atomic("vocab.txt", std::string("[UNK]\n[CLS]\n[SEP]\nattention\n.\n"));
  const auto read_file = [](const std::string& file) { return core::read_file(file); };
#include <snippets/examples_kit_tokens_word_piece_h_1.inc>
  CHECK(ids == kit::Ids{1, 3, 0, 0, 0, 0, 4, 2});
}

TEST_CASE("kit's headers: columns of a table") {
  const test::InTempDir here;
  core::write_file_atomic(
      "iris.csv", std::string("sepal_length,sepal_width,species\n5.1,3.5,setosa\n6.3,3.3,virginica\n4.9,3.0,setosa\n"));
#include <snippets/examples_kit_data_number_table_h_1.inc>
  CHECK(x.shape() == Shape{3, 2});
  CHECK(x[1].to_vector() == std::vector<double>{6.3f, 3.3f});
  CHECK(y.to_vector() == std::vector<double>{0, 1, 0});
}

TEST_CASE("kit's pages: a trained model in a program of one's own") {
  const test::InTempDir here;
  const kit::CharTokeniser tokeniser("Tensor of rows\n");
  nn::GPT model({.vocab = tokeniser.size(), .context = 16, .width = 8, .heads = 1, .layers = 1});
  kit::save_gpt("model.safetensors", model, tokeniser);
  manual_seed(1);
  const std::string said = said_by([] { in_models::main_of_page(); });
  CHECK(said.size() == 2 * 201);  // two texts of 200 letters, and the ends of their lines
}

TEST_CASE("kit's headers: writing") {
  std::string said;
  Written written;
  said = said_by([&] {
    Cli cli("writer", "Writes.");
    const auto tokeniser = std::make_unique<CharTokeniser>("Once upon a time");
    nn::GPT model({.vocab = tokeniser->size(), .context = 8, .width = 8, .heads = 1, .layers = 1});
#undef ELLIPSIS
#define ELLIPSIS model.eval();
#include <snippets/examples_kit_writing_h_1.inc>
#undef ELLIPSIS
#define ELLIPSIS
    written = text;
  });
  CHECK(written.tokens.size() == 204);
  CHECK(said == written.text);
  CHECK(said.find("Once") == 0);
}
