#include <heed/nn/attention/layer_options.h>

namespace heed::nn {

AttentionOptions with_dropout(AttentionOptions options, double dropout) {
  if (options.dropout == 0.0) options.dropout = dropout;
  return options;
}

void check_no_weights(const char* layer, const AttentionOptions& options) {
  check(!options.need_weights && !options.average_weights, layer, options.need_weights ? ": need" : ": average",
        "_weights: this layer returns no weights: look at them with an AttentionTrace");
}

void check_no_scale(const AttentionOptions& options) {
  check(!options.scale, "attend: scale = ", options.scale.value_or(0.0),
        ": the scores are given: multiply them by it, or call attention()");
}

void check_average(const char* op, const AttentionOptions& options) {
  check(options.need_weights || !options.average_weights, op,
        ": average_weights without need_weights: there are no weights to average: set both");
}

}  // namespace heed::nn
