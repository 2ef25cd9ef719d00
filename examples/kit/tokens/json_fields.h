// What readers of tokenizer.json and its like share: members that may be missing, and messages that name the file.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <heed/core/error.h>
#include <heed/core/text.h>
#include <heed/examples/kit/json.h>

namespace heed::kit {

/// Calls read(); a FormatError that it throws gets the name of the file in front.
template <class Read> auto name_source(std::string_view source, const Read& read) {
  try {
    return read();
  } catch (const FormatError& error) { fail<FormatError>(readable(source), ": ", error.what()); }
}

bool is_utf8(std::string_view text);

/// A member of an object; null where the object is null, or has no such member, or null as its value.
inline const Json* member(const Json* object, std::string_view key) {
  const Json* found = object == nullptr || object->is_null() ? nullptr : object->find(key);
  return found == nullptr || found->is_null() ? nullptr : found;
}

/// {"type": "…"} of a member, or "" if there is none.
inline std::string type_of(const Json* object) {
  const Json* type = member(object, "type");
  return type == nullptr ? "" : type->as_string();
}

/// Throws FormatError if a member is there and is neither false, 0 nor "": an option that heed does not have. `of` says
/// what has it: "added token "<mask>": ".
void refuse(const Json* object, std::string_view key, std::string_view of = "");

/// A token beside the vocabulary: it is found in a text as a whole, before anything else.
struct AddedToken {
  std::string text;
  int64_t id;
  bool special;             // not text: never found by encode(), and nothing when decoded
  bool normalized = false;  // found after the normalizer has changed the text, which changes the token, too
};

/// tokens[id] of a vocabulary whose ids are 0 … size-1, each once. FormatError for any other.
std::vector<std::string> in_order_of_ids(const std::vector<std::pair<std::string, int64_t>>& vocabulary);

/// model.vocab and added_tokens of a tokenizer.json: tokens[id] are of both. Added tokens that change the text
/// around them are refused.
struct JsonVocabulary {
  std::vector<std::string> tokens;
  std::vector<AddedToken> added;
};
JsonVocabulary read_vocabulary(const Json& json);

/// model.merges, written as "left right" or as ["left", "right"].
std::vector<std::pair<std::string, std::string>> read_merges(const Json& json);

/// A tokenizer.json; the model's vocabulary is the tokens.
std::string write_tokenizer(const JsonVocabulary& vocabulary, const Json& normalizer, const Json& pre_tokenizer,
                            const Json& decoder, Json::Object model);

}  // namespace heed::kit
