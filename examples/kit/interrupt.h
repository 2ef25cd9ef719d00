// Ctrl-C and SIGTERM: the first asks the program to finish its step and save, the second ends it.
//
//     kit::watch_interrupts();
//     for (…) { …; if (kit::interrupted()) { save(); break; } }
#pragma once

namespace heed::kit {

/// From now on the first SIGINT or SIGTERM only sets a flag; the next one has its default effect.
void watch_interrupts();

/// True once a signal came.
bool interrupted();

/// 128 + the signal's number (130 for Ctrl-C, 143 for SIGTERM), 0 when none came.
int interrupt_exit_code();

}  // namespace heed::kit
