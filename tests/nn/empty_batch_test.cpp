// Every layer, loss and whole model on a batch of no sequences, and on sequences of no elements: value, backward and
// recorded gradient go through, with PyTorch's shapes.
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include <heed/nn/nn.h>

#include "support/catch.h"
#include "support/errors.h"

using namespace heed;
using namespace heed::nn;

namespace {

void check_gradients(const Tensor& y, const std::vector<Tensor>& leaves) {
  const std::vector<Tensor> recorded = grad(y, leaves, {.seed = ones_like(y), .create_graph = true});
  for (const Tensor& leaf : leaves) Tensor(leaf).zero_grad();
  y.backward(ones_like(y), {.retain_graph = true});
  for (size_t i = 0; i < leaves.size(); ++i) {
    const Tensor g = leaves[i].grad();
    REQUIRE(recorded[i].defined() == g.defined());
    if (!g.defined()) continue;
    CHECK(g.shape() == leaves[i].shape());
    CHECK(recorded[i].shape() == leaves[i].shape());
    const std::vector<double> a = recorded[i].to_vector(), b = g.to_vector();
    size_t wrong = 0;
    for (size_t j = 0; j < a.size(); ++j) wrong += !(std::fabs(a[j] - b[j]) <= 1e-5 * (1 + std::fabs(b[j])));
    CHECK(wrong == 0);
  }
}

// f takes inputs of these shapes; they, and the module's parameters, want gradients.
void check_layer(const std::string& name, const Module* module, const std::vector<Shape>& inputs,
                 const std::function<Tensor(const std::vector<Tensor>&)>& f, const Shape& shape) {
  INFO(name << " on " << (inputs.empty() ? Shape{} : inputs[0]));
  std::string error;
  try {
    std::vector<Tensor> leaves;
    for (const Shape& s : inputs) leaves.push_back(parameter(rand(s) + 0.5));
    const Tensor y = f(leaves);
    CHECK(y.shape() == shape);
    if (module)
      for (const Tensor& p : module->parameters()) leaves.push_back(p);
    check_gradients(y, leaves);
  } catch (const Error& e) { error = e.what(); }
  CHECK(error == "");
}

Tensor ids(const Shape& shape) { return zeros(shape, Dtype::i64); }

struct Size {
  int64_t B, n;
};
constexpr Size sizes[] = {{0, 3}, {2, 0}, {0, 0}};

}  // namespace

TEST_CASE("layers of one input take no sequences and empty ones") {
  for (const Size& size : sizes) {
    const int64_t B = size.B, n = size.n;
    const Shape x{B, n, 8};
    const auto one = [&](const char* name, const auto& layer, int64_t width = 8) {
      check_layer(name, &layer, {x}, [&](const std::vector<Tensor>& in) { return layer(in[0]); }, {B, n, width});
    };
    one("Linear", Linear(8, 5), 5);
    one("LayerNorm", LayerNorm(8));
    one("RMSNorm", RMSNorm(8));
    one("Dropout", Dropout(0.5));
    one("FeedForward", FeedForward(8));
    one("SwiGLU", SwiGLU(8));
    one("GEGLU", GEGLU(8));
    one("SinusoidalPositions", SinusoidalPositions(8));
    one("LearnedPositions", LearnedPositions(8));
    one("Sequential", Sequential(Linear(8, 4), Linear(4, 8)));
    one("TransformerEncoderLayer", TransformerEncoderLayer(8, 2));
    one("TransformerEncoder", TransformerEncoder(TransformerEncoderLayer(8, 2, {.norm_first = true}), 2));
    check_layer(
        "recompute", nullptr, {x}, [](const std::vector<Tensor>& in) { return recompute(Linear(8, 8), in[0]); }, x);
    for (const bool padded : {false, true}) {
      std::optional<Tensor> keys;
      if (padded) keys = ones({B, n}).to(Dtype::boolean);
      const TransformerEncoderLayer layer(8, 2);
      check_layer(
          "a padded TransformerEncoderLayer", &layer, {x},
          [&](const std::vector<Tensor>& in) { return layer(in[0], {.key_mask = keys, .causal = true}); }, x);
    }
  }
}

