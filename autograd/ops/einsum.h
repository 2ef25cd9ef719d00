// einsum: sums of products in Einstein's notation, which gives each axis a letter.
//
//     einsum("ik,kj->ij", {a, b});        // yᵢⱼ = Σₖ aᵢₖ bₖⱼ: axes that the output does not name are summed
//     einsum("bhid,bhjd->bhij", {q, k});  // the scores of attention, all heads at once
//     einsum("ii", {x});                  // the trace: a letter named twice takes the diagonal
//     einsum("...ij->...ji", {x});        // "..." are axes without a letter, aligned at the right
//
// The grammar is torch.einsum's. Without "->" the output has the axes of "...", then the letters
// that occur once in alphabetical order, capitals first. Spaces between letters are ignored.
// Axes of size 1 are broadcast.
#pragma once

#include <string>
#include <vector>

#include <heed/autograd/tensor.h>

namespace heed {

/// The product of all operands, of one dtype, summed over the letters that the output lacks. Two
/// operands cost a matrix product; more are multiplied from left to right.
///
/// Throws Error for an equation that cannot be parsed, ShapeError if it does not fit the operands.
Tensor einsum(const std::string& equation, const std::vector<Tensor>& operands);

}  // namespace heed
