#include <heed/examples/kit/models/model_size.h>

#include <algorithm>

#include <heed/core/text.h>
#include <heed/examples/kit/cli.h>

namespace heed::kit {

namespace {

// In double: products of sizes up to 2³¹ overflow integers.
double product(int64_t a, int64_t b) { return static_cast<double>(a) * static_cast<double>(b); }

void check_there(double wanted, double elements, const std::string& source) {
  check<FormatError>(wanted <= elements, source, ": describes a model with at least ", shortest(wanted),
                     " weights, its file has ", shortest(elements), ": they do not belong together");
}

}  // namespace

double elements_of(const core::SafeTensors& tensors) {
  double elements = 0;
  for (const std::string& name : tensors.names()) elements += static_cast<double>(tensors.shape(name).numel());
  return elements;
}

void check_size(const nn::GPTOptions& o, double elements, const std::string& source) {
  const double block = 12 * product(o.width, o.width);
  check_there(product(o.vocab, o.width) + product(o.context, o.width) + static_cast<double>(o.layers) * block, elements,
              source);
}

void check_size(const nn::LlamaOptions& o, double elements, const std::string& source) {
  const int64_t head = o.head_dim.value_or(std::max<int64_t>(o.width / o.heads, 1));
  const double queries = product(o.heads, head), keys = product(o.kv_heads.value_or(o.heads), head);
  const double layer = static_cast<double>(o.width) * (2 * queries + 2 * keys + 3 * static_cast<double>(o.hidden));
  check_there((o.tied ? 1 : 2) * product(o.vocab, o.width) + static_cast<double>(o.layers) * layer, elements, source);
  constexpr double any_model = 1 << 20;  // elements that any model may have
  check<FormatError>(product(o.context, head) <= elements + any_model, source, ": a context of ", o.context,
                     " for heads of width ", head, " and ", shortest(elements), " weights: no model has these");
}

void check_size(const nn::BertOptions& o, double elements, const std::string& source) {
  const double layer = 4 * product(o.width, o.width) + 2 * product(o.width, o.hidden);
  check_there(product(o.vocab, o.width) + product(o.positions, o.width) + product(o.types, o.width) +
                  static_cast<double>(o.layers) * layer,
              elements, source);
}

void check_training(const nn::GPTOptions& o, int64_t batch, int64_t accumulate) {
  check<UsageError>(o.width % o.heads == 0, "--heads ", o.heads, ": every head gets an equal part of --width ", o.width,
                    ": give a divisor of it");
  const double tokens = product(batch, o.context);
  check_memory(transformer_parameters(o.layers, o.width) + product(o.width, o.vocab + o.context),
               transformer_values(o.layers, o.width, batch * o.context) + 3.0 * tokens * static_cast<double>(o.vocab) +
                   2.0 * product(batch, accumulate));
}

}  // namespace heed::kit
