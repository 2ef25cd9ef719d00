// Tasks with sequences of symbols and numbers: each function gives the rule that makes one example.
//
// Written "input -> target", position by position; · does not count. Language models also read the
// answer, one position late: their output at a position is compared with the next token.
#pragma once

#include <heed/examples/kit/tasks/sequences.h>

namespace heed::kit {

/// `length` symbols of 0 … symbols-1, then the same in order (minGPT's demo):
///     2 0 1 0 1   ->   · · 0 1 2         for 2 0 1, of which the answer is 0 1 2
MakeExample make_sorting(int64_t length, int64_t symbols);

/// 7 1 5 -> 5 1 7, in one parallel step: for an encoder (phlippe's tutorial 6).
MakeExample make_reversing(int64_t length, int64_t symbols);

/// Source 1 x₂ … x_n, symbols 1 … symbols. Input 1 x₂ … x_{n-1}, target x₂ … x_n: the first symbol,
/// always 1, starts the decoder (The Annotated Transformer).
MakeExample make_copying(int64_t length, int64_t symbols);

/// start s separator s -> the same one position early, then the end; |s| uniform on shortest … longest.
/// Ids: the symbols 0 … symbols-1, then start, separator, end.
MakeExample make_string_copying(int64_t shortest, int64_t longest, int64_t symbols);

/// a + b of `digits` digits each, then the sum's `digits` + 1 digits backwards, so that each follows from
/// those before it (minGPT's adder): 85 + 50 = 135 is 8 5 5 0 5 3 1; the last one is not read.
MakeExample make_addition(int64_t digits);

/// The same for an encoder and a decoder, as in Keras' addition_rnn: source "12+345 " backwards, numbers
/// without leading zeros, padded with blanks; target "357 ". Ids 0 … 9, 10 is +, 11 the blank.
/// The decoder's input holds the target one position late, after a blank.
MakeExample make_addition_texts(int64_t digits);

/// a b = -> · · (a + b) mod p for every a and b: p² examples; = is the id p.
std::vector<Example> all_modular_sums(int64_t p);

/// A cycle: `length` tokens that repeat after a period uniform on length/4 … length/2; those of the first
/// period are independent. The target is the next token; the first period does not count.
MakeExample make_cycles(int64_t length, int64_t symbols);

/// Multi-query associative recall (Arora et al. 2023, app. E): key value key value …, then each key
/// once more, after gaps of a power law (a = 0.01), among random tokens. At a repeated key the target is
/// its value; no other position counts. Keys are 1 … vocabulary/2 - 1, values the upper half.
MakeExample make_recall(int64_t length, int64_t pairs, int64_t vocabulary);

/// Words of the Dyck language: brackets of `kinds` kinds that close what was opened last, at most
/// `depth` open at a time. Kind k opens with 2k and closes with 2k + 1; input begins with the id 2 · kinds.
/// `length` is even. Opening and closing are equally likely where both are possible.
MakeExample make_brackets(int64_t length, int64_t kinds, int64_t depth);

}  // namespace heed::kit
