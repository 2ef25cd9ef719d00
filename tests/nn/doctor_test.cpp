// Planted faults, each named by the examination, and healthy models, of which it says nothing.
#include <bit>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "support/catch.h"

#include <heed/autograd/leaf.h>
#include <heed/autograd/ops.h>
#include <heed/nn/nn.h>
#include <heed/optim/optim.h>
#include "support/errors.h"

using namespace heed;
using namespace heed::nn;
using test::contains;

namespace {

/// Layers of equal width with one activation between them.
struct Tower : Module {
  std::vector<Linear> layers;
  std::function<Tensor(const Tensor&)> activation;

  Tower(const std::vector<int64_t>& widths, std::function<Tensor(const Tensor&)> f) : activation(std::move(f)) {
    for (size_t i = 0; i + 1 < widths.size(); ++i) layers.emplace_back(widths[i], widths[i + 1]);
  }
  Tensor operator()(Tensor x) const {
    const Scope scope(*this);
    for (size_t i = 0; i < layers.size(); ++i) x = i == 0 ? layers[i](x) : layers[i](activation(x));
    return x;
  }
  void visit(Visitor& v) override { v("layers", layers); }
};

Tower sound_tower() { return {{6, 16, 16, 3}, relu}; }

/// Points of three classes, each around a centre of its own.
Batch points(uint64_t seed, int64_t n = 24) {
  Generator generator(seed), fixed(99);
  const Tensor labels = randint(0, 3, {n}, generator), centres = randn({3, 6}, fixed);
  return {embedding(centres, labels) + 0.3 * randn({n, 6}, generator), labels};
}

/// Sequences in which each token follows from the one before.
Batch sequences(uint64_t seed, int64_t vocab, int64_t n) {
  Generator generator(seed);
  Tensor now = randint(0, vocab, {6, 1}, generator);
  std::vector<Tensor> all{now};
  for (int64_t t = 0; t < n; ++t) {
    const Tensor next = now * 3.0 + 1.0;
    all.push_back(now = next - floor_divide(next, static_cast<double>(vocab)) * static_cast<double>(vocab));
  }
  const Tensor tokens = cat(all, 1);
  return {tokens.slice(1, 0, n), tokens.slice(1, 1, n + 1)};
}

template <class M> auto classes_of(const M& model) {
  return [&model](const Batch& b) { return cross_entropy(model(b.inputs), b.targets); };
}

/// What is said of a model that classifies points, with an Adam of its own.
template <class M> Report examined(M& model, double lr = 1e-2, const ExamineOptions& options = {.range_steps = 0}) {
  optim::Adam adam(model.parameters(), {.lr = lr});
  return examine(model, classes_of(model), adam, {points(1), points(2)}, options);
}

std::string said(const Report& report, const std::string& check) {
  const Finding* finding = report.find(check);
  return finding ? finding->path + ": " + finding->sentence : "nothing, but\n" + report.text();
}

bool only(const Report& report, const std::string& check) {
  for (const Finding& finding : report.findings)
    if (finding.severity != Severity::note && finding.check != check) return false;
  return report.find(check) != nullptr;
}

void scale(Linear& layer, double factor) {
  const NoGrad no_history;
  layer.weight.mul_(factor);
}

}  // namespace

