// .npz: several arrays in one file, as numpy.savez and numpy.savez_compressed save them: a zip archive of .npy files.
//
//     local header | name.npy | the .npy file      for each array
//     directory: each name again, with its checksum, sizes and position
//     end of the directory
//
// A file from elsewhere is not trusted: sizes are compared with the file's before memory is allocated, what a
// directory says of an entry must be what stands before it, no two entries may share bytes or a name, and each must have
// its checksum. Read are stored and deflated entries (inflate.h), zip64 included; refused are encrypted ones,
// other methods, archives in several parts, comments after the end, and entries that are not .npy files.
// Errors are FormatError, naming file and entry.
//
// Format: PKWARE's APPNOTE.TXT, 4.3; numpy.org/doc/stable/reference/generated/numpy.savez.html
#pragma once

#include <map>
#include <string>
#include <string_view>

#include <heed/core/array.h>

namespace heed::core {

/// The arrays by name, without ".npy".
std::map<std::string, Array> load_npz(const std::string& path);

/// The same from memory. `source` is named in messages.
std::map<std::string, Array> parse_npz(std::string_view bytes, std::string_view source);

/// Writes a file that numpy.load reads, uncompressed, crash-safe (file.h).
void save_npz(const std::string& path, const std::map<std::string, Array>& arrays);

/// The bytes of that file: those that numpy.savez writes for these arrays in the order of their names.
std::string to_npz(const std::map<std::string, Array>& arrays);

}  // namespace heed::core
