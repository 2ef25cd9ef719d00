// The trimmings of the demos, in a program of somebody else's.
#include <cstdio>

#include <heed/examples/kit/format.h>

int main() {
  const std::string text = heed::kit::right(heed::kit::fixed(1234.5, 2), 8);
  std::printf("%s\n", text.c_str());
  return text == " 1234.50" ? 0 : 1;
}
