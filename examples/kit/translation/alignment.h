// Alignment: which source words a translator looked at while it wrote each word, as pictures.
#pragma once

#include <string>
#include <vector>

#include <heed/autograd/tensor.h>
#include <heed/examples/kit/data/vocabulary.h>
#include <heed/examples/kit/pictures/attention_page.h>
#include <heed/examples/kit/pictures/plot.h>

namespace heed::kit {

/// Attention weights [layer][head] of T written and S read words, each (T, S). Without layers for a model
/// without attention.
using Alignment = std::vector<std::vector<Tensor>>;

struct AlignedSentence {
  Words source, target;
  Alignment weights;
  std::vector<nn::AttentionEntry> trace = {};  // of a model with more attention than this: all of it
};

/// The mean over the heads of the last layer; rows are words written, columns words read.
/// REQUIRES: there is a layer.
HeatMap alignment_map(const AlignedSentence& sentence, const std::string& title);

/// Every layer and head, for the attention page: a row is a step of decoding, labelled with the word written.
AttentionSet attention_set(const AlignedSentence& sentence, const std::string& name);

/// The same and, of a model with a trace, the attention within the source and within what was written, which begins
/// with "<sos>".
std::vector<AttentionSet> attention_sets(const AlignedSentence& sentence, const std::string& name);

}  // namespace heed::kit
