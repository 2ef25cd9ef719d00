// The code in nn/'s headers, as it stands there.
#include "snippets.h"

#include <iostream>
#include <map>
#include <string>
#include <vector>

#include <heed/core/files/safetensors.h>
#include <heed/nn/causality.h>
#include <heed/nn/nn.h>
#include <heed/nn/resume.h>
#include <heed/optim/optim.h>
#include "support/errors.h"
#include "support/pages.h"

using namespace heed;
using namespace heed::nn;

namespace {

namespace in_module {

using nn::Module, nn::Scope, nn::Visitor;
#include <snippets/nn_module_h_1.inc>

}  // namespace in_module

namespace in_scores {

#undef ELLIPSIS
#define ELLIPSIS return matmul(q, k.transpose(-2, -1));
#include <snippets/nn_attention_scores_h_1.inc>
#undef ELLIPSIS
#define ELLIPSIS

}  // namespace in_scores

namespace in_models {

#include <snippets/nn_models_README_md_1.inc>

}  // namespace in_models

const GPTOptions small{.vocab = 65, .context = 32, .width = 64, .heads = 4, .layers = 2};

}  // namespace

TEST_CASE("nn's headers: a module is its members and a visit") {
  in_module::Linear layer;
  layer.weight = parameter(randn({2, 3}));
  layer.bias = parameter(zeros({2}));
  CHECK(layer(ones({4, 3})).shape() == Shape{4, 2});
  CHECK(layer.state_dict()[0].name == "weight");
  const Tensor q = randn({1, 2, 3}), k = randn({1, 4, 3});
  CHECK(amax(abs(in_scores::DotScore()(q, k) - DotScore()(q, k))).item() == 0.0);
  CHECK(Attention<in_scores::DotScore>()(q, k, k).output.shape() == Shape{1, 2, 3});
}

TEST_CASE("nn's headers: layers one after the other") {
  const Tensor x = randn({5, 2});
#include <snippets/nn_sequential_h_1.inc>
  CHECK(logits.shape() == Shape{5, 2});
}

TEST_CASE("nn's headers: summary is the table of its comment") {
  const GPT model({.vocab = 65, .context = 5, .width = 64, .heads = 4, .layers = 2});
  std::ostringstream out;
  std::streambuf* const before = std::cout.rdbuf(out.rdbuf());
#include <snippets/nn_summary_h_1.inc>
  std::cout.rdbuf(before);
  const auto blocks = test::indented_blocks(test::fs::path(HEED_TESTS_DIR).parent_path(), "nn/summary.h");
  REQUIRE(blocks.size() == 3);
  for (const std::string& line : blocks[1].lines) {
    INFO(line << "\n" << out.str());
    CHECK((line == "…" || out.str().find(line) != std::string::npos));
  }
  const Tensor tokens = zeros({2, 5}, Dtype::i64);
  out.str("");
  std::cout.rdbuf(out.rdbuf());
#include <snippets/nn_summary_h_2.inc>
  std::cout.rdbuf(before);
  CHECK(test::contains(out.str(), "(model)"));
}

TEST_CASE("nn's headers: a checkpoint, and a whole run") {
  const test::InTempDir here;
  GPT model(small);
#include <snippets/nn_checkpoint_h_1.inc>
  optim::AdamW adamw(model.parameters());
  optim::CosineAnnealingLR schedule(adamw);
  Generator generator(1);
  int64_t step = 7;
  {
#include <snippets/nn_resume_h_1.inc>
  }
  CHECK(step == 7);
}

TEST_CASE("nn's headers: a checkpoint with its configuration") {
  const test::InTempDir here;
  const GPT trained(small);
#include <snippets/nn_models_config_h_1.inc>
  gpt.load_state_dict(file.state);
  CHECK(gpt.wte.weight.to_vector() == trained.wte.weight.to_vector());
}

TEST_CASE("nn's headers: others' weights by a table") {
  const test::InTempDir here;
  const GPT theirs(small);
  std::map<std::string, core::Array> tensors{{"transformer.h.0.attn.bias", ones({1, 1, 32, 32}).array()}};
  for (const NamedTensor& entry : theirs.state_dict()) {
    const bool turned = test::ends_with(entry.name, "c_attn.weight");
    const Tensor stored = turned ? entry.tensor.transpose(0, 1).contiguous() : entry.tensor;
    tensors.emplace("transformer." + entry.name, stored.array());
  }
  core::save_safetensors("model.safetensors", tensors);
  GPT model(small);
#include <snippets/nn_pretrained_h_1.inc>
  const Tensor tokens = randint(0, 65, {1, 7});
  CHECK(amax(abs(model(tokens) - theirs(tokens))).item() == 0.0);
  const std::vector<Origin> origins =
      renamed_tensors({"layer.0.key.weight", "layer.0.query.weight", "layer.0.value.weight"}, table);
  REQUIRE(origins.size() == 1);
  CHECK(origins[0].name == "layer.0.in_proj_weight");
  CHECK(origins[0].parts.front() == "layer.0.query.weight");
}

