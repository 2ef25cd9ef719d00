#include <heed/examples/kit/tokens/text_stream.h>

#include <algorithm>
#include <utility>

#include <heed/core/error.h>
#include <heed/core/text.h>
#include <heed/examples/kit/tokens/unicode.h>

namespace heed::kit {

// Each stop string is searched for by Knuth, Morris and Pratt's algorithm (1977), which also knows how many bytes at the
// end may be its beginning.
TextStream::TextStream(std::vector<std::string> stop_strings) {
  for (std::string& text : stop_strings) {
    check(!text.empty(), "text_stream: a stop string is empty: leave it out");
    Stop stop{std::move(text), {0, 0}, 0};
    for (size_t n = 1; n < stop.text.size(); ++n) {
      size_t k = stop.shorter[n];
      while (k > 0 && stop.text[k] != stop.text[n]) k = stop.shorter[k];
      stop.shorter.push_back(stop.text[k] == stop.text[n] ? k + 1 : 0);
    }
    stops_.push_back(std::move(stop));
  }
}

std::string TextStream::add(std::string_view bytes) {
  if (stopped_) return "";
  for (const char byte : bytes) {
    held_ += byte;
    size_t longest = 0;
    for (Stop& stop : stops_) {
      size_t& k = stop.matched;
      while (k > 0 && stop.text[k] != byte) k = stop.shorter[k];
      if (stop.text[k] == byte) ++k;
      if (k == stop.text.size()) longest = std::max(longest, k);
    }
    if (longest == 0) continue;
    stopped_ = true;
    held_.resize(held_.size() - longest);
    return take(held_.size(), true);
  }
  size_t may_stop = 0;
  for (const Stop& stop : stops_) may_stop = std::max(may_stop, stop.matched);
  return take(held_.size() - may_stop, false);
}

std::string TextStream::finish() { return take(held_.size(), true); }

/// Removes the held bytes before `end`, and returns them as UTF-8. Unless they are the last, a sequence that
/// is not complete stays.
std::string TextStream::take(size_t end, bool last) {
  std::string out;
  size_t begin = 0;
  while (begin < end) {
    const std::string_view rest = std::string_view(held_).substr(begin);
    const Character c = first_character(rest);
    if ((c.cut_short && !last) || (begin + c.length > end)) break;
    if (c.code == Character::not_utf8) append_utf8(out, 0xFFFD);
    else out += rest.substr(0, c.length);
    begin += c.length;
  }
  held_.erase(0, begin);
  return out;
}

}  // namespace heed::kit
