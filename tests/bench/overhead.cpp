// What an op costs besides its arithmetic: tensors of 4 elements.
#include <heed/autograd/ops.h>
#include <heed/core/memory/pool.h>
#include "bench/bench.h"

namespace heed::bench {

namespace {

constexpr int ops = 1000;
const Unit ns_per_op{"ns/op", 1e9 / ops};

Tensor chain(const Tensor& start, const Tensor& b) {
  Tensor x = start;
  for (int i = 0; i < ops / 3; ++i) {
    x = x + b;
    x = x * b;
    x = tanh(x);
  }
  return x + b;
}

struct Operands {
  Tensor a = parameter(full({4}, 1.0)), b = full({4}, 0.5);
};

}  // namespace

void add_overhead(Workloads& all) {
  all.push_back({"op_add4_nograd", ns_per_op, [] {
                   return Step([o = Operands()] {
                     const NoGrad off;
                     for (int i = 0; i < ops; ++i) o.a + o.b;
                   });
                 }});
  all.push_back({"op_add4_record", ns_per_op, [] {
                   return Step([o = Operands()] {
                     for (int i = 0; i < ops; ++i) o.a + o.b;
                   });
                 }});
  all.push_back({"chain1000_fwd_nograd", ns_per_op, [] {
                   return Step([o = Operands()] {
                     const NoGrad off;
                     chain(o.a, o.b);
                   });
                 }});
  all.push_back({"chain1000_fwd_record", ns_per_op, [] { return Step([o = Operands()] { chain(o.a, o.b); }); }});
  all.push_back({"chain1000_fwd_bwd", ns_per_op, [] {
                   return Step([o = Operands()]() mutable {
                     o.a.zero_grad();
                     sum(chain(o.a, o.b)).backward();
                   });
                 }});
  for (const int64_t n : {4, 16})
    all.push_back({cat("op_matmul", n, "x", n, "_nograd"), ns_per_op, [n] {
                     return Step([a = ones({n, n}), b = ones({n, n})] {
                       for (int i = 0; i < ops; ++i) matmul(a, b);
                     });
                   }});
}

}  // namespace heed::bench
