#include <heed/examples/kit/tokens/text_rules.h>

#include <string_view>
#include <vector>

#include <heed/core/error.h>
#include <heed/core/text.h>
#include <heed/examples/kit/tokens/json_fields.h>

namespace heed::kit {
namespace {

struct KnownPattern {
  std::string_view text;
  FirstPiece piece;
};

// As the files write them; of several with one meaning, the first is written.
constexpr KnownPattern known_patterns[] = {
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     llama3_piece},
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     qwen2_piece},
    {R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
     R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
     R"(\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     gpt4o_piece},
    {R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|)"
     R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|)"
     R"(\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     tekken_piece},
    {R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)", gpt2_piece},
    {R"('(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)", gpt2_piece},
};

constexpr const char* heed_has =
    ": heed has byte-level BPE with the pre_tokenizer \"ByteLevel\" alone (GPT-2), after \"Digits\" (SmolLM), or after "
    "\"Split\" by the pattern of Llama 3, Qwen2, GPT-4o or Mistral NeMo; and Llama 2's with byte_fallback";

bool flag_of(const Json* section, std::string_view key, bool otherwise) {
  const Json* value = member(section, key);
  return value == nullptr ? otherwise : value->as_bool();
}

/// The steps of a section: those of a "Sequence", or itself.
std::vector<const Json*> steps_of(const Json* section, std::string_view list) {
  std::vector<const Json*> steps;
  if (section == nullptr) return steps;
  if (type_of(section) != "Sequence") return {section};
  for (const Json& step : section->at(list).as_list()) steps.push_back(&step);
  return steps;
}

FirstPiece read_digits(const Json& step) {
  return flag_of(&step, "individual_digits", false) ? gpt2_digit_piece : gpt2_digits_piece;
}

/// Every known pattern matches any text from end to end: its matches are the pieces, whether they are isolated or, with
/// "invert", what is between them is removed.
FirstPiece read_split(const Json& step) {
  const std::string& behavior = step.at("behavior").as_string();
  const bool invert = flag_of(&step, "invert", false);
  check<FormatError>(invert ? behavior == "Removed" : behavior == "Isolated", "pre_tokenizer \"Split\": behavior ",
                     quote(behavior), invert ? ", inverted" : "", ": heed has \"Isolated\", and \"Removed\" inverted");
  const Json* regex = member(&step.at("pattern"), "Regex");
  const std::string text = regex == nullptr ? to_json(step.at("pattern")) : regex->as_string();
  for (const KnownPattern& known : known_patterns)
    if (regex != nullptr && known.text == text) return known.piece;
  fail<FormatError>("pre_tokenizer \"Split\": pattern ", quote(text),
                    ": is none of those that heed knows: GPT-2's, Llama 3's (cl100k), Qwen2's, GPT-4o's (o200k) and "
                    "Mistral NeMo's (Tekken), character by character");
}

}  // namespace

TextRules read_text_rules(const Json& tokenizer) {
  TextRules rules;
  for (const Json* step : steps_of(member(&tokenizer, "normalizer"), "normalizers")) {
    check<FormatError>(type_of(step) == "NFC", "normalizer ", quote(to_json(*step)),
                       ": heed has byte-level BPE with \"NFC\" or without a normalizer");
    rules.nfc = true;
  }
  const std::vector<const Json*> steps = steps_of(member(&tokenizer, "pre_tokenizer"), "pretokenizers");
  std::string types;
  for (const Json* step : steps) types += (types.empty() ? "" : ", ") + type_of(step);
  const bool alone = types == "ByteLevel", digits = types == "Digits, ByteLevel", split = types == "Split, ByteLevel";
  check<FormatError>(alone || digits || split, "pre_tokenizer ", quote(types), heed_has);
  const Json* byte_level = steps.back();
  const bool by_gpt2 = flag_of(byte_level, "use_regex", true);
  rules.blank_first = flag_of(byte_level, "add_prefix_space", false);
  check<FormatError>(alone || !rules.blank_first, "pre_tokenizer ", quote(types),
                     ": add_prefix_space: would put a blank before every piece: must be false");
  check<FormatError>(alone || by_gpt2 == digits, "pre_tokenizer ", quote(types), ": use_regex: must be ",
                     digits ? "true" : "false");
  if (digits) rules.piece = read_digits(*steps[0]);
  else if (split) rules.piece = read_split(*steps[0]);
  else rules.piece = by_gpt2 ? gpt2_piece : whole_piece;
  return rules;
}

RuleSections write_text_rules(const TextRules& rules) {
  RuleSections sections;
  if (rules.nfc) sections.normalizer = Json::Object{{"type", "NFC"}};
  const bool digits = rules.piece == gpt2_digit_piece || rules.piece == gpt2_digits_piece;
  const bool by_gpt2 = digits || rules.piece == gpt2_piece;
  const Json byte_level = Json::Object{
      {"type", "ByteLevel"}, {"add_prefix_space", rules.blank_first}, {"trim_offsets", true}, {"use_regex", by_gpt2}};
  Json first;
  if (digits) first = Json::Object{{"type", "Digits"}, {"individual_digits", rules.piece == gpt2_digit_piece}};
  else if (!by_gpt2)
    for (const KnownPattern& known : known_patterns)
      if (known.piece == rules.piece)
        first = Json::Object{{"type", "Split"},
                             {"pattern", Json::Object{{"Regex", std::string(known.text)}}},
                             {"behavior", "Isolated"},
                             {"invert", false}};
  sections.pre_tokenizer = first.is_null()
                               ? byte_level
                               : Json::Object{{"type", "Sequence"}, {"pretokenizers", Json::List{first, byte_level}}};
  return sections;
}

}  // namespace heed::kit
