// Printing arrays: the text that PyTorch prints.
//
//     tensor([[ 0.1000, -2.5000],
//             [ 1.0000,  3.1416]])
//
// Four decimals; whole numbers as "2."; scientific notation where the largest is more than 1000
// times the smallest, above 1e8 or below 1e-4. Beyond 1000 elements only three at each end of each
// axis. Lines of 80 characters. Those are the defaults of torch.set_printoptions.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include <heed/core/array.h>

namespace heed::core {

/// "tensor(…)". Dtypes other than float32, int64 and bool are named ("dtype=float64"), and the
/// size of an empty array; `suffixes` ("requires_grad=True") follow.
std::string to_string(const Array& x, const std::vector<std::string>& suffixes = {});

std::ostream& operator<<(std::ostream& out, const Array& x);

}  // namespace heed::core
