#include <heed/examples/kit/data/corpus.h>

#include <algorithm>
#include <numbers>

#include <heed/examples/kit/cli.h>

namespace heed::kit {

namespace {

// FNV-1a
std::string hash_of(const std::string& text) {
  uint64_t h = 14695981039346656037ull;
  for (const unsigned char c : text) h = (h ^ c) * 1099511628211ull;
  return std::to_string(h);
}

}  // namespace

Corpus::Corpus(const std::string& text, const Tokeniser& tokeniser, int64_t context) : hash(hash_of(text)) {
  const Ids ids = from_option("--text", [&] { return tokeniser.encode(text); });
  const auto cut = ids.begin() + static_cast<int64_t>(0.9 * static_cast<double>(ids.size()));
  training.assign(ids.begin(), cut);
  validation.assign(cut, ids.end());
  check<UsageError>(static_cast<int64_t>(validation.size()) > context, "--text: has ", ids.size(),
                    " tokens: its last tenth must be longer than --context ", context,
                    ": take a longer text or a shorter context");
  const std::string seen = tokeniser.decode(validation);
  characters_of_validation = std::count_if(seen.begin(), seen.end(), [](char c) { return (c & 0xC0) != 0x80; });
}

double Corpus::bits_per_character(double nats) const {
  return nats / std::numbers::ln2 * static_cast<double>(validation.size()) /
         static_cast<double>(std::max<int64_t>(characters_of_validation, 1));
}

}  // namespace heed::kit
