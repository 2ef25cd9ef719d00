// What the terminal can do. Everything that asks the operating system about it is here.
#pragma once

namespace heed::kit {

enum class Stream { out = 1, err = 2 };

/// True iff the stream is a terminal that understands \r and escape sequences (not TERM=dumb).
bool is_terminal(Stream stream);

/// Columns of the terminal now; 80 where that is unknown.
int terminal_width(Stream stream);

/// True iff the locale of the environment (LC_ALL, LC_CTYPE, LANG) is a UTF-8 one.
bool unicode_wanted();

}  // namespace heed::kit
