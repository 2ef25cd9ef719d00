// Filling a kernel table by tag, so that no list of functions repeats the enum's. Internal linkage, as simd.h.
#pragma once

namespace heed::core {
namespace {

/// body.operator()<tag>() for each tag of an enum, in its order.
template <class Tag, int i = 0, class Body> constexpr void for_each_tag(const Body& body) {
  if constexpr (i < static_cast<int>(Tag::count)) {
    body.template operator()<static_cast<Tag>(i)>();
    for_each_tag<Tag, i + 1>(body);
  }
}

}  // namespace
}  // namespace heed::core
