// nn/from_pytorch.md: every line on its right compiles, and gives what PyTorch has given for the line on its left.
#include "snippets.h"

#include <cctype>
#include <cmath>
#include <iostream>
#include <map>
#include <string>
#include <type_traits>
#include <vector>

#include <heed/autograd/anomaly.h>
#include <heed/autograd/gradcheck.h>
#include <heed/autograd/graph_svg.h>
#include <heed/autograd/profiler.h>
#include <heed/core/files/file.h>
#include <heed/core/files/npy.h>
#include <heed/core/files/npz.h>
#include <heed/core/files/safetensors.h>
#include <heed/core/parallel.h>
#include <heed/examples/kit/data/batches.h>
#include <heed/examples/kit/data/number_table.h>
#include <heed/examples/kit/models/gpt_files.h>
#include <heed/examples/kit/tokens/byte_pair.h>
#include <heed/examples/kit/tokens/tokeniser.h>
#include <heed/nn/nn.h>
#include <heed/nn/resume.h>
#include <heed/optim/optim.h>
#include <heed/optim/plateau.h>
#include "support/pages.h"

using namespace heed;

namespace {

int rows = 0, compared = 0;

// Runs of white space are one space: a cell of a table is one line.
std::string on_one_line(const std::string& text) {
  std::string line;
  for (const char c : text)
    if (std::isspace(static_cast<unsigned char>(c)) == 0) line += c;
    else if (line.empty() || line.back() != ' ') line += ' ';
  return line;
}

template <class F> void row(int line, const std::string& gives, const F& f) {
  INFO("nn/from_pytorch.md:" << line);
  ++rows;
  if constexpr (std::is_void_v<decltype(f())>) {
    CHECK(gives.empty());  // it says what a statement gives
    f();
  } else {
    const std::string text = on_one_line(test::printed(f()));
    CHECK_FALSE(gives.empty());  // else it ends in ;
    CHECK(text == gives);
    ++compared;
  }
}

// The line of the page where a section begins.
int begin_of(const std::string& heading) {
  const auto lines = test::lines_of(test::fs::path(HEED_TESTS_DIR).parent_path() / "nn/from_pytorch.md");
  for (size_t i = 0; i < lines.size(); ++i)
    if (lines[i] == "## " + heading) return static_cast<int>(i) + 1;
  return 0;
}

}  // namespace

#define TENSORS                                                                                  \
  [[maybe_unused]] Tensor x = tensor({1, 2, 3, 4, 5, 6}, {2, 3}), y = x * 10.0;                  \
  [[maybe_unused]] const Tensor v = tensor({1, 2, 3}), ids = tensor_i64({2, 0}), mask = x > 2.0; \
  [[maybe_unused]] const Tensor a = ones({2, 3, 4}), b = ones({2, 4, 5});                        \
  [[maybe_unused]] const bool training = true;                                                   \
  [[maybe_unused]] Generator generator(1);

TEST_CASE("from PyTorch: each line compiles, and gives what PyTorch gives") {
#define ROW_CONTEXT TENSORS
#include <snippets/nn_from_pytorch_md_table_1.inc>
#include <snippets/nn_from_pytorch_md_table_2.inc>
#include <snippets/nn_from_pytorch_md_table_3.inc>
#include <snippets/nn_from_pytorch_md_table_4.inc>
#include <snippets/nn_from_pytorch_md_table_5.inc>
#include <snippets/nn_from_pytorch_md_table_6.inc>
#include <snippets/nn_from_pytorch_md_table_7.inc>
#include <snippets/nn_from_pytorch_md_table_9.inc>
#undef ROW_CONTEXT
  CHECK(rows > 120);
  CHECK(compared > 100);
}

TEST_CASE("from PyTorch: gradients") {
#define ROW_CONTEXT                                         \
  TENSORS [[maybe_unused]] Tensor w = parameter(ones({3})); \
  [[maybe_unused]] const Tensor loss = sum(square(w * v));  \
  [[maybe_unused]] const nn::Linear linear(3, 3);
#include <snippets/nn_from_pytorch_md_table_8.inc>
#undef ROW_CONTEXT
  CHECK(begin_of("Gradients") > 0);
}

