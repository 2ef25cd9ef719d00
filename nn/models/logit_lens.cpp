#include <heed/nn/models/logit_lens.h>

#include <heed/autograd/ops/views.h>
#include <heed/nn/capture.h>

namespace heed::nn {

namespace {

template <class Model>
Tensor through_head(const Model& model, const Tensor& tokens, const std::vector<std::string>& stream,
                    const auto& norm) {
  std::vector<Tensor> logits;
  const Captured seen = capture(model, tokens, stream);
  for (const NamedTensor& x : seen.values()) logits.push_back(model.lm_head(norm(x.tensor)));
  return stack(logits);
}

}  // namespace

Tensor logit_lens(const GPT& model, const Tensor& tokens) {
  return through_head(model, tokens, {"drop", "h.*"}, model.ln_f);
}

Tensor logit_lens(const Llama& model, const Tensor& tokens) {
  return through_head(model, tokens, {"model.embed_tokens", "model.layers.*"}, model.model.norm);
}

}  // namespace heed::nn
