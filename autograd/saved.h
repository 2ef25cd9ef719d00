// Saved: a value kept for backward, with its version at that time.
//
// keep(a, b) (keep.h) makes one of these for each of its arguments: a Saved for a Tensor or an Array, a SavedList for a
// list of Tensors, a SavedOption for anything plain. Calling it gives the value, or throws AutogradError if the
// value was changed in place since.
#pragma once

#include <optional>
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
  explicit Saved(Tensor value) : value_(std::move(value)), version_(value_.array().storage().version()) {}
  explicit Saved(const core::Array& value) : Saved(Tensor(value)) {}
  const Tensor& operator()() const {
    if (value_.array().storage().version() != version_) [[unlikely]]
      fail_changed();
    return value_;
  }
  void list(std::vector<Tensor>& to) const { to.push_back(value_); }  // whether or not it was changed

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
  void list(std::vector<Tensor>& to) const {
    for (const Saved& value : values_) value.list(to);
  }

 private:
  std::vector<Saved> values_;
};

namespace detail {

template <class T> inline constexpr bool is_plain = std::is_trivially_copyable_v<T> && !std::is_pointer_v<T>;
template <class T> inline constexpr bool is_plain<std::vector<T>> = is_plain<T>;
template <> inline constexpr bool is_plain<std::string> = true;

}  // namespace detail

/// An option kept for backward: it can hold no tensor.
template <class T> class SavedOption {
  static_assert(detail::is_plain<T>,
                "keep(…) takes Tensors, lists of Tensors and plain options: pass the Tensors of a "
                "struct one by one, so that a change in place is found");

 public:
  explicit SavedOption(const T& value) : value_(value) {}
  const T& operator()() const { return value_; }
  void list(std::vector<Tensor>&) const {}

 private:
  T value_;
};

/// For values that cannot be watched, such as a caller's function: code that uses it must say why that is safe.
template <class T> struct Unwatched {
  T value;
};
template <class T> class SavedOption<Unwatched<T>> {
 public:
  explicit SavedOption(const Unwatched<T>& value) : value_(value.value) {}
  const T& operator()() const { return value_; }
  void list(std::vector<Tensor>&) const {}

 private:
  T value_;
};

namespace detail {

template <class... Kept> void list_all(const std::tuple<Kept...>& values, std::vector<Tensor>& to) {
  std::apply([&](const auto&... value) { (value.list(to), ...); }, values);
}

/// What the rules of a node keep, each of them a std::optional<Rule>, and the output if one of them takes it.
template <class Rules>
std::vector<Tensor> kept_by(const std::optional<Rules>& rules, const std::optional<Saved>& output) {
  std::vector<Tensor> all;
  const auto list = [&](const auto&... rule) { ((rule ? rule->list_kept(all) : void()), ...); };
  if (rules) std::apply(list, *rules);
  if (output) output->list(all);
  return all;
}

template <class T> struct SavedFor {
  using type = SavedOption<T>;
};
template <> struct SavedFor<Tensor> {
  using type = Saved;
};
template <> struct SavedFor<core::Array> {
  using type = Saved;
};
template <> struct SavedFor<std::vector<Tensor>> {
  using type = SavedList;
};
template <class T> using SavedAs = typename SavedFor<T>::type;
template <class T> using Given = std::remove_cvref_t<decltype(std::declval<const SavedAs<T>&>()())>;  // to the rule

}  // namespace detail

}  // namespace heed
