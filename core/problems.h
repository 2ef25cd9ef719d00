// Problems: collects everything that is wrong, for one Error that lists it all.
#pragma once

#include <string>

#include <heed/core/error.h>

namespace heed {

class Problems {
 public:
  template <class... Parts> void add(const Parts&... parts) {
    if (++count_ <= shown) lines_ += "\n  " + cat(parts...);
  }
  bool empty() const { return count_ == 0; }
  bool full() const { return count_ >= shown; }  // further problems are counted, not shown

  /// One line per problem; of very many (a foreign file may hold a million names), the first fifty and a count.
  std::string text() const {
    return count_ <= shown ? lines_ : lines_ + "\n  … and " + std::to_string(count_ - shown) + " more";
  }

 private:
  static constexpr size_t shown = 50;
  size_t count_ = 0;
  std::string lines_;
};

}  // namespace heed
