// libtorch's side of heed_bench: what an op costs, and the networks of introductory chapters, without Python.
//
//     torch=$(python3 -c "import torch; print(torch.__path__[0])")
//     include="-isystem $torch/include -isystem $torch/include/torch/csrc/api/include"
//     libraries="-L$torch/lib -Wl,-rpath,$torch/lib -ltorch -ltorch_cpu -lc10"
//     c++ -std=c++20 -O2 $include tests/bench/peers/libtorch_bench.cpp $libraries -o peers/libtorch
//
// A wheel older than 2.7 was built with libstdc++'s old strings and needs -D_GLIBCXX_USE_CXX11_ABI=0;
// torch.compiled_with_cxx11_abi() tells. With Debian's libtorch-dev instead, include is
// -isystem /usr/include/torch/csrc/api/include, and no paths are needed for the libraries.
//
//     peers/libtorch [--threads 1] [--only TEXT or =NAME] [--seconds 1] [--list]
//
// Names, units and workloads are those of heed_bench (overhead.cpp, tiny.cpp), one JSON line each, for compare.py --libtorch.
#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

using torch::Tensor;
using Step = std::function<void()>;

struct Workload {
  std::string name;
  const char* unit;
  double per_second;  // of that unit
  std::function<Step()> prepare;
};

constexpr int ops = 1000;

Workload ops_workload(const std::string& name, std::function<Step()> prepare) {
  return {name, "ns/op", 1e9 / ops, std::move(prepare)};
}

struct Operands {
  Tensor a = torch::ones({4}, torch::requires_grad()), b = torch::full({4}, 0.5);
};

Tensor chain(Tensor x, const Tensor& b) {
  for (int i = 0; i < ops / 3; ++i) {
    x = x + b;
    x = x * b;
    x = torch::tanh(x);
  }
  return x + b;
}

std::vector<Workload> overhead() {
  std::vector<Workload> all{
      ops_workload("op_add4_nograd",
                   [] {
                     return [o = Operands()] {
                       const torch::NoGradGuard off;
                       for (int i = 0; i < ops; ++i) o.a + o.b;
                     };
                   }),
      ops_workload("op_add4_record",
                   [] {
                     return [o = Operands()] {
                       for (int i = 0; i < ops; ++i) o.a + o.b;
                     };
                   }),
      ops_workload("chain1000_fwd_nograd",
                   [] {
                     return [o = Operands()] {
                       const torch::NoGradGuard off;
                       chain(o.a, o.b);
                     };
                   }),
      ops_workload("chain1000_fwd_record", [] { return [o = Operands()] { chain(o.a, o.b); }; }),
      ops_workload("chain1000_fwd_bwd",
                   [] {
                     return [o = Operands()] {
                       o.a.mutable_grad().reset();
                       chain(o.a, o.b).sum().backward();
                     };
                   }),
  };
  for (const int64_t n : {4, 16})
    all.push_back(ops_workload("op_matmul" + std::to_string(n) + "x" + std::to_string(n) + "_nograd", [n] {
      return [a = torch::ones({n, n}), b = torch::ones({n, n})] {
        const torch::NoGradGuard off;
        for (int i = 0; i < ops; ++i) torch::matmul(a, b);
      };
    }));
  return all;
}

Step mlp_step(bool l2) {
  namespace nn = torch::nn;
  nn::Sequential model(nn::Linear(2, 16), nn::ReLU(), nn::Linear(16, 16), nn::ReLU(), nn::Linear(16, 1));
  auto sgd = std::make_shared<torch::optim::SGD>(model->parameters(), 0.01);
  const Tensor x = torch::randn({100, 2}), y = torch::randn({100, 1}).sign();
  return [=, params = model->parameters()]() mutable {
    Tensor loss = torch::relu(1 - y * model->forward(x)).mean();
    if (l2) {
      Tensor squares = torch::zeros({});
      for (const Tensor& p : params) squares = squares + (p * p).sum();
      loss = loss + 1e-4 * squares;
    }
    sgd->zero_grad();
    loss.backward();
    sgd->step();
  };
}

Step kernel_regression_epoch() {
  const int64_t n = 50;
  const Tensor x = torch::rand({n}) * 5;
  const Tensor y = 2 * torch::sin(x) + torch::pow(x, 0.8) + 0.5 * torch::randn({n});
  const Tensor own = torch::eye(n, torch::kBool), w = torch::ones({}, torch::requires_grad());
  auto sgd = std::make_shared<torch::optim::SGD>(std::vector<Tensor>{w}, 1e-4);
  return [=] {
    sgd->zero_grad();
    const Tensor scores = -0.5 * ((x.unsqueeze(1) - x.unsqueeze(0)) * w).pow(2);
    const Tensor weights = torch::softmax(scores.masked_fill(own, -std::numeric_limits<float>::infinity()), -1);
    (torch::matmul(weights, y) - y).pow(2).sum().backward();
    sgd->step();
  };
}

double seconds_of(const Step& step, int64_t calls) {
  const auto start = std::chrono::steady_clock::now();
  for (int64_t i = 0; i < calls; ++i) step();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void measure(const Workload& workload, int threads, double seconds) {
  const Step step = workload.prepare();
  step(), step();
  int64_t calls = 1;
  while (seconds_of(step, calls) < 5e-3) calls *= 2;
  std::vector<double> figures;
  for (double spent = 0; spent < seconds || figures.size() < 5;) {
    const double batch = seconds_of(step, calls);
    spent += batch;
    figures.push_back(batch / static_cast<double>(calls) * workload.per_second);
  }
  std::sort(figures.begin(), figures.end());
  std::printf(
      "{\"name\":\"%s\",\"peer\":\"libtorch "
      "%s\",\"threads\":%d,\"value\":%.6g,\"unit\":\"%s\",\"low\":%.6g,\"high\":%.6g}\n",
      workload.name.c_str(), TORCH_VERSION, threads, figures[figures.size() / 2], workload.unit, figures.front(),
      figures.back());
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  int threads = 1;
  double seconds = 1.0;
  std::string only;
  bool list = false;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    if (option == "--list") {
      list = true;
    } else if (i + 1 < argc && option == "--threads") {
      threads = std::atoi(argv[++i]);
    } else if (i + 1 < argc && option == "--only") {
      only = argv[++i];
    } else if (i + 1 < argc && option == "--seconds") {
      seconds = std::atof(argv[++i]);
    } else {
      std::fprintf(stderr, "libtorch_bench: %s: no such option, or its value is missing\n", argv[i]);
      return 1;
    }
  }
  torch::set_num_threads(threads);
  torch::manual_seed(0);
  std::vector<Workload> all = overhead();
  all.push_back({"mlp_2_16_16_1_n100_step", "us", 1e6, [] { return mlp_step(false); }});
  all.push_back({"mlp_2_16_16_1_n100_step_l2", "us", 1e6, [] { return mlp_step(true); }});
  all.push_back({"nadaraya_watson_n50_epoch", "us", 1e6, kernel_regression_epoch});
  for (const Workload& workload : all) {
    if (only.starts_with('=') ? workload.name != only.substr(1) : workload.name.find(only) == std::string::npos)
      continue;
    if (list) std::printf("%s\n", workload.name.c_str());
    else measure(workload, threads, seconds);
  }
}
