// .npy: one array in a file, as NumPy saves it.
//
//     "\x93NUMPY" | version 1.0 to 3.0 | header length | header, padded to 64 bytes | the elements
//     {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }
//
// The header is a Python literal, read by a small parser that knows only this form.
// Types are those of element_types.h, in either byte order; object arrays are pickles, never loaded.
// Errors are FormatError, naming the file.
//
// Format: numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#pragma once

#include <string>
#include <string_view>

#include <heed/core/array.h>

namespace heed::core {

Array load_npy(const std::string& path);

/// The same from memory. `source` is named in messages.
Array parse_npy(std::string_view bytes, std::string_view source);

/// Writes a file that numpy.load reads, crash-safe (file.h).
void save_npy(const std::string& path, const Array& x);

/// The bytes of that file: those that numpy.save writes.
std::string to_npy(const Array& x);

/// What comes before the elements in these.
std::string npy_header(const Array& x);

}  // namespace heed::core
