// heed_bench: how fast heed is on this machine, one JSON line per workload.
//
//     heed_bench --threads 1 --only gpt
//     {"name":"gpt_train_S","peer":"heed","threads":1,"value":38.2,"unit":"ms","low":37.9,"high":41.0,…}
//
// peers/compare.py compares it with PyTorch in the same run. --steps prints a table instead: what each step from a
// formula to its fast form gains.
#include <sys/resource.h>

#include <iostream>

#include <heed/core/memory/storage.h>
#include <heed/core/parallel.h>
#include <heed/examples/kit/cli.h>
#include <heed/examples/kit/format.h>
#include "bench/bench.h"
#include "bench/scaling.h"
#include "bench/steps.h"

using namespace heed;

namespace {

constexpr double mib = 1 << 20;

double resident_mib() {  // the peak so far; the kernel reports KiB
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024.0 / mib;
}

/// What each step from a formula to its fast form is worth, beside the first.
void print_steps(const std::string& only, int threads, double seconds) {
  bool found = false;
  for (const bench::KernelSteps& kernel : {bench::softmax_steps(4096, 256), bench::layer_norm_steps(2048, 384),
                                           bench::gemm_steps(512), bench::attention_steps(2048, 64)}) {
    if (kernel.name.find(only) == std::string::npos) continue;
    found = true;
    std::cout << kernel.name << ": " << kernel.what << "; " << kernel.page << '\n';
    double first = 0;
    for (const bench::KernelStep& step : kernel.steps) {
      set_num_threads(step.threaded ? threads : 1);
      const bench::Figure f = bench::measure({kernel.name, kernel.unit, [&] { return step.run; }}, seconds);
      if (first == 0) first = f.high;  // the best batch: what a step is worth, not what the machine has to spare
      const std::string change = step.threaded ? cat(threads, threads == 1 ? " thread" : " threads") : step.change;
      std::cout << kit::right(kit::fixed(f.high, 2), 9) << ' ' << kernel.unit.name
                << kit::right(kit::fixed(f.high / first, 1), 8) << "x  " << change << std::endl;
    }
    std::cout << '\n';
  }
  check(found, "heed_bench: --steps --only ", only,
        ": no kernel's name contains it: softmax, layer_norm, gemm, attention");
}

int run(int argc, char** argv) {
  int threads = 1;
  double seconds = 1.0;
  std::string only;
  std::filesystem::path plot;
  bool list = false, machine = false, steps = false;
  kit::Cli cli("heed_bench", "Measures heed on this machine, one JSON line per workload.");
  cli.group(
      "What",
      {{"only", &only, "workloads whose name contains this; =NAME: the one with this name", {.value = "TEXT"}},
       {"threads", &threads, "number of threads", {.min = 1}},
       {"seconds", &seconds, "time per workload", {.above = 0}},
       {"list", &list, "print names only"},
       {"steps", &steps, "print a table instead: what each step from a formula to its fast form gains"},
       {"probe", &machine, "print only how much of the machine is available: GFLOP/s with 1 thread and with --threads"},
       {"plot", &plot, "draw instead how cost grows, as an SVG file in this folder", {.value = "DIR"}}});
  if (!cli.parse(argc, argv)) return 0;
  set_num_threads(threads);
  if (machine) {
    std::cout << bench::probe(1) << ' ' << bench::probe(threads) << '\n';
    return 0;
  }
  if (steps) {
    print_steps(only, threads, seconds);
    return 0;
  }
  if (!plot.empty()) {
    bench::plot_scaling(plot, threads, seconds);
    return 0;
  }
  bench::Workloads all;
  bench::add_overhead(all);
  bench::add_tiny(all);
  bench::add_gpt(all);
  bench::add_generation(all);
  bench::add_seq2seq(all);
  bench::add_layers(all);
  bench::add_gemm(all);
  bench::add_elementwise(all);
  bench::add_limits(all);
  bool found = false;
  for (const bench::Workload& workload : all) {
    if (only.starts_with('=') ? workload.name != only.substr(1) : workload.name.find(only) == std::string::npos)
      continue;
    found = true;
    if (list) {
      std::cout << workload.name << '\n';
      continue;
    }
    core::release_memory();
    core::reset_peak_memory();
    const bench::Figure f = bench::measure(workload, seconds);
    kit::Json::Object line{{"name", workload.name},
                           {"peer", "heed"},
                           {"threads", static_cast<double>(threads)},
                           {"value", f.median},
                           {"unit", workload.unit.name},
                           {"low", f.low},
                           {"high", f.high}};
    for (const auto& [key, value] : workload.facts) line.push_back({key, value});
    line.push_back({"peak_mib", static_cast<double>(core::memory_stats().peak) / mib});
    line.push_back({"resident_mib", resident_mib()});
    std::cout << kit::Json(line) << std::endl;
  }
  check(found, "heed_bench: --only ", only, ": no workload's name contains it: see --list");
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return kit::run_main(argc, argv, run); }
