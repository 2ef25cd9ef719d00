#include <heed/examples/kit/tasks/task_generators.h>

#include <algorithm>
#include <cmath>

#include <heed/core/error.h>

namespace heed::kit {
namespace {

Ids appended(Ids first, const Ids& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

/// For a language model: it reads question + answer except for the last token, and answers.
Example next_token(const Ids& question, const Ids& answer) {
  Example example;
  example.input = appended(question, answer);
  example.input.pop_back();
  example.target = appended(Ids(question.size() - 1, ignored), answer);
  return example;
}

/// The digits of n, at least `width` of them, the lowest first.
Ids digits_backwards(int64_t n, int64_t width) {
  Ids digits;
  for (; n > 0 || static_cast<int64_t>(digits.size()) < width; n /= 10) digits.push_back(n % 10);
  return digits;
}

Ids digits_forwards(int64_t n, int64_t width) {
  const Ids backwards = digits_backwards(n, width);
  return {backwards.rbegin(), backwards.rend()};
}

int64_t power_of_ten(int64_t exponent) { return exponent == 0 ? 1 : 10 * power_of_ten(exponent - 1); }

Ids filled_up(Ids ids, size_t length, int64_t blank) {
  ids.resize(length, blank);
  return ids;
}

/// `count` different gaps of 0 … space-1, gap g with a weight of a (g + 1)^(a - 1).
Ids power_law_gaps(int64_t count, int64_t space, Dice& dice) {
  constexpr double a = 0.01;
  std::vector<double> weights;
  for (int64_t g = 0; g < space; ++g) weights.push_back(a * std::pow(static_cast<double>(g + 1), a - 1));
  Ids gaps;
  while (static_cast<int64_t>(gaps.size()) < count) {
    double total = 0;
    for (const double weight : weights) total += weight;
    double at = total * dice.uniform();
    size_t gap = 0;
    while (gap + 1 < weights.size() && (weights[gap] == 0 || at >= weights[gap])) at -= weights[gap++];
    gaps.push_back(static_cast<int64_t>(gap));
    weights[gap] = 0;
  }
  return gaps;
}

void check_sizes(const char* what, int64_t length, int64_t shortest, int64_t symbols) {
  check(length >= shortest && symbols >= 1, what, ": a length of ", length, ", ", symbols,
        " symbols: too few: give a length of at least ", shortest, " and 1 symbol");
}

/// At most nine digits: the dice have no more sides.
void check_digits(int64_t digits) {
  check(digits >= 1 && digits <= 9, "addition: numbers of ", digits, " digits: give 1 to 9");
}

}  // namespace

MakeExample make_sorting(int64_t length, int64_t symbols) {
  check_sizes("sorting", length, 1, symbols);
  return [=](Dice& dice) {
    const Ids numbers = dice.several(length, 0, symbols - 1);
    Ids sorted = numbers;
    std::sort(sorted.begin(), sorted.end());
    return next_token(numbers, sorted);
  };
}

MakeExample make_reversing(int64_t length, int64_t symbols) {
  check_sizes("reversing", length, 1, symbols);
  return [=](Dice& dice) {
    const Ids numbers = dice.several(length, 0, symbols - 1);
    return Example{.input = numbers, .target = {numbers.rbegin(), numbers.rend()}};
  };
}

MakeExample make_copying(int64_t length, int64_t symbols) {
  check_sizes("copying", length, 2, symbols);
  return [=](Dice& dice) {
    const Ids text = appended({1}, dice.several(length - 1, 1, symbols));
    return Example{.source = text, .input = {text.begin(), text.end() - 1}, .target = {text.begin() + 1, text.end()}};
  };
}

MakeExample make_string_copying(int64_t shortest, int64_t longest, int64_t symbols) {
  check_sizes("copying strings", std::min(shortest, longest), 1, symbols);
  return [=](Dice& dice) {
    const int64_t start = symbols, separator = symbols + 1, end = symbols + 2;
    const Ids text = dice.several(dice.between(shortest, longest), 0, symbols - 1);
    return next_token(appended(appended({start}, text), {separator}), appended(text, {end}));
  };
}

MakeExample make_addition(int64_t digits) {
  check_digits(digits);
  return [=](Dice& dice) {
    const int64_t a = dice.below(power_of_ten(digits)), b = dice.below(power_of_ten(digits));
    return next_token(appended(digits_forwards(a, digits), digits_forwards(b, digits)),
                      digits_backwards(a + b, digits + 1));
  };
}

MakeExample make_addition_texts(int64_t digits) {
  check_digits(digits);
  return [=](Dice& dice) {
    const int64_t plus = 10, blank = 11;
    const auto number = [&] { return dice.below(power_of_ten(dice.between(1, digits))); };
    const int64_t a = number(), b = number();
    const Ids question = appended(appended(digits_forwards(a, 1), {plus}), digits_forwards(b, 1));
    const auto width = static_cast<size_t>(digits);
    Example example;
    example.source = filled_up(question, 2 * width + 1, blank);
    std::reverse(example.source.begin(), example.source.end());
    example.target = filled_up(digits_forwards(a + b, 1), width + 1, blank);
    example.input = appended({blank}, {example.target.begin(), example.target.end() - 1});
    return example;
  };
}

std::vector<Example> all_modular_sums(int64_t p) {
  check(p >= 2 && p <= 2000, "modular sums: a modulus of ", p, ": give 2 to 2000");
  std::vector<Example> all;
  for (int64_t a = 0; a < p; ++a)
    for (int64_t b = 0; b < p; ++b) all.push_back({.input = {a, b, p}, .target = {ignored, ignored, (a + b) % p}});
  return all;
}

MakeExample make_cycles(int64_t length, int64_t symbols) {
  check_sizes("cycles", 1, 1, symbols);
  check(length >= 4, "cycles: a length of ", length, ": two periods must fit: give at least 4");
  return [=](Dice& dice) {
    const int64_t period = dice.between(length / 4, length / 2);
    const Ids cycle = dice.several(period, 0, symbols - 1);
    Example example;
    for (int64_t i = 0; i < length; ++i) {
      example.input.push_back(cycle[static_cast<size_t>(i % period)]);
      example.target.push_back(i < period ? ignored : cycle[static_cast<size_t>((i + 1) % period)]);
    }
    return example;
  };
}

MakeExample make_recall(int64_t length, int64_t pairs, int64_t vocabulary) {
  const int64_t space = (length - 2 * pairs) / 2;
  check(pairs >= 1 && space >= pairs && vocabulary / 2 - 1 >= pairs, "recall: ", pairs, " pairs in a length of ",
        length, " and a vocabulary of ", vocabulary,
        ": do not fit: the length must be at least 4 times the pairs, the vocabulary above twice "
        "them");
  return [=](Dice& dice) {
    const Ids keys = dice.different(pairs, 1, vocabulary / 2 - 1);
    const Ids values = dice.different(pairs, vocabulary / 2, vocabulary - 1);
    const Ids gaps = power_law_gaps(pairs, space, dice);
    Example example{.input = dice.several(length, 0, vocabulary - 1),
                    .target = Ids(static_cast<size_t>(length), ignored)};
    for (size_t i = 0; i < keys.size(); ++i) {
      example.input[2 * i] = keys[i];
      example.input[2 * i + 1] = values[i];
      const auto asked = 2 * (keys.size() + static_cast<size_t>(gaps[i]));
      example.input[asked] = keys[i];
      example.target[asked] = values[i];
    }
    return example;
  };
}

MakeExample make_brackets(int64_t length, int64_t kinds, int64_t depth) {
  check(kinds >= 1, "brackets: ", kinds, " kinds: give at least 1");
  check(length % 2 == 0 && length > 0 && depth > 0, "brackets: a length of ", length, ", a depth of ", depth,
        ": every bracket closes: give an even length and a depth of at least 1");
  return [=](Dice& dice) {
    Ids word, open;
    for (int64_t left = length; left > 0; --left) {
      const auto now = static_cast<int64_t>(open.size());
      const bool opens = now == 0 || (now < depth && now < left && dice.chance(0.5));
      if (opens) {
        open.push_back(dice.below(kinds));
        word.push_back(2 * open.back());
      } else {
        word.push_back(2 * open.back() + 1);
        open.pop_back();
      }
    }
    return next_token({2 * kinds}, word);
  };
}

}  // namespace heed::kit
