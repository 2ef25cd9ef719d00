#include <algorithm>

#include <heed/core/error.h>
#include <heed/core/text.h>
#include <heed/examples/kit/tokens/byte_pair.h>
#include <heed/examples/kit/tokens/json_fields.h>

namespace heed::kit {
namespace {

/// One byte-pair merge per line, "left right", after a line that begins with "#version".
std::vector<std::pair<std::string, std::string>> read_merge_lines(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> merges;
  for (size_t line = 1; !text.empty(); ++line) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view words = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (words.ends_with('\r')) words.remove_suffix(1);
    if (words.empty() || (line == 1 && words.starts_with("#version"))) continue;
    const size_t space = words.find(' ');
    check<FormatError>(space != std::string_view::npos && space > 0 && space + 1 < words.size() &&
                           words.find(' ', space + 1) == std::string_view::npos,
                       "line ", line, ": ", quote(words), ": is not a merge: expected two tokens and a blank between");
    merges.emplace_back(words.substr(0, space), words.substr(space + 1));
  }
  return merges;
}

}  // namespace

BytePairTokeniser BytePairTokeniser::assemble(std::vector<std::string> tokens, const SpeltMerges& merges,
                                              std::optional<std::vector<AddedToken>> added) {
  check<FormatError>(tokens.size() <= INT32_MAX, tokens.size(), " tokens: are too many");
  std::vector<PrefixTable::Entry> entries;
  for (size_t id = 0; id < tokens.size(); ++id) entries.push_back({tokens[id], static_cast<int32_t>(id)});
  const PrefixTable ids(std::move(entries));

  std::array<int32_t, 256> bytes{};
  std::vector<bool> made(tokens.size());
  for (size_t b = 0; b < 256; ++b) {
    const std::string letter = spell_bytes(std::string(1, static_cast<char>(b)));
    bytes[b] = ids.find(letter);
    check<FormatError>(bytes[b] >= 0, "the vocabulary has no token ", quote(letter), ", which stands for byte ", b,
                       ": is this a byte-level tokeniser?");
    made[static_cast<size_t>(bytes[b])] = true;
  }
  std::vector<Merge> table;
  for (const auto& [left, right] : merges) {
    const Merge merge{ids.find(left), ids.find(right), ids.find(left + right), static_cast<uint32_t>(table.size())};
    check<FormatError>(merge.left >= 0 && merge.right >= 0 && merge.joined >= 0, "merge ", table.size() + 1, " of ",
                       quote(left), " and ", quote(right), ": ",
                       quote(merge.left < 0    ? left
                             : merge.right < 0 ? right
                                               : left + right),
                       ": is not in the vocabulary: do the two belong together?");
    made[static_cast<size_t>(merge.joined)] = true;
    table.push_back(merge);
  }
  if (!added) {
    added.emplace();
    for (size_t id = 0; id < tokens.size(); ++id)
      if (!made[id]) added->push_back({tokens[id], static_cast<int64_t>(id), true});
  }
  std::vector<bool> is_added(tokens.size());
  for (const AddedToken& token : *added) is_added[static_cast<size_t>(token.id)] = true;
  for (size_t id = 0; id < tokens.size(); ++id) {
    check<FormatError>(!is_added[id] || !made[id], "added token ", quote(tokens[id]), ": is one that merges make");
    if (is_added[id]) continue;
    const std::optional<std::string> spelt = unspell_bytes(tokens[id]);
    check<FormatError>(spelt && !spelt->empty(), "token ", quote(tokens[id]), " of id ", id,
                       ": is not spelt in GPT-2's letters for bytes: is this a byte-level tokeniser?");
    tokens[id] = *spelt;
  }
  return BytePairTokeniser(std::move(tokens), bytes, std::move(table), std::move(*added));
}

BytePairTokeniser BytePairTokeniser::from_gpt2(std::string_view encoder_json, std::string_view encoder_source,
                                               std::string_view vocab_bpe, std::string_view bpe_source) {
  const Json encoder = parse_json(encoder_json, encoder_source);
  std::vector<std::string> tokens = name_source(encoder_source, [&] {
    std::vector<std::pair<std::string, int64_t>> vocabulary;
    for (const auto& [token, id] : encoder.as_object()) vocabulary.emplace_back(token, id.as_integer());
    return in_order_of_ids(vocabulary);
  });
  return name_source(bpe_source,
                     [&] { return assemble(std::move(tokens), read_merge_lines(vocab_bpe), std::nullopt); });
}

BytePairTokeniser BytePairTokeniser::from_json(const Json& json) {
  const Json* model = &json.at("model");
  for (const char* key : {"dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback"})
    refuse(model, key);
  const TextRules rules = read_text_rules(json);
  const Json* whole = member(model, "ignore_merges");
  JsonVocabulary vocabulary = read_vocabulary(json);
  BytePairTokeniser made = assemble(std::move(vocabulary.tokens), read_merges(json), std::move(vocabulary.added));
  made.set_rules(rules, whole != nullptr && whole->as_bool());
  return made;
}

std::string BytePairTokeniser::to_text() const {
  JsonVocabulary vocabulary{tokens_, added_};
  std::vector<bool> is_added(tokens_.size());
  for (const AddedToken& token : added_) is_added[static_cast<size_t>(token.id)] = true;
  for (size_t id = 0; id < tokens_.size(); ++id)
    if (!is_added[id]) vocabulary.tokens[id] = spell_bytes(tokens_[id]);
  Json::List lines;
  for (const auto& [left, right] : merges()) lines.push_back(left + " " + right);
  const RuleSections sections = write_text_rules(rules_);
  const Json decoder =
      Json::Object{{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}};
  return write_tokenizer(vocabulary, sections.normalizer, sections.pre_tokenizer, decoder,
                         {{"type", "BPE"},
                          {"dropout", {}},
                          {"unk_token", {}},
                          {"continuing_subword_prefix", {}},
                          {"end_of_word_suffix", {}},
                          {"fuse_unk", false},
                          {"byte_fallback", false},
                          {"ignore_merges", whole_first_},
                          {"merges", std::move(lines)}});
}

}  // namespace heed::kit
