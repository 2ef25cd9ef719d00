// Generating text: one token at a time, with cached keys and values. GPT samples with a
// temperature; the Llama shapes, which llama2.c runs, take the likeliest token.
#include <tuple>

#include <heed/nn/nn.h>
#include "bench/bench.h"
#include "bench/gpt.h"

namespace heed::bench {

namespace {

template <class Model> Step generation(const std::shared_ptr<Model>& model, double temperature) {
  model->eval();
  return [=] {
    Generator generator(1);
    nn::generate(
        *model, {{1}},
        {.max_tokens = model->options.context, .sampling = {.temperature = temperature}, .generator = &generator});
  };
}

struct LlamaShape {
  const char* name;
  int64_t width, layers, heads, hidden;

  static constexpr int64_t vocab = 32000, context = 256;
};

std::shared_ptr<nn::Llama> llama(const LlamaShape& s) {
  return std::make_shared<nn::Llama>(nn::LlamaOptions{.vocab = s.vocab,
                                                      .context = s.context,
                                                      .width = s.width,
                                                      .hidden = s.hidden,
                                                      .layers = s.layers,
                                                      .heads = s.heads,
                                                      .rope_layout = nn::RopeLayout::interleaved,
                                                      .tied = true});
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
        [s] { return generation(std::make_shared<nn::GPT>(s.options()), 0.8); });
  const LlamaShape large{"110M", 768, 12, 12, 2048};
  const auto weights_of = [](const LlamaShape& s) {
    return s.layers * (4 * s.width + 3 * s.hidden) * s.width + s.vocab * s.width;
  };
  for (const LlamaShape& s : {LlamaShape{"15M", 288, 6, 6, 768}, large})
    add(cat("generate_llama_", s.name), s.context, weights_of(s), [s] { return generation(llama(s), 0.0); });
  // The same with narrow weights: what llama --weights does.
  const std::tuple<const char*, core::CompactType, int64_t> narrow[] = {
      {"f16", core::CompactType::f16, 2}, {"bf16", core::CompactType::bf16, 2}, {"i8", core::CompactType::i8, 4}};
  for (const auto& [name, type, times] : narrow) {
    const core::CompactType kept = type;
    add(cat("generate_llama_110M_", name), large.context, weights_of(large) / times, [large, kept] {
      const auto model = llama(large);
      nn::compact(*model, kept);
      return generation(model, 0.0);
    });
  }
}

}  // namespace heed::bench
