// What the reference reader of safetensors says about many files, heed says, too, and of files that heed
// writes. Files and answers are made by tests/golden/make_safetensors_cases.py, which tells how to compare more.
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>
#include <string>

#include <heed/core/files/file.h>
#include <heed/core/files/safetensors.h>
#include <heed/core/ops/ops.h>
#include <heed/examples/kit/json.h>

#include "support/catch.h"
#include "support/errors.h"

using namespace heed;
using kit::Json, kit::parse_json, kit::to_json;
using namespace heed::core;

namespace {

std::string from_hex(const std::string& digits) {
  std::string bytes;
  for (size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  return bytes;
}

std::string to_hex(std::string_view bytes) {
  constexpr char hex[] = "0123456789abcdef";
  std::string digits;
  for (const char c : bytes) digits += {hex[(c >> 4) & 15], hex[c & 15]};
  return digits;
}

// The tensors as the reference lists them: [[name, dtype, shape, bytes], …].
Json listed(const SafeTensors& file) {
  Json::List tensors;
  for (const std::string& name : file.names()) {
    Json::List shape;
    for (int64_t size : file.shape(name)) shape.push_back(size);
    tensors.push_back(Json::List{name, file.file_dtype(name), shape, to_hex(file.bytes(name))});
  }
  return tensors;
}

Json texts(const Metadata& metadata) {
  Json::Object object;
  for (const auto& [key, text] : metadata) object.emplace_back(key, text);
  return object;
}

Metadata metadata_of(const Json& object) {
  Metadata metadata;
  for (const auto& [key, text] : object.as_object()) metadata[key] = text.as_string();
  return metadata;
}

}  // namespace

TEST_CASE("safetensors: judged as the reference reader judges") {
  const char* other_cases = std::getenv("HEED_SAFETENSORS_CASES");
  const std::string lines = read_file(other_cases ? other_cases : HEED_TESTS_DIR "/golden/safetensors_cases.jsonl");
  int cases = 0, accepted = 0, stricter = 0;
  for (size_t begin = 0; begin < lines.size(); ++cases) {
    const size_t end = std::min(lines.find('\n', begin), lines.size());
    const Json row = parse_json(std::string_view(lines).substr(begin, end - begin));
    begin = end + 1;
    const std::string bytes = from_hex(row.at("file").as_string());
    INFO(row.at("case").as_string() << ": " << to_json(row));
    const bool refused = row.at("tensors").is_null();
    if (refused || row.find("stricter")) {
      stricter += !refused;
      const std::string message = test::message_of<FormatError>([&] { parse_safetensors(bytes, "t"); });
      CHECK(message.starts_with("safetensors: \"t\": "));
      continue;
    }
    ++accepted;
    SafeTensors file;
    REQUIRE_NOTHROW(file = parse_safetensors(bytes, "t"));
    CHECK(listed(file) == row.at("tensors"));
    CHECK(texts(file.metadata()) == texts(metadata_of(row.at("metadata"))));
  }
  CHECK(cases > 200);
  CHECK(accepted > 50);
  CHECK(stricter > 10);
}

TEST_CASE("safetensors: what is written is what the reference reader reads") {
  const Array x = arange(0, 6, 1, Dtype::f32), odd = full({3}, std::nan(""), Dtype::f64);
  const struct {
    const char* name;
    std::map<std::string, Array> tensors;
    Metadata metadata;
  } cases[] = {
      {"nothing", {}, {}},
      {"nothing but metadata", {}, {{"", ""}, {"__metadata__", "{}"}, {"\x01\x1b[31m\n\"\\é漢😀", "\x7f\t"}}},
      {"every dtype",
       {{"b", full({3}, 1, Dtype::boolean)},
        {"d", odd},
        {"f", x},
        {"i", full({2}, -7, Dtype::i32)},
        {"l", full({2}, -7, Dtype::i64)}},
       {}},
      {"infinities", {{"x", full({2}, -std::numeric_limits<double>::infinity())}, {"y", full({1}, -0.0)}}, {}},
      {"rank 0", {{"s", full({}, 0.5)}, {"t", full({}, 1, Dtype::boolean)}}, {}},
      {"eight axes", {{"x", full({1, 1, 2, 1, 1, 1, 1, 1}, 3)}}, {}},
      {"no elements", {{"a", full({0}, 0)}, {"b", full({2, 0, 3}, 0, Dtype::i64)}, {"c", x}}, {}},
      {"views",
       {{"row", slice(x, 0, 1, 3)},
        {"turned", transpose(reshape(x, {2, 3}), 0, 1)},
        {"spread", expand(full({1}, 2), {4})}},
       {}},
      {"names as metadata's",
       {{"pt", x}, {"format", full({2}, 1)}, {"__metadata", x}, {"__metadata__x", full({1}, 2)}},
       {{"format", "pt"}, {"pt", "format"}}},
      {"names of any text",
       {{"", full({1}, 1)},
        {" ", full({1}, 2)},
        {"é漢😀", full({1}, 3)},
        {"a\"b\\c/../d", full({1}, 4)},
        {std::string(4096, 'n'), full({1}, 5)}},
       {}},
      {"tied", {{"decoder", x}, {"encoder", x}, {"other", clone(x)}}, {}},
      {"tied under a name that metadata have",
       {{"a", x}, {"format", x}, {"pt", x}},
       {{"format", "pt"}, {"pt", "mine"}}},
      {"tied without elements", {{"a", full({0}, 0)}, {"b", full({0}, 0)}}, {}},
  };
  std::string written;
  for (const auto& [name, tensors, metadata] : cases) {
    INFO(name);
    const std::string bytes = to_safetensors(tensors, metadata);
    const SafeTensors file = parse_safetensors(bytes, name);
    for (const std::string& tensor : file.names())
      CHECK(file.bytes(tensor).size() == tensors.at(tensor).numel() * size_of(tensors.at(tensor).dtype()));
    for (const auto& [key, text] : metadata) CHECK(file.metadata().at(key) == text);
    written +=
        to_json(Json::Object{
            {"case", name}, {"file", to_hex(bytes)}, {"tensors", listed(file)}, {"metadata", texts(file.metadata())}}) +
        '\n';
  }
  CHECK_THROWS_AS(to_safetensors({{"__metadata__", x}}, {}), FormatError);
  if (const char* path = std::getenv("HEED_SAFETENSORS_WRITTEN")) write_file_atomic(path, written);
  else CHECK(written == read_file(HEED_TESTS_DIR "/golden/safetensors_written.jsonl"));
}
