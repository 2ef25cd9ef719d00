// What the terminal can do. Everything that asks the operating system about it is here.
#pragma once

#include <string>

namespace heed::kit {

enum class Stream { out = 1, err = 2 };

/// True iff the stream is a terminal that understands \r and escape sequences (not TERM=dumb).
bool is_terminal(Stream stream);

/// Columns of the terminal now; 80 where that is unknown.
int terminal_width(Stream stream);

/// Opens those of the descriptors 0, 1 and 2 that are closed on /dev/null, so that no file gets their
/// number and is written to as if it were stdout or stderr. The input is opened for writing, stdout
/// for reading: using them is the error that it was.
void open_standard_streams();

/// Why stdout could not be written, in the words of a message.
std::string stdout_fault();

/// Bytes of main memory; 0 where that is unknown.
double physical_memory();

/// True iff the locale of the environment (LC_ALL, LC_CTYPE, LANG) is a UTF-8 one.
bool unicode_wanted();

}  // namespace heed::kit
