#include <heed/nn/models/decoding.h>

#include <algorithm>
#include <cmath>

#include <heed/autograd/ops.h>

namespace heed::nn {

namespace {

double scored(double log_probability, int64_t length, double alpha) {
  return log_probability / std::pow((5.0 + static_cast<double>(length)) / 6.0, alpha);
}

void check_options(const char* op, int64_t batch, const SearchOptions& o) {
  check(batch >= 0 && o.max_length > 0 && o.beam > 0 && o.bos >= 0 && o.eos >= 0, op, ": batch ", batch, ", bos ",
        o.bos, ", eos ", o.eos, ", max_length ", o.max_length, ", beam ", o.beam,
        ": max_length and beam must be positive, the others not negative");
  check(o.length_penalty >= 0.0 && std::isfinite(o.length_penalty), op, ": length_penalty = ", o.length_penalty,
        ": must be 0 or more");
  zeros({batch, 1});  // refuses a batch too large for memory
}

// (rows, V)
Tensor log_probabilities(const char* op, const Tensor& logits, int64_t rows, int64_t eos) {
  check<ShapeError>(logits.dim() == 2 && logits.size(0) == rows && logits.size(1) > eos, op, ": the step returned ",
                    logits.shape(), " for ", rows, " rows, eos is ", eos, ": must be (rows, vocabulary)");
  const Tensor log_p = log_softmax(logits, -1);
  // NaN or +∞ anywhere in a row makes all of it NaN: then no token is the likeliest.
  const std::vector<double> first = log_p.select(1, 0).to_vector();
  for (size_t row = 0; row < first.size(); ++row)
    check(!std::isnan(first[row]), op, ": the step returned ", logits.shape(), ": row ", row,
          " has NaN or infinity in it, so no next token can be chosen: find their origin with "
          "DetectAnomaly");
  return log_p;
}

Tensor column(const std::vector<int64_t>& tokens) {
  return tensor_i64(tokens, {static_cast<int64_t>(tokens.size()), 1});
}

}  // namespace

std::vector<Hypothesis> greedy_search(int64_t batch, const DecodeStep& step, const SearchOptions& o) {
  check_options("greedy_search", batch, o);
  const NoGrad no_history;
  const auto count = static_cast<size_t>(batch);
  std::vector<Hypothesis> found(count);
  std::vector<int64_t> last(count, o.bos);
  size_t open = count;
  for (int64_t length = 1; length <= o.max_length && open > 0; ++length) {
    const Tensor logits = log_probabilities("greedy_search", step(column(last)), batch, o.eos);
    const Extremum best = max(logits, -1);
    const std::vector<double> values = best.values.to_vector();
    const std::vector<double> tokens = best.indices.to_vector();
    for (size_t b = 0; b < count; ++b) {
      Hypothesis& h = found[b];
      if (h.finished) continue;  // its row is still computed until all are done
      check(values[b] > -INFINITY, "greedy_search: the step returned ", logits.shape(), ": row ", b,
            " is -inf everywhere: no token is permitted: permit at least one, such as eos");
      last[b] = static_cast<int64_t>(tokens[b]);
      h.log_probability += values[b];
      h.score = scored(h.log_probability, length, o.length_penalty);
      h.finished = last[b] == o.eos;
      if (h.finished) --open;
      else h.tokens.push_back(last[b]);
    }
  }
  return found;
}

namespace {

// The state of the search for one source.
struct Beam {
  std::vector<Hypothesis> kept, finished;  // both best first; each kept one has a row
  bool done = false;
};

struct Candidate {
  size_t parent;
  int64_t token;
  double log_probability;
};

// The likeliest `beam` continuations of the kept hypotheses replace them. Rows of the parents are
// first, first + 1, …; `rows` and `last` get an entry for each new one.
void extend(Beam& beam, const std::vector<double>& values, const std::vector<double>& tokens, size_t a_row,
            size_t first, int64_t length, const SearchOptions& o, std::vector<int64_t>& rows,
            std::vector<int64_t>& last) {
  std::vector<Candidate> candidates;
  for (size_t i = 0; i < beam.kept.size(); ++i)
    for (size_t j = 0; j < a_row; ++j) {
      const size_t at = (first + i) * a_row + j;
      candidates.push_back({i, static_cast<int64_t>(tokens[at]), beam.kept[i].log_probability + values[at]});
    }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const auto& a, const auto& b) { return a.log_probability > b.log_probability; });

  const auto most = static_cast<size_t>(o.beam);
  std::vector<Hypothesis> kept;
  for (const Candidate& c : candidates) {
    if (kept.size() == most || c.log_probability == -INFINITY) break;  // impossible continuations are dropped
    Hypothesis h = beam.kept[c.parent];
    h.log_probability = c.log_probability;
    h.score = scored(c.log_probability, length, o.length_penalty);
    h.finished = c.token == o.eos;
    if (h.finished) {
      beam.finished.push_back(std::move(h));
      continue;
    }
    h.tokens.push_back(c.token);
    kept.push_back(std::move(h));
    rows.push_back(static_cast<int64_t>(first + c.parent));
    last.push_back(c.token);
  }
  beam.kept = std::move(kept);
  std::stable_sort(beam.finished.begin(), beam.finished.end(),
                   [](const auto& a, const auto& b) { return a.score > b.score; });
  if (beam.finished.size() > most) beam.finished.resize(most);
  // A longer sequence is less likely; its score is at best that at the greatest length, where the penalty is least.
  beam.done = beam.kept.empty() ||
              (!beam.finished.empty() &&
               beam.finished[0].score >= scored(beam.kept[0].log_probability, o.max_length, o.length_penalty));
}

}  // namespace

std::vector<std::vector<Hypothesis>> beam_search(int64_t batch, const DecodeStep& step, const DecodeReorder& reorder,
                                                 const SearchOptions& o) {
  check_options("beam_search", batch, o);
  const NoGrad no_history;
  std::vector<Beam> beams(static_cast<size_t>(batch), Beam{{Hypothesis{}}, {}, false});
  std::vector<int64_t> last(beams.size(), o.bos);
  for (int64_t length = 1; length <= o.max_length && !last.empty(); ++length) {
    const auto count = static_cast<int64_t>(last.size());
    const Tensor logits = log_probabilities("beam_search", step(column(last)), count, o.eos);
    // A parent has at most `beam` children that are kept, and one that finishes.
    const int64_t a_row = std::min(o.beam, logits.size(1) - 1) + 1;
    const Extremum best = topk(logits, a_row, -1);
    const std::vector<double> values = best.values.to_vector();
    const std::vector<double> tokens = best.indices.to_vector();
    std::vector<int64_t> rows;
    last.clear();
    size_t first = 0;
    for (Beam& beam : beams) {
      if (beam.done) continue;
      const size_t parents = beam.kept.size(), before = rows.size();
      extend(beam, values, tokens, static_cast<size_t>(a_row), first, length, o, rows, last);
      check(!beam.kept.empty() || !beam.finished.empty(), "beam_search: the step returned ", logits.shape(), ": rows ",
            first, " … ", first + parents - 1,
            " are -inf everywhere: no token is permitted: permit at least one, such as eos");
      first += parents;
      if (beam.done) {  // its rows are removed
        rows.resize(before);
        last.resize(before);
      }
    }
    if (!rows.empty() && length < o.max_length) reorder(tensor_i64(rows));
  }
  std::vector<std::vector<Hypothesis>> found;
  for (Beam& beam : beams) found.push_back(std::move(beam.finished.empty() ? beam.kept : beam.finished));
  return found;
}

}  // namespace heed::nn