TEST_CASE("nn's headers: a model with few parameters to learn, then narrow weights") {
  GPT model(small);
  const Tensor tokens = randint(0, 65, {2, 9}), before = model(tokens), targets = randint(0, 65, {2, 9});
  const std::vector<double> embedding = model.wte.weight.to_vector();
#undef ELLIPSIS
#define ELLIPSIS                                    \
  CHECK(adamw.groups()[0].params.size() == 16);     \
  cross_entropy(model(tokens), targets).backward(); \
  adamw.step();
#include <snippets/nn_lora_h_1.inc>
#undef ELLIPSIS
#define ELLIPSIS
  CHECK(model.wte.weight.to_vector() == embedding);
  CHECK(amax(abs(model(tokens) - before)).item() > 0.0);
  model.eval();
  const NoGrad off;
  const Tensor wide = model(tokens);
#include <snippets/nn_layers_compact_weight_h_1.inc>
  const double apart = amax(abs(model(tokens) - wide)).item();
  CHECK(apart > 0.0);
  CHECK(apart < 0.05);
}

TEST_CASE("nn's headers: a model continues a text") {
  GPT model({.vocab = 16000, .context = 8, .width = 8, .heads = 1, .layers = 1});
  model.eval();
#include <snippets/nn_models_generate_h_1.inc>
  REQUIRE(texts.size() == 1);
  CHECK(texts[0].tokens.size() == 20);
  CHECK_FALSE(texts[0].stopped);
}

TEST_CASE("nn's pages: a model of one's own writes") {
  using in_models::SmallWriter;
  std::ostringstream out;
  std::streambuf* const before = std::cout.rdbuf(out.rdbuf());
  {
#include <snippets/nn_models_README_md_2.inc>
  }
  std::cout.rdbuf(before);
  CHECK(out.str() == "50\n");
  SmallWriter model({.vocab = 20, .context = 9});
  check_module(model, {tensor_i64({1, 2, 3, 4}, {2, 2})});
  model.eval();
  const NoGrad off;
  std::vector<int64_t> tokens{3, 1, 4}, more = tokens;
  KeyValueCaches past = model.begin();
  for (int i = 0; i < 5; ++i) {  // with the cache as without
    const auto n = static_cast<int64_t>(tokens.size());
    const Tensor last = model(tensor_i64(tokens, {1, n}))[0][n - 1];
    const Tensor step = model.step(tensor_i64(more, {1, static_cast<int64_t>(more.size())}), past)[0];
    CHECK(amax(abs(last - step)).item() < 1e-5);
    more = {static_cast<int64_t>(argmax(last, -1).item())};
    tokens.push_back(more[0]);
  }
}

TEST_CASE("nn's headers: recompute, causality and check_module") {
  const Tensor tokens = randint(0, 65, {1, 7});
  const GPT model(small);
#include <snippets/nn_causality_h_1.inc>
#include <snippets/nn_check_module_h_1.inc>
  const Linear block(3, 3);
  Tensor x = randn({2, 3});
  const Tensor y = block(x);
#include <snippets/nn_recompute_h_1.inc>
  CHECK(amax(abs(x - y)).item() == 0.0);
}

TEST_CASE("nn's headers: an examination and its report") {
  Linear model(4, 3);
  optim::AdamW adamw(model.parameters(), {.lr = 1e-2});
  const std::vector<Batch> batches{{randn({8, 4}), randint(0, 3, {8})}}, tests{{randn({4, 4}), Tensor()}};
#include <snippets/nn_doctor_examine_h_1.inc>
  CHECK(report.rates.size() == 13);
#include <snippets/nn_doctor_report_h_1.inc>
}

TEST_CASE("nn's headers: attention") {
  const Tensor tokens = randint(0, 65, {1, 7});
  const GPT model(small);
  int drawn = 0;
  const auto draw = [&](const std::string& path, const Tensor& weights) {
    CHECK(path == "h." + std::to_string(drawn++) + ".attn");
    CHECK(weights.shape() == Shape{1, 4, 7, 7});
  };
  {
#include <snippets/nn_attention_attention_trace_h_1.inc>
  }
  CHECK(drawn == 2);
  {
    const int64_t n = 9;
    const Tensor x = linspace(0, 1, n), y = square(x);
#include <snippets/nn_attention_kernel_regression_h_1.inc>
    CHECK(loss.item() < 0.2);
  }
  {
#include <snippets/nn_attention_multi_head_h_1.inc>
    CHECK(attention(randn({1, 3, 64})).output.shape() == Shape{1, 3, 64});
  }
  const int64_t heads = 4, n = 5;
  const MultiHeadAttention attention(16, heads);
  const Tensor x = randn({2, n, 16});
#include <snippets/nn_attention_alibi_h_1.inc>
}

