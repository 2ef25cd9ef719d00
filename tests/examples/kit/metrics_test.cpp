// Measures, baselines and sampling.
#include "support/catch.h"

#include <cmath>
#include <cstdlib>
#include <limits>

#include <heed/core/error.h>
#include <heed/examples/kit/data/metrics.h>
#include <heed/examples/kit/data/sampling.h>
#include <heed/examples/kit/data/tables.h>
#include "support/errors.h"

using namespace heed;
using heed::test::message_of;

namespace {

bool near(double a, double b, double tolerance = 1e-12) { return std::abs(a - b) <= tolerance; }

const float infinity = std::numeric_limits<float>::infinity();

}  // namespace

TEST_CASE("kit metrics: perplexity, bits, accuracy") {
  CHECK(near(kit::perplexity(std::log(65.0)), 65, 1e-10));
  CHECK(near(kit::bits_per_character(std::log(8.0)), 3));
  CHECK(kit::accuracy({1, 2, 3, 4}, {1, 2, 0, 4}) == 0.75);
  CHECK(kit::accuracy({1, 2, 3, 4}, {1, -100, 0, -100}) == 0.5);
  CHECK(kit::accuracy({1, 7}, {1, 0}, 0) == 1);
  CHECK(std::isnan(kit::accuracy({}, {})));
  CHECK(message_of<ShapeError>([] { kit::accuracy({1}, {1, 2}); }) ==
        "accuracy: 1 predictions for 2 targets: give one for each");
}

TEST_CASE("kit metrics: BLEU of a sentence") {
  const kit::Words reference = {"je", "suis", "chez", "moi", "."};
  CHECK(kit::bleu(reference, reference) == 1);
  CHECK(kit::bleu({}, reference) == 0);
  CHECK(kit::bleu({"va", "!"}, {"va", "!"}) == 1);
  // 4 of 5 words, 2 of 4 pairs: (4/5)^(1/2) (2/4)^(1/4)
  CHECK(near(kit::bleu({"je", "suis", "chez", "lui", "."}, reference), std::sqrt(0.8) * std::pow(0.5, 0.25)));
  // Too short: e^(1 - 5/2); all pairs are found.
  CHECK(near(kit::bleu({"je", "suis"}, reference), std::exp(-1.5)));
  // A word counts at most as often as it occurs in the reference.
  CHECK(near(kit::bleu({"je", "je", "je", "je", "je"}, reference, 1), std::sqrt(0.2)));
  CHECK(kit::bleu({"non"}, {"va", "!"}) == 0);
}

TEST_CASE("kit metrics: BLEU of a corpus") {
  const kit::Words a = {"the", "cat", "is", "on", "the", "mat"}, b = {"there", "is", "a", "cat", "here", "now"};
  CHECK(near(kit::corpus_bleu({a, b}, {a, b}), 1));
  CHECK(kit::corpus_bleu({{"x"}}, {a}) == 0);
  // One wrong last word: 5/6, 4/5, 3/4, 2/3 pooled with nothing else; equal lengths.
  kit::Words wrong = a;
  wrong.back() = "sofa";
  CHECK(near(kit::corpus_bleu({wrong}, {a}), std::pow(5.0 / 6 * 4 / 5 * 3 / 4 * 2 / 3, 0.25)));
  CHECK(message_of<ShapeError>([&] { kit::corpus_bleu({a}, {a, b}); }) ==
        "corpus_bleu: 1 candidates for 2 references: give one for each");
}

TEST_CASE("kit baselines: by hand") {
  CHECK(near(kit::uniform_nats(65), std::log(65.0)));
  // Counts 2+1 and 1+1 of 5.
  CHECK(near(kit::unigram_nats({0, 0, 1}, {0, 1}, 2), -(std::log(0.6) + std::log(0.4)) / 2));
  // Pairs 00 and 01; nothing follows 1: p(0|1) = 1/2, p(0|0) = p(1|0) = 2/4.
  CHECK(near(kit::bigram_nats({0, 0, 1}, {0, 1}, 2), std::log(2.0)));
  CHECK(message_of<IndexError>([] { kit::bigram_nats({0, 2}, {0}, 2); }) == "bigram: id 2: is not in 0 … 1");
  CHECK(message_of<Error>([] { kit::unigram_nats({0}, {}, 2); }) ==
        "unigram: 1 training and 0 validation symbols: there must be at least one of each");
}