TEST_CASE("doctor: parameters that are forgotten, cut off or without an optimizer") {
  manual_seed(1);
  struct Forgetful : Tower {
    Tensor gain = parameter(ones({3}));
    Forgetful() : Tower(sound_tower()) {}
    Tensor operator()(const Tensor& x) const {
      const Scope scope(*this);
      return Tower::operator()(x) * gain;
    }
  } forgetful;
  Report report = examined(forgetful);
  CHECK(only(report, "forgotten parameter"));
  CHECK(contains(said(report, "forgotten parameter"), "a parameter (3,) in Forgetful that no visit() names"));
  CHECK_FALSE(static_cast<const Leaf&>(*forgetful.gain.node()).grad.defined());

  struct Cut : Tower {
    Linear below{6, 6}, beside{2, 2};
    Cut() : Tower(sound_tower()) {}
    Tensor operator()(const Tensor& x) const {
      const Scope scope(*this);
      return Tower::operator()(below(x).detach());
    }
    void visit(Visitor& v) override {
      Tower::visit(v);
      v("below", below);
      v("beside", beside);
    }
  } cut;
  report = examined(cut);
  CHECK(only(report, "parameter without gradient"));
  CHECK(report.findings.size() == 4);
  CHECK(said(report, "parameter without gradient") == "below.weight: is used, but no gradient comes back to it");
  CHECK(report.findings[3].sentence == "no op uses it");

  Tower tower = sound_tower();
  const auto nothing = [&](const Batch& b) { return cross_entropy(tower(b.inputs).detach(), b.targets); };
  CHECK(contains(said(examine(tower, nothing, {points(1)}), "parameter without gradient"), "the loss has no history"));

  optim::SGD some({tower.layers[0].weight, tower.layers[1].weight}, {.lr = 0.1});
  report = examine(tower, classes_of(tower), some, {points(1)}, {.range_steps = 0});
  CHECK(only(report, "parameter without optimizer"));
  CHECK(report.findings.size() == 4);
  CHECK(report.findings[0].path == "layers.0.bias");

  optim::SGD early(tower.parameters(), {.lr = 0.1});
  tower.layers[2] = Linear(16, 3);
  report = examine(tower, classes_of(tower), early, {points(1)}, {.range_steps = 0});
  CHECK(contains(said(report, "replaced parameter"), "2 of 6 tensors that neither the model nor the loss uses"));
  CHECK(report.find("parameter without optimizer")->path == "layers.2.weight");

  struct Gated : Tower {
    Tensor gate = parameter(ones({3}));
    Gated() : Tower(sound_tower()) {}
    Tensor operator()(const Tensor& x) const {
      const Scope scope(*this);
      return Tower::operator()(x) + 0.0 * gate;
    }
    void visit(Visitor& v) override { Tower::visit(v), v("gate", gate); }
  } gated;
  report = examined(gated, 1e-2, {.range_steps = 2});
  CHECK(only(report, "zero gradient"));
  CHECK(report.findings[0].path == "gate");
}

TEST_CASE("doctor: parameters that are two and were meant to be one") {
  manual_seed(2);
  struct Tied : Module {
    Embedding in{11, 8};
    Linear out{8, 11, {.bias = false}};
    Tensor operator()(const Tensor& x) const {
      const Scope scope(*this);
      return out(in(x));
    }
    void visit(Visitor& v) override { v("in", in), v("out", out); }
  } model;
  scale(model.out, 0.1);
  model.out.weight.to(Dtype::f32);
  const std::vector<Batch> batches{sequences(1, 11, 9)};
  const auto judged = [&] { return examine(model, classes_of(model), batches); };
  CHECK(judged().healthy());
  {
    const NoGrad no_history;
    model.in.weight.mul_(0.1);
  }
  model.out.weight = model.in.weight;  // shared: sound
  CHECK(judged().healthy());
  model.out.weight = parameter(model.in.weight.detach().clone());
  Report report = judged();
  CHECK(only(report, "copied weights"));
  CHECK(contains(said(report, "copied weights"), "out.weight: equals in.weight element by element, but is separate"));
  model.out.weight = parameter(model.in.weight.detach());
  report = judged();
  CHECK(only(report, "one array, two parameters"));
  CHECK(contains(said(report, "one array, two parameters"), "out.weight: has the elements of in.weight"));
}

TEST_CASE("doctor: units that are dead or saturated, gradients that vanish or explode") {
  manual_seed(3);
  Tower dead = sound_tower();
  dead.layers[1].bias.detach().fill_(-100);
  Report report = examined(dead);
  CHECK(only(report, "dead units"));
  CHECK(said(report, "dead units") ==
        "Tower: relu 2: 16 of 16 units are 0 in each of 48 rows, so nothing is learnt through them");

  Tower saturated({6, 16, 3}, [](const Tensor& x) { return heed::tanh(x); });
  scale(saturated.layers[0], 1000);
  report = examined(saturated);
  CHECK(only(report, "saturated units"));
  CHECK(contains(said(report, "saturated units"), "tanh: 9"));

  std::vector<int64_t> deep{6};
  deep.insert(deep.end(), 12, 16);
  deep.push_back(3);
  Tower vanishing(deep, [](const Tensor& x) { return sigmoid(x); });
  report = examined(vanishing);
  CHECK(only(report, "vanishing gradients"));
  CHECK(contains(said(report, "vanishing gradients"), "layers.0: the gradient vanishes on its way back, from 0.0"));
  CHECK(report.gradients.size() == 13);
  CHECK(report.gradients[0].path == "layers.12");

  Tower exploding(deep, relu);
  for (Linear& layer : exploding.layers) scale(layer, 12);
  report = examined(exploding);
  CHECK(contains(said(report, "exploding gradients"), "layers.0: the gradient explodes on its way back"));
}

