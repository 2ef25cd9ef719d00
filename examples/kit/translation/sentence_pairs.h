// Sentence pairs of two languages from a tab-separated table, the form in which tatoeba.org's are published:
//
//     Go.<tab>Va !<tab>CC-BY 2.0 (France) Attribution: tatoeba.org #2877272 (CM) & #1158250 …
//
// and the two published ways to prepare them: that of PyTorch's translation tutorial, which keeps
// short sentences about persons, in plain ASCII, and that of "Dive into Deep Learning".
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <heed/examples/kit/data/vocabulary.h>

namespace heed::kit {

/// A sentence in both languages, as words.
struct SentencePair {
  Words first, second;
};

/// How sentences are prepared.
enum class Preparation : uint8_t {
  tutorial,  // normalized_text; pairs that tutorial_keeps
  d2l        // translation_text (vocabulary.h); for each first sentence, its first translation
};

/// Letters without their accents: the canonical decomposition with combining marks removed.
/// Covers Latin-1, Latin Extended-A and U+0300 … U+036F; other characters, œ and ß too, are unchanged.
/// Throws FormatError where the text is not UTF-8.
std::string without_accents(std::string_view text);

/// The tutorial's normalizeString: ASCII, lower case, a blank before each of . ! ?, and one blank
/// in place of anything that is neither a letter nor one of these. "J'ai 19 ans." is "j ai ans ."
std::string normalized_text(std::string_view sentence);

/// The tutorial's filterPair: fewer than 10 words on both sides, and the first begins with "i am ",
/// "i m ", "he is", "he s ", "she is", … "they are", "they re ".
bool tutorial_keeps(const SentencePair& pair);

/// The prepared pairs of a file; at most `limit` of those that are kept, if it is > 0.
/// Throws IoError, and FormatError unless its rows have two or three fields (the third is not used).
std::vector<SentencePair> read_sentence_pairs(const std::filesystem::path& file, Preparation preparation,
                                              int64_t limit = 0);

}  // namespace heed::kit
