// Greedy and beam search, against every sequence there is.
#include "support/catch.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <heed/autograd/ops.h>
#include <heed/nn/attention/masks.h>
#include <heed/nn/models/decoding.h>
#include <heed/nn/recurrent/attention_decoders.h>
#include "support/errors.h"

using namespace heed;
using namespace heed::nn;
using test::message_of;

namespace {

using Tokens = std::vector<int64_t>;

// A made-up language: the probabilities of the next token are random, and depend on the source and
// on all tokens so far.
struct Language {
  int64_t vocab, eos;
  uint64_t seed;
  double sharpness = 2.0;

  std::vector<double> logits(int64_t source, const Tokens& so_far) const {
    uint64_t key = seed * 1000 + static_cast<uint64_t>(source);
    for (const int64_t t : so_far) key = key * 31 + static_cast<uint64_t>(t) + 7;
    Generator generator(key);
    return (randn({vocab}, generator, Dtype::f64) * sharpness).to_vector();
  }
  std::vector<double> log_probabilities(int64_t source, const Tokens& so_far) const {
    return log_softmax(tensor(logits(source, so_far), Dtype::f64), -1).to_vector();
  }
};

// A decoder of it, as the search sees one: each row is a source and the tokens so far.
struct Rows {
  const Language& language;
  struct Row {
    int64_t source;
    Tokens tokens;
    bool begun = false;
  };
  std::vector<Row> rows;
  int steps = 0;
  size_t most_rows = 0;

  Rows(const Language& l, int64_t batch) : language(l) {
    for (int64_t b = 0; b < batch; ++b) rows.push_back({b, {}});
  }
  Tensor step(const Tensor& tokens) {
    ++steps;
    most_rows = std::max(most_rows, rows.size());
    REQUIRE(tokens.shape() == Shape{static_cast<int64_t>(rows.size()), 1});
    const std::vector<double> next = tokens.to_vector();
    std::vector<double> all;
    for (size_t i = 0; i < rows.size(); ++i) {
      if (rows[i].begun) rows[i].tokens.push_back(static_cast<int64_t>(next[i]));
      else REQUIRE(next[i] == 99.0);  // bos comes first
      rows[i].begun = true;
      for (const double x : language.logits(rows[i].source, rows[i].tokens)) all.push_back(x);
    }
    return tensor(all, {static_cast<int64_t>(rows.size()), language.vocab}, Dtype::f64);
  }
  void reorder(const Tensor& order) {
    std::vector<Row> now;
    for (const double i : order.to_vector()) now.push_back(rows[static_cast<size_t>(i)]);
    rows = now;
  }
};

double penalised(double log_p, size_t length, double alpha) {
  return log_p / std::pow((5.0 + double(length)) / 6.0, alpha);
}

// Every sequence of at most `longest` tokens that ends in eos, best first.
void enumerate(const Language& language, int64_t source, int64_t longest, double alpha, const Tokens& so_far,
               double log_p, std::vector<Hypothesis>& found) {
  if (static_cast<int64_t>(so_far.size()) == longest) return;
  const std::vector<double> next = language.log_probabilities(source, so_far);
  for (int64_t t = 0; t < language.vocab; ++t) {
    const double p = log_p + next[static_cast<size_t>(t)];
    if (t == language.eos) {
      found.push_back({so_far, p, penalised(p, so_far.size() + 1, alpha), true});
    } else {
      Tokens longer = so_far;
      longer.push_back(t);
      enumerate(language, source, longest, alpha, longer, p, found);
    }
  }
}

std::vector<Hypothesis> all_sequences(const Language& language, int64_t source, int64_t longest, double alpha) {
  std::vector<Hypothesis> found;
  enumerate(language, source, longest, alpha, {}, 0.0, found);
  std::sort(found.begin(), found.end(), [](auto& a, auto& b) { return a.score > b.score; });
  return found;
}

std::vector<std::vector<Hypothesis>> search(const Language& language, int64_t batch, const SearchOptions& o,
                                            Rows* watched = nullptr) {
  Rows own(language, batch);
  Rows& rows = watched ? *watched : own;
  return beam_search(
      batch, [&](const Tensor& t) { return rows.step(t); }, [&](const Tensor& r) { rows.reorder(r); }, o);
}

std::vector<Hypothesis> greedy(const Language& language, int64_t batch, const SearchOptions& o) {
  Rows rows(language, batch);
  return greedy_search(batch, [&](const Tensor& t) { return rows.step(t); }, o);
}

}  // namespace

