// One option of a command line: its value read, checked and shown. Used by cli.cpp.
#pragma once

#include <string>
#include <vector>

#include <heed/examples/kit/cli.h>

namespace heed::kit {

/// Reads `text` into the option's variable. Throws UsageError naming option, value and expectation.
void assign(const Option& option, const std::string& text);

/// "N", "X", "FILE", "pre|post"; "" for a flag.
std::string value_name(const Option& option);

/// "an integer of at least 1", "one of pre, post".
std::string expectation(const Option& option);

/// The variable's value, exactly: reading the text gives it again.
std::string value_of(const Option& option);

/// The variable's value for --help; "" if there is none to show.
std::string shown_default(const Option& option);

/// The word of `words` that is nearest to `word` by edit distance (a swap of neighbours counts as
/// one), or that starts with it; "" when none is near.
std::string nearest(const std::string& word, const std::vector<std::string>& words);

}  // namespace heed::kit
