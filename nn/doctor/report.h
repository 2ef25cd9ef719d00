// Report: what an examination (examine.h) found, in sentences.
//
//     if (!report.healthy()) std::cout << report;
//
//     2 batches, loss 4.19 at the start
//     gradients at linear layers: 0.0012 near the loss, 0.0031 near the input
//     learning rate 0.001: loss 3.1 after 6 steps; lowest, 2.7, at 0.01
//     fault: causality: h.1.attn: output 0 changes, by up to 0.12, with inputs from 1 on: give that layer .causal = …
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include <heed/core/shape.h>

namespace heed::nn {

/// note: worth knowing. warning: probably wrong. fault: certainly wrong.
enum class Severity : uint8_t { note, warning, fault };

struct Finding {
  Severity severity;
  std::string check;     // "causality": the names are listed in examine.h
  std::string path;      // "h.1.attn"; "" if it concerns the whole model
  std::string sentence;  // what was seen
  std::string advice;    // what to do
};

/// One parameter; root mean squares of its elements and of its gradient in the first batch.
struct ParameterMeasure {
  std::string name;
  Shape shape;
  double value, gradient;
  double update = std::numeric_limits<double>::quiet_NaN();  // ‖change‖ / ‖value‖ of one step; NaN if none was taken
};

/// The root mean square of the gradient that arrives at the output of a linear layer.
struct LayerGradient {
  std::string path;
  double size;
};

/// The loss after a few steps at a learning rate; infinite if it was not finite.
struct RateLoss {
  double lr, loss;
};

struct Report {
  std::vector<Finding> findings;
  std::vector<ParameterMeasure> parameters;
  std::vector<LayerGradient> gradients;  // from the loss back to the input
  std::vector<RateLoss> rates;           // ascending; empty without an optimizer
  std::optional<double> lr;              // the rate that was judged
  double loss = 0.0;                     // mean over the batches, before any step
  int64_t batches = 0, steps = 0;        // examined; per learning rate

  bool healthy() const;  // neither a warning nor a fault
  const Finding* find(const std::string& check) const;
  std::string text() const;
};

std::ostream& operator<<(std::ostream& out, const Report& report);

/// Three digits: "0.00123".
std::string three_digits(double value);

}  // namespace heed::nn
