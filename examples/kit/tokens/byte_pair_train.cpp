#include <algorithm>
#include <map>
#include <utility>

#include <heed/core/error.h>
#include <heed/examples/kit/tokens/byte_pair.h>
#include <heed/examples/kit/tokens/pieces.h>

namespace heed::kit {

/// Counts pairs of neighbours once, and then only what each merge changes. Frequencies in the queue may be out of date:
/// they are looked up again when they come to its head. The order of every choice is that of Hugging Face's trainer.
struct BytePairTrainer {
  using Pair = std::pair<int32_t, int32_t>;
  struct Word {
    std::vector<int32_t> symbols;
    int64_t count;
  };
  struct Candidate {
    int64_t count;
    Pair pair;
    std::vector<size_t> words;  // in which it was found

    /// Comes later in the queue.
    bool operator<(const Candidate& other) const {
      return count != other.count ? count < other.count : pair > other.pair;
    }
  };

  std::vector<std::string> tokens;
  std::map<std::string, int32_t> ids;
  std::vector<Word> words;
  std::map<Pair, int64_t> counts;
  std::vector<Candidate> queue;                   // a heap
  std::vector<std::pair<Pair, size_t>> appeared;  // pairs, and the words in which they are new
  std::vector<Merge> merges;

  explicit BytePairTrainer(std::string_view text) {
    for (const unsigned char byte : bytes_by_letter()) token_of(std::string(1, static_cast<char>(byte)));
    std::map<std::string_view, int64_t> pieces;
    while (!text.empty()) {
      const size_t length = gpt2_piece(text);
      ++pieces[text.substr(0, length)];
      text.remove_prefix(length);
    }
    for (const auto& [piece, count] : pieces) {
      Word word{{}, count};
      for (const char byte : piece) word.symbols.push_back(ids.at(std::string(1, byte)));
      for (size_t i = 0; i + 1 < word.symbols.size(); ++i)
        change({word.symbols[i], word.symbols[i + 1]}, count, words.size());
      words.push_back(std::move(word));
    }
    queue_appeared();
  }

  int32_t token_of(const std::string& token) {
    const auto [at, is_new] = ids.emplace(token, static_cast<int32_t>(tokens.size()));
    if (is_new) tokens.push_back(token);
    return at->second;
  }

  void change(Pair pair, int64_t by, size_t word) {
    counts[pair] += by;
    if (by > 0) appeared.emplace_back(pair, word);
  }

  void queue_appeared() {
    std::sort(appeared.begin(), appeared.end());
    appeared.erase(std::unique(appeared.begin(), appeared.end()), appeared.end());
    for (size_t i = 0; i < appeared.size();) {
      Candidate candidate{counts[appeared[i].first], appeared[i].first, {}};
      for (; i < appeared.size() && appeared[i].first == candidate.pair; ++i)
        candidate.words.push_back(appeared[i].second);
      if (candidate.count > 0) push(std::move(candidate));
    }
    appeared.clear();
  }

  void push(Candidate candidate) {
    queue.push_back(std::move(candidate));
    std::push_heap(queue.begin(), queue.end());
  }

  void merge_in(size_t index, Pair pair, int32_t joined) {
    Word& word = words[index];
    std::vector<int32_t>& symbols = word.symbols;
    size_t kept = 0;
    for (size_t i = 0; i < symbols.size(); ++i) {
      if (i + 1 == symbols.size() || Pair(symbols[i], symbols[i + 1]) != pair) {
        symbols[kept++] = symbols[i];
        continue;
      }
      if (kept > 0) {
        change({symbols[kept - 1], pair.first}, -word.count, index);
        change({symbols[kept - 1], joined}, word.count, index);
      }
      if (i + 2 < symbols.size()) {
        change({pair.second, symbols[i + 2]}, -word.count, index);
        change({joined, symbols[i + 2]}, word.count, index);
      }
      symbols[kept++] = joined;
      ++i;
    }
    symbols.resize(kept);
  }

  void train(size_t vocab_size) {
    while (tokens.size() < vocab_size && !queue.empty()) {
      std::pop_heap(queue.begin(), queue.end());
      Candidate best = std::move(queue.back());
      queue.pop_back();
      if (const int64_t now = counts[best.pair]; best.count != now) {
        best.count = now;
        push(std::move(best));
        continue;
      }
      if (best.count < 1) break;
      const auto [left, right] = best.pair;
      const int32_t joined = token_of(tokens[static_cast<size_t>(left)] + tokens[static_cast<size_t>(right)]);
      merges.push_back({left, right, joined, static_cast<uint32_t>(merges.size())});
      for (const size_t word : best.words) merge_in(word, best.pair, joined);
      queue_appeared();
    }
  }
};

BytePairTokeniser BytePairTokeniser::train(std::string_view text, int64_t vocab_size) {
  check(vocab_size >= 256 && vocab_size <= 10'000'000, "byte_pair: train: a vocabulary of ", vocab_size,
        ": must have at least 256 tokens, one per byte, and at most 10,000,000");
  BytePairTrainer trainer(text);
  trainer.train(static_cast<size_t>(vocab_size));
  std::array<int32_t, 256> bytes{};
  for (size_t b = 0; b < 256; ++b) bytes[b] = trainer.ids.at(std::string(1, static_cast<char>(b)));
  return BytePairTokeniser(std::move(trainer.tokens), bytes, std::move(trainer.merges), {});
}

}  // namespace heed::kit
