// Fuzz targets of tokenisers: what is accepted is unchanged when written and read again, and any text comes back from
// its ids.
#pragma once

#include <algorithm>
#include <memory>

#include <heed/examples/kit/tokens/byte_pair.h>
#include <heed/examples/kit/tokens/char_tokeniser.h>
#include <heed/examples/kit/tokens/llama_tokeniser.h>
#include <heed/examples/kit/tokens/text_stream.h>
#include <heed/examples/kit/tokens/tokeniser.h>
#include <heed/examples/kit/tokens/word_piece.h>
#include <heed/examples/kit/tokens/word_tokeniser.h>

#include "targets.h"

namespace heed::fuzz {

/// `comes_back`: the scheme loses nothing.
inline void tokeniser(const kit::Tokeniser& tokens, std::string_view text, bool comes_back) {
  const kit::Ids ids = tokens.encode(text);
  for (const int64_t id : ids) require(id >= 0 && id < tokens.size(), "an id is out of range");
  const std::string decoded = tokens.decode(ids);
  if (comes_back) require(decoded == text, "a text changed");
  std::string pieces;
  for (const int64_t id : ids) pieces += tokens.piece(id);
  require(pieces.ends_with(decoded), "the pieces are not the text");
  for (int64_t id = 0; id < std::min<int64_t>(tokens.size(), 5); ++id) require_harmless(harmless(tokens.name(id)));
  const std::string written = tokens.to_text();
  std::unique_ptr<kit::Tokeniser> again;
  try {
    again = kit::parse_tokeniser(written, "again");
  } catch (const FormatError&) { require(false, "a tokeniser that was written cannot be read"); }
  require(again->to_text() == written, "a tokeniser changed");
  require(again->encode(text) == ids && again->bos() == tokens.bos() && again->eos() == tokens.eos(),
          "a tokeniser that was written and read is another one");
}

inline void tokenizer_json(std::string_view bytes) {
  try {
    const auto tokens = kit::parse_tokeniser(bytes, "fuzz");
    const auto* byte_pair = dynamic_cast<const kit::BytePairTokeniser*>(tokens.get());
    const bool comes_back = byte_pair != nullptr ? byte_pair->rules().lossless()
                                                 : dynamic_cast<const kit::LlamaTokeniser*>(tokens.get()) != nullptr;
    try {
      tokeniser(*tokens, bytes.substr(0, 300), comes_back);
    } catch (const IndexError& error) {  // a character that the vocabulary has not
      require_harmless(error);
    }
  } catch (const FormatError& error) { require_harmless(error); }
}

/// vocab.bpe, and encoder.json from the first line on that begins with {.
inline void gpt2_files(std::string_view bytes) {
  const size_t json = std::min(bytes.find("\n{"), bytes.size());
  try {
    const auto tokens =
        kit::BytePairTokeniser::from_gpt2(bytes.substr(json), "encoder.json", bytes.substr(0, json), "vocab.bpe");
    tokeniser(tokens, bytes.substr(0, 300), true);
  } catch (const FormatError& error) { require_harmless(error); }
}

inline void llama2c(std::string_view bytes) {
  try {
    tokeniser(kit::LlamaTokeniser::from_llama2c(bytes, "fuzz"), bytes.substr(bytes.size() / 2, 300), true);
  } catch (const FormatError& error) { require_harmless(error); }
}

inline void word_piece(std::string_view bytes) {
  try {
    const auto tokens = kit::WordPieceTokeniser::from_vocab(bytes, "fuzz");
    tokeniser(tokens, bytes.substr(0, 300), false);
    if (tokens.bos() && tokens.eos()) {
      const auto pair = tokens.encode_pair(bytes, bytes.substr(bytes.size() / 2), 20);
      require(pair.ids.size() <= 20 && pair.ids.size() == pair.types.size(), "a pair is too long");
    }
  } catch (const FormatError& error) { require_harmless(error); }
}

/// A text: its ids in every scheme, and what a stream makes of its bytes.
inline void tokens(std::string_view bytes) {
  tokeniser(kit::BytePairTokeniser::train(bytes, 300), bytes, true);
  const auto half = kit::BytePairTokeniser::train(bytes.substr(bytes.size() / 2), 280);
  require(half.decode(half.encode(bytes)) == bytes, "a text changed");
  tokeniser(kit::WordTokeniser(bytes), bytes, true);
  try {
    tokeniser(kit::CharTokeniser(bytes), bytes, true);
  } catch (const FormatError& error) { require_harmless(error); }
  kit::TextStream at_once({"\n\n", "ab"}), in_bytes({"\n\n", "ab"});
  std::string text = at_once.add(bytes), other;
  text += at_once.finish();
  for (const char byte : bytes) other += in_bytes.add({&byte, 1});
  other += in_bytes.finish();
  require(text == other && at_once.stopped() == in_bytes.stopped(), "a stream depends on how bytes are divided");
  for (std::string_view rest = text; !rest.empty();)
    require(take_code_point(rest).has_value(), "a stream is not UTF-8");
}

}  // namespace heed::fuzz