TEST_CASE("theorem: a beam that holds every sequence finds the best of all") {
  for (uint64_t seed = 0; seed < 12; ++seed)
    for (const double alpha : {0.0, 0.6, 1.0, 2.0}) {
      const Language language{3, 2, seed};
      const auto found =
          search(language, 3, {.bos = 99, .eos = 2, .max_length = 4, .beam = 81, .length_penalty = alpha});
      REQUIRE(found.size() == 3);
      for (int64_t source = 0; source < 3; ++source) {
        const std::vector<Hypothesis> expected = all_sequences(language, source, 4, alpha);
        const Hypothesis& best = found[static_cast<size_t>(source)][0];
        CHECK(best.tokens == expected[0].tokens);
        CHECK(best.score == Approx(expected[0].score).epsilon(1e-12));
        CHECK(best.log_probability == Approx(expected[0].log_probability).epsilon(1e-12));
        CHECK(best.finished);
      }
    }
}

TEST_CASE("beam search: a penalty lets longer sequences win, and scores are the formula") {
  const Language language{3, 2, 5, 0.3};  // nearly uniform: short sequences are likelier
  const SearchOptions o{.bos = 99, .eos = 2, .max_length = 6, .beam = 729};
  SearchOptions penalised_search = o;
  penalised_search.length_penalty = 8.0;
  const Hypothesis plain = search(language, 1, o)[0][0];
  const Hypothesis longer = search(language, 1, penalised_search)[0][0];
  CHECK(plain.score == plain.log_probability);
  CHECK(longer.tokens.size() > plain.tokens.size());
  CHECK(longer.score == Approx(penalised(longer.log_probability, longer.tokens.size() + 1, 8.0)).epsilon(1e-12));
  CHECK(longer.tokens == all_sequences(language, 0, 6, 8.0)[0].tokens);
}

TEST_CASE("beam search: a beam of 1 is greedy search, and wider beams are no worse here") {
  int better = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const Language language{5, 0, seed};
    const SearchOptions one{.bos = 99, .eos = 0, .max_length = 6, .beam = 1};
    SearchOptions four = one;
    four.beam = 4;
    const std::vector<Hypothesis> by_greedy = greedy(language, 2, one);
    const auto by_one = search(language, 2, one), by_four = search(language, 2, four);
    for (size_t b = 0; b < 2; ++b) {
      CHECK(by_one[b][0].tokens == by_greedy[b].tokens);
      CHECK(by_one[b][0].log_probability == Approx(by_greedy[b].log_probability).epsilon(1e-12));
      CHECK(by_one[b][0].finished == by_greedy[b].finished);
      if (by_four[b][0].finished && by_greedy[b].finished) better += by_four[b][0].score > by_greedy[b].score + 1e-9;
    }
  }
  CHECK(better > 10);
}

TEST_CASE("greedy search takes the likeliest token, to eos or to the longest length") {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Language language{4, 3, seed};
    const std::vector<Hypothesis> found =
        greedy(language, 3, {.bos = 99, .eos = 3, .max_length = 5, .length_penalty = 0.6});
    for (int64_t source = 0; source < 3; ++source) {
      Tokens tokens;
      double log_p = 0.0;
      bool finished = false;
      size_t length = 0;
      while (length < 5 && !finished) {
        const std::vector<double> next = language.log_probabilities(source, tokens);
        const auto best = std::max_element(next.begin(), next.end());
        log_p += *best;
        ++length;
        finished = best - next.begin() == 3;
        if (!finished) tokens.push_back(best - next.begin());
      }
      const Hypothesis& h = found[static_cast<size_t>(source)];
      CHECK(h.tokens == tokens);
      CHECK(h.finished == finished);
      CHECK(h.log_probability == Approx(log_p).epsilon(1e-12));
      CHECK(h.score == Approx(penalised(log_p, length, 0.6)).epsilon(1e-12));
    }
  }
}

