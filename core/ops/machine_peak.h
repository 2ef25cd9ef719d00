// What this machine can do at best, measured: the figures that a share of the peak refers to.
#pragma once

namespace heed::core {

/// Per second, all threads of num_threads() together.
struct MachinePeak {
  double flops;  // f32 multiply-adds on operands in the caches, 2 operations each; in f64 half of it is the limit
  double bytes;  // read and written in a copy that no cache holds
};

/// Measured when first called, and again after set_num_threads(); takes about 0.1 s and 64 MiB. Best of several tries.
MachinePeak machine_peak();

}  // namespace heed::core