TEST_CASE("doctor: a learning rate that is too high or too low, a loss that no rate lowers") {
  manual_seed(4);
  Tower tower = sound_tower();
  Report report = examined(tower, 3.0, {.range_steps = 4});
  CHECK(contains(said(report, "learning rate too high"), "the loss rises from 1."));
  CHECK(report.find("large updates"));
  CHECK(report.rates.size() == 13);
  CHECK(report.lr == 3.0);
  report = examined(tower, 1e-7, {.range_steps = 4});
  CHECK(only(report, "learning rate too low"));
  // A schedule's warm-up is not the rate that is judged.
  optim::Adam adam(tower.parameters(), {.lr = 1e-2});
  const optim::WarmupCosineLR schedule(adam, {.warmup = 100'000, .decay = 200'000});
  CHECK(adam.groups()[0].lr < 1e-6);
  report = examine(tower, classes_of(tower), adam, {points(1), points(2)}, {.range_steps = 4});
  CHECK(report.healthy());
  CHECK(report.lr == 1e-2);
  CHECK(adam.groups()[0].lr < 1e-6);

  struct Blind : Tower {
    Blind() : Tower(sound_tower()) {}
    Tensor operator()(const Tensor& x) const {
      const Scope scope(*this);
      return Tower::operator()(x) * 1e-12;
    }
  } blind;
  optim::SGD sgd(blind.parameters(), {.lr = 0.1});
  CHECK(only(examine(blind, classes_of(blind), sgd, {points(1)}, {.range_steps = 2}), "no rate helps"));
}

TEST_CASE("doctor: the loss at the start") {
  manual_seed(5);
  Tower tower = sound_tower();
  scale(tower.layers.back(), 300);
  Report report = examined(tower);
  CHECK(only(report, "loss at the start"));
  CHECK(contains(said(report, "loss at the start"), "even at random it would lose ln 3 = 1.1, it loses about "));
  CHECK(examined(tower, 1e-2, {.untrained = false, .range_steps = 0}).healthy());

  Tower other = sound_tower();
  const auto twice = [&](const Batch& b) { return cross_entropy(softmax(other(b.inputs), -1), b.targets); };
  CHECK(only(examine(other, twice, {points(1)}), "softmax twice"));
  const auto cheating = [&](const Batch& b) {
    return cross_entropy(other(b.inputs) + 4.0 * one_hot(b.targets, 3).to(Dtype::f32), b.targets);
  };
  CHECK(contains(said(examine(other, cheating, {points(1)}), "loss at the start"), "though guessing costs ln 3"));
}

namespace {

struct Attending : Module {
  Embedding words{13, 16}, places{12, 16};
  MultiHeadAttention attn{16, 2};
  Linear head{16, 13};
  AttentionOptions options;

  Tensor operator()(const Tensor& tokens) const {
    const Scope scope(*this);
    const Tensor x = words(tokens) + places(arange(tokens.size(1), Dtype::i64));
    return head(x + attn(x, options).output);
  }
  void visit(Visitor& v) override { v("words", words), v("places", places), v("attn", attn), v("head", head); }
};

}  // namespace

TEST_CASE("doctor: attention that sees the future, nothing, or always the same") {
  manual_seed(6);
  const std::vector<Batch> batches{sequences(1, 13, 11)};
  Attending model;
  model.options = {.causal = true};
  const auto judged = [&](const ExamineOptions& o = {}) { return examine(model, classes_of(model), batches, o); };
  CHECK(judged().healthy());
  const ExamineOptions asked{.causal = CausalModel{[&](const Tensor& x) { return model(x); }, batches[0].inputs}};
  CHECK(judged(asked).healthy());

  model.options = {};
  Report report = judged();
  CHECK(only(report, "causality"));
  CHECK(contains(said(report, "causality"), ": the loss up to position 4 changes, from "));
  report = judged(asked);
  CHECK(only(report, "causality"));
  CHECK(contains(said(report, "causality"), "attn: output 0 changes, by up to "));

  Tensor mask = tril(ones({11, 11})) > 0.0;
  mask[4].fill_(0);
  model.options = {.mask = mask};
  report = judged();
  CHECK(only(report, "masked rows"));
  CHECK(said(report, "masked rows") == "attn: 12 of 132 queries may attend to no key, so their output is 0");

  model.options = {.causal = true};
  const Tensor packed = model.attn.in_proj_weight.detach();
  const Tensor kept = packed.clone();
  packed.slice(0, 0, 8).zero_();  // the queries of the first head
  report = judged();
  CHECK(only(report, "uniform head"));
  CHECK(contains(said(report, "uniform head"), "attn: head 0 gives equal weights to all keys in each of 60 rows"));

  Tensor(packed).copy_(kept);
  const Tensor to_first = where(eq(arange(11), 0.0), 1e4, zeros({11, 11})), causal = causal_mask(11);
  model.options = {.mask = where(causal, to_first, -INFINITY)};
  report = judged();
  CHECK(contains(said(report, "constant head"), "attn: head 0 gives all of its weight to key 0 in each of 66 rows"));
  CHECK(only(report, "constant head"));
  report = judged({.untrained = false});
  CHECK(report.healthy());
  CHECK(report.find("constant head")->severity == Severity::note);
}

