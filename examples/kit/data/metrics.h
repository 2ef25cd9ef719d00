// Measures of a trained model, and the baselines that it must beat.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <heed/examples/kit/data/vocabulary.h>

namespace heed::kit {

/// exp(nats): the number of equally likely symbols that would leave the model as uncertain.
double perplexity(double nats);

/// nats / ln 2.
double bits_per_character(double nats);

/// The fraction of positions where both agree; positions whose target is `ignored` do not count.
/// Throws ShapeError if the lengths differ.
double accuracy(const Ids& predicted, const Ids& targets, int64_t ignored = -100);

/// BLEU of one sentence as defined in "Dive into Deep Learning": pₙ is the fraction of the candidate's
/// n-grams found in the reference,
///     exp(min(0, 1 - |reference| / |candidate|)) · ∏ₙ pₙ^(1/2ⁿ),   n = 1 … k
double bleu(const Words& candidate, const Words& reference, int k = 2);

/// Corpus BLEU (Papineni et al. 2002): geometric mean of the pooled 1- to 4-gram precisions times
/// the brevity penalty; one reference per candidate. 0 if any precision is 0.
double corpus_bleu(const std::vector<Words>& candidates, const std::vector<Words>& references);

// Baselines: nats per character of `validation` for models that only count. A trained model that is
// no better than bigram_nats has learnt nothing beyond pairs of characters.

/// ln V: every symbol equally likely.
double uniform_nats(int64_t vocabulary);

/// p(b) = count(b) / total, counted in `training`, each count one higher so that none is zero.
double unigram_nats(const Ids& training, const Ids& validation, int64_t vocabulary);

/// p(b | a) = (count(ab) + 1) / (count(a·) + V); the first symbol follows the last of `training`.
double bigram_nats(const Ids& training, const Ids& validation, int64_t vocabulary);

}  // namespace heed::kit
