// A text to learn from, as tokens: its first nine tenths for training, its last tenth for validation.
#pragma once

#include <cstdint>
#include <string>

#include <heed/examples/kit/tokens/tokeniser.h>

namespace heed::kit {

struct Corpus {
  Ids training, validation;
  int64_t characters_of_validation;  // code points
  std::string hash;                  // of the whole text: identifies it in a checkpoint

  /// Throws UsageError, naming --text, if validation is not longer than `context` tokens or the tokeniser does not know
  /// a part of the text.
  Corpus(const std::string& text, const Tokeniser& tokeniser, int64_t context);

  /// nats per token of validation -> bits per character.
  double bits_per_character(double nats) const;
};

}  // namespace heed::kit
