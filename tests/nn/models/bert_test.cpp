#include "support/catch.h"

#include <heed/autograd/ops.h>
#include <heed/nn/models/bert.h>
#include "support/apart.h"
#include "support/errors.h"
#include "support/module_check.h"

using namespace heed;
using namespace heed::nn;
using test::message_of;

namespace {

const BertOptions tiny{
    .vocab = 7, .positions = 6, .types = 2, .width = 8, .heads = 2, .layers = 1, .hidden = 12, .dropout = 0.0};

}  // namespace

TEST_CASE("Bert: padding changes nothing, neither in hidden states nor in embeddings") {
  manual_seed(1);
  Bert bert(tiny);
  bert.eval();
  const NoGrad no_history;
  const Tensor three = tensor_i64({1, 2, 3}, {1, 3}), padded = tensor_i64({1, 2, 3, 0, 0}, {1, 5});
  const Tensor mask = tensor({1, 1, 1, 0, 0}, {1, 5}, Dtype::boolean);
  const Tensor alone = bert(three), beside = bert(padded, {.key_mask = mask});
  CHECK(test::apart(alone, beside.slice(1, 0, 3)) < 1e-6);
  const Tensor e = sentence_embedding(alone, ones({1, 3}, Dtype::boolean));
  CHECK(test::apart(e, sentence_embedding(beside, mask)) < 1e-6);
  CHECK(sum(e * e).item() == Approx(1.0));
  const Tensor expected = mean(alone, 1);
  CHECK(test::apart(e * sqrt(sum(expected * expected)), expected) < 1e-6);
  CHECK(amax(abs(sentence_embedding(alone, zeros({1, 3}, Dtype::boolean)))).item() == 0.0);
}

TEST_CASE("Bert: a checkpoint with Hugging Face's names is loaded by the table") {
  manual_seed(2);
  Bert bert(tiny), other(tiny);
  bert.eval(), other.eval();
  std::map<std::string, core::Array> arrays;
  const StateDict state = bert.state_dict();
  const auto put = [&](const std::string& theirs, const std::string& ours) {
    arrays.emplace("bert." + theirs, state.find(ours)->array());
  };
  for (const char* name : {"word_embeddings", "position_embeddings", "token_type_embeddings"})
    put(cat("embeddings.", name, ".weight"), cat(name, ".weight"));
  for (const char* kind : {"weight", "bias"}) {
    const std::string layer = "encoder.layer.0.", ours = "encoder.layers.0.";
    put(cat("embeddings.LayerNorm.", kind), cat("norm.", kind));
    const std::vector<Tensor> parts = state.find(cat(ours, "self_attn.in_proj_", kind))->chunk(3, 0);
    const char* names[] = {"query", "key", "value"};
    for (size_t i = 0; i < 3; ++i)
      arrays.emplace(cat("bert.", layer, "attention.self.", names[i], ".", kind), parts[i].contiguous().array());
    put(cat(layer, "attention.output.dense.", kind), cat(ours, "self_attn.out_proj.", kind));
    put(cat(layer, "attention.output.LayerNorm.", kind), cat(ours, "norm1.", kind));
    put(cat(layer, "intermediate.dense.", kind), cat(ours, "linear1.", kind));
    put(cat(layer, "output.dense.", kind), cat(ours, "linear2.", kind));
    put(cat(layer, "output.LayerNorm.", kind), cat(ours, "norm2.", kind));
    arrays.emplace(cat("bert.pooler.dense.", kind), core::Array(zeros({2}).array()));
  }
  arrays.emplace("bert.embeddings.position_ids", arange(6).array());
  load_pretrained(other, core::parse_safetensors(core::to_safetensors(arrays), "file"), bert_names());
  const Tensor tokens = tensor_i64({1, 2, 3, 4, 5, 6}, {2, 3}), types = tensor_i64({0, 0, 1, 0, 1, 1}, {2, 3});
  CHECK(test::apart(bert(tokens, {.types = types}), other(tokens, {.types = types})) == 0);
  CHECK(test::apart(bert(tokens, {.types = types}), bert(tokens)) > 1e-3);
}

TEST_CASE("Bert: gradients pass the checks of a layer, mistakes are refused") {
  manual_seed(3);
  test::check_module(Bert(tiny), {tensor_i64({1, 0, 4, 2, 2, 3}, {2, 3})});
  const Bert bert(tiny);
  CHECK(message_of<ShapeError>([&] { bert(zeros({1, 7}, Dtype::i64)); }) ==
        "Bert: tokens (1, 7): must be (B, n) with n <= 6: shorten the texts [in Bert]");
  CHECK(message_of<ShapeError>([&] { bert(zeros({1, 3}, Dtype::i64), {.types = zeros({1, 2}, Dtype::i64)}); }) ==
        "Bert: tokens (1, 3), types (1, 2): must be equal: one type for each token [in Bert]");
  CHECK(message_of<ShapeError>([&] {
          sentence_embedding(zeros({1, 3, 2}), zeros({1, 2}, Dtype::boolean));
        }).find("must be (B, n, E) and (B, n)") != std::string::npos);
  BertOptions wrong = tiny;
  wrong.layers = 0;
  CHECK_THROWS_AS(Bert(wrong), Error);
}