TEST_CASE("kit baselines: tinyshakespeare's published values", "[data]") {
  REQUIRE(std::getenv("HEED_DATA") != nullptr);
  const std::string text = kit::read_text(std::string(std::getenv("HEED_DATA")) + "/tinyshakespeare.txt");
  const kit::CharVocab vocab(text);
  const kit::Ids ids = vocab.encode(text);
  const auto cut = static_cast<std::ptrdiff_t>(0.9 * static_cast<double>(ids.size()));
  const kit::Ids training(ids.begin(), ids.begin() + cut), validation(ids.begin() + cut, ids.end());
  CHECK(vocab.size() == 65);
  CHECK(training.size() == 1'003'854);
  CHECK(near(kit::uniform_nats(65), 4.1744, 5e-5));
  CHECK(near(kit::unigram_nats(training, validation, 65), 3.3473, 5e-5));
  CHECK(near(kit::bigram_nats(training, validation, 65), 2.4819, 5e-5));
}

TEST_CASE("kit sampling: u runs through the probabilities, largest first") {
  const std::vector<float> logits = {std::log(0.2f), std::log(0.5f), std::log(0.3f)};
  CHECK(kit::sample(logits, 0.0) == 1);
  CHECK(kit::sample(logits, 0.499) == 1);
  CHECK(kit::sample(logits, 0.501) == 2);
  CHECK(kit::sample(logits, 0.799) == 2);
  CHECK(kit::sample(logits, 0.801) == 0);
  CHECK(kit::sample(logits, std::nextafter(1.0, 0.0)) == 0);
}

TEST_CASE("kit sampling: temperature, top-k, top-p") {
  const std::vector<float> logits = {std::log(0.2f), std::log(0.5f), std::log(0.3f)};
  const double last = std::nextafter(1.0, 0.0);
  CHECK(kit::sample(logits, last, {.temperature = 0}) == 1);
  CHECK(kit::sample({1, 3, 3}, last, {.temperature = 0}) == 1);
  // Temperature 1/2 squares: 0.25, 0.09, 0.04 of 0.38.
  CHECK(kit::sample(logits, 0.25 / 0.38 - 1e-4, {.temperature = 0.5}) == 1);
  CHECK(kit::sample(logits, 0.25 / 0.38 + 1e-4, {.temperature = 0.5}) == 2);
  CHECK(kit::sample(logits, 0.34 / 0.38 + 1e-4, {.temperature = 0.5}) == 0);
  CHECK(kit::sample(logits, last, {.top_k = 1}) == 1);
  CHECK(kit::sample(logits, last, {.top_k = 2}) == 2);
  CHECK(kit::sample(logits, 0.5 / 0.8 - 1e-4, {.top_k = 2}) == 1);
  CHECK(kit::sample(logits, last, {.top_k = 9}) == 0);
  CHECK(kit::sample(logits, last, {.top_p = 0.49}) == 1);
  CHECK(kit::sample(logits, last, {.top_p = 0.51}) == 2);
  CHECK(kit::sample(logits, last, {.top_p = 0.81}) == 0);
  CHECK(kit::sample({0, 0, 0, 0}, last, {.top_k = 2}) == 1);
}

TEST_CASE("kit sampling: infinities are handled, mistakes refused") {
  CHECK(kit::sample({-infinity, 0, -infinity}, 0.99) == 1);
  CHECK(kit::sample({0, infinity}, 0.0) == 1);
  CHECK(message_of<Error>([] { kit::sample({}, 0.5); }) == "sample: no logits: give one for each token");
  CHECK(message_of<Error>([] { kit::sample({0, NAN}, 0.5); }) ==
        "sample: logit 1 is nan: find out where it came from (detect_anomaly)");
  CHECK(message_of<Error>([] { kit::sample({-infinity, -infinity}, 0.5); }) ==
        "sample: all 2 logits are -inf: no token is allowed");
  CHECK(message_of<Error>([] { kit::sample({0}, 1.0); }) == "sample: u is 1: must be at least 0 and less than 1");
  CHECK(message_of<Error>([] { kit::sample({0}, 0.5, {.temperature = -1}); }) ==
        "sample: temperature -1, top_k 0, top_p 1: out of range: temperature and top_k are at "
        "least 0, top_p is "
        "above 0 and at most 1");
  CHECK(message_of<Error>([] { kit::sample({0}, 0.5, {.top_p = 0}); }).find("top_p 0: out of range") !=
        std::string::npos);
}