TEST_CASE("attention layers take no sequences, no queries, no keys, on the plain and the fused path") {
  struct Sizes {
    int64_t B, n, m;
  };
  for (const bool plain : {false, true})
    for (const auto& [B, n, m] : {Sizes{0, 3, 3}, {2, 0, 3}, {2, 3, 0}, {0, 0, 0}})
      for (const bool causal : {false, true}) {
        INFO("plain " << plain << ", causal " << causal << ", n " << n << ", m " << m);
        set_plain_attention(plain);
        const std::vector<Shape> qkv{{B, n, 8}, {B, m, 8}, {B, m, 8}};
        const auto three = [&, B = B, n = n](const char* name, const auto& layer, auto... options) {
          check_layer(name, &layer, qkv,
                      [&](const std::vector<Tensor>& in) { return layer(in[0], in[1], in[2], options...).output; },
                      {B, n, 8});
        };
        three("MultiHeadAttention", MultiHeadAttention(8, 2), AttentionOptions{.causal = causal});
        three("MultiHeadAttention with weights", MultiHeadAttention(8, 2),
              AttentionOptions{.causal = causal, .need_weights = true});
        three("MultiHead", MultiHead<ScaledDotScore>(8, 2), AttentionOptions{.causal = causal});
        three("DotProductAttention", DotProductAttention(), AttentionOptions{.causal = causal});
        three("AdditiveAttention", AdditiveAttention(8, 8, 5), AttentionOptions{.causal = causal});
        three("MultiplicativeAttention", MultiplicativeAttention(8, 8), AttentionOptions{.causal = causal});
        three("KeyValueAttention", KeyValueAttention(8, 8, 8), AttentionOptions{.causal = causal});
        three("CosineScore", Attention<CosineScore>(), AttentionOptions{.causal = causal});
        three("NadarayaWatson, Gaussian", NadarayaWatson<Gaussian>(Gaussian()), AttentionOptions{});
        three("NadarayaWatson, boxcar", NadarayaWatson<Boxcar>(Boxcar()), AttentionOptions{});
        three("LocalMonotonicAttention", LocalMonotonicAttention<DotScore>(2), AttentionOptions{});
        three("LocalPredictiveAttention", LocalPredictiveAttention<DotScore>(2, 8, 5), AttentionOptions{});
        for (const Normaliser by :
             {Normaliser::softmax, Normaliser::kernel_sum, Normaliser::sparsemax, Normaliser::sigmoid})
          check_layer("attend", nullptr, {{B, n, m}, {B, m, 8}},
                      [&](const std::vector<Tensor>& in) {
                        return attend(in[0], in[1], {.causal = causal, .normaliser = by}).output;
                      },
                      {B, n, 8});
        for (const Shape& heads : {Shape{B}, Shape{B, 2}}) {
          const auto with = [&](int64_t length) {
            Shape s = heads;
            s.push_back(length);
            s.push_back(4);
            return s;
          };
          check_layer(
              "scaled_dot_product_attention", nullptr, {with(n), with(m), with(m)},
              [&](const std::vector<Tensor>& in) {
                return scaled_dot_product_attention(in[0], in[1], in[2], {.causal = causal});
              },
              with(n));
        }
      }
  set_plain_attention(false);
  for (const bool plain : {false, true})
    for (const auto& [B, n] : sizes) {
      set_plain_attention(plain);
      const Shape x{B, n, 8};
      const auto self = [&, B = B, n = n](const char* name, const auto& layer) {
        check_layer(name, &layer, {x}, [&](const std::vector<Tensor>& in) { return layer(in[0]).output; }, {B, n, 8});
      };
      self("MultiHeadAttention", MultiHeadAttention(8, 2));
      self("GroupedQueryAttention", GroupedQueryAttention(8, 4, {.num_kv_heads = 2}));
      self("SelfAttention", SelfAttention(8, 8));
      self("PerHeadAttention", PerHeadAttention(8, 8, 2));
    }
  set_plain_attention(false);
}

