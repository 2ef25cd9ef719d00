#include <heed/nn/attention/extra_keys.h>

#include <heed/autograd/ops.h>
#include <heed/autograd/ops/heads.h>
#include <heed/nn/attention/masks.h>

namespace heed::nn {

KeysValues ExtraKeys::after(KeysValues keys) const {
  const auto with = [](const Tensor& x, const Tensor& row) {  // row: one more position for all sequences
    return cat({x, row.expand({x.size(0), x.size(1), 1, x.size(3)})}, 2);
  };
  const auto heads = [&](const Tensor& bias) { return split_heads(bias, keys.k.size(1)); };
  const auto zero = [](const Tensor& x) { return heed::zeros({1, 1, 1, 1}, x.dtype()); };
  if (bias_k.defined()) keys = {with(keys.k, heads(bias_k)), with(keys.v, heads(bias_v))};
  if (zeros) keys = {with(keys.k, zero(keys.k)), with(keys.v, zero(keys.v))};
  return keys;
}

AttentionOptions ExtraKeys::seen_by_all(const char* op, AttentionOptions options, const Shape& scores,
                                        Dtype dtype) const {
  const std::optional<Tensor> given = attention_mask(op, scores, dtype, options).as_one();
  options.mask = options.key_mask = std::nullopt;
  options.causal = false;
  if (!given) return options;
  Shape columns = given->shape();
  columns[columns.rank() - 1] = scores.back();
  const Tensor mask = given->expand(columns);
  columns[columns.rank() - 1] = count();
  const bool boolean = mask.dtype() == Dtype::boolean;
  options.mask = cat({mask, boolean ? ones(columns, Dtype::boolean) : heed::zeros(columns, mask.dtype())}, -1);
  return options;
}

}  // namespace heed::nn
