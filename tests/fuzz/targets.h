// What the fuzzers try: any bytes at all are either refused with one of heed's errors, or mean
// something that survives being written and read again. Anything else aborts.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include <heed/core/json.h>
#include <heed/core/npy.h>
#include <heed/core/safetensors.h>

namespace heed::fuzz {

inline void require(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "fuzz: %s\n", what);
  std::abort();
}

/// The bits, so that NaN equals itself.
inline bool same(const core::Array& a, const core::Array& b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape() && core::to_npy(a) == core::to_npy(b);
}

inline void json(std::string_view bytes) {
  try {
    const core::Json value = core::parse_json(bytes);
    const std::string text = core::to_json(value);
    require(core::parse_json(text) == value, "JSON changed when it was written and read");
    require(core::to_json(core::parse_json(text)) == text, "JSON text is not stable");
  } catch (const FormatError& error) {
    require(std::string_view(error.what()).find_first_of("\x1b\n") == std::string_view::npos,
            "a message could steer the terminal");
  }
}

inline void npy(std::string_view bytes) {
  try {
    const core::Array x = core::parse_npy(bytes, "fuzz");
    require(same(core::parse_npy(core::to_npy(x), "again"), x), "an array changed");
  } catch (const FormatError&) {}
}

inline void safetensors(std::string_view bytes) {
  try {
    const core::SafeTensors file = core::parse_safetensors(std::string(bytes), "fuzz");
    std::map<std::string, core::Array> tensors;
    for (const std::string& name : file.names()) {
      try {
        const core::Array x = file.at(name);
        require(x.shape() == file.shape(name), "a shape is not that of the header");
        tensors.emplace(name, x);
      } catch (const FormatError&) {  // a type that heed does not have, or a broken bool
      }
    }
    const std::string written = core::to_safetensors(tensors, file.metadata());
    const core::SafeTensors again = core::parse_safetensors(written, "again");
    for (const auto& [name, x] : tensors) require(same(again.at(name), x), "a tensor changed");
    require(core::to_safetensors(tensors, again.metadata()) == written, "the file is not stable");
  } catch (const FormatError& error) {
    require(std::string_view(error.what()).find_first_of("\x1b\n") == std::string_view::npos,
            "a message could steer the terminal");
  }
}

}  // namespace heed::fuzz