TEST_CASE("recurrent layers and cells take no sequences, but a sequence of no steps is refused by name") {
  const auto check_recurrent = [](const char* name, const RecurrentLayer& layer, int64_t width) {
    check_layer(name, &layer, {{0, 3, 4}}, [&](const std::vector<Tensor>& in) { return layer(in[0]).output; },
                {0, 3, width});
    check_layer(name, &layer, {{0, 3, 4}}, [&](const std::vector<Tensor>& in) { return layer(in[0]).hidden; },
                {width / 5, 0, 5});
  };
  check_recurrent("RNN", RNN(4, 5), 5);
  check_recurrent("GRU", GRU(4, 5), 5);
  check_recurrent("LSTM", LSTM(4, 5), 5);
  check_recurrent("GRU, both ways", GRU(4, 5, {.bidirectional = true}), 10);
  check_recurrent("LSTM, both ways", LSTM(4, 5, {.bidirectional = true}), 10);
  const RNNCell rnn(4, 5);
  const GRUCell gru(4, 5);
  const LSTMCell lstm(4, 5);
  check_layer("RNNCell", &rnn, {{0, 4}}, [&](const std::vector<Tensor>& in) { return rnn(in[0]); }, {0, 5});
  check_layer("GRUCell", &gru, {{0, 4}}, [&](const std::vector<Tensor>& in) { return gru(in[0]); }, {0, 5});
  check_layer("LSTMCell", &lstm, {{0, 4}}, [&](const std::vector<Tensor>& in) { return lstm(in[0]).hidden; }, {0, 5});
  const std::string none = test::message_of<ShapeError>([] { GRU(4, 5)(zeros({2, 0, 4})); });
  INFO(none);
  CHECK(test::follows_grammar(none));
  CHECK(test::contains(none, "(2, 0, 4)"));
}

TEST_CASE("whole models take a batch of no sequences") {
  manual_seed(0);
  const auto model = [](const char* name, const Module& m, const std::function<Tensor()>& f, const Shape& shape) {
    check_layer(name, &m, {}, [&](const std::vector<Tensor>&) { return f(); }, shape);
  };
  for (const bool plain : {false, true}) {
    set_plain_attention(plain);
    const GPT gpt({.vocab = 7, .context = 5, .width = 8, .heads = 2, .layers = 2});
    model("GPT", gpt, [&] { return gpt(ids({0, 3})); }, {0, 3, 7});
    model("GPT of empty sequences", gpt, [&] { return gpt(ids({2, 0})); }, {2, 0, 7});
    model("GPT and its loss", gpt,
          [&] { return cross_entropy(gpt(ids({0, 3})), ids({0, 3}), {.reduction = Reduction::sum}); }, {});
    const EncoderClassifier classifier({.vocab = 7, .classes = 3, .width = 8, .heads = 2, .layers = 1, .hidden = 8});
    model("EncoderClassifier", classifier, [&] { return classifier(ids({0, 4})); }, {0, 3});
    model("EncoderClassifier, padded", classifier, [&] { return classifier(ids({0, 4}), std::vector<int64_t>{}); },
          {0, 3});
    const Seq2SeqTransformer translator({.source_vocab = 7,
                                         .target_vocab = 6,
                                         .width = 8,
                                         .heads = 2,
                                         .encoder_layers = 1,
                                         .decoder_layers = 1,
                                         .hidden = 8});
    model("Seq2SeqTransformer", translator, [&] { return translator(ids({0, 4}), ids({0, 3})); }, {0, 3, 6});
    model("Seq2SeqTransformer, padded", translator,
          [&] { return translator(ids({0, 4}), ids({0, 3}), std::vector<int64_t>{}); }, {0, 3, 6});
    const Transformer transformer(8, 2, {.num_encoder_layers = 1, .num_decoder_layers = 1, .dim_feedforward = 8});
    check_layer("Transformer", &transformer, {{0, 4, 8}, {0, 3, 8}},
                [&](const std::vector<Tensor>& in) { return transformer(in[0], in[1], {.target = {.causal = true}}); },
                {0, 3, 8});
    check_layer("Transformer, empty target", &transformer, {{2, 4, 8}, {2, 0, 8}},
                [&](const std::vector<Tensor>& in) { return transformer(in[0], in[1]); }, {2, 0, 8});
    check_layer("Transformer, empty source", &transformer, {{2, 0, 8}, {2, 3, 8}},
                [&](const std::vector<Tensor>& in) { return transformer(in[0], in[1]); }, {2, 3, 8});
  }
  set_plain_attention(false);
  const EncoderRNN encoder(7, 5);
  model("EncoderRNN", encoder, [&] { return encoder(ids({0, 4})).outputs; }, {0, 4, 5});
  const auto decoder = [&](const char* name, const RecurrentDecoder& d) {
    model(name, d, [&] { return d(ids({0, 3}), encoder(ids({0, 4}))).logits; }, {0, 3, 6});
  };
  decoder("DecoderRNN", DecoderRNN(5, 6));
  decoder("BahdanauDecoder", BahdanauDecoder(5, 6));
  decoder("AttnDecoderRNN", AttnDecoderRNN(5, 6));
  const Embedding table(5, 3);
  model("Embedding", table, [&] { return table(ids({0, 4})); }, {0, 4, 3});
  const SearchOptions search{.bos = 1, .eos = 2, .max_length = 3, .beam = 2};
  CHECK(greedy_search(0, [](const Tensor& t) { return zeros({t.size(0), 6}); }, search).empty());
  CHECK(beam_search(0, [](const Tensor& t) { return zeros({t.size(0), 6}); }, [](const Tensor&) {}, search).empty());
}

