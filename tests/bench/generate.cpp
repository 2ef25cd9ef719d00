// Generating text: one token at a time, with cached keys and values. GPT samples with a
// temperature; the Llama shapes, which llama2.c runs, take the likeliest token.
#include <heed/examples/kit/data/sampling.h>
#include <heed/nn/nn.h>
#include "bench/bench.h"
#include "bench/gpt.h"

namespace heed::bench {

namespace {

Tensor token_tensor(int64_t token) { return full({1, 1}, static_cast<double>(token), Dtype::i64); }

Step generation(const GPTShape& shape) {
  auto model = std::make_shared<nn::GPT>(shape.options());
  model->eval();
  return [=, draws = rand({shape.context})] {
    const NoGrad off;
    nn::KeyValueCaches past = model->begin();
    int64_t token = 0;
    for (int64_t at = 0; at < shape.context; ++at) {
      const Tensor logits = model->step(token_tensor(token), past);
      token = kit::sample({logits.data<float>(), logits.data<float>() + shape.vocab}, draws.data<float>()[at],
                          {.temperature = 0.8});
    }
  };
}

struct LlamaShape {
  const char* name;
  int64_t width, layers, heads, hidden;

  static constexpr int64_t vocab = 32000, context = 256;
};

struct LlamaBlock : nn::Module {
  nn::RMSNorm input_layernorm, post_attention_layernorm;
  nn::GroupedQueryAttention self_attn;
  nn::SwiGLU mlp;

  LlamaBlock(const LlamaShape& s, const nn::RotaryPositions& rope)
      : input_layernorm(s.width, 1e-5),
        post_attention_layernorm(s.width, 1e-5),
        self_attn(s.width, s.heads, {.rope = rope}),
        mlp(s.width, {.hidden = s.hidden}) {}

  Tensor step(const Tensor& x, nn::KeyValueCache& past) const {
    const Tensor y = x + self_attn(input_layernorm(x), {.causal = true}, &past).output;
    return y + mlp(post_attention_layernorm(y));
  }
  void visit(nn::Visitor& v) override {
    v("input_layernorm", input_layernorm);
    v("self_attn", self_attn);
    v("post_attention_layernorm", post_attention_layernorm);
    v("mlp", mlp);
  }
};

Step llama_generation(const LlamaShape& shape) {
  const nn::RotaryPositions rope(shape.width / shape.heads, nn::RopeLayout::interleaved, {.max_length = shape.context});
  auto embed_tokens = std::make_shared<nn::Embedding>(shape.vocab, shape.width);
  auto blocks = std::make_shared<std::vector<LlamaBlock>>();
  for (int64_t i = 0; i < shape.layers; ++i) blocks->emplace_back(shape, rope);
  auto norm = std::make_shared<nn::RMSNorm>(shape.width, 1e-5);
  auto lm_head = std::make_shared<nn::Linear>(shape.width, shape.vocab, nn::LinearOptions{.bias = false});
  lm_head->weight = embed_tokens->weight;
  return [=] {
    const NoGrad off;
    nn::KeyValueCaches past(shape.layers, shape.context);
    int64_t token = 1;
    for (int64_t at = 0; at < shape.context; ++at) {
      Tensor x = (*embed_tokens)(token_tensor(token));
      for (size_t i = 0; i < blocks->size(); ++i) x = (*blocks)[i].step(x, past.layers[i]);
      token = static_cast<int64_t>(argmax((*lm_head)((*norm)(x)), -1).item());
    }
  };
}

}  // namespace

void add_generation(Workloads& all) {
  const auto add = [&](const std::string& name, int64_t tokens, int64_t weights, std::function<Step()> prepare) {
    all.push_back({name,
                   {"tokens/s", static_cast<double>(tokens), true},
                   std::move(prepare),
                   {{"megabytes_a_token", 4e-6 * static_cast<double>(weights)}}});
  };
  for (const GPTShape& s : {gpt_s, gpt_m})
    add(cat("gpt_generate_", s.name), s.context, 12 * s.layers * s.width * s.width + s.vocab * s.width,
        [s] { return generation(s); });
  for (const LlamaShape& s : {LlamaShape{"15M", 288, 6, 6, 768}, LlamaShape{"110M", 768, 12, 12, 2048}})
    add(cat("generate_llama_", s.name), s.context,
        s.layers * (4 * s.width + 3 * s.hidden) * s.width + s.vocab * s.width, [s] { return llama_generation(s); });
}

}  // namespace heed::bench
