#include <heed/examples/kit/tokens/json_fields.h>

#include <map>
#include <set>

namespace heed::kit {

bool is_utf8(std::string_view text) {
  while (!text.empty())
    if (!take_code_point(text)) return false;
  return true;
}

void refuse(const Json* object, std::string_view key, std::string_view of) {
  const Json* value = member(object, key);
  if (value == nullptr || *value == Json(false) || *value == Json("") || *value == Json(0) || *value == Json(0.0))
    return;
  fail<FormatError>(of, key, ": ", quote(to_json(*value)), ": heed has no tokeniser with this option");
}

namespace {

std::vector<AddedToken> read_added_tokens(const Json& json) {
  constexpr size_t longest = 1000;  // bytes; each is compared with the text at every position
  std::vector<AddedToken> added;
  const Json* list = member(&json, "added_tokens");
  if (list == nullptr) return added;
  std::set<std::string> texts;
  for (const Json& token : list->as_list()) {
    const std::string& text = token.at("content").as_string();
    check<FormatError>(!text.empty() && text.size() <= longest, "added token ", quote(text), ": has ", text.size(),
                       " bytes: must have 1 … ", longest);
    check<FormatError>(texts.insert(text).second, "added token ", quote(text), ": is there twice");
    const Json* special = member(&token, "special");
    for (const char* key : {"single_word", "lstrip", "rstrip"})
      refuse(&token, key, cat("added token ", quote(text), ": "));
    const Json* normalized = member(&token, "normalized");
    added.push_back({text, token.at("id").as_integer(), special != nullptr && special->as_bool(),
                     normalized != nullptr && normalized->as_bool()});
  }
  return added;
}

}  // namespace

/// tokens[id] of a vocabulary whose ids are 0 … size-1, each once.
std::vector<std::string> in_order_of_ids(const std::vector<std::pair<std::string, int64_t>>& vocabulary) {
  std::vector<std::string> tokens(vocabulary.size());
  std::vector<bool> taken(vocabulary.size());
  for (const auto& [token, id] : vocabulary) {
    check<FormatError>(id >= 0 && id < static_cast<int64_t>(tokens.size()), "token ", quote(token), ": id ", id,
                       ": the ids of ", tokens.size(), " tokens must be 0 … ", tokens.size() - 1);
    const auto at = static_cast<size_t>(id);
    check<FormatError>(!taken[at], "tokens ", quote(tokens[at]), " and ", quote(token), ": have the same id ", id);
    taken[at] = true;
    tokens[at] = token;
  }
  return tokens;
}

JsonVocabulary read_vocabulary(const Json& json) {
  JsonVocabulary read{{}, read_added_tokens(json)};
  std::vector<std::pair<std::string, int64_t>> all;
  std::map<std::string_view, int64_t> known;
  for (const auto& [token, id] : json.at("model").at("vocab").as_object()) {
    all.emplace_back(token, id.as_integer());
    known.emplace(token, id.as_integer());
  }
  for (const AddedToken& token : read.added) {
    const auto found = known.find(token.text);
    if (found == known.end()) all.emplace_back(token.text, token.id);
    else
      check<FormatError>(found->second == token.id, "added token ", quote(token.text), ": has id ", token.id, ", and ",
                         found->second, " in the vocabulary");
  }
  read.tokens = in_order_of_ids(all);
  return read;
}

std::vector<std::pair<std::string, std::string>> read_merges(const Json& json) {
  std::vector<std::pair<std::string, std::string>> merges;
  for (const Json& merge : json.at("model").at("merges").as_list()) {
    if (const std::string* line = merge.if_string()) {
      const size_t blank = line->find(' ');
      check<FormatError>(blank != std::string::npos, "merge ", quote(*line), ": has no blank between two tokens");
      merges.emplace_back(line->substr(0, blank), line->substr(blank + 1));
    } else {
      const Json::List& pair = merge.as_list();
      check<FormatError>(pair.size() == 2, "merge ", merges.size() + 1, ": a list of ", pair.size(),
                         " tokens: must have two");
      merges.emplace_back(pair[0].as_string(), pair[1].as_string());
    }
  }
  return merges;
}

std::string write_tokenizer(const JsonVocabulary& vocabulary, const Json& normalizer, const Json& pre_tokenizer,
                            const Json& decoder, Json::Object model) {
  Json::Object vocab;
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) vocab.emplace_back(vocabulary.tokens[id], id);
  model.emplace_back("vocab", std::move(vocab));
  Json::List added;
  for (const AddedToken& token : vocabulary.added)
    added.push_back(Json::Object{{"id", token.id},
                                 {"content", token.text},
                                 {"single_word", false},
                                 {"lstrip", false},
                                 {"rstrip", false},
                                 {"normalized", token.normalized},
                                 {"special", token.special}});
  return to_json(Json::Object{{"version", "1.0"},
                              {"truncation", {}},
                              {"padding", {}},
                              {"added_tokens", std::move(added)},
                              {"normalizer", normalizer},
                              {"pre_tokenizer", pre_tokenizer},
                              {"post_processor", {}},
                              {"decoder", decoder},
                              {"model", std::move(model)}});
}

}  // namespace heed::kit
