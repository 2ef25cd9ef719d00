// Which tensors are trained, and which only seem to be?
#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include <heed/autograd/leaf.h>
#include <heed/autograd/ops/reduce.h>
#include <heed/core/error.h>
#include <heed/nn/doctor/checks.h>

namespace heed::nn {

namespace {

std::string without_digits(std::string name) {
  std::erase_if(name, [](unsigned char c) { return std::isdigit(c) != 0; });
  return name;
}

// Zeros and ones are equal in any model.
bool equal_and_varied(const Tensor& a, const Tensor& b) {
  const auto ends = [](const Tensor& x) {
    return std::pair(x.detach().reshape({-1})[0].item(), amax(x.detach()).item());
  };
  if (a.numel() < 4 || ends(a) != ends(b)) return false;
  const std::vector<double> x = a.to_vector();
  return std::adjacent_find(x.begin(), x.end(), std::not_equal_to<>()) != x.end() && x == b.to_vector();
}

// One array under two nodes would be stepped twice; two arrays of equal random values were meant to be one.
void check_pairs(const Examination& e, const std::vector<NamedTensor>& parameters) {
  std::map<const void*, const NamedTensor*> arrays;
  std::map<std::string, std::vector<const NamedTensor*>> by_shape;
  for (const NamedTensor& p : parameters) {
    const auto [first, is_new] = arrays.emplace(elements_address(p.tensor.array()), &p);
    if (!is_new)
      e.add(Severity::fault, "one array, two parameters", p.name,
            cat("has the elements of ", first->second->name, ", but is a parameter of its own, so both are stepped"),
            "share the Tensor, as in b.weight = a.weight, and call parameter() once");
    if (!is_new) continue;
    // layers.0 and layers.1 begin as clones of one layer, as PyTorch's do.
    std::vector<const NamedTensor*>& alike = by_shape[cat(p.tensor.shape())];
    const auto equal = std::find_if(alike.begin(), alike.end(), [&](const NamedTensor* other) {
      return without_digits(other->name) != without_digits(p.name) && equal_and_varied(other->tensor, p.tensor);
    });
    const NamedTensor* const twin = equal == alike.end() ? nullptr : *equal;
    alike.push_back(&p);
    if (!twin) continue;
    e.add(Severity::warning, "copied weights", p.name,
          cat("equals ", twin->name, " element by element, but is separate: the two drift apart in training"),
          "tie them by sharing the Tensor, as in b.weight = a.weight, or initialise them separately");
  }
}

void check_owners(const Examination& e, const std::vector<NamedTensor>& parameters, const Reached& reached) {
  if (!e.given.optimizer) return;
  std::set<const Node*> named, owned;
  for (const NamedTensor& p : parameters) named.insert(p.tensor.node().get());
  int64_t strangers = 0;
  for (const Tensor& p : e.given.optimizer->parameters) {
    owned.insert(p.node().get());
    if (!p.requires_grad() || named.count(p.node().get()) + reached.leaves.count(p.node().get()) > 0) continue;
    ++strangers;
  }
  if (strangers > 0)
    e.add(Severity::fault, "replaced parameter", "",
          cat("the optimizer steps ", strangers, " of ", e.given.optimizer->parameters.size(),
              " tensors that neither the model nor the loss uses"),
          "make the optimizer after to(), clone() and assignments, from the model that is trained");
  for (const NamedTensor& p : parameters)
    if (owned.count(p.tensor.node().get()) == 0)
      e.add(Severity::fault, "parameter without optimizer", p.name,
            cat(p.tensor.shape(),
                " requires a gradient, but the optimizer does not have it: it keeps its initial values"),
            "pass model.parameters() to the optimizer, or freeze it with requires_grad(false)");
}

}  // namespace

Tensor gradient_of(const Tensor& p) { return p.is_leaf() ? static_cast<const Leaf&>(*p.node()).grad : Tensor(); }

void check_parameters(const Examination& e, const OpWatch& watch, const Reached& reached) {
  const std::vector<NamedTensor> parameters = e.given.model.named_parameters();
  check_pairs(e, parameters);
  check_owners(e, parameters, reached);
  for (const auto& [node, what] : reached.unnamed)
    e.add(Severity::fault, "forgotten parameter", "",
          cat("the loss depends on a parameter ", what, " that no visit() names: it is neither trained nor saved"),
          "name it in the visit() of its module");
  for (const NamedTensor& p : parameters) {
    if (gradient_of(p.tensor).defined()) continue;
    const bool used = watch.users.count(elements_address(p.tensor.array())) > 0;
    e.add(Severity::fault, "parameter without gradient", p.name,
          used ? "is used, but no gradient comes back to it" : "no op uses it",
          used ? "its way to the loss is cut: look for detach(), NoGrad and indices"
               : "call its layer, or freeze it with requires_grad(false)");
  }
}

}  // namespace heed::nn
