// The code in the headers of autograd/ and optim/, as it stands there.
#include "snippets.h"

#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include <heed/autograd/anomaly.h>
#include <heed/autograd/engine.h>
#include <heed/autograd/gradcheck.h>
#include <heed/autograd/graph_svg.h>
#include <heed/autograd/joint.h>
#include <heed/autograd/node.h>
#include <heed/autograd/ops.h>
#include <heed/autograd/profiler.h>
#include <heed/core/files/file.h>
#include <heed/core/ops/ops.h>
#include <heed/nn/layers/linear.h>
#include <heed/optim/optim.h>
#include <heed/optim/plateau.h>
#include "support/errors.h"

using namespace heed;

namespace {

namespace in_node {

#include <snippets/autograd_node_h_1.inc>

}  // namespace in_node

// keep.h's edge is that of a product by a.
Tensor times(const Tensor& a, const Tensor& b) {
  const auto to =
#include <snippets/autograd_keep_h_1.inc>
      return op("times", core::zip(core::Binary::mul, a.array(), b.array()), to);
}

// joint.h's rule, for y = x weight.
Tensor weighted(const Tensor& x, const Tensor& weight) {
  const core::Array y = core::zip(core::Binary::mul, x.array(), weight.array());
  const double eps = 0.0;
#undef ELLIPSIS
#define ELLIPSIS const Tensor dx = g * weight + eps, dweight = g * x;
#include <snippets/autograd_joint_h_1.inc>
#undef ELLIPSIS
#define ELLIPSIS
}

}  // namespace

TEST_CASE("autograd's headers: an op is a value and an edge for each input") {
  const Tensor x = randn({2, 3}, Dtype::f64);
  gradcheck([](const Tensor& in) { return in_node::exp(in); }, x);
  gradcheck([](const std::vector<Tensor>& in) { return weighted(in[0], in[1]); }, {x, x + 1.0});
  const Tensor a = parameter(x);
  times(a, x).backward(ones({2, 3}, Dtype::f64));
  CHECK(amax(abs(a.grad() - x)).item() == 0.0);
}

TEST_CASE("autograd's headers: gradcheck asks the function itself") {
  const Tensor a = randn({2, 3}, Dtype::f64), b = randn({3, 2}, Dtype::f64);
#include <snippets/autograd_gradcheck_h_1.inc>
}

TEST_CASE("autograd's headers: a profile, and a picture of a graph") {
  const test::InTempDir here;
  const nn::Linear model(3, 2);
  const Tensor x = ones({4, 3}), y = ones({4, 2});
  const auto step = [&] { mean(square(model(x) - y)).backward(); };
  std::ostringstream out;
  std::streambuf* const before = std::cout.rdbuf(out.rdbuf());
  {
#include <snippets/autograd_profiler_h_1.inc>
  }
  std::cout.rdbuf(before);
  CHECK(test::contains(out.str(), "linear  "));
  CHECK(test::contains(core::read_file("trace.json"), "\"linear backward\""));
#include <snippets/autograd_graph_svg_h_1.inc>
  CHECK(test::contains(core::read_file("graph.svg"), ">weight</text>"));
}

TEST_CASE("autograd's headers: anomaly mode says where a NaN came from") {
  const Tensor x = parameter(tensor({-1, 4, 1, 2, 3, -0.5}, {2, 3}));
  const auto model = [](const Tensor& in) { return sum(log(in)); };
  Tensor loss;
  const std::string message = test::message_of<AutogradError>([&] {
#include <snippets/autograd_anomaly_h_1.inc>
  });
  INFO(message);
  CHECK(test::contains(message, "log: input (2, 3) in -1 … 4: its output (2, 3) in 0 … 1.38"));
  CHECK(test::contains(message, "has 2 NaN: "));
}

TEST_CASE("autograd's headers: einsum in its four examples") {
  const Tensor a = randn({2, 3}), b = randn({3, 4}), q = randn({2, 2, 3, 4}), k = randn({2, 2, 5, 4}), x = eye(3);
#include <snippets/autograd_ops_einsum_h_1.inc>
  CHECK(einsum("ii", {x}).item() == 3.0);
}

TEST_CASE("autograd's headers: a state is taken over by another of its kind") {
  nn::Linear model(2, 1);
  optim::AdamW adamw(model.parameters()), other(model.parameters());
  sum(model(ones({1, 2}))).backward();
  adamw.step();
#include <snippets/autograd_resumable_h_1.inc>
  CHECK(other.state_dict().size() == state.size());
}

TEST_CASE("optim's headers: a step, and schedules of the learning rate") {
  nn::Linear model(2, 1);
  const Tensor loss = mean(square(model(ones({4, 2}))));
#include <snippets/optim_optimizer_h_1.inc>
  optim::AdamW adamw(model.parameters(), {.lr = 0.5});
  {
#include <snippets/optim_schedule_h_1.inc>
    CHECK(schedule.steps() == 1);
  }
  {
#include <snippets/optim_schedule_h_2.inc>
    CHECK(schedule.lr() == Approx(0.1 / 3));
  }
  const double validation_loss = 1.0;
  {
#include <snippets/optim_plateau_h_1.inc>
    CHECK(schedule.best() == 1.0);
  }
}

TEST_CASE("autograd's headers: the next token") {
  const Tensor logits = randn({4, 9});
#include <snippets/autograd_ops_multinomial_h_1.inc>
  CHECK(next.shape() == Shape{4, 1});
}