TEST_CASE("nn's headers: recurrent networks") {
  const int64_t input_size = 3, hidden_size = 4, batch = 2, source_vocab = 10, target_vocab = 11;
  {
    const Tensor x = randn({batch, input_size});
#undef ELLIPSIS
#define ELLIPSIS \
  int i = 0;     \
  i < 3;         \
  ++i
#include <snippets/nn_recurrent_recurrent_cells_h_1.inc>
#undef ELLIPSIS
#define ELLIPSIS
    CHECK(h.shape() == Shape{batch, hidden_size});
  }
  const std::vector<int64_t> lengths{5, 3};
  const Tensor tokens = randint(0, source_vocab, {batch, 5}), target = randint(0, target_vocab, {batch, 4});
#include <snippets/nn_recurrent_seq2seq_h_1.inc>
  CHECK(logits.shape() == Shape{batch, 4, target_vocab});
  decoder.eval();
  const NoGrad off;
  {
    const Tensor tokens = full({batch, 1}, 1.0, Dtype::i64);
#include <snippets/nn_recurrent_seq2seq_h_2.inc>
    CHECK(logits.shape() == Shape{batch, target_vocab});
  }
  {
#include <snippets/nn_models_decoding_h_1.inc>
    CHECK(words.size() <= 20);
  }
}

TEST_CASE("nn's headers: a Transformer writes a token at a time") {
  Seq2SeqTransformer model({.source_vocab = 10,
                            .target_vocab = 11,
                            .width = 16,
                            .heads = 2,
                            .encoder_layers = 1,
                            .decoder_layers = 1,
                            .hidden = 32});
  model.eval();
  const NoGrad off;
  const std::vector<int64_t> lengths{5, 3};
  const int64_t max_length = 6;
  const Tensor source = randint(0, 10, {2, 5}), bos = full({2, 1}, 1.0, Dtype::i64);
  Tensor logits;
#include <snippets/nn_models_seq2seq_transformer_h_1.inc>
  CHECK(logits.shape() == Shape{2, 11});
}

TEST_CASE("nn's headers: the classes of introductions to attention") {
#include <snippets/nn_tutorial_h_1.inc>
  CHECK(y.shape() == Shape{2, 5, 8});
  CHECK(z.shape() == Shape{2, 5, 16});
  CHECK(output.shape() == Shape{2, 5, 8});
  CHECK(weights.shape() == Shape{2, 5, 5});
  CHECK(step.output.shape() == Shape{2, 100});
}

TEST_CASE("nn's headers: values inside a model, seen and replaced") {
  GPT model({.vocab = 11, .context = 8, .width = 8, .heads = 4, .layers = 5});
  const Tensor tokens = tensor_i64({1, 5, 10, 0, 3, 3, 7, 7}, {1, 8}),
               next = tensor_i64({5, 10, 0, 3, 3, 7, 7, 1}, {1, 8});
  const Tensor clean_tokens = tokens, corrupted_tokens = next, corrupted = next, direction = ones({8});
  {
    Tensor loss;
#include <snippets/nn_capture_h_1.inc>
    CHECK(y.shape() == Shape{1, 8, 8});
    CHECK(some.values().size() == 10);
    CHECK(loss.requires_grad());
  }
  {
#include <snippets/nn_patch_h_1.inc>
    model(tokens);
    CHECK(off.applied() + cut.applied() + steered.applied() == 3);
  }
  {
#include <snippets/nn_patch_h_2.inc>
    CHECK(restored.applied() == 1);
  }
  {
    const GPT& gpt = model;
    double loss_without = 0;
#include <snippets/nn_README_md_1.inc>
    CHECK(loss_without > 0.0);
    CHECK(looked_at.shape() == Shape{1, 4, 8, 8});
    CHECK(lens.size(0) == 6);
    CHECK(patched.shape() == lens[0].shape());
  }
  {
    const GPT& gpt = model;
#include <snippets/nn_models_logit_lens_h_1.inc>
    CHECK(lens.size(0) == 6);
  }
  {
#include <snippets/nn_attention_attention_rollout_h_1.inc>
    CHECK(from.shape() == Shape{1, 8, 8});
  }
  std::ostringstream out;
  std::streambuf* const before = std::cout.rdbuf(out.rdbuf());
  GPT& gpt = model;
#include <snippets/nn_forward_hooks_h_1.inc>
  model(tokens);
  std::cout.rdbuf(before);
  CHECK(out.str().empty());  // the handle removed it
}
