#include <heed/autograd/leaf.h>

#include <algorithm>

#include <heed/core/ops/ops.h>

namespace heed {

namespace {

// Weak handles, so that a leaf may be destroyed at any time. If no optimizer ever takes the list, expired
// handles are removed as it grows.
struct UnownedLeaves {
  std::vector<std::weak_ptr<Node>> leaves;
  size_t sweep_at = 64;

  void add(Leaf& leaf) {
    if (leaf.owners > 0 || leaf.listed) return;
    leaf.listed = true;
    leaves.push_back(leaf.self);
    if (leaves.size() < sweep_at) return;
    std::erase_if(leaves, [](const std::weak_ptr<Node>& x) { return x.expired(); });
    sweep_at = std::max<size_t>(64, 2 * leaves.size());
  }
};
thread_local UnownedLeaves unowned;

}  // namespace

std::vector<std::shared_ptr<Leaf>> take_unowned_leaves() {
  std::vector<std::shared_ptr<Leaf>> alive;
  for (const std::weak_ptr<Node>& x : unowned.leaves)
    if (auto leaf = std::static_pointer_cast<Leaf>(x.lock())) {
      leaf->listed = false;
      if (leaf->owners == 0 && leaf->wants_grad) alive.push_back(std::move(leaf));
    }
  unowned.leaves.clear();
  return alive;
}

void Leaf::accumulate(Tensor&& g) {
  unowned.add(*this);
  if (!grad.defined()) {
    const bool own = g.is_contiguous() && g.array().storage().use_count() == 1;
    grad = Tensor(own ? g.array() : core::clone(g.array()));
    return;
  }
  if (!grad.is_contiguous()) grad = Tensor(core::clone(grad.array()));  // set_grad() may have left a view
  core::add_into(grad.array(), g.array());
  grad.array_changed();
}

}  // namespace heed
