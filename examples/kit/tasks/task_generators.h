// Tasks with sequences of symbols and numbers: each function gives the rule that makes one example.
//
// Written "input -> target", position by position; · does not count. Language models read the answer
// as well, one position late: what they say at a position is compared with what comes next.
#pragma once

#include <heed/examples/kit/tasks/sequences.h>

namespace heed::kit {

/// `length` symbols of 0 … symbols-1, then the same in order (minGPT's demo):
///     2 0 1 0 1   ->   · · 0 1 2         for 2 0 1, of which the answer is 0 1 2
MakeExample make_sorting(int64_t length, int64_t symbols);

/// 7 1 5 -> 5 1 7, all at once: for an encoder (phlippe's tutorial 6).
MakeExample make_reversing(int64_t length, int64_t symbols);

/// Source 1 x₂ … x_n, symbols 1 … symbols. Input 1 x₂ … x_{n-1}, target x₂ … x_n: the first symbol,
/// always 1, starts the decoder (The Annotated Transformer).
MakeExample make_copying(int64_t length, int64_t symbols);

/// start s separator s, each said one position early, then the end; |s| uniform on
/// shortest … longest. The symbols 0 … symbols-1, then start, separator, end.
MakeExample make_string_copying(int64_t shortest, int64_t longest, int64_t symbols);

/// a + b, digits each, the sum's digits + 1 digits backwards, so that each follows from what stands
/// already (minGPT's adder): 85 + 50 = 135 is 8 5 5 0 5 3 1, read but for the last.
MakeExample make_addition(int64_t digits);

/// The same for an encoder and a decoder, as Keras' addition_rnn: source "12+345 " backwards, numbers
/// without leading zeros, filled up with blanks; target "357 ". Ids 0 … 9, 10 is +, 11 the blank.
/// The decoder's input holds the target one position late, after a blank.
MakeExample make_addition_texts(int64_t digits);

/// a b = -> · · (a + b) mod p for every a and b: p² examples; = is the id p.
std::vector<Example> all_modular_sums(int64_t p);

/// A cycle: `length` tokens that repeat after a period that is uniform on length/4 … length/2, the
/// first ones independent. The target is the next token; the first period does not count.
MakeExample make_cycles(int64_t length, int64_t symbols);

/// Multi-query associative recall (Arora et al. 2023, app. E): key value key value …, then each key
/// once more, after gaps of a power law (a = 0.01), among random tokens. Where a key is asked for, its
/// value is the target; nothing else counts. Keys are 1 … vocabulary/2 - 1, values the upper half.
MakeExample make_recall(int64_t length, int64_t pairs, int64_t vocabulary);

/// Words of the Dyck language: brackets of `kinds` kinds that close what was opened last, at most
/// `depth` open at a time. Kind k opens with 2k and closes with 2k + 1; input begins with 2 kinds.
/// `length` even. Opening and closing are equally likely where both are possible.
MakeExample make_brackets(int64_t length, int64_t kinds, int64_t depth);

}  // namespace heed::kit
