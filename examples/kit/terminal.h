// The terminal's properties. All queries to the operating system are here.
#pragma once

#include <string>

namespace heed::kit {

enum class Stream { out = 1, err = 2 };

/// True iff the stream is a terminal that understands \r and escape sequences (not TERM=dumb).
bool is_terminal(Stream stream);

/// Current width of the terminal in columns; 80 if unknown.
int terminal_width(Stream stream);

/// Opens closed descriptors among 0, 1 and 2 on /dev/null, so that no file gets such a descriptor and
/// receives what is meant for stdout or stderr. stdin is opened for writing and stdout for reading, so
/// that using them is still an error.
void open_standard_streams();

/// Why stdout could not be written, as an error message.
std::string stdout_fault();

/// Bytes of main memory; 0 if unknown.
double physical_memory();

/// The most memory that this process has held so far, in bytes; 0 if unknown.
double peak_memory();

/// True iff the locale of the environment (LC_ALL, LC_CTYPE, LANG) is a UTF-8 one.
bool unicode_wanted();

}  // namespace heed::kit
