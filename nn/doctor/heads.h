// Attention weights of whole batches, head by head: which heads decide nothing?
#pragma once

#include <map>
#include <string>
#include <utility>

#include <heed/nn/attention/attention_trace.h>
#include <heed/nn/doctor/checks.h>

namespace heed::nn {

class HeadMeasures {
 public:
  void add(const AttentionTrace& trace);
  void judge(const Examination& examination) const;

 private:
  struct Head {
    int64_t rows = 0, masked = 0, choices = 0;  // rows of weights; without a permitted key; with several
    bool uniform = true, constant = true;
    int64_t key = -1;  // that got all of the weight so far
    void add(const double* weights, int64_t keys);
  };
  std::map<std::pair<std::string, int64_t>, Head> heads_;
};

}  // namespace heed::nn
