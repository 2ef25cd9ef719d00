// keep: what a derivative rule uses from the forward pass.
//
//     edge(a, keep(b), [](auto& g, auto& b) { return g * b; });
//
// The rule gets the kept values after g, in order, each as a const reference. A tensor is kept with its
// version: if it was changed in place since, backward throws AutogradError instead of giving a wrong gradient.
// So that nothing can be kept unwatched, a rule may capture plain options only (numbers, shapes, flags): a
// Tensor, an Array or a reference in its [ ] does not compile. (A raw pointer does, for C++ cannot see it among the
// numbers: never capture one to elements.) Keep x itself, not x.array(): an Array has no history, so a second
// derivative would lack x's part.
#pragma once

#include <tuple>
#include <type_traits>

#include <heed/autograd/saved.h>

namespace heed {

namespace detail {

/// A closure with a reference has no standard layout; one with a handle is not trivially copyable.
template <class F>
inline constexpr bool captures_options_only = std::is_trivially_copyable_v<F> && std::is_standard_layout_v<F>;

}  // namespace detail

/// References to the values to keep. They are saved only if the edge is, that is, if its gradient is needed.
template <class... T> struct Keep {
  std::tuple<const T&...> values;
};

template <class... T> Keep<T...> keep(const T&... values) { return {{values...}}; }

/// A rule and what it keeps; called as rule(g, kept…), or with more arguments between g and these.
template <class F, class... T> class Rule {
  static_assert(detail::captures_options_only<F>,
                "a derivative rule captures numbers and options only: pass each Tensor that it uses to keep(…), "
                "as in edge(x, keep(a, b), [](auto& g, auto& a, auto& b) { return g * a / b; }), and capture "
                "nothing by reference: what it refers to is gone when backward() runs");

 public:
  /// Whether it can be called with these after g.
  template <class... After>
  static constexpr bool takes = std::is_invocable_v<const F&, const Tensor&, After..., const detail::Given<T>&...>;
  static constexpr bool takes_output = takes<const Tensor&>;
  static constexpr bool fits = takes<> || takes_output;

  Rule(const Keep<T...>& kept, F function)
      : kept_(std::apply([](auto&... value) { return Kept(detail::SavedAs<T>(value)...); }, kept.values)),
        function_(function) {}

  template <class... Before> auto operator()(const Before&... before) const {
    return std::apply([&](auto&... kept) { return with(before..., kept()...); }, kept_);
  }

  void list_kept(std::vector<Tensor>& to) const { detail::list_all(kept_, to); }

 private:
  using Kept = std::tuple<detail::SavedAs<T>...>;
  template <class... All> auto with(const All&... all) const {
    return function_(all...);
  }  // as const references, which auto& takes

  Kept kept_;
  F function_;
};

}  // namespace heed