TEST_CASE("beam search: hypotheses are different, best first, at most as many as the beam") {
  const Language language{5, 0, 3};
  Rows rows(language, 2);
  const auto found =
      search(language, 2, {.bos = 99, .eos = 0, .max_length = 6, .beam = 3, .length_penalty = 0.6}, &rows);
  CHECK(rows.most_rows <= 6);
  CHECK(rows.steps <= 6);
  for (const std::vector<Hypothesis>& list : found) {
    REQUIRE_FALSE(list.empty());
    CHECK(list.size() <= 3);
    for (size_t i = 0; i < list.size(); ++i)
      for (size_t j = 0; j < i; ++j) {
        CHECK(list[j].score >= list[i].score);
        CHECK(list[j].tokens != list[i].tokens);
      }
  }
  for (size_t b = 0; b < 2; ++b)  // no source sees another
    CHECK(search(language, b + 1, {.bos = 99, .eos = 0, .max_length = 6, .beam = 3, .length_penalty = 0.6})[b][0]
              .tokens == found[b][0].tokens);
}

TEST_CASE("search ends where eos is certain, and says so where it never comes") {
  // Logits by row: eos (0) or another token.
  const auto always = [](int64_t token) {
    return [token](const Tensor& tokens) {
      Tensor logits = full({tokens.size(0), 4}, -50.0, Dtype::f64);
      Tensor column = logits.slice(1, token, token + 1);
      column.fill_(50.0);
      return logits;
    };
  };
  const auto stay = [](const Tensor&) {};
  const SearchOptions o{.bos = 1, .eos = 0, .max_length = 5, .beam = 2};
  int steps = 0;
  const auto counted = [&](const Tensor& tokens) {
    ++steps;
    return always(0)(tokens);
  };
  const auto at_once = beam_search(2, counted, stay, o);
  CHECK(steps == 1);
  CHECK(at_once[1][0].tokens.empty());
  CHECK(at_once[1][0].finished);
  steps = 0;
  CHECK(greedy_search(2, counted, o)[0].tokens.empty());
  CHECK(steps == 1);
  const Hypothesis never = greedy_search(1, always(3), o)[0];
  CHECK(never.tokens == Tokens{3, 3, 3, 3, 3});
  CHECK_FALSE(never.finished);
  const auto cut = beam_search(1, always(3), stay, {.bos = 1, .eos = 2, .max_length = 5, .beam = 1});
  CHECK(cut[0][0].tokens == Tokens{3, 3, 3, 3, 3});
  CHECK_FALSE(cut[0][0].finished);
  CHECK(beam_search(0, always(3), stay, o).empty());
  CHECK(greedy_search(0, always(3), o).empty());
}

TEST_CASE("search drives recurrent decoders: each hypothesis is worth what the decoder says") {
  manual_seed(3);
  const auto run = [](auto decoder) {
    decoder.to(Dtype::f64);
    decoder.eval();
    const EncodedSequence source{randn({2, 4, 6}, Dtype::f64) * 2.0, randn({1, 2, 6}, Dtype::f64) * 2.0,
                                 padding_mask({4, 2}, 4)};
    const SearchOptions o{.bos = 1, .eos = 0, .max_length = 5, .beam = 3, .length_penalty = 0.6};
    const auto found = beam_search(decoder, decoder.begin(source), 2, o);
    const auto first = greedy_search(decoder, decoder.begin(source), 2, o);
    for (int64_t b = 0; b < 2; ++b) {
      std::vector<Hypothesis> all = found[static_cast<size_t>(b)];
      all.push_back(first[static_cast<size_t>(b)]);
      for (const Hypothesis& h : all) {
        Tokens input{1}, output = h.tokens;
        input.insert(input.end(), h.tokens.begin(), h.tokens.end());
        if (h.finished) output.push_back(0);
        else input.pop_back();
        const auto n = static_cast<int64_t>(input.size());
        EncodedSequence one{source.outputs.slice(0, b, b + 1), source.hidden.slice(1, b, b + 1),
                            source.key_mask->slice(0, b, b + 1)};
        const Tensor p = log_softmax(decoder(tensor_i64(input, {1, n}), one).logits, -1);
        const Tensor chosen = gather(p, -1, tensor_i64(output, {1, n, 1}));
        CHECK(sum(chosen).item() == Approx(h.log_probability).epsilon(1e-10));
      }
    }
  };
  run(DecoderRNN(6, 5, {.context = true}));
  run(BahdanauDecoder(6, 5));
  run(AttnDecoderRNN(6, 5, {.max_length = 4}));
}

