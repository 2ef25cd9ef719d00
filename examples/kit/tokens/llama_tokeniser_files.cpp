#include <algorithm>
#include <bit>
#include <cmath>
#include <map>

#include <heed/core/error.h>
#include <heed/core/text.h>
#include <heed/examples/kit/tokens/json_fields.h>
#include <heed/examples/kit/tokens/llama_tokeniser.h>

namespace heed::kit {
namespace {

constexpr std::string_view blank_mark = "\u2581";

uint32_t take_u32(std::string_view& bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value |= uint32_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  bytes.remove_prefix(4);
  return value;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  std::string out;
  size_t begin = 0;
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, begin)) {
    out.append(text, begin, at - begin).append(to);
    begin = at + from.size();
  }
  return out.append(text, begin);
}

std::string reversed(std::string_view text) { return {text.rbegin(), text.rend()}; }

}  // namespace

LlamaTokeniser LlamaTokeniser::from_llama2c(std::string_view bytes, std::string_view source) {
  return name_source(source, [&] {
    const size_t total = bytes.size();
    check<FormatError>(total >= 4, total, " bytes: is not a llama2.c tokeniser: it begins with 4 bytes");
    const uint32_t longest = take_u32(bytes);
    std::vector<std::string> names;
    std::vector<double> scores;
    while (!bytes.empty()) {
      check<FormatError>(bytes.size() >= 8, "piece ", names.size(), ": the file ends within it: it was cut");
      scores.push_back(std::bit_cast<float>(take_u32(bytes)));
      const uint32_t length = take_u32(bytes);
      check<FormatError>(length <= bytes.size(), "piece ", names.size(), ": has ", length, " bytes, and only ",
                         bytes.size(), " follow: is this a llama2.c tokeniser?");
      check<FormatError>(length <= longest, "piece ", names.size(), ": has ", length, " bytes, more than the ", longest,
                         " that the file says the longest has: is this a llama2.c tokeniser?");
      names.emplace_back(bytes.substr(0, length));
      check<FormatError>(is_utf8(names.back()), "piece ", names.size() - 1, ": ", quote(names.back()),
                         ": is not UTF-8");
      bytes.remove_prefix(length);
    }
    return from_pieces(names, scores);
  });
}

/// Each way to divide a piece into two others is a merge, and its score the rank.
LlamaTokeniser LlamaTokeniser::from_pieces(const std::vector<std::string>& names, const std::vector<double>& scores) {
  check<FormatError>(names.size() >= 259 && names.size() <= INT32_MAX, names.size(),
                     " pieces: there must be at least 259: <unk>, BOS, EOS, and one for each byte");
  check<FormatError>(names.size() == scores.size(), names.size(), " pieces and ", scores.size(),
                     " scores: must be equally many");
  std::map<std::string_view, size_t> seen;
  for (size_t id = 3; id < names.size(); ++id) {
    const auto [first, is_new] = seen.emplace(names[id], id);
    check<FormatError>(is_new, "pieces ", first->second, " and ", id, ": are both ", quote(names[id]),
                       ": each must be there once");
  }
  LlamaTokeniser made;
  std::vector<bool> control(names.size());
  control[0] = control[1] = control[2] = true;
  made.add_pieces(names, control);
  made.scores_ = scores;
  made.bos_ = 1, made.eos_ = 2;

  std::vector<double> ranks = scores;
  std::vector<PrefixTable::Entry> ends;
  for (size_t id = 0; id < names.size(); ++id) {
    check<FormatError>(std::isfinite(scores[id]), "piece ", id, ": its score is ", shortest(scores[id]),
                       ": must be finite");
    if (made.pieces_[id].role == Role::text) ends.push_back({reversed(names[id]), static_cast<int32_t>(id)});
  }
  std::sort(ranks.begin(), ranks.end(), std::greater<>());
  ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
  const PrefixTable suffixes(std::move(ends));
  std::vector<Merge> merges;
  std::map<size_t, int32_t> lefts;
  for (size_t id = 0; id < names.size(); ++id) {
    const auto joined = static_cast<int32_t>(id);
    constexpr double never = -1e10;  // llama2.c begins its search for the best here
    if (made.pieces_[id].role != Role::text || scores[id] <= never || made.ids_.find(names[id]) != joined) continue;
    const auto rank = static_cast<uint32_t>(std::lower_bound(ranks.begin(), ranks.end(), scores[id], std::greater<>()) -
                                            ranks.begin());
    lefts.clear();
    made.ids_.each_prefix(names[id], [&](size_t n, int32_t left) { lefts[n] = left; });
    suffixes.each_prefix(reversed(names[id]), [&](size_t n, int32_t right) {
      const auto left = lefts.find(names[id].size() - n);
      if (left != lefts.end()) merges.push_back({left->second, right, joined, rank});
    });
  }
  made.set_merges(std::move(merges));
  return made;
}

LlamaTokeniser LlamaTokeniser::from_scores(const Json& json) {
  std::vector<std::string> names;
  std::vector<double> scores;
  for (const Json& name : json.at("pieces").as_list()) names.push_back(name.as_string());
  for (const Json& score : json.at("scores").as_list()) scores.push_back(score.as_number());
  return from_pieces(names, scores);
}

