// Measures, baselines and sampling.
#include "support/catch.h"

#include <cmath>
#include <cstdlib>
#include <limits>

#include <heed/core/error.h>
#include <heed/examples/kit/data/metrics.h>
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