TEST_CASE("doctor: evaluation that is random, training without dropout") {
  manual_seed(7);
  struct Dropping : Tower {
    Dropout drop{0.5};
    bool named;
    explicit Dropping(bool named_) : Tower(sound_tower()), named(named_) {}
    Tensor operator()(const Tensor& x) const {
      const Scope scope(*this);
      return Tower::operator()(drop(x));
    }
    void visit(Visitor& v) override {
      Tower::visit(v);
      if (named) v("drop", drop);
    }
  } sound(true), unnamed(false);
  CHECK(examined(sound).healthy());
  sound.eval();
  Report report = examined(sound);
  CHECK(only(report, "training mode"));
  CHECK_FALSE(sound.drop.training);
  CHECK_FALSE(sound.layers[1].training);
  CHECK(contains(said(examined(unnamed), "evaluation mode"),
                 "Dropping: eval() does not reach a module there: it goes on as in training, at random, in "));

  struct Noisy : Tower {
    Noisy() : Tower(sound_tower()) {}
    Tensor operator()(const Tensor& x) const {
      const Scope scope(*this);
      return Tower::operator()(x) + 0.1 * randn({3});
    }
  } noisy;
  CHECK(contains(said(examined(noisy), "evaluation mode"), "two calls on the same batch differ, first in "));
}

TEST_CASE("doctor: data that are broken, constant, or tested though trained on") {
  manual_seed(8);
  Tower tower = sound_tower();
  Batch broken = points(1);
  broken.inputs[3].fill_(NAN);
  Report report = examine(tower, classes_of(tower), {points(2), broken});
  CHECK(contains(said(report, "not finite"), "the inputs of batch 1 (24, 6) hold 6 NaN or infinite values"));
  CHECK(contains(report.text(), "the loss of batch 1 is not finite: linear: input"));

  const Batch same{ones({24, 6}), points(1).targets}, one_class{points(1).inputs, zeros({24}, Dtype::i64)};
  CHECK(contains(said(examine(tower, classes_of(tower), {same}), "constant data"),
                 "all 24 examples have the same inputs"));
  CHECK(contains(said(examine(tower, classes_of(tower), {one_class}), "constant data"), "the same targets"));

  const Batch b = points(1), tests{cat({b.inputs.slice(0, 0, 5), points(3).inputs}, 0), Tensor()};
  report = examine(tower, classes_of(tower), {b}, {.held_out = {tests}});
  CHECK(only(report, "overlap"));
  CHECK(contains(said(report, "overlap"), "5 of 29 held-out examples are trained on as well"));
}

