// Models on several threads at once: each with a generator of its own repeats bit for bit.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <heed/autograd/ops.h>
#include <heed/nn/clone.h>
#include <heed/nn/layers/dropout.h>
#include <heed/nn/layers/linear.h>
#include <heed/nn/layers/losses.h>
#include <heed/nn/models/gpt.h>
#include <heed/nn/recompute.h>
#include <heed/nn/sequential.h>
#include <heed/optim/optim.h>

#include "support/catch.h"
#include "support/errors.h"

using namespace heed;
using namespace heed::nn;
using test::contains, test::message_of;

namespace {

using Numbers = std::vector<std::vector<double>>;

// Some steps of a small model with dropout everywhere, all drawn from a generator of this seed.
Numbers train(uint64_t seed, bool recompute) {
  Generator generator(seed);
  const GeneratorGuard mine(generator);
  const GPT model(
      {.vocab = 11, .context = 6, .width = 8, .heads = 2, .layers = 2, .dropout = 0.3, .recompute = recompute});
  optim::AdamW adamw(model.parameters(), {.lr = 1e-2});
  for (int step = 0; step < 5; ++step) {
    const Tensor tokens = randint(0, 11, {4, 6}), next = randint(0, 11, {4, 6});
    adamw.zero_grad();
    cross_entropy(model(tokens), next).backward();
    adamw.step();
  }
  Numbers numbers;
  for (const Tensor& p : model.parameters()) numbers.push_back(p.to_vector());
  return numbers;
}

// Its dropout, and while it is called another thread draws from the generator that all share.
struct Disturbed : Module {
  Dropout dropout{0.5};
  Tensor operator()(const Tensor& x) const {
    const Scope scope(*this);
    const Tensor y = dropout(x);
    std::thread([] { default_generator().take(1); }).join();
    return dropout(y);
  }
  void visit(Visitor& v) override { v("dropout", dropout); }
};

}  // namespace

TEST_CASE("threads: models with generators of their own repeat bit for bit") {
  for (const bool recompute : {false, true}) {
    const Numbers expected[] = {train(1, recompute), train(2, recompute)};
    CHECK(expected[0] != expected[1]);
    for (int round = 0; round < 3; ++round) {
      manual_seed(0);
      Numbers found[2];
      std::atomic<bool> enough{false};
      std::thread first([&] { found[0] = train(1, recompute); });
      std::thread second([&] { found[1] = train(2, recompute); });
      std::thread other([&] {
        while (!enough) DropoutMask::draw(0.5);  // from the generator that threads share
      });
      first.join();
      second.join();
      enough = true;
      other.join();
      CHECK(found[0] == expected[0]);
      CHECK(found[1] == expected[1]);
    }
  }
}

TEST_CASE("threads: dropouts with generators of their own repeat bit for bit") {
  const auto draw = [](uint64_t seed) {
    Generator generator(seed);
    const Dropout layer(0.5, generator);
    std::vector<double> kept;
    for (int i = 0; i < 100; ++i)
      for (const double v : layer(ones({16})).to_vector()) kept.push_back(v);
    kept.push_back(static_cast<double>(generator.counter()));  // (assertions are for one thread)
    return kept;
  };
  manual_seed(3);
  const std::vector<double> expected[] = {draw(1), draw(2)};
  CHECK(default_generator().counter() == 0);  // which is left alone
  CHECK(expected[0].back() == 100);
  std::vector<double> found[2];
  std::thread first([&] { found[0] = draw(1); }), second([&] { found[1] = draw(2); });
  first.join();
  second.join();
  CHECK(found[0] == expected[0]);
  CHECK(found[1] == expected[1]);
  CHECK(expected[0] != expected[1]);
}

TEST_CASE("threads: recompute refuses a dropout that it cannot set back") {
  Generator generator(1);
  Sequential model(Linear(2, 2), Dropout(0.5, generator));
  CHECK(message_of([&] { recompute(model, ones({2})); }) ==
        "recompute: " + class_name(model) +
            ": 1: its Dropout has a generator of its own, which will have moved on when backward draws "
            "again: let it use the default generator (of this thread alone: GeneratorGuard)");
  CHECK(generator.counter() == 0);
  model.eval();
  sum(recompute(model, ones({2}))).backward();
}

TEST_CASE("threads: recompute says when it cannot draw again what was drawn") {
  manual_seed(1);
  Tensor x = parameter(ones({4}));
  const Disturbed layer;
  const Tensor y = sum(recompute(layer, x));
  const std::string message = message_of<AutogradError>([&] { y.backward(); });
  CHECK(contains(message,
                 "recompute: 2 draws of 3 in the forward pass: another thread drew from the default generator "
                 "at the same time: give each thread a generator of its own (GeneratorGuard)"));
  // With a generator of its own it is right.
  Generator generator(1);
  const GeneratorGuard mine(generator);
  sum(recompute(layer, x)).backward();
  const Tensor again = x.grad().detach();
  generator.set_counter(0);
  x.zero_grad();
  sum(layer(x)).backward();
  CHECK(x.grad().to_vector() == again.to_vector());
}

TEST_CASE("threads: recompute leaves the generator that threads share alone in backward") {
  manual_seed(1);
  Tensor x = parameter(ones({64}));
  const Tensor y = sum(recompute(Dropout(0.5), x));
  const uint64_t counter = default_generator().counter();
  std::atomic<bool> enough{false};
  std::atomic<uint64_t> taken{0};
  std::thread other([&] {
    while (!enough) default_generator().take(1), ++taken;
  });
  for (int i = 0; i < 50; ++i) sum(recompute(Linear(2, 2), ones({2}))).backward();
  y.backward();
  enough = true;
  other.join();
  CHECK(default_generator().counter() >= counter + taken);  // Linear's initial values come on top
  CHECK(sum(x.grad()).item() > 20);                         // of 64 about half, doubled
}
