#include <heed/nn/layers/low_rank.h>

#include <cmath>

#include <heed/autograd/ops/create.h>
#include <heed/nn/init.h>

namespace heed::nn {

void check_low_rank(const char* op, const LowRankOptions& o) {
  check(o.rank > 0, op, ": rank ", o.rank, ": must be positive");
  check(std::isfinite(o.alpha) && o.alpha != 0, op, ": alpha ", o.alpha,
        ": must be a number other than 0, by which the product is scaled");
}

LowRank::LowRank(int64_t in_features, int64_t out_features, const LowRankOptions& o)
    : scale(o.alpha / static_cast<double>(o.rank)) {
  check_low_rank("LowRank", o);
  lora_A = parameter(zeros({o.rank, in_features}));
  lora_B = parameter(zeros({out_features, o.rank}));
  kaiming_uniform_(lora_A, 2.23606797749979);  // √5: U(±1/√in)
}

}  // namespace heed::nn
