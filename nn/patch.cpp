#include <heed/nn/patch.h>

#include <heed/autograd/ops.h>
#include <heed/nn/places.h>
#include <heed/nn/watch.h>

namespace heed::nn {

namespace {

// True at these indices of the axis, for a tensor of this shape; all of the other axes are 1.
Tensor mask_along(const std::string& who, const Shape& shape, int axis, const std::vector<int64_t>& indices) {
  const int64_t n = shape[axis];
  std::vector<double> on(static_cast<size_t>(n), 0.0);
  for (const int64_t i : indices) {
    check<IndexError>(i >= -n && i < n, who, ": ", shape, ", index ", i, ": axis ", axis, " has ", n);
    on[static_cast<size_t>(i < 0 ? i + n : i)] = 1.0;
  }
  Shape broadcast = Shape::filled(shape.rank(), 1);
  broadcast[axis] = n;
  return tensor(on, broadcast, Dtype::boolean);
}

void check_heads(const std::string& who, const Shape& shape) {
  check<ShapeError>(shape.rank() == 4, who, ": ", shape, ": has no heads: must be (B, h, n, d)");
}

}  // namespace

struct Patch::Replacer final : Watch {
  Places places;
  std::function<Tensor(const Tensor&)> replace;
  int64_t applied = 0;

  Replacer(const Module& model, const std::string& path, std::function<Tensor(const Tensor&)> function)
      : places("Patch", model, {path}), replace(std::move(function)) {}
  void see(const core::ScopeFrame& at, const char* point, Tensor& y) override {
    if (const std::string* const path = places.find(at, point)) {
      Tensor changed = checked_replacement("Patch", *path, replace, y);
      check(changed.defined(), "Patch: ", *path, " ", y.shape(),
            ": its replacement is an empty Tensor: return a value");
      y = std::move(changed);
      ++applied;
    } else if (*point == '\0') {
      places.check_points(at);
    }
  }
  bool wants(const core::ScopeFrame& at, const char* point) override { return places.find(at, point) != nullptr; }
};

Patch::Patch(const Module& model, const std::string& path, std::function<Tensor(const Tensor&)> replace) {
  check(replace != nullptr, "Patch: ", path, ": an empty function: pass one that takes the value");
  replacer_ = std::make_unique<Replacer>(model, path, std::move(replace));
}
Patch::~Patch() = default;
Patch::Patch(Patch&&) noexcept = default;

int64_t Patch::applied() const { return replacer_->applied; }

Patch ablate_head(const Module& model, const std::string& attention, int64_t head, Ablation how) {
  const std::string path = attention + ":heads";
  return Patch(model, path, [=](const Tensor& z) {
    check_heads("ablate_head: " + path, z.shape());
    const Tensor off = mask_along("ablate_head: " + path, z.shape(), 1, {head});
    return how == Ablation::zero ? where(off, 0.0, z) : where(off, mean(z, {0, 2}, keepdim), z);
  });
}

Patch patch_from(const Module& model, const Captured& source, const std::string& path, const PatchPlace& place) {
  return Patch(model, path, [value = source[path], path, place](const Tensor& y) {
    const std::string who = "patch_from: " + path;
    check<ShapeError>(value.shape() == y.shape(), who, ": captured ", value.shape(), ", here ", y.shape(),
                      ": must be equal: run both on inputs of one shape");
    Tensor in = tensor({1.0}, Shape::filled(y.dim(), 1), Dtype::boolean);
    if (!place.positions.empty()) {
      check<ShapeError>(y.dim() >= 2, who, ": ", y.shape(), ": has no axis of positions");
      in = in & mask_along(who, y.shape(), y.dim() - 2, place.positions);
    }
    if (!place.heads.empty()) {
      check_heads(who, y.shape());
      in = in & mask_along(who, y.shape(), 1, place.heads);
    }
    return where(in, value, y);
  });
}

}  // namespace heed::nn
