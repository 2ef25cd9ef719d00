// Deflate, read only: what zip, gzip and numpy.savez_compressed compress with (RFC 1951), and the checksum beside it.
//
// A stream is text with back references, "as the last n bytes, d bytes ago", whose symbols are written in
// Huffman codes. Its bytes are not trusted: codes that are incomplete or contradict themselves, references to before
// the start, unknown symbols and streams that end early are FormatErrors.
//
// At most 1032 bytes come from one (258 from two bits), so a small file cannot fill the memory unless its reader lets
// streams overlap (npz.cpp does not).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace heed::core {

inline constexpr size_t max_inflation = 1032;

/// Reads one stream from the start of `bytes`, and removes it from there. FormatError if it holds more than `limit`
/// bytes; `source` begins the messages.
std::string inflate(std::string_view& bytes, size_t limit, std::string_view source);

/// The content of a .gz file (RFC 1952): of all its members, one after the other, lengths and checksums compared.
std::string gunzip(std::string_view bytes, std::string_view source);

inline bool is_gzip(std::string_view bytes) { return bytes.substr(0, 2) == "\x1f\x8b"; }

/// CRC-32 as zip and gzip use it, of bytes that follow those whose checksum is `before`.
uint32_t crc32(std::string_view bytes, uint32_t before = 0);

}  // namespace heed::core
