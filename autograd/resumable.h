// Resumable: objects whose work can be interrupted, saved and continued by another process.
//
//     ResumeState state = adamw.state_dict();    // tensors by name, and the kind of object they belong to
//     other.load_state_dict(state);              // continues as adamw would have
//
// Optimizers and schedules are Resumable; nn::save_checkpoint (nn/resume.h) writes any number of them to one file.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <heed/autograd/tensor.h>
#include <heed/core/problems.h>

namespace heed {

/// Tensors by name; single values are tensors without axes. They share the bytes of the object they describe.
struct ResumeState : std::map<std::string, Tensor> {
  using map::map;
  std::string kind;  // "AdamW"
};

class Resumable {
 public:
  virtual ~Resumable() = default;
  virtual ResumeState state_dict() const = 0;

  /// Checks all of `state` and copies what is needed of it. Throws Error, listing everything that is missing,
  /// unexpected or wrong. The function that it returns applies the state and cannot fail; nothing changes before
  /// it is called, so that several objects are resumed together or not at all.
  virtual std::function<void()> prepare_load(const ResumeState& state) = 0;

  void load_state_dict(const ResumeState& state) { prepare_load(state)(); }

 protected:
  Resumable() = default;
  Resumable(const Resumable&) = default;
  Resumable& operator=(const Resumable&) = default;
};

/// Reads the entries of a state one by one and notes everything that is wrong; for prepare_load().
class StateReader {
 public:
  /// For loading `state` into a `who`. Throws Error if it says that it is of another kind.
  StateReader(std::string who, const ResumeState& state);

  bool has(const std::string& name) const { return state_.count(name) > 0; }
  bool has_under(const std::string& prefix) const;

  // A missing or wrong entry is noted, and 0 or an empty Tensor returned.
  Tensor tensor(const std::string& name, const Shape& shape, Dtype dtype);  // a copy
  double number(const std::string& name);
  int64_t count(const std::string& name);  // a whole number >= 0
  std::vector<double> numbers(const std::string& name, size_t how_many);
  std::vector<double> rates(const std::string& name, size_t how_many);  // the same, all finite and >= 0

  template <class... Parts> void note(const Parts&... parts) { problems_.add(parts...); }

  /// Throws Error if anything was noted so far.
  void refuse() const;
  /// Throws Error if anything was noted, or if an entry was not read.
  void finish();

 private:
  const Tensor* take(const std::string& name);

  const std::string who_;
  const ResumeState& state_;
  std::set<std::string> taken_;
  std::string first_missing_;
  Problems problems_;
};

}  // namespace heed
