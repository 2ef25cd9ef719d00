#include "bench/scaling.h"

#include <algorithm>
#include <iostream>

#include <heed/core/memory/storage.h>
#include <heed/core/parallel.h>
#include <heed/examples/kit/pictures/plot.h>
#include <heed/nn/nn.h>
#include "bench/bench.h"
#include "bench/gpt.h"

namespace heed::bench {

namespace {

struct Point {
  double ms, mib;
};

Point cost(const std::function<Step()>& prepare, double seconds) {
  core::release_memory();
  core::reset_peak_memory();
  const double ms = measure({"", {"ms", 1e3}, prepare}, seconds).median;
  return {ms, static_cast<double>(core::memory_stats().peak) / (1 << 20)};
}

Step attention_step(int64_t n, bool plain) {
  std::vector<Tensor> qkv;
  for (int i = 0; i < 3; ++i) qkv.push_back(parameter(randn({1, 4, n, 32})));
  return [=, g = randn({1, 4, n, 32})]() mutable {
    for (Tensor& x : qkv) x.zero_grad();
    (plain ? nn::attention(qkv[0], qkv[1], qkv[2]).output : nn::scaled_dot_product_attention(qkv[0], qkv[1], qkv[2]))
        .backward(g);
  };
}

Step chain_step(int64_t length) {
  return [length, x = parameter(full({4}, 1.0))]() mutable {
    x.zero_grad();
    Tensor y = x;
    for (int64_t i = 0; i < length; ++i) y = tanh(y);
    sum(y).backward();
  };
}

GPTShape with(GPTShape shape, int64_t GPTShape::* field, int64_t value) {
  shape.*field = value;
  return shape;
}

}  // namespace

void plot_scaling(const std::filesystem::path& folder, int threads, double seconds) {
  std::vector<kit::Panel> panels;
  const auto sweep = [&](const std::string& title, const std::string& x_label, const std::vector<int64_t>& values,
                         const std::vector<std::pair<std::string, std::function<Step(int64_t)>>>& curves) {
    kit::Plot time{
        .title = title + ": time", .x_label = x_label, .y_label = "ms per step", .log_x = true, .log_y = true};
    kit::Plot memory{
        .title = title + ": memory", .x_label = x_label, .y_label = "MiB at the peak", .log_x = true, .log_y = true};
    for (const auto& curve : curves) {
      const std::string& name = curve.first;
      const auto& step = curve.second;
      kit::Series ms{.name = name}, mib{.name = name};
      for (const int64_t value : values) {
        const Point at = cost([&step, value] { return step(value); }, seconds);
        std::cout << title << ", " << name << ", " << x_label << ' ' << value << ": " << at.ms << " ms, " << at.mib
                  << " MiB" << std::endl;
        for (kit::Series* s : {&ms, &mib}) s->x.push_back(static_cast<double>(value));
        ms.y.push_back(at.ms);
        mib.y.push_back(at.mib);
      }
      time.series.push_back(ms);
      memory.series.push_back(mib);
    }
    panels.insert(panels.end(), {time, memory});
  };
  sweep("Attention, forward and backward", "sequence length", {128, 256, 512, 1024, 2048},
        {{"fused", [](int64_t n) { return attention_step(n, false); }},
         {"plain", [](int64_t n) { return attention_step(n, true); }}});
  const auto gpt = [](int64_t GPTShape::* field) {
    return [field](int64_t value) { return training_step(with(gpt_s, field, value)); };
  };
  sweep("GPT training step", "context", {16, 32, 64, 128, 256}, {{"GPT-S", gpt(&GPTShape::context)}});
  sweep("GPT training step", "width", {32, 64, 128, 256, 512}, {{"GPT-S", gpt(&GPTShape::width)}});
  sweep("GPT training step", "batch", {1, 2, 4, 8, 16, 32}, {{"GPT-S", gpt(&GPTShape::batch)}});
  sweep("GPT training step", "layers", {1, 2, 4, 8, 16}, {{"GPT-S", gpt(&GPTShape::layers)}});
  sweep("Chain of tanh on 4 elements", "ops", {10, 100, 1000, 10'000, 100'000}, {{"forward and backward", chain_step}});
  std::vector<int64_t> counts;
  for (int n = 1; n <= std::max(2, threads); n *= 2) counts.push_back(n);
  sweep("GPT training step", "threads", counts, {{"GPT-S", [](int64_t n) {
                                                    set_num_threads(static_cast<int>(n));
                                                    return training_step(gpt_s);
                                                  }}});
  set_num_threads(threads);
  std::filesystem::create_directories(folder);
  kit::save_svg(folder / "cost.svg", {.title = "How cost grows", .panels = panels, .columns = 2});
  std::cout << "wrote " << (folder / "cost.svg").string() << '\n';
}

}  // namespace heed::bench
