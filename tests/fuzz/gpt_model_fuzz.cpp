#include "model_targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  heed::fuzz::gpt_model({reinterpret_cast<const char*>(data), size});
  return 0;
}
