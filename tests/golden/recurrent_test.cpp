// Recurrent layers and cells against PyTorch. recurrent.safetensors comes from make_recurrent.py,
// which says what its names mean.
#include "support/catch.h"

#include <string>
#include <utility>
#include <vector>

#include <heed/autograd/ops.h>
#include <heed/nn/clone.h>
#include <heed/nn/recurrent/recurrent.h>
#include <heed/nn/recurrent/recurrent_cells.h>
#include "support/golden.h"

using namespace heed;
using test::Golden;

namespace {

const Golden& recurrent_golden() {
  static const Golden file("recurrent.safetensors");
  return file;
}

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

// Loads the state dict, calls f(layer, inputs), which gives the outputs by name; compares them and
// every gradient, in both types.
template <class M, class F>
void check_recurrent(const std::string& name, const M& layer, const std::vector<std::string>& inputs, F f) {
  for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
    INFO(name << " in " << dtype);
    M m = nn::clone(layer);
    m.to(dtype);
    m.load_state_dict(recurrent_golden().state(name + "/param/", dtype));
    std::vector<Tensor> in;
    for (const std::string& input : inputs)
      in.push_back(parameter(recurrent_golden().at(name + "/in/" + input, dtype)));
    Tensor total = scalar(0.0, dtype);
    for (const auto& [output, y] : f(m, in)) {
      recurrent_golden().check(name + "/out/" + output, y);
      total = total + sum(y * recurrent_golden().at(name + "/seed/" + output, dtype));
    }
    total.backward();
    for (size_t i = 0; i < in.size(); ++i) recurrent_golden().check(name + "/grad/" + inputs[i], in[i].grad());
    for (const nn::NamedTensor& p : m.named_parameters())
      recurrent_golden().check(name + "/grad/" + p.name, p.tensor.grad());
  }
}

// A layer of one kind with all options; make(options) builds it.
template <class Options, class Make> void check_layer(const std::string& kind, Options with_defaults, Make make) {
  const bool lstm = kind == "lstm";
  const auto run = [&](const std::string& label, const Options& options, bool start = false,
                       std::optional<std::vector<int64_t>> lengths = std::nullopt) {
    std::vector<std::string> inputs{"x"};
    if (start) inputs.push_back("hidden");
    if (start && lstm) inputs.push_back("cell");
    check_recurrent(kind + "/" + label, make(options), inputs, [&](const auto& m, const std::vector<Tensor>& in) {
      nn::RecurrentCall call{.lengths = lengths};
      if (in.size() > 1) call.hidden = in[1];
      if (in.size() > 2) call.cell = in[2];
      const nn::Recurrent r = m(in[0], call);
      NamedTensors out{{"output", r.output}, {"hidden", r.hidden}};
      if (lstm) out.push_back({"cell", r.cell});
      return out;
    });
  };
  const auto with = [&](auto change) {
    Options o = with_defaults;
    change(o);
    return o;
  };
  run("plain", with_defaults);
  run("no_bias", with([](Options& o) { o.bias = false; }));
  run("start", with_defaults, true);
  run("deep", with([](Options& o) { o.num_layers = 2; }));
  run("both_ways", with([](Options& o) { o.bidirectional = true; }), true);
  run("all", with([](Options& o) { o.num_layers = 2, o.bidirectional = true; }), true, {{2, 4, 1}});
}

}  // namespace

TEST_CASE("golden: RNN with tanh and relu and every option") {
  const auto make = [](const nn::RNNOptions& o) { return nn::RNN(3, 4, o); };
  check_layer("rnn", nn::RNNOptions{}, make);
  check_layer("rnn_relu", nn::RNNOptions{.nonlinearity = nn::Nonlinearity::relu}, make);
}

TEST_CASE("golden: GRU with every option") {
  check_layer("gru", nn::RecurrentOptions{}, [](const nn::RecurrentOptions& o) { return nn::GRU(3, 4, o); });
}

TEST_CASE("golden: LSTM with every option") {
  check_layer("lstm", nn::RecurrentOptions{}, [](const nn::RecurrentOptions& o) { return nn::LSTM(3, 4, o); });
}

TEST_CASE("golden: recurrent cells") {
  const auto one = [](const auto& m, const std::vector<Tensor>& in) {
    return NamedTensors{{"hidden", m(in[0], in[1])}};
  };
  const auto two = [](const nn::LSTMCell& m, const std::vector<Tensor>& in) {
    const RecurrenceState next = m(in[0], {in[1], in[2]});
    return NamedTensors{{"hidden", next.hidden}, {"cell", next.cell}};
  };
  for (const bool bias : {true, false}) {
    const std::string label = bias ? "/cell" : "/cell_no_bias";
    const auto relu = nn::Nonlinearity::relu;
    check_recurrent("rnn" + label, nn::RNNCell(3, 4, {.bias = bias}), {"x", "hidden"}, one);
    check_recurrent("rnn_relu" + label, nn::RNNCell(3, 4, {.nonlinearity = relu, .bias = bias}), {"x", "hidden"}, one);
    check_recurrent("gru" + label, nn::GRUCell(3, 4, {.bias = bias}), {"x", "hidden"}, one);
    check_recurrent("lstm" + label, nn::LSTMCell(3, 4, {.bias = bias}), {"x", "hidden", "cell"}, two);
  }
}
