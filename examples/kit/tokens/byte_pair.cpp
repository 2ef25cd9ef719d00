#include <heed/examples/kit/tokens/byte_pair.h>

#include <algorithm>

#include <heed/core/error.h>
#include <heed/core/text.h>
#include <heed/examples/kit/tokens/normal_forms.h>
#include <heed/examples/kit/tokens/unicode.h>

namespace heed::kit {
namespace {

struct ByteLetters {
  std::array<char32_t, 256> letters{};
  std::array<unsigned char, 256> in_order{};
  std::vector<int> byte_of = std::vector<int>(0x144, -1);

  ByteLetters() {
    char32_t next = 0x100;
    size_t shown = 0;
    for (size_t b = 0; b < 256; ++b) {
      const bool prints = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
      letters[b] = prints ? static_cast<char32_t>(b) : next++;
      byte_of[letters[b]] = static_cast<int>(b);
    }
    for (const int b : byte_of)
      if (b >= 0) in_order[shown++] = static_cast<unsigned char>(b);
  }
};

const ByteLetters& byte_letters() {
  static const ByteLetters letters;
  return letters;
}

}  // namespace

const std::array<unsigned char, 256>& bytes_by_letter() { return byte_letters().in_order; }

std::string spell_bytes(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) append_utf8(text, byte_letters().letters[static_cast<unsigned char>(byte)]);
  return text;
}

std::optional<std::string> unspell_bytes(std::string_view letters) {
  std::string bytes;
  while (!letters.empty()) {
    const Character c = first_character(letters);
    if (c.code >= byte_letters().byte_of.size() || byte_letters().byte_of[c.code] < 0) return std::nullopt;
    bytes += static_cast<char>(byte_letters().byte_of[c.code]);
    letters.remove_prefix(c.length);
  }
  return bytes;
}

BytePairTokeniser::BytePairTokeniser(std::vector<std::string> tokens, const std::array<int32_t, 256>& bytes,
                                     std::vector<Merge> merges, std::vector<AddedToken> added)
    : tokens_(std::move(tokens)),
      special_(tokens_.size()),
      bytes_(bytes),
      merges_(std::move(merges), tokens_.size()),
      added_(std::move(added)) {
  const auto named = [&](const std::vector<std::string>& names) -> std::optional<int64_t> {
    for (const std::string& name : names)
      for (const AddedToken& token : added_)
        if (token.special && token.text == name) return token.id;
    return std::nullopt;
  };
  for (const AddedToken& token : added_) special_[static_cast<size_t>(token.id)] = token.special;
  bos_ = named({"<|begin_of_text|>", "<s>", "<|endoftext|>"});
  eos_ = named({"<|end_of_text|>", "</s>", "<|endoftext|>"});
  set_rules({}, false);
}

void BytePairTokeniser::set_rules(const TextRules& rules, bool whole_first) {
  rules_ = rules;
  whole_first_ = whole_first;
  plain_added_ = table_of_added(false);
  all_added_ = table_of_added(true);
  if (!whole_first) return;
  std::vector<bool> is_added(tokens_.size());
  for (const AddedToken& token : added_) is_added[static_cast<size_t>(token.id)] = true;
  std::vector<PrefixTable::Entry> whole;
  for (size_t id = 0; id < tokens_.size(); ++id)
    if (!is_added[id]) whole.push_back({tokens_[id], static_cast<int32_t>(id)});
  whole_ = PrefixTable(std::move(whole));
}

BytePairTokeniser::AddedTable BytePairTokeniser::table_of_added(bool with_special) const {
  std::vector<PrefixTable::Entry> raw, normalised;
  for (const AddedToken& token : added_) {
    if (token.special && !with_special) continue;
    const auto id = static_cast<int32_t>(token.id);
    if (token.normalized) normalised.push_back({rules_.nfc ? composed(token.text) : token.text, id});
    else raw.push_back({token.text, id});
  }
  return {PrefixTable(std::move(raw)), PrefixTable(std::move(normalised))};
}

void BytePairTokeniser::encode_pieces(std::string_view text, Ids& ids) const {
  PieceMemory memory(text, ids);
  std::vector<int32_t> symbols;
  for (size_t at = 0; at < text.size();) {
    const size_t length = rules_.piece(text.substr(at));
    memory.append(at, length, [&](std::string_view piece) {
      if (whole_first_)
        if (const int32_t id = whole_.find(piece); id >= 0) return ids.push_back(id);
      symbols.clear();
      for (const char byte : piece) symbols.push_back(bytes_[static_cast<unsigned char>(byte)]);
      merges_.apply(symbols);
      ids.insert(ids.end(), symbols.begin(), symbols.end());
    });
    at += length;
  }
}

namespace {

/// Calls between(text) and found(id), in their order: tokens of the table, the leftmost first and then the longest, and
/// what is between them, if anything is.
template <class Between, class Found>
void divide(std::string_view text, const PrefixTable& table, const Between& between, const Found& found) {
  size_t begin = 0;
  if (!table.empty())
    for (size_t at = 0; at < text.size();) {
      const auto [length, id] = table.longest_prefix(text.substr(at));
      if (length == 0) {
        ++at;
        continue;
      }
      if (at > begin) between(text.substr(begin, at - begin));
      found(id);
      begin = at += length;
    }
  if (begin < text.size()) between(text.substr(begin));
}

}  // namespace

Ids BytePairTokeniser::encode_around(const AddedTable& added, std::string_view text) const {
  Ids ids;
  const auto add_id = [&](int32_t id) { ids.push_back(id); };
  const auto add_text = [&](std::string_view part) {
    if (rules_.blank_first && !part.starts_with(' ')) encode_pieces(" " + std::string(part), ids);
    else encode_pieces(part, ids);
  };
  divide(
      text, added.raw,
      [&](std::string_view part) {
        if (rules_.nfc) divide(composed(part), added.normalised, add_text, add_id);
        else divide(part, added.normalised, add_text, add_id);
      },
      add_id);
  return ids;
}

Ids BytePairTokeniser::encode(std::string_view text) const { return encode_around(plain_added_, text); }
Ids BytePairTokeniser::encode_with_special(std::string_view text) const { return encode_around(all_added_, text); }

std::string BytePairTokeniser::decode(const Ids& ids) const {
  std::string text;
  for (const int64_t id : ids) {
    check_token(id, size());
    if (!special_[static_cast<size_t>(id)]) text += tokens_[static_cast<size_t>(id)];
  }
  return text;
}

std::string BytePairTokeniser::piece(int64_t id) const { return decode({id}); }

std::string BytePairTokeniser::name(int64_t id) const {
  check_token(id, size());
  return tokens_[static_cast<size_t>(id)];
}

std::vector<std::pair<std::string, std::string>> BytePairTokeniser::merges() const {
  std::vector<Merge> order = merges_.merges();
  std::sort(order.begin(), order.end(), [](const Merge& a, const Merge& b) { return a.rank < b.rank; });
  std::vector<std::pair<std::string, std::string>> spelt;
  for (const Merge& m : order)
    spelt.emplace_back(spell_bytes(tokens_[static_cast<size_t>(m.left)]),
                       spell_bytes(tokens_[static_cast<size_t>(m.right)]));
  return spelt;
}

}  // namespace heed::kit
