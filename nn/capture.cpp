#include <heed/nn/capture.h>

#include <heed/nn/places.h>
#include <heed/nn/watch.h>

namespace heed::nn {

const Tensor& Captured::operator[](const std::string& path) const {
  for (size_t i = values_.size(); i-- > 0;)
    if (values_[i].name == path) return values_[i].tensor;
  std::vector<std::string> names;
  for (const NamedTensor& value : values_) names.push_back(value.name);
  fail_unknown("Captured", path, path, "was not captured", names);
}

bool Captured::contains(const std::string& path) const { return !all(path).empty(); }

std::vector<Tensor> Captured::all(const std::string& path) const {
  std::vector<Tensor> found;
  for (const NamedTensor& value : values_)
    if (value.name == path) found.push_back(value.tensor);
  return found;
}

struct Capture::Recorder final : Watch {
  Places places;
  Captured captured;

  Recorder(const Module& model, const std::vector<std::string>& paths) : places("capture", model, paths) {}
  void see(const core::ScopeFrame& at, const char* point, Tensor& y) override {
    if (const std::string* const path = places.find(at, point)) captured.values_.push_back({*path, y});
  }
  bool wants(const core::ScopeFrame& at, const char* point) override { return places.find(at, point) != nullptr; }
};

Capture::Capture(const Module& model, const std::vector<std::string>& paths)
    : recorder_(std::make_unique<Recorder>(model, paths)) {}
Capture::~Capture() = default;
Capture::Capture(Capture&&) noexcept = default;

const Captured& Capture::values() const { return recorder_->captured; }

void Capture::check_all_found() const {
  const std::string never = recorder_->places.never_found();
  check(never.empty(), "capture: ", never,
        ": the call computed no such value: it did not come to that module, or the module does not show it: a layer "
        "shows its output by `return scope(y);`, a point by scope(\"name\", x)");
}

}  // namespace heed::nn