TEST_CASE("from PyTorch: layers, attention, optimizers, files") {
  const test::InTempDir here;
#define ROW_CONTEXT nn::Linear m(3, 2);
#include <snippets/nn_from_pytorch_md_table_10.inc>
#undef ROW_CONTEXT
#define ROW_CONTEXT                                                                                 \
  [[maybe_unused]] const Tensor q = randn({2, 5, 8}), k = randn({2, 5, 8}), e = randn({2, 5, 8});   \
  [[maybe_unused]] const Tensor pad = nn::padding_mask({5, 3}, 5), forbidden = !nn::causal_mask(5); \
  [[maybe_unused]] const Tensor padding = !pad;                                                     \
  [[maybe_unused]] const nn::MultiHeadAttention mha(8, 2);                                          \
  [[maybe_unused]] const nn::TransformerEncoder encoder(nn::TransformerEncoderLayer(8, 2), 1);      \
  [[maybe_unused]] const nn::TransformerDecoder decoder(nn::TransformerDecoderLayer(8, 2), 1);      \
  [[maybe_unused]] const nn::Transformer transformer(                                               \
      8, 2, {.num_encoder_layers = 1, .num_decoder_layers = 1, .dim_feedforward = 16});
#include <snippets/nn_from_pytorch_md_table_11.inc>
#undef ROW_CONTEXT
#define ROW_CONTEXT                \
  nn::Linear m(3, 2);              \
  sum(m(ones({1, 3}))).backward(); \
  [[maybe_unused]] optim::SGD opt(m.parameters(), {.lr = 0.1});
#include <snippets/nn_from_pytorch_md_table_12.inc>
#undef ROW_CONTEXT
  core::write_file_atomic("t.csv", std::string("a,b,c\n1,2,x\n3,4,y\n"));
#define ROW_CONTEXT                            \
  static nn::Linear m(3, 2);                   \
  [[maybe_unused]] const Tensor x = ones({2}); \
  [[maybe_unused]] int64_t step = 5;           \
  [[maybe_unused]] optim::SGD opt(m.parameters(), {.lr = 0.1});
#include <snippets/nn_from_pytorch_md_table_13.inc>
#undef ROW_CONTEXT
}

TEST_CASE("from PyTorch: others' models") {
  const test::InTempDir here;
  const nn::GPTOptions options{.vocab = 256, .context = 16, .width = 8, .heads = 1, .layers = 1, .bias = true};
  const nn::GPT theirs(options);
  std::map<std::string, core::Array> tensors;
  for (const nn::NamedTensor& entry : theirs.state_dict()) {
    if (entry.name == "lm_head.weight") continue;  // as the hub's files: it is wte.weight
    const bool turned = entry.name.find("h.0.") == 0 && entry.tensor.dim() == 2;  // of Conv1D
    tensors.emplace(entry.name, (turned ? entry.tensor.transpose(0, 1).contiguous() : entry.tensor).array());
  }
  core::save_safetensors("model.safetensors", tensors);
  core::write_file_atomic("config.json", nn::to_config(options));
  core::write_file_atomic("tokenizer.json", kit::BytePairTokeniser::train("Hi", 256).to_text());
#define ROW_CONTEXT                                         \
  static const std::string folder = ".";                    \
  [[maybe_unused]] const std::vector<int64_t> ids{72, 101}; \
  nn::GPT gpt({.vocab = 256, .context = 16, .width = 8, .heads = 1, .layers = 1, .bias = true});
#include <snippets/nn_from_pytorch_md_table_14.inc>
#undef ROW_CONTEXT
  nn::GPT gpt(options);
  nn::load_pretrained(gpt, core::open_safetensors("model.safetensors"), nn::gpt2_names());
  CHECK(amax(abs(gpt.h[0].attn.c_attn.weight - theirs.h[0].attn.c_attn.weight)).item() == 0.0);
}

TEST_CASE("from PyTorch: data") {
#define ROW_CONTEXT                                                    \
  [[maybe_unused]] const Tensor x = randn({6, 2}), y = randn({6, 2});  \
  [[maybe_unused]] const kit::DataLoader loader({x, y}, {.batch = 2}); \
  [[maybe_unused]] Generator generator(1);
#include <snippets/nn_from_pytorch_md_table_15.inc>
#undef ROW_CONTEXT
  CHECK(begin_of("Data") > 0);
}

TEST_CASE("from PyTorch: the training loop learns") {
  manual_seed(1);
  const Tensor inputs = randn({64, 3}), targets = sum(inputs, -1, keepdim);
  std::ostringstream out;
  std::streambuf* const before = std::cout.rdbuf(out.rdbuf());
  {
#include <snippets/nn_from_pytorch_md_1.inc>
  }
  std::cout.rdbuf(before);
  CHECK(std::stod(out.str()) < 0.05);
}
