// PyTorch's results, from tests/golden/*.safetensors, and the tolerances of comparisons with them.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>

#include <heed/core/files/safetensors.h>
#include <heed/nn/module.h>
#include "support/cases.h"
#include "support/catch.h"

namespace heed::test {

class Golden {
 public:
  explicit Golden(const std::string& file)
      : name_(file.substr(0, file.find('.')) + "/"),
        file_(core::load_safetensors(std::string(HEED_TESTS_DIR "/golden/") + file)) {}

  bool contains(const std::string& name) const { return file_.contains(name); }

  /// The tensor; a floating-point one as `dtype`.
  Tensor at(const std::string& name, Dtype dtype) const {
    const Tensor x(file_.at(name));
    return is_floating(x.dtype()) ? x.to(dtype) : x;
  }

  /// All tensors whose names begin with `prefix`, without it.
  nn::StateDict state(const std::string& prefix, Dtype dtype) const {
    nn::StateDict found;
    for (const std::string& name : file_.names())
      if (name.starts_with(prefix)) found.push_back({name.substr(prefix.size()), at(name, dtype)});
    return found;
  }

  /// |x - b| <= 1e-5 |b| + 1e-6 max|b| in f32, 1e-12 and 1e-13 in f64. If four times the
  /// distance between PyTorch's own f32 and f64 results is more than this, that is allowed instead.
  void check(const std::string& name, const Tensor& x) const {
    INFO(name);
    note_case("golden", cat(name_, case_of(name), ", ", x.dtype(), Way::suffix()));
    const Tensor expected(file_.at(name));
    REQUIRE(x.defined());
    REQUIRE(x.shape() == expected.shape());
    const bool narrow = x.dtype() == Dtype::f32;
    const std::vector<double> got = x.to_vector(), wanted = expected.to_vector();
    const double own_error = narrow ? rounding(name) : 0.0;
    double largest = 0.0;
    for (const double b : wanted) largest = std::max(largest, std::abs(b));
    for (size_t i = 0; i < got.size(); ++i) {
      const double allowed =
          std::max(own_error, (narrow ? 1e-5 : 1e-12) * std::abs(wanted[i]) + (narrow ? 1e-6 : 1e-13) * largest);
      if (std::abs(got[i] - wanted[i]) <= allowed) continue;
      FAIL("element " << i << " of " << x.shape() << ": " << got[i] << ", PyTorch has " << wanted[i] << ", off by "
                      << got[i] - wanted[i] << " where " << allowed << " is allowed");
    }
    SUCCEED();
  }

  /// Four times PyTorch's own f32 error; 0 if that was too small to be stored.
  double rounding(const std::string& name) const {
    return f32_errors().contains(name_ + name) ? 4.0 * core::item(f32_errors().at(name_ + name)) : 0.0;
  }

 private:
  /// "sgd" of "sgd.a", "loss/mse" of "loss/mse/out" and of "loss/mse/grad/x": a case has many parts.
  static std::string case_of(const std::string& name) {
    size_t end = name.size();
    for (const char* const part : {"/out", "/grad", "/weights"}) end = std::min(end, name.find(part));
    const bool one_of_two = name.ends_with(".a") || name.ends_with(".b");
    return name.substr(0, one_of_two ? name.size() - 2 : end);
  }

  /// max |f32 - f64| of PyTorch's results, by file and name (make_f32_errors.py).
  static const core::SafeTensors& f32_errors() {
    static const core::SafeTensors file = core::load_safetensors(HEED_TESTS_DIR "/golden/f32_errors.safetensors");
    return file;
  }

  std::string name_;  // "nn/" for nn.safetensors
  core::SafeTensors file_;
};

}  // namespace heed::test
