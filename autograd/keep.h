// keep: what a derivative rule uses from the forward pass.
//
//     edge(a, keep(b), [](auto& g, auto& b) { return g * b; })
//
// The rule gets the kept values after g, in order, each as a const reference. A tensor is kept with its
// version: where it was changed in place since, backward throws AutogradError in place of a wrong gradient.
// So that nothing can be kept unseen, a rule may capture plain options only (numbers, shapes, flags): a
// Tensor, an Array or a reference in its [ ] does not compile.
#pragma once

#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <heed/autograd/tensor.h>

namespace heed {

/// Name of the op whose rule the engine is running on this thread; null outside of a rule.
inline thread_local const char* running_rule = nullptr;

/// A tensor kept for backward. Using it throws AutogradError if it was changed in place since.
class Saved {
 public:
  explicit Saved(Tensor value)
      : value_(std::move(value)), version_(value_.array().storage().version()) {}
  explicit Saved(const core::Array& value) : Saved(Tensor(value)) {}
  const Tensor& operator()() const {
    if (value_.array().storage().version() != version_) [[unlikely]]
      fail_changed();
    return value_;
  }

 private:
  [[noreturn]] void fail_changed() const;
  Tensor value_;
  uint32_t version_;
};

/// A list of tensors kept for backward.
class SavedList {
 public:
  explicit SavedList(const std::vector<Tensor>& values) : values_(values.begin(), values.end()) {}
  std::vector<Tensor> operator()() const {
    std::vector<Tensor> values;
    for (const Saved& value : values_) values.push_back(value());
    return values;
  }

 private:
  std::vector<Saved> values_;
};

namespace detail {

template <class T>
inline constexpr bool is_plain = std::is_trivially_copyable_v<T> && !std::is_pointer_v<T>;
template <class T>
inline constexpr bool is_plain<std::vector<T>> = is_plain<T>;
template <>
inline constexpr bool is_plain<std::string> = true;

/// A capture by reference makes a closure that has no standard layout, a handle one that is not copied as bytes.
template <class F>
inline constexpr bool captures_options_only =
    std::is_trivially_copyable_v<F>&& std::is_standard_layout_v<F>;

}  // namespace detail

/// An option kept for backward: it can hold no tensor.
template <class T>
class SavedOption {
  static_assert(
      detail::is_plain<T>,
      "keep(…) takes Tensors, lists of Tensors and plain options: hand over the Tensors in a "
      "struct one by one, so that a change in place is found");

 public:
  explicit SavedOption(const T& value) : value_(value) {}
  const T& operator()() const { return value_; }

 private:
  T value_;
};

/// For what cannot be watched, such as a function that the caller gave: whoever wraps it says why that is right.
template <class T>
struct Unwatched {
  T value;
};
template <class T>
class SavedOption<Unwatched<T>> {
 public:
  explicit SavedOption(const Unwatched<T>& value) : value_(value.value) {}
  const T& operator()() const { return value_; }

 private:
  T value_;
};

namespace detail {

template <class T>
struct SavedFor {
  using type = SavedOption<T>;
};
template <>
struct SavedFor<Tensor> {
  using type = Saved;
};
template <>
struct SavedFor<core::Array> {
  using type = Saved;
};
template <>
struct SavedFor<std::vector<Tensor>> {
  using type = SavedList;
};
template <class T>
using SavedAs = typename SavedFor<T>::type;
template <class T>
using Given = std::remove_cvref_t<decltype(std::declval<const SavedAs<T>&>()())>;  // to the rule

}  // namespace detail

/// References to what is to be kept. They are saved only if the edge is, that is if a gradient is wanted.
template <class... T>
struct Keep {
  std::tuple<const T&...> values;
};

template <class... T>
Keep<T...> keep(const T&... values) {
  return {{values...}};
}

/// The gradient that has arrived at an input so far, to add to in place and return; empty where somebody
/// may see it.
struct SoFar {
  Tensor sum;
};

/// Which inputs of an op somebody wants the gradient of.
using Wanted = std::vector<bool>;

/// A rule and what it keeps; called as rule(g, kept…), or with what else the rule takes after g.
template <class F, class... T>
class Rule {
  static_assert(detail::captures_options_only<F>,
                "a derivative rule captures numbers and options only: hand each Tensor that it "
                "uses to keep(…), as "
                "in edge(x, keep(a, b), [](auto& g, auto& a, auto& b) { return g * a / b; }), and "
                "capture nothing "
                "by reference: what it refers to is gone when backward() runs");

  template <class... After>
  static constexpr bool takes =
      std::is_invocable_v<const F&, const Tensor&, After..., const detail::Given<T>&...>;

 public:
  static constexpr bool takes_output = takes<const Tensor&>;
  static constexpr bool takes_sum = !takes_output && takes<SoFar>;
  static constexpr bool takes_wanted = !takes_output && takes<const Wanted&>;

  Rule(const Keep<T...>& kept, F function)
      : kept_(std::apply([](auto&... value) { return Kept(detail::SavedAs<T>(value)...); },
                         kept.values)),
        function_(function) {}

  template <class... Before>
  auto operator()(const Before&... before) const {
    return std::apply([&](auto&... kept) { return with(before..., kept()...); }, kept_);
  }

 private:
  using Kept = std::tuple<detail::SavedAs<T>...>;
  template <class... All>
  auto with(const All&... all) const {
    return function_(all...);
  }  // as const references, which auto& takes

  Kept kept_;
  F function_;
};

}  // namespace heed