namespace {

/// What the normalizer and the pre_tokenizer do, as far as Llama needs it.
struct Blanks {
  bool marked = false;  // ▁ is written for them
  bool first = false;   // one is put before the text
};

Blanks read_blanks(const Json& json) {
  std::vector<const Json*> steps;
  for (const auto& [key, list] : {std::pair("normalizer", "normalizers"), std::pair("pre_tokenizer", "pretokenizers")})
    if (const Json* step = member(&json, key)) {
      if (type_of(step) != "Sequence") steps.push_back(step);
      else
        for (const Json& one : step->at(list).as_list()) steps.push_back(&one);
    }
  Blanks blanks;
  for (const Json* step : steps) {
    const std::string type = type_of(step);
    const auto is = [&](const char* key, const Json& value) {
      const Json* found = member(step, key);
      return found != nullptr && *found == value;
    };
    const Json mark = std::string(blank_mark);
    if (type == "Prepend" && is("prepend", mark)) {
      blanks.first = true;
    } else if (type == "Replace" && is("pattern", Json::Object{{"String", " "}}) && is("content", mark)) {
      blanks.marked = true;
    } else if (type == "Metaspace" && is("replacement", mark) && is("split", false)) {
      blanks = {.marked = true, .first = !is("prepend_scheme", "never")};
    } else {
      fail<FormatError>("normalizer or pre_tokenizer ", quote(to_json(*step)),
                        ": heed has BPE with \"ByteLevel\" (GPT-2's), and with Prepend, Replace and Metaspace as Llama "
                        "uses them");
    }
  }
  check<FormatError>(blanks.marked, "no normalizer writes ▁ for blanks: is this a tokeniser of Llama's kind?");
  return blanks;
}

}  // namespace

LlamaTokeniser LlamaTokeniser::from_json(const Json& json) {
  const Json& model = json.at("model");
  for (const char* key : {"dropout", "continuing_subword_prefix", "end_of_word_suffix", "ignore_merges"})
    refuse(&model, key);
  LlamaTokeniser made;
  made.blank_first_ = read_blanks(json).first;
  JsonVocabulary vocabulary = read_vocabulary(json);
  std::vector<bool> control(vocabulary.tokens.size());
  for (const AddedToken& token : vocabulary.added) {
    check<FormatError>(token.special, "added token ", quote(token.text),
                       ": is not special: heed has a Llama tokeniser with special ones only");
    control[static_cast<size_t>(token.id)] = true;
    if (token.text == "<s>") made.bos_ = token.id;
    if (token.text == "</s>") made.eos_ = token.id;
  }
  for (size_t id = 0; id < control.size(); ++id) {
    if (control[id]) continue;
    check<FormatError>(vocabulary.tokens[id].find(' ') == std::string::npos, "piece ", quote(vocabulary.tokens[id]),
                       ": holds a blank, which must be written as ▁");
    vocabulary.tokens[id] = replaced(vocabulary.tokens[id], blank_mark, " ");
  }
  made.add_pieces(vocabulary.tokens, control);

  std::vector<Merge> merges;
  for (const auto& [first, second] : read_merges(json)) {
    const std::string left = replaced(first, blank_mark, " "), right = replaced(second, blank_mark, " ");
    const Merge merge{made.ids_.find(left), made.ids_.find(right), made.ids_.find(left + right),
                      static_cast<uint32_t>(merges.size())};
    check<FormatError>(merge.left >= 0 && merge.right >= 0 && merge.joined >= 0, "merge ", merges.size() + 1, " of ",
                       quote(first), " and ", quote(second), ": ",
                       quote(merge.left < 0    ? first
                             : merge.right < 0 ? second
                                               : first + second),
                       ": is not a piece of text in the vocabulary");
    merges.push_back(merge);
  }
  made.set_merges(std::move(merges));
  return made;
}

std::string LlamaTokeniser::to_text() const {
  if (!scores_.empty()) {
    Json::List pieces, scores;
    for (const Piece& piece : pieces_) pieces.push_back(piece.name);
    for (const double score : scores_) scores.push_back(score);
    return to_json(Json::Object{{"type", "llama2.c"}, {"pieces", std::move(pieces)}, {"scores", std::move(scores)}});
  }
  const auto marked = [](const std::string& text) { return replaced(text, " ", blank_mark); };
  JsonVocabulary vocabulary;
  for (size_t id = 0; id < pieces_.size(); ++id) {
    const Piece& piece = pieces_[id];
    vocabulary.tokens.push_back(piece.role == Role::text ? marked(piece.name) : piece.name);
    if (piece.role == Role::control) vocabulary.added.push_back({piece.name, static_cast<int64_t>(id), true});
  }
  std::vector<Merge> order = merges_.merges();
  std::sort(order.begin(), order.end(), [](const Merge& a, const Merge& b) { return a.rank < b.rank; });
  Json::List lines;
  for (const Merge& m : order)
    lines.push_back(marked(pieces_[static_cast<size_t>(m.left)].name) + " " +
                    marked(pieces_[static_cast<size_t>(m.right)].name));
  const std::string mark(blank_mark);
  const Json replace = Json::Object{{"type", "Replace"}, {"pattern", Json::Object{{"String", " "}}}, {"content", mark}};
  Json::List normalizers = {replace};
  if (blank_first_) normalizers.insert(normalizers.begin(), Json::Object{{"type", "Prepend"}, {"prepend", mark}});
  Json::List decoders = {
      Json::Object{{"type", "Replace"}, {"pattern", Json::Object{{"String", mark}}}, {"content", " "}},
      Json::Object{{"type", "ByteFallback"}}, Json::Object{{"type", "Fuse"}}};
  if (blank_first_) decoders.push_back(Json::Object{{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  return write_tokenizer(vocabulary, Json::Object{{"type", "Sequence"}, {"normalizers", std::move(normalizers)}}, {},
                         Json::Object{{"type", "Sequence"}, {"decoders", std::move(decoders)}},
                         {{"type", "BPE"},
                          {"dropout", {}},
                          {"unk_token", {}},
                          {"continuing_subword_prefix", {}},
                          {"end_of_word_suffix", {}},
                          {"fuse_unk", true},
                          {"byte_fallback", true},
                          {"ignore_merges", false},
                          {"merges", std::move(lines)}});
}

}  // namespace heed::kit
