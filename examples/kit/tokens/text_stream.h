// TextStream: the bytes of tokens go in one after the other, text that can be printed comes out.
//
//     TextStream stream({"\n\n"});
//     while (!stream.stopped()) std::cout << stream.add(tokeniser.piece(next_token()));
//     std::cout << stream.finish();
//
// A token may hold half of a UTF-8 sequence, or half of a stop string: both are held back until it is clear what they
// are. What comes out does not depend on how the bytes were divided.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace heed::kit {

class TextStream {
 public:
  /// Throws Error if a stop string is empty.
  explicit TextStream(std::vector<std::string> stop_strings = {});

  /// What can be printed now, always UTF-8: broken sequences become U+FFFD. Nothing more comes after a stop string.
  std::string add(std::string_view bytes);

  /// The rest: what was held back, an incomplete sequence as U+FFFD.
  std::string finish();

  /// A stop string was found: of several, the one that ends first. It does not come out, nor does what follows.
  bool stopped() const { return stopped_; }

 private:
  struct Stop {
    std::string text;
    std::vector<size_t> shorter;  // shorter[n]: the longest proper prefix of text that ends its first n bytes
    size_t matched = 0;           // how many of its bytes the input ends with
  };
  std::string take(size_t end, bool last);

  std::vector<Stop> stops_;
  std::string held_;
  bool stopped_ = false;
};

}  // namespace heed::kit
