// Translation by recurrent networks: a GRU reads, another one writes and attends to the source (Bahdanau et al. 2014).
#include <heed/nn/nn.h>
#include <heed/optim/optim.h>
#include "bench/bench.h"

namespace heed::bench {

namespace {

Step seq2seq_step(int64_t hidden, int64_t vocab, int64_t batch, int64_t length) {
  struct Model : nn::Module {
    nn::EncoderRNN encoder;
    nn::BahdanauDecoder decoder;
    Model(int64_t h, int64_t v) : encoder(v, h, {.dropout = 0}), decoder(h, v, {.dropout = 0}) {}
    Tensor operator()(const Tensor& source, const Tensor& target) const {
      return decoder(target, encoder(source)).logits;
    }
    void visit(nn::Visitor& v) override {
      v("encoder", encoder);
      v("decoder", decoder);
    }
  };
  auto model = std::make_shared<Model>(hidden, vocab);
  auto adam = std::make_shared<optim::Adam>(model->parameters(), optim::AdamOptions{.lr = 1e-3});
  const Tensor source = randint(0, vocab, {batch, length}), target = randint(0, vocab, {batch, length});
  return [=] {
    adam->zero_grad();
    nn::cross_entropy((*model)(source, target), target).backward();
    adam->step();
  };
}

}  // namespace

void add_seq2seq(Workloads& all) {
  all.push_back({"seq2seq_gru_h128_b32_step", {"ms", 1e3}, [] { return seq2seq_step(128, 3000, 32, 15); }});
}

}  // namespace heed::bench
