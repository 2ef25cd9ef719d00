#include "token_targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  heed::fuzz::tokens({reinterpret_cast<const char*>(data), size});
  return 0;
}