TEST_CASE("search says what does not fit") {
  const auto step = [](const Tensor& tokens) { return zeros({tokens.size(0), 3}); };
  const auto stay = [](const Tensor&) {};
  CHECK(message_of([&] { greedy_search(1, step, {.bos = 1, .eos = 2}); }) ==
        "greedy_search: batch 1, bos 1, eos 2, max_length 0, beam 4: max_length and beam must be "
        "positive, the others not negative");
  CHECK(message_of([&] { beam_search(1, step, stay, {.max_length = 3, .beam = 0}); }) ==
        "beam_search: batch 1, bos 0, eos 0, max_length 3, beam 0: max_length and beam must be "
        "positive, the others not negative");
  CHECK(message_of([&] { beam_search(1, step, stay, {.max_length = 3, .length_penalty = -1.0}); }) ==
        "beam_search: length_penalty = -1: must be 0 or more");
  CHECK(message_of<ShapeError>([&] { beam_search(2, step, stay, {.eos = 3, .max_length = 3}); }) ==
        "beam_search: the step returned (2, 3) for 2 rows, eos is 3: must be (rows, vocabulary)");
  CHECK(message_of<ShapeError>([&] {
          greedy_search(2, [](const Tensor&) { return zeros({1, 3}); }, {.max_length = 3});
        }) == "greedy_search: the step returned (1, 3) for 2 rows, eos is 0: must be (rows, vocabulary)");
}

TEST_CASE("a search refuses NaN, which names no next token, whatever column and row it is in") {
  const SearchOptions options{.bos = 1, .eos = 2, .max_length = 3};
  const auto stay = [](const Tensor&) {};
  for (const double bad : {std::nan(""), double(INFINITY)})
    for (int64_t column = 0; column < 3; ++column) {
      const DecodeStep step = [=](const Tensor& tokens) {
        Tensor logits = zeros({tokens.size(0), 3});
        logits.select(0, tokens.size(0) - 1).slice(0, column, column + 1).fill_(bad);
        return logits;
      };
      const std::string rest =
          " has NaN or infinity in it, so no next token can be chosen: find their origin with DetectAnomaly";
      CHECK(message_of([&] { greedy_search(2, step, options); }) ==
            "greedy_search: the step returned (2, 3): row 1" + rest);
      CHECK(message_of([&] { beam_search(2, step, stay, options); }) ==
            "beam_search: the step returned (2, 3): row 1" + rest);
    }
  const DecodeStep nothing = [](const Tensor& tokens) { return full({tokens.size(0), 3}, -INFINITY); };
  CHECK(message_of([&] { greedy_search(1, nothing, options); }) ==
        "greedy_search: the step returned (1, 3): row 0 is -inf everywhere: no token is permitted: permit at least "
        "one, such as eos");
  // A token that is forbidden is no NaN.
  const DecodeStep some = [](const Tensor& tokens) { return tensor({-INFINITY, 0, 1}).expand({tokens.size(0), 3}); };
  CHECK(greedy_search(1, some, options)[0].finished);
  CHECK(beam_search(1, some, stay, options)[0][0].finished);
}
