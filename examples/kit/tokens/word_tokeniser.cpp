#include <heed/examples/kit/tokens/word_tokeniser.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <heed/core/error.h>
#include <heed/core/text.h>
#include <heed/examples/kit/tokens/byte_pair.h>
#include <heed/examples/kit/tokens/pieces.h>

namespace heed::kit {
namespace {

std::vector<std::string> frequent_words(std::string_view text, int64_t max_size, int64_t min_freq) {
  check(max_size >= 1 && min_freq >= 1, "word_tokeniser: at most ", max_size, " words that occur ", min_freq,
        " times: both must be at least 1");
  std::map<std::string_view, int64_t> counts;
  while (!text.empty()) {
    const size_t length = gpt2_piece(text);
    ++counts[text.substr(0, length)];
    text.remove_prefix(length);
  }
  std::vector<std::pair<std::string_view, int64_t>> order(counts.begin(), counts.end());
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  std::vector<std::string> words;
  for (const auto& [word, count] : order)
    if (count >= min_freq && static_cast<int64_t>(words.size()) + 1 < max_size) words.emplace_back(word);
  return words;
}

}  // namespace

WordTokeniser::WordTokeniser(std::string_view text, int64_t max_size, int64_t min_freq)
    : WordTokeniser(frequent_words(text, max_size, min_freq)) {}

WordTokeniser::WordTokeniser(std::vector<std::string> words) : words_(std::move(words)) {
  words_.insert(words_.begin(), "<unk>");
  std::vector<PrefixTable::Entry> entries;
  for (size_t id = 1; id < words_.size(); ++id) entries.push_back({words_[id], static_cast<int32_t>(id)});
  ids_ = PrefixTable(std::move(entries));
}

WordTokeniser WordTokeniser::from_json(const Json& json) {
  std::vector<std::string> words;
  std::set<std::string> seen;
  for (const Json& word : json.at("words").as_list()) {
    const std::optional<std::string> bytes = unspell_bytes(word.as_string());
    check<FormatError>(bytes && !bytes->empty() && gpt2_piece(*bytes) == bytes->size(), "word ",
                       quote(word.as_string()), ": is not one word in GPT-2's letters for bytes");
    check<FormatError>(seen.insert(*bytes).second, "word ", quote(word.as_string()), ": is there twice");
    words.push_back(*bytes);
  }
  return WordTokeniser(std::move(words));
}

Ids WordTokeniser::encode(std::string_view text) const {
  Ids ids;
  PieceMemory memory(text, ids);
  for (size_t at = 0; at < text.size();) {
    const size_t length = gpt2_piece(text.substr(at));
    memory.append(at, length, [&](std::string_view word) { ids.push_back(std::max<int64_t>(unk, ids_.find(word))); });
    at += length;
  }
  return ids;
}

std::string WordTokeniser::decode(const Ids& ids) const {
  std::string text;
  for (const int64_t id : ids) {
    check_token(id, size());
    text += words_[static_cast<size_t>(id)];
  }
  return text;
}

std::string WordTokeniser::piece(int64_t id) const { return decode({id}); }

std::string WordTokeniser::to_text() const {
  Json::List words;
  for (size_t id = 1; id < words_.size(); ++id) words.push_back(spell_bytes(words_[id]));
  return to_json(Json::Object{{"type", "words"}, {"words", std::move(words)}});
}

}  // namespace heed::kit
