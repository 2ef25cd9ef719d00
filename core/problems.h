// Problems: everything that is wrong with a thing, for one Error that lists all of it.
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
  bool full() const { return count_ >= shown; }  // what is added now is counted, not shown

  /// A line each; of very many (a foreign file may hold a million names) the first fifty and how many more.
  std::string text() const {
    return count_ <= shown ? lines_ : lines_ + "\n  … and " + std::to_string(count_ - shown) + " more";
  }

 private:
  static constexpr size_t shown = 50;
  size_t count_ = 0;
  std::string lines_;
};

}  // namespace heed
