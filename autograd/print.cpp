#include <heed/autograd/node.h>
#include <heed/core/print.h>

namespace heed {

std::string to_string(const Tensor& x) {
  std::vector<std::string> suffixes;
  if (x.requires_grad()) suffixes.push_back(x.is_leaf() ? "requires_grad=True" : cat("grad_fn=<", x.node()->name, ">"));
  return core::to_string(x.array(), suffixes);
}

std::ostream& operator<<(std::ostream& out, const Tensor& x) { return out << to_string(x); }

}  // namespace heed
