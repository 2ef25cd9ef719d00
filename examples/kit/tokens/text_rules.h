// What a byte-pair tokeniser does to a text before it looks at pairs of bytes, as tokenizer.json says it: the sections
// "normalizer" and "pre_tokenizer". Patterns are known by their text: heed has no engine for regular expressions.
#pragma once

#include <string>

#include <heed/examples/kit/json.h>
#include <heed/examples/kit/tokens/pieces.h>

namespace heed::kit {

struct TextRules {
  bool nfc = false;               // "é" is written as one code point first
  bool blank_first = false;       // add_prefix_space: each text without a blank at its beginning gets one
  FirstPiece piece = gpt2_piece;  // one of pieces.h

  /// Whether decode(encode(x)) == x for all x.
  bool lossless() const { return !nfc && !blank_first; }
};

/// From the two sections, either of which may be null. Throws FormatError, naming what heed knows, for any other rule.
TextRules read_text_rules(const Json& tokenizer);

/// The sections that read_text_rules reads as these rules.
struct RuleSections {
  Json normalizer, pre_tokenizer;
};
RuleSections write_text_rules(const TextRules& rules);

}  // namespace heed::kit
