// Tables of text: columns as wide as their longest entry, and quantities as people read them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace heed {

/// One line for each row, columns two spaces apart. `alignment` has an l or r for each column: left or right. A line
/// ends where its last entry does.
std::string laid_out(const std::vector<std::vector<std::string>>& rows, const std::string& alignment);

std::string thousands(int64_t n);               // "2,560"
std::string decimals(double x, int places);     // "0.50", whatever the locale
std::string significant(double x, int digits);  // "0.25", "1e-05"
std::string size_of_bytes(int64_t bytes);       // "10.0 KiB"
std::string duration(double seconds);           // "12.3 ms": three digits
std::string with_prefix(double x);              // "1.23 M": three digits and k, M, G or T

}  // namespace heed