TEST_CASE("losses of nothing: a mean is NaN, a sum 0, the gradient 0, as in PyTorch") {
  using Loss = std::function<Tensor(const Tensor&, Reduction)>;
  const Tensor none = zeros({0, 3}), no_class = ids({0});
  const std::pair<const char*, Loss> losses[] = {
      {"mse_loss", [&](const Tensor& x, Reduction r) { return mse_loss(x, none, {r}); }},
      {"l1_loss", [&](const Tensor& x, Reduction r) { return l1_loss(x, none, {r}); }},
      {"huber_loss", [&](const Tensor& x, Reduction r) { return huber_loss(x, none, {.reduction = r}); }},
      {"hinge_loss", [&](const Tensor& x, Reduction r) { return hinge_loss(x, none, {r}); }},
      {"bce_with_logits", [&](const Tensor& x, Reduction r) { return bce_with_logits(x, none, {.reduction = r}); }},
      {"kl_div", [&](const Tensor& x, Reduction r) { return kl_div(x, none, {.reduction = r}); }},
      {"cross_entropy", [&](const Tensor& x, Reduction r) { return cross_entropy(x, no_class, {.reduction = r}); }},
      {"cross_entropy, smoothed and weighted",
       [&](const Tensor& x, Reduction r) {
         return cross_entropy(x, no_class, {.weight = ones({3}), .label_smoothing = 0.1, .reduction = r});
       }},
      {"nll_loss", [&](const Tensor& x, Reduction r) { return nll_loss(x, no_class, {.reduction = r}); }}};
  for (const auto& [name, loss] : losses) {
    INFO(name);
    const Tensor x = zeros({0, 3});
    CHECK(std::isnan(loss(x, Reduction::mean).item()));
    CHECK(loss(x, Reduction::sum).item() == 0.0);
    CHECK(loss(x, Reduction::none).size(0) == 0);
    for (const Reduction r : {Reduction::mean, Reduction::sum})
      check_layer(name, nullptr, {{0, 3}}, [&, f = loss](const std::vector<Tensor>& in) { return f(in[0], r); }, {});
  }
}
