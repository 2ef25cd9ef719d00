// What the reference reader of safetensors says about many files, heed says, too. The files and the
// answers are made by tests/golden/make_safetensors_cases.py, which tells how to compare more of them.
#include <cstdlib>
#include <string>

#include <heed/core/file.h>
#include <heed/core/json.h>
#include <heed/core/safetensors.h>

#include "support/catch.h"
#include "support/errors.h"

using namespace heed;
using namespace heed::core;

namespace {

std::string from_hex(const std::string& digits) {
  std::string bytes;
  for (size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  return bytes;
}

// The tensors as the reference lists them: [[name, dtype, shape, bytes], …].
Json listed(const SafeTensors& file) {
  constexpr char hex[] = "0123456789abcdef";
  Json::List tensors;
  for (const std::string& name : file.names()) {
    Json::List shape;
    for (int64_t size : file.shape(name)) shape.push_back(size);
    std::string bytes;
    for (const char c : file.bytes(name)) bytes += {hex[(c >> 4) & 15], hex[c & 15]};
    tensors.push_back(Json::List{name, file.file_dtype(name), shape, bytes});
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
  const std::string lines =
      read_file(other_cases ? other_cases : HEED_TESTS_DIR "/golden/safetensors_cases.jsonl");
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
      const std::string message =
          test::message_of<FormatError>([&] { parse_safetensors(bytes, "t"); });
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
