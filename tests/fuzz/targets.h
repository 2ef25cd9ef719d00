// Fuzz targets: any input is either refused with one of heed's errors, or has a value that is unchanged
// when written and read again. Anything else aborts.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <unistd.h>

#include <heed/core/files/inflate.h>
#include <heed/core/files/npy.h>
#include <heed/core/files/npz.h>
#include <heed/core/files/safetensors.h>
#include <heed/core/files/safetensors_format.h>
#include <heed/core/text.h>
#include <heed/examples/kit/json.h>

namespace heed::fuzz {

inline void require(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "fuzz: %s\n", what);
  std::abort();
}

/// A message may quote a file, but must not pass its control characters to the terminal. (Newlines and tabs are
/// allowed.)
inline void require_harmless(std::string_view text) {
  while (!text.empty()) {
    const std::optional<char32_t> c = take_code_point(text);
    require(c && (*c == '\n' || *c == '\t' || (*c >= 0x20 && (*c < 0x7f || *c >= 0xa0))),
            "a text could steer the terminal");
  }
}
inline void require_harmless(const std::exception& error) { require_harmless(std::string_view(error.what())); }

/// Compares bits, so that NaN equals itself.
inline bool same(const core::Array& a, const core::Array& b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape() && core::to_npy(a) == core::to_npy(b);
}

inline void json(std::string_view bytes) {
  try {
    const kit::Json value = kit::parse_json(bytes);
    const std::string text = kit::to_json(value);
    require(kit::parse_json(text) == value, "JSON changed when it was written and read");
    require(kit::to_json(kit::parse_json(text)) == text, "JSON text is not stable");
  } catch (const FormatError& error) { require_harmless(error); }
}

inline void npy(std::string_view bytes) {
  try {
    const core::Array x = core::parse_npy(bytes, "fuzz");
    require(same(core::parse_npy(core::to_npy(x), "again"), x), "an array changed");
  } catch (const FormatError& error) { require_harmless(error); }
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
      } catch (const FormatError& error) {  // a type that heed does not have, or a broken bool
        require_harmless(error);
      }
    }
    const std::string written = core::to_safetensors(tensors, file.metadata());
    const core::SafeTensors again = core::parse_safetensors(written, "again");
    for (const auto& [name, x] : tensors) require(same(again.at(name), x), "a tensor changed");
    require(core::to_safetensors(tensors, again.metadata()) == written, "the file is not stable");
  } catch (const FormatError& error) { require_harmless(error); }
}

/// The same from a file that is mapped: either way the same tensors, or the same error.
inline void mapped(std::string_view bytes) {
  static const std::string path =
      (std::filesystem::temp_directory_path() / ("heed-fuzz-" + std::to_string(::getpid()))).string();
  std::remove(path.c_str());  // replaced, never shortened while it is mapped
  std::ofstream(path, std::ios::binary) << bytes;
  const auto outcome = [&](auto open) {
    std::string text;
    try {
      const core::SafeTensors file = open();
      for (const std::string& name : file.names())
        text += cat(name, "\n", file.file_dtype(name), file.shape(name), file.bytes(name), "\n");
    } catch (const FormatError& error) {
      require_harmless(error);
      text = error.what();
    }
    return text;
  };
  const std::string wanted = outcome([&] { return core::parse_safetensors(std::string(bytes), path); });
  require(outcome([&] { return core::open_safetensors(path); }) == wanted, "a mapped file differs");
  std::remove(path.c_str());
}

/// Arrays in an archive: at most what their entries state, and the same when they are written and read.
inline void npz(std::string_view bytes) {
  try {
    const std::map<std::string, core::Array> arrays = core::parse_npz(bytes, "fuzz");
    const std::string written = core::to_npz(arrays);
    const std::map<std::string, core::Array> again = core::parse_npz(written, "again");
    require(again.size() == arrays.size(), "an array is missing");
    for (const auto& [name, x] : arrays) require(same(again.at(name), x), "an array changed");
    require(core::to_npz(again) == written, "the file is not stable");
  } catch (const FormatError& error) { require_harmless(error); }
}

/// Deflated data: never more than the limit, nor than can be in that many bytes; gzip the same.
inline void inflate(std::string_view bytes) {
  constexpr size_t limit = 1 << 20;
  std::string_view left = bytes;
  try {
    const std::string content = core::inflate(left, limit, "fuzz");
    const size_t used = bytes.size() - left.size();
    require(content.size() <= limit && content.size() / core::max_inflation <= used, "too much came out");
    std::string_view only = bytes.substr(0, used);  // nothing beyond the stream was looked at
    require(core::inflate(only, content.size(), "again") == content && only.empty(), "a stream changed");
  } catch (const FormatError& error) { require_harmless(error); }
  try {
    core::gunzip(bytes.substr(0, 1000), "fuzz");
  } catch (const FormatError& error) { require_harmless(error); }
}

/// The index of a model in several files: the files that it names are in the same folder, and are not indices.
inline void index(std::string_view bytes) {
  try {
    for (const auto& [name, file] : core::safetensors::parse_index(bytes, "fuzz"))
      require(!file.empty() && file != "." && file != ".." && !file.ends_with(".index.json") &&
                  file.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos,
              "an index reaches for another file");
  } catch (const FormatError& error) { require_harmless(error); }
}

/// Numbers in metadata, in options and in the environment: reading gives what was written.
inline void numbers(std::string_view bytes) {
  const std::optional<int64_t> integer = parse_int(bytes);
  const std::optional<uint64_t> natural = parse_uint(bytes);
  const std::optional<double> number = parse_double(bytes);
  if (integer) {
    require(parse_int(std::to_string(*integer)) == integer, "an integer changed");
    require(bytes[0] == '-' || natural == static_cast<uint64_t>(*integer), "integers are read differently");
    require(number == static_cast<double>(*integer), "an integer has another value");
  }
  if (natural) {
    require(parse_uint(std::to_string(*natural)) == natural, "a whole number changed");
    require(*natural > INT64_MAX || integer == static_cast<int64_t>(*natural), "integers are read differently");
    require(bytes.find_first_not_of("0123456789") == std::string_view::npos,
            "a whole number contains other characters");
  }
  if (number && *number == *number) require(parse_double(shortest(*number)) == number, "a number changed");
  const std::string_view allowed = "+-.0123456789eE";
  require(!number || bytes.find_first_not_of(allowed) == std::string_view::npos ||
              bytes.find_first_of("iInN") != std::string_view::npos,  // inf, nan
          "a number contains other characters");
}

}  // namespace heed::fuzz
