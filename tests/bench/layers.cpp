// Layers of a Transformer, and attention alone over long sequences.
#include <heed/nn/nn.h>
#include "bench/bench.h"

namespace heed::bench {

namespace {

constexpr int64_t batch = 8, length = 256, width = 384, heads = 6;

template <class Layer>
void add_layer(Workloads& all, const std::string& name, std::function<std::shared_ptr<Layer>()> make,
               std::function<Tensor(const Layer&, const Tensor&)> call) {
  all.push_back({name + "_fwd", {"ms", 1e3}, [=] {
                   return Step([=, layer = make(), x = randn({batch, length, width})] {
                     const NoGrad off;
                     call(*layer, x);
                   });
                 }});
  all.push_back({name + "_fwd_bwd", {"ms", 1e3}, [=] {
                   return Step([=, layer = make(), x = parameter(randn({batch, length, width}))]() mutable {
                     x.zero_grad();
                     for (Tensor p : layer->parameters()) p.zero_grad();
                     sum(call(*layer, x)).backward();
                   });
                 }});
}

}  // namespace

void add_layers(Workloads& all) {
  add_layer<nn::TransformerEncoderLayer>(
      all, "encoder_layer",
      [] {
        auto layer = std::make_shared<nn::TransformerEncoderLayer>(
            width, heads, nn::TransformerOptions{.dim_feedforward = 4 * width, .dropout = 0.0});
        return layer;
      },
      [](const nn::TransformerEncoderLayer& layer, const Tensor& x) { return layer(x); });
  add_layer<nn::MultiHeadAttention>(
      all, "multi_head_attention", [] { return std::make_shared<nn::MultiHeadAttention>(width, heads); },
      [](const nn::MultiHeadAttention& layer, const Tensor& x) { return layer(x).output; });
  for (const int64_t n : {1024, 4096, 8192}) {
    const auto make = [n](bool grad) {
      std::vector<Tensor> qkv;
      for (int i = 0; i < 3; ++i) qkv.push_back(randn({1, 6, n, 64}));
      if (grad)
        for (Tensor& x : qkv) x = parameter(x);
      return qkv;
    };
    all.push_back(
        {cat("attention_T", n, "_fwd"),
         {"ms", 1e3},
         [=] { return Step([qkv = make(false)] { nn::scaled_dot_product_attention(qkv[0], qkv[1], qkv[2]); }); },
         {{"gflop", 4e-9 * 6.0 * 64.0 * static_cast<double>(n * n)}}});
    all.push_back({cat("attention_T", n, "_fwd_bwd"),
                   {"ms", 1e3},
                   [=] {
                     return Step([qkv = make(true), g = randn({1, 6, n, 64})]() mutable {
                       for (Tensor& x : qkv) x.zero_grad();
                       nn::scaled_dot_product_attention(qkv[0], qkv[1], qkv[2]).backward(g);
                     });
                   },
                   {{"gflop", 14e-9 * 6.0 * 64.0 * static_cast<double>(n * n)}}});
  }
}

}  // namespace heed::bench