TEST_CASE("doctor: an examination changes nothing, to the bit") {
  manual_seed(9);
  Tower tower = sound_tower();
  struct Own : Module {
    Generator generator{5};
    Tower body = sound_tower();
    Dropout drop{0.5, generator};
    Tensor operator()(const Tensor& x) const { return body(drop(x)); }
    void visit(Visitor& v) override { v("body", body), v("drop", drop); }
  } model;
  const auto loss = classes_of(model);
  const std::vector<Batch> batches{points(1), points(2)};
  optim::AdamW adamw(model.parameters(), {.lr = 1e-2});
  optim::WarmupCosineLR schedule(adamw, {.warmup = 3, .decay = 9});
  const auto step = [&](const Batch& b) {
    adamw.zero_grad();
    loss(b).backward();
    adamw.step();
    schedule.step();
  };
  step(batches[0]);
  model.body.layers[1].training = false;
  const auto state = [&] {
    std::string all;
    const auto add = [&](const Tensor& x) {
      for (const double value : x.to_vector()) all += std::to_string(std::bit_cast<uint64_t>(value)) + " ";
    };
    for (const NamedTensor& entry : model.state_dict()) add(entry.tensor);
    for (const Tensor& p : model.parameters()) add(p.grad());
    for (const auto& [name, x] : adamw.state_dict()) all += name, add(x);
    for (const NamedModule& inner : named_modules(model)) all += inner.module->training ? "t" : "e";
    return all +
           cat(" ", default_generator().counter(), " ", default_generator().seed(), " ", model.generator.counter());
  };
  const std::string before = state();
  const Tensor gradient = model.body.layers[0].weight.grad();
  CHECK(examine(model, loss, adamw, batches, {.range_steps = 3}).rates.size() == 13);
  CHECK(state() == before);
  CHECK(model.body.layers[0].weight.grad().array().storage() == gradient.array().storage());

  int calls = 0;
  const auto failing = [&](const Batch& b) {
    check(++calls < 12, "loss: call ", calls, ": fails");
    return loss(b) + (calls == 11 ? NAN : 0.0);
  };
  CHECK_NOTHROW(examine(model, failing, adamw, batches, {.range_steps = 3}));
  CHECK(state() == before);
  calls = 11;
  CHECK_THROWS_AS(examine(model, failing, adamw, batches), Error);
  CHECK(state() == before);
  step(batches[1]);
  CHECK(state() != before);

  CHECK(test::message_of([&] { examine(model, loss, adamw, std::vector<Batch>()); }) ==
        "examine: no batches: there is nothing to examine: pass at least one");
  CHECK(contains(test::message_of([&] { examine(model, loss, adamw, batches, {.max_batches = 0}); }),
                 "examine: max_batches 0, range_steps 6: must be at least 1 and 0"));
  const auto rows = [&](const Batch& b) {
    return cross_entropy(model(b.inputs), b.targets, {.reduction = Reduction::none});
  };
  CHECK(contains(test::message_of([&] { examine(model, rows, batches); }),
                 "examine: the loss of batch 0, (24,): is not one value: reduce it"));
}

TEST_CASE("doctor: healthy models get a clean bill, over several seeds") {
  for (uint64_t seed = 1; seed <= 2; ++seed) {
    manual_seed(seed);
    const auto clean = [&](const Report& report) {
      INFO("seed " << seed << "\n" << report);
      CHECK(report.healthy());
      CHECK(contains(report.text(), "healthy: no check found a fault"));
    };
    Tower tower = sound_tower();
    clean(examined(tower, 1e-2, {.range_steps = 4, .held_out = {points(50)}}));

    const std::vector<Batch> text{sequences(seed, 13, 12), sequences(seed + 20, 13, 12)};
    GPT gpt({.vocab = 13, .context = 12, .width = 16, .heads = 2, .layers = 2, .dropout = 0.1});
    optim::AdamW adamw(gpt.parameters(), {.lr = 1e-3});
    clean(examine(gpt, classes_of(gpt), adamw, text, {.range_steps = 3}));

    EncoderClassifier classifier({.vocab = 13, .classes = 3, .width = 16, .heads = 2, .layers = 2, .hidden = 32});
    Generator generator(seed);
    struct Text {
      Tensor tokens, label;
      std::vector<int64_t> lengths;
    };
    const Text some{randint(0, 13, {8, 9}, generator), randint(0, 3, {8}, generator), {9, 3, 5, 1, 9, 2, 7, 8}};
    optim::Adam adam(classifier.parameters(), {.lr = 1e-3});
    const auto judged = [&](const Text& t) { return cross_entropy(classifier(t.tokens, t.lengths), t.label); };
    clean(examine(classifier, judged, adam, std::vector<Text>{some}, {.range_steps = 3}));

    struct Translator : Module {
      EncoderRNN encoder{13, 12};
      BahdanauDecoder decoder{12, 13};
      Tensor operator()(const Tensor& source, const Tensor& target) const {
        const Scope scope(*this);
        return decoder(target, encoder(source, {{7, 5, 7, 2, 6, 7}})).logits;
      }
      void visit(Visitor& v) override { v("encoder", encoder), v("decoder", decoder); }
    } translator;
    const std::vector<Batch> pairs{sequences(seed, 13, 7)};
    optim::Adam slow(translator.parameters(), {.lr = 1e-3});
    const auto translated = [&](const Batch& b) {
      const Tensor begin = zeros({6, 1}, Dtype::i64), words = b.inputs.slice(1, 0, 6);
      return cross_entropy(translator(b.inputs, cat({begin, words}, 1)), b.inputs);
    };
    const auto as_pairs = std::vector<std::pair<Tensor, Tensor>>{{pairs[0].inputs, pairs[0].inputs}};
    clean(examine(translator, [&](const auto& b) { return translated({b.first, b.second}); }, slow, as_pairs,
                  {.range_steps = 2}));
  }
}
