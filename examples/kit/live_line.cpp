#include <heed/examples/kit/live_line.h>

#include <iostream>
#include <streambuf>

namespace heed::kit {

/// Wraps a stream's buffer: passes on what is printed, and knows whether its last line has ended.
class LiveLine::Passage : public std::streambuf {
 public:
  Passage(std::ostream& stream, LiveLine& line) : stream_(stream), to_(stream.rdbuf(this)), line_(line) {}
  ~Passage() override { stream_.rdbuf(to_); }

  bool at_line_start() const { return at_line_start_; }
  std::streambuf& wrapped() { return *to_; }

 private:
  std::streamsize xsputn(const char* text, std::streamsize size) override {
    if (size == 0) return 0;
    line_.take_away();
    at_line_start_ = text[size - 1] == '\n';
    return to_->sputn(text, size);
  }
  int_type overflow(int_type c) override {
    if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
    const char character = traits_type::to_char_type(c);
    return xsputn(&character, 1) == 1 ? c : traits_type::eof();
  }
  int sync() override { return to_->pubsync(); }

  std::ostream& stream_;
  std::streambuf* to_;
  LiveLine& line_;
  bool at_line_start_ = true;
};

LiveLine::LiveLine(bool terminal)
    : terminal_(terminal),
      out_(std::make_unique<Passage>(std::cout, *this)),
      err_(std::make_unique<Passage>(std::cerr, *this)) {}

LiveLine::~LiveLine() {
  if (shown_) err_->wrapped().sputc('\n');
  err_->wrapped().pubsync();
  // In the opposite order of construction: lines may be nested.
  err_.reset();
  out_.reset();
}

void LiveLine::show(const std::string& text) {
  if (!out_->at_line_start() || !err_->at_line_start()) return;
  out_->wrapped().pubsync();  // earlier text must reach the screen first
  const std::string drawn = terminal_ ? "\r" + text + "\033[K" : text + '\n';
  err_->wrapped().sputn(drawn.data(), static_cast<std::streamsize>(drawn.size()));
  err_->wrapped().pubsync();
  shown_ = terminal_;
}

void LiveLine::take_away() {
  if (!shown_) return;
  shown_ = false;
  err_->wrapped().sputn("\r\033[K", 4);
  err_->wrapped().pubsync();
}

}  // namespace heed::kit
