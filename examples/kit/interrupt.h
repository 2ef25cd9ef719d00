// Ctrl-C, SIGTERM and SIGHUP: the first asks the program to finish its step and save, the second ends it.
//
//     kit::watch_interrupts();
//     for (int64_t step = 1; step <= steps; ++step) { …; if (kit::interrupted()) { save(); break; } }
#pragma once

namespace heed::kit {

/// From now on the first SIGINT, SIGTERM or SIGHUP only sets a flag; the next SIGINT or SIGTERM has its
/// default effect. A pipe without a reader (SIGPIPE) sets the flag, too.
void watch_interrupts();

/// True once a signal has arrived.
bool interrupted();

/// True once a write has failed because its pipe has no reader: no more output is needed.
bool reader_is_gone();

/// 128 + the signal's number (130 for Ctrl-C, 143 for SIGTERM, 129 for SIGHUP), 0 if none arrived.
int interrupt_exit_code();

}  // namespace heed::kit
