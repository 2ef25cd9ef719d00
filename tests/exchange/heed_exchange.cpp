// heed's side of the exchange with PyTorch (exchange.py, by hand): every module of nn that has a PyTorch twin.
//
//     heed_exchange list             their names
//     heed_exchange write DIR        saves each one's state, random, as DIR/<name>.safetensors
//     heed_exchange pass FROM TO     loads FROM/<name>.safetensors into each, strictly, and saves what it then has in TO
//     heed_exchange check            write, pass and compare the bits, in a folder of its own
//
// Of models of tokens, `write` also saves tokens and the logits they get: DIR/<name>.logits.safetensors.
#include <exception>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <heed/nn/load.h>
#include <heed/nn/nn.h>
#include "support/temp_dir.h"

using namespace heed;
namespace fs = std::filesystem;

namespace {

struct Case {
  std::string name;
  std::shared_ptr<nn::Module> module;
  std::function<Tensor(const Tensor& tokens)> logits = nullptr;  // of a model of tokens
  int64_t vocab = 0;
  std::string config = {};  // in the file's metadata
};

template <class M> Case of(const std::string& name, M module) { return {name, std::make_shared<M>(std::move(module))}; }

template <class M, class Options> Case model(const std::string& name, const Options& options) {
  const auto m = std::make_shared<M>(options);
  m->eval();
  Case made{name, m, [m](const Tensor& tokens) { return (*m)(tokens); }, options.vocab};
  made.config = nn::to_config(options);
  return made;
}

std::vector<Case> layers() {
  using namespace nn;
  return {of("linear", Linear(5, 3)),
          of("linear_no_bias", Linear(5, 3, {.bias = false})),
          of("embedding", Embedding(7, 3)),
          of("embedding_padding", Embedding(7, 3, {.padding_idx = 2})),
          of("layer_norm", LayerNorm(6)),
          of("layer_norm_no_bias", LayerNorm(6, {.bias = false})),
          of("layer_norm_plain", LayerNorm(6, {.elementwise_affine = false})),
          of("rms_norm", RMSNorm(6)),
          of("activations", Sequential(ReLU(), SiLU(), Tanh(), Sigmoid(), Softplus(), GELU(), LeakyReLU(), ELU())),
          of("sequential", Sequential(Linear(4, 8), Tanh(), Dropout(0.1), Linear(8, 2))),
          of("sequential_nested", Sequential(Linear(4, 8), Sequential(LayerNorm(8), Linear(8, 2)))),
          of("rnn", RNN(3, 4)),
          of("rnn_relu_deep", RNN(3, 4, {.num_layers = 2, .nonlinearity = Nonlinearity::relu, .bidirectional = true})),
          of("gru", GRU(3, 4)),
          of("gru_deep", GRU(3, 4, {.num_layers = 3, .bias = false, .bidirectional = true})),
          of("lstm", LSTM(3, 4)),
          of("lstm_deep", LSTM(3, 4, {.num_layers = 2, .bidirectional = true})),
          of("rnn_cell", RNNCell(3, 4)),
          of("gru_cell", GRUCell(3, 4)),
          of("lstm_cell", LSTMCell(3, 4)),
          of("lstm_cell_no_bias", LSTMCell(3, 4, {.bias = false}))};
}

std::vector<Case> attention() {
  using namespace nn;
  return {
      of("mha", MultiHeadAttention(8, 2)),
      of("mha_no_bias", MultiHeadAttention(8, 2, {.bias = false})),
      of("mha_kdim", MultiHeadAttention(8, 2, {.kdim = 5, .vdim = 6})),
      of("mha_bias_kv", MultiHeadAttention(8, 2, {.add_bias_kv = true})),
      of("mha_zero_attn", MultiHeadAttention(8, 2, {.add_zero_attn = true})),
      of("mha_everything",
         MultiHeadAttention(8, 2, {.kdim = 5, .vdim = 6, .add_bias_kv = true, .add_zero_attn = true})),
      of("encoder_layer", TransformerEncoderLayer(8, 2, {.dim_feedforward = 16})),
      of("encoder_layer_no_bias", TransformerEncoderLayer(8, 2, {.dim_feedforward = 16, .bias = false})),
      of("decoder_layer", TransformerDecoderLayer(8, 2, {.dim_feedforward = 16})),
      of("decoder_layer_no_bias", TransformerDecoderLayer(8, 2, {.dim_feedforward = 16, .bias = false})),
      of("encoder", TransformerEncoder(TransformerEncoderLayer(8, 2, {.dim_feedforward = 16}), 2)),
      of("encoder_norm", TransformerEncoder(TransformerEncoderLayer(8, 2, {.dim_feedforward = 16}), 2, LayerNorm(8))),
      of("decoder", TransformerDecoder(TransformerDecoderLayer(8, 2, {.dim_feedforward = 16}), 2)),
      of("decoder_norm", TransformerDecoder(TransformerDecoderLayer(8, 2, {.dim_feedforward = 16}), 2, LayerNorm(8))),
      of("transformer", Transformer(8, 2, {.num_encoder_layers = 2, .num_decoder_layers = 3, .dim_feedforward = 16})),
      of("transformer_no_bias",
         Transformer(8, 2, {.num_encoder_layers = 1, .num_decoder_layers = 1, .dim_feedforward = 16, .bias = false}))};
}

std::vector<Case> models() {
  const nn::GPTOptions gpt{.vocab = 23, .context = 16, .width = 24, .heads = 3, .layers = 2};
  nn::GPTOptions gpt2 = gpt;
  gpt2.bias = gpt2.gelu_tanh = true;
  std::vector<Case> all{model<nn::GPT>("gpt", gpt), model<nn::GPT>("gpt_bias_gelu_tanh", gpt2)};
  const nn::LlamaOptions llama{.vocab = 23, .context = 16, .width = 24, .hidden = 40, .layers = 2, .heads = 6};
  nn::LlamaOptions grouped = llama, tied = llama;
  grouped.kv_heads = 2;
  grouped.rope_layout = nn::RopeLayout::interleaved;
  tied.tied = tied.attention_bias = true;
  tied.head_dim = 8;
  all.push_back(model<nn::Llama>("llama", llama));
  all.push_back(model<nn::Llama>("llama_grouped_interleaved", grouped));
  all.push_back(model<nn::Llama>("llama_tied_bias", tied));
  return all;
}

std::vector<Case> cases() {
  std::vector<Case> all = layers();
  for (const Case& c : attention()) all.push_back(c);
  for (const Case& c : models()) all.push_back(c);
  return all;
}

fs::path file_of(const fs::path& folder, const Case& c) { return folder / (c.name + ".safetensors"); }

// Ones and zeros hide mistakes: every element is random.
void randomize(nn::Module& module) {
  const NoGrad no_history;
  for (const nn::NamedTensor& entry : module.state_dict()) {
    Tensor x = entry.tensor;
    x.copy_(randn(x.shape()) * 0.3);
  }
}

void write(const fs::path& folder) {
  fs::create_directories(folder);
  for (const Case& c : cases()) {
    randomize(*c.module);
    std::map<std::string, std::string> metadata;
    if (!c.config.empty()) metadata["config"] = c.config;
    nn::save(file_of(folder, c), c.module->state_dict(), metadata);
    if (!c.logits) continue;
    const NoGrad no_history;
    const Tensor tokens = randint(0, c.vocab, {3, 11});
    const nn::StateDict answer{{{"tokens", tokens}, {"logits", c.logits(tokens)}}};
    nn::save(folder / (c.name + ".logits.safetensors"), answer);
  }
}

void pass(const fs::path& from, const fs::path& to) {
  fs::create_directories(to);
  for (const Case& c : cases()) {
    c.module->load_state_dict(nn::load(file_of(from, c)).state);
    nn::save(file_of(to, c), c.module->state_dict());
  }
}

// How many states came through with the same names and bits.
int64_t check_all() {
  const test::TempDir dir;
  write(dir / "written");
  pass(dir / "written", dir / "passed");
  int64_t equal = 0;
  for (const Case& c : cases()) {
    const nn::StateDict before = nn::load(file_of(dir / "written", c)).state,
                        after = nn::load(file_of(dir / "passed", c)).state;
    bool same = before.size() == after.size();
    for (size_t i = 0; same && i < before.size(); ++i)
      same = before[i].name == after[i].name && nn::same_bits(before[i].tensor, after[i].tensor);
    if (!same) std::cerr << c.name << ": changed\n";
    equal += same;
  }
  return equal;
}

int run(const std::vector<std::string>& arguments) {
  manual_seed(1);
  const std::string mode = arguments.empty() ? "" : arguments[0];
  if (mode == "list" && arguments.size() == 1)
    for (const Case& c : cases()) std::cout << c.name << '\n';
  else if (mode == "write" && arguments.size() == 2) write(arguments[1]);
  else if (mode == "pass" && arguments.size() == 3) pass(arguments[1], arguments[2]);
  else if (mode == "check" && arguments.size() == 1) {
    const int64_t all = static_cast<int64_t>(cases().size()), equal = check_all();
    std::cout << equal << " of " << all << " states are the same after saving and loading\n";
    return equal == all ? 0 : 1;
  } else {
    std::cerr << "heed_exchange list | write DIR | pass FROM TO | check\n";
    return 2;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "heed_exchange: " << error.what() << '\n';
    return 1;
  }
}
