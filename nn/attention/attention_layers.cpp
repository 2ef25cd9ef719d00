#include <heed/nn/attention/attention_layers.h>

#include <utility>

#include <heed/autograd/ops/views.h>
#include <heed/nn/attention/layer_options.h>
#include <heed/nn/attention/scaled_dot_product_attention.h>
#include <heed/nn/attention/unseen.h>

namespace heed::nn {

namespace {

// The options of a call, completed by the layer's defaults.
AttentionOptions completed(AttentionOptions options, double scale, double dropout) {
  if (!options.scale) options.scale = scale;
  return with_dropout(std::move(options), dropout);
}

}  // namespace

KeyValueAttention::KeyValueAttention(Whole query_dim, Whole key_dim, Whole value_dim, const KeyValueOptions& o)
    : query_layer(query_dim, key_dim),
      key_layer(key_dim, key_dim),
      value_layer(o.value_input.value_or(key_dim), value_dim),
      scale(o.scale) {}

Attended KeyValueAttention::operator()(const Tensor& query, const Tensor& keys, const Tensor& values,
                                       const AttentionOptions& options) const {
  const Scope scope(*this);
  check<ShapeError>(query.dim() >= 2 && keys.dim() == 3 && values.dim() == 3, "KeyValueAttention: query ",
                    query.shape(), ", keys ", keys.shape(), ", values ", values.shape(),
                    ": must be (B, width) or (B, n, width), (B, m, width) and (B, m, width)");
  const bool single = query.dim() == 2;
  const LayerInputs in =
      taking_part("KeyValueAttention", 0, {single ? query.unsqueeze(1) : query, keys, values}, options);
  Attended result =
      attention(query_layer(in.query), key_layer(in.key), value_layer(in.value), completed(options, scale, 0.0));
  if (single) result = {result.output.squeeze(1), result.weights.squeeze(1)};
  return scope(std::move(result));
}

void KeyValueAttention::visit(Visitor& v) {
  v("query_layer", query_layer);
  v("key_layer", key_layer);
  v("value_layer", value_layer);
}

SelfAttention::SelfAttention(Whole input_dim, Whole hidden_dim, const SelfAttentionOptions& o)
    : query_layer(input_dim, hidden_dim),
      key_layer(input_dim, hidden_dim),
      value_layer(input_dim, hidden_dim),
      scale(o.scale),
      dropout(o.dropout) {}

Attended SelfAttention::operator()(const Tensor& input, const AttentionOptions& options) const {
  const Scope scope(*this);
  check<ShapeError>(input.dim() == 3, "SelfAttention: input ", input.shape(), ": must be (B, n, width), batch first",
                    input.dim() == 2 ? ": give one sequence a batch axis with unsqueeze(0)" : "");
  const Tensor x = taking_part("SelfAttention", 0, input, options);
  return scope(
      attention(query_layer(x), key_layer(x), value_layer(x), completed(options, scale, training ? dropout : 0.0)));
}

void SelfAttention::visit(Visitor& v) {
  v("query_layer", query_layer);
  v("key_layer", key_layer);
  v("value_layer", value_layer);
}

PerHeadAttention::PerHeadAttention(Whole input_dim, Whole hidden_dim, Whole num_heads, const SelfAttentionOptions& o)
    : linear(hidden_dim * num_heads, hidden_dim), scale(o.scale), dropout(o.dropout) {
  check(num_heads > 0, "PerHeadAttention: ", num_heads, " heads: must be at least one");
  for (std::vector<Linear>* layers : {&query_layers, &key_layers, &value_layers})
    for (int64_t i = 0; i < num_heads; ++i) layers->emplace_back(input_dim, hidden_dim);
}

Attended PerHeadAttention::operator()(const Tensor& input, const AttentionOptions& options) const {
  const Scope scope(*this);
  check<ShapeError>(input.dim() == 3, "PerHeadAttention: input ", input.shape(), ": must be (B, n, width), batch first",
                    input.dim() == 2 ? ": give one sequence a batch axis with unsqueeze(0)" : "");
  const auto heads = static_cast<int64_t>(query_layers.size());
  const Tensor x = taking_part("PerHeadAttention", heads, input, options);
  const auto project = [&x](const std::vector<Linear>& layers) {
    std::vector<Tensor> heads;
    for (const Linear& layer : layers) heads.push_back(layer(x));
    return stack(heads, 1);  // (B, h, n, hidden)
  };
  const Attended each = attention(project(query_layers), project(key_layers), project(value_layers),
                                  completed(options, scale, training ? dropout : 0.0));
  return {scope(linear(merge_heads(scope("heads", each.output)))), each.weights};
}

void PerHeadAttention::visit(Visitor& v) {
  v("query_layers", query_layers);
  v("key_layers", key_layers);
  v("value_layers", value_layers);
  v("linear", linear);
}

}  // namespace heed::nn
