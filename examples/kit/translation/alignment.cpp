#include <heed/examples/kit/translation/alignment.h>

namespace heed::kit {

HeatMap alignment_map(const AlignedSentence& sentence, const std::string& title) {
  const std::vector<Tensor>& heads = sentence.weights.back();
  HeatMap map{.title = title,
              .row_axis = "written",
              .column_axis = "read",
              .row_labels = sentence.target,
              .column_labels = sentence.source,
              .rows = static_cast<int64_t>(sentence.target.size()),
              .columns = static_cast<int64_t>(sentence.source.size()),
              .low = 0,
              .high = 1};
  map.values.resize(sentence.target.size() * sentence.source.size());
  for (const Tensor& head : heads) {
    const std::vector<double> weights = head.to_vector();
    for (size_t i = 0; i < map.values.size(); ++i) map.values[i] += weights.at(i) / static_cast<double>(heads.size());
  }
  return map;
}

AttentionSet attention_set(const AlignedSentence& sentence, const std::string& name) {
  AttentionSet set{.name = name, .queries = sentence.target, .keys = sentence.source};
  for (const std::vector<Tensor>& layer : sentence.weights) {
    set.layers.emplace_back();
    for (const Tensor& head : layer) {
      const std::vector<double> weights = head.to_vector();
      set.layers.back().emplace_back(weights.begin(), weights.end());
    }
  }
  return set;
}

std::vector<AttentionSet> attention_sets(const AlignedSentence& sentence, const std::string& name) {
  std::vector<AttentionSet> all = {attention_set(sentence, name)};
  Words read = sentence.target;  // what the decoder reads: the words written so far
  if (sentence.trace.empty()) return all;
  read.insert(read.begin(), "<sos>");
  read.pop_back();
  for (AttentionSet& set : attention_sets(sentence.trace, sentence.source, read)) {
    if (set.name == "cross") all[0].vectors = set.vectors;  // the same weights, labelled with the words written
    else all.push_back(set), all.back().name = name + ": " + set.name;
  }
  return all;
}

}  // namespace heed::kit
