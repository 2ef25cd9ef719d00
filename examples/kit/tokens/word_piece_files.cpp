#include <algorithm>
#include <set>
#include <utility>

#include <heed/core/error.h>
#include <heed/core/text.h>
#include <heed/examples/kit/tokens/word_piece.h>

namespace heed::kit {

WordPieceTokeniser WordPieceTokeniser::from_vocab(std::string_view text, std::string_view source,
                                                  const WordPieceOptions& options) {
  return name_source(source, [&] {
    JsonVocabulary vocabulary;
    std::set<std::string_view> seen;
    while (!text.empty()) {
      const size_t end = std::min(text.find('\n'), text.size());
      std::string_view token = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      if (token.ends_with('\r')) token.remove_suffix(1);
      const size_t line = vocabulary.tokens.size() + 1;
      check<FormatError>(is_utf8(token), "line ", line, ": ", quote(token), ": is not UTF-8");
      check<FormatError>(!token.empty(), "line ", line, ": is empty: a vocabulary has one token per line");
      check<FormatError>(seen.insert(token).second, "line ", line, ": ", quote(token), ": is there twice");
      vocabulary.tokens.emplace_back(token);
    }
    for (const char* special : {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}) {
      const auto found = std::find(vocabulary.tokens.begin(), vocabulary.tokens.end(), special);
      if (found != vocabulary.tokens.end())
        vocabulary.added.push_back({special, found - vocabulary.tokens.begin(), true});
    }
    return WordPieceTokeniser(std::move(vocabulary), "[UNK]", options);
  });
}

WordPieceTokeniser WordPieceTokeniser::from_json(const Json& json) {
  const Json& model = json.at("model");
  const Json* normalizer = member(&json, "normalizer");
  check<FormatError>(
      type_of(normalizer) == "BertNormalizer" && type_of(member(&json, "pre_tokenizer")) == "BertPreTokenizer",
      "normalizer ", quote(type_of(normalizer)), ", pre_tokenizer ", quote(type_of(member(&json, "pre_tokenizer"))),
      ": heed has WordPiece with BertNormalizer and BertPreTokenizer only");
  const auto flag = [&](const char* key, bool otherwise) {
    const Json* value = member(normalizer, key);
    return value == nullptr ? otherwise : value->as_bool();
  };
  WordPieceOptions options;
  options.clean_text = flag("clean_text", true);
  options.handle_chinese_chars = flag("handle_chinese_chars", true);
  options.lowercase = flag("lowercase", true);
  options.strip_accents = flag("strip_accents", options.lowercase);
  options.max_input_chars_per_word = model.at("max_input_chars_per_word").as_integer();
  const std::string& prefix = model.at("continuing_subword_prefix").as_string();
  check<FormatError>(prefix == "##", "continuing_subword_prefix ", quote(prefix), ": must be \"##\"");
  JsonVocabulary vocabulary = read_vocabulary(json);
  for (const AddedToken& token : vocabulary.added)
    check<FormatError>(token.special, "added token ", quote(token.text),
                       ": is not special: heed has WordPiece with special ones only");
  return WordPieceTokeniser(std::move(vocabulary), model.at("unk_token").as_string(), options);
}

std::string WordPieceTokeniser::to_text() const {
  return write_tokenizer({tokens_, added_},
                         Json::Object{{"type", "BertNormalizer"},
                                      {"clean_text", options_.clean_text},
                                      {"handle_chinese_chars", options_.handle_chinese_chars},
                                      {"strip_accents", options_.strip_accents},
                                      {"lowercase", options_.lowercase}},
                         Json::Object{{"type", "BertPreTokenizer"}},
                         Json::Object{{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", false}},
                         {{"type", "WordPiece"},
                          {"unk_token", tokens_[static_cast<size_t>(unk_)]},
                          {"continuing_subword_prefix", "##"},
                          {"max_input_chars_per_word", options_.max_input_chars_per_word}});
}

}  // namespace heed::kit
