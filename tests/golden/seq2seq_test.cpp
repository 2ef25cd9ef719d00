// Recurrent encoders and decoders against their composition from torch.nn's parts.
// seq2seq.safetensors comes from make_seq2seq.py, which says what its names mean.
#include "support/catch.h"

#include <string>
#include <vector>

#include <heed/autograd/ops.h>
#include <heed/nn/clone.h>
#include <heed/nn/recurrent/attention_decoders.h>
#include "support/golden.h"

using namespace heed;
using test::Golden;

namespace {

const Golden& seq2seq_golden() {
  static const Golden file("seq2seq.safetensors");
  return file;
}

// Both parts load their state dicts; logits, alignment and every gradient are compared.
template <class D> void check_translation(const std::string& name, const nn::EncoderRNN& reader, const D& writer) {
  const Golden& golden = seq2seq_golden();
  std::vector<int64_t> lengths;
  for (const double n : golden.at(name + "/in/lengths", Dtype::i64).to_vector())
    lengths.push_back(static_cast<int64_t>(n));
  for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
    INFO(name << " in " << dtype);
    nn::EncoderRNN encoder = nn::clone(reader);
    D decoder = nn::clone(writer);
    encoder.to(dtype);
    decoder.to(dtype);
    encoder.load_state_dict(golden.state(name + "/encoder/", dtype));
    decoder.load_state_dict(golden.state(name + "/decoder/", dtype));
    encoder.eval();
    decoder.eval();
    const nn::Decoded d = decoder(golden.at(name + "/in/target", Dtype::i64),
                                  encoder(golden.at(name + "/in/source", Dtype::i64), lengths));
    golden.check(name + "/out/logits", d.logits);
    Tensor total = sum(d.logits * golden.at(name + "/seed/logits", dtype));
    if (d.weights.defined()) {
      golden.check(name + "/out/weights", d.weights);
      total = total + sum(d.weights * golden.at(name + "/seed/weights", dtype));
    }
    total.backward();
    for (const nn::NamedTensor& p : encoder.named_parameters())
      golden.check(name + "/grad/encoder/" + p.name, p.tensor.grad());
    for (const nn::NamedTensor& p : decoder.named_parameters())
      golden.check(name + "/grad/decoder/" + p.name, p.tensor.grad());
  }
}

}  // namespace

TEST_CASE("golden: encoder and plain decoder") {
  check_translation("plain", nn::EncoderRNN(5, 4, {.num_layers = 2}), nn::DecoderRNN(4, 6, {.num_layers = 2}));
  check_translation("context", nn::EncoderRNN(5, 4, {.embed_size = 3, .bidirectional = true}),
                    nn::DecoderRNN(4, 6, {.embed_size = 3, .encoder_size = 8, .context = true}));
}

TEST_CASE("golden: Bahdanau decoder") {
  check_translation(
      "bahdanau", nn::EncoderRNN(5, 4, {.embed_size = 3, .num_layers = 2, .bidirectional = true}),
      nn::BahdanauDecoder(4, 6, {.embed_size = 3, .encoder_size = 8, .attention_size = 5, .num_layers = 2}));
  check_translation("bahdanau_small", nn::EncoderRNN(5, 4), nn::BahdanauDecoder(4, 6));
}

TEST_CASE("golden: location-only decoder") {
  check_translation("location", nn::EncoderRNN(5, 4), nn::AttnDecoderRNN(4, 6, {.max_length = 6}));
}
