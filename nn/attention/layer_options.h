// What a layer makes of the options of its call, and which it refuses.
#pragma once

#include <heed/nn/attention/attention.h>

namespace heed::nn {

/// The options, with the layer's dropout unless the call has its own.
AttentionOptions with_dropout(AttentionOptions options, double dropout);

/// For layers that return no weights: Error if the options request them. For those that may: if only their average.
void check_no_weights(const char* layer, const AttentionOptions& options);
void check_average(const char* op, const AttentionOptions& options);
/// For scores that are given: Error if the options scale them.
void check_no_scale(const AttentionOptions& options);

}  // namespace heed::nn
