#include <heed/examples/kit/interrupt.h>

#include <csignal>
#include <initializer_list>

namespace heed::kit {
namespace {

volatile std::sig_atomic_t caught = 0;

extern "C" void note_signal(int signal) {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  caught = signal;
}

}  // namespace

void watch_interrupts() {
  caught = 0;
  // A shell starts background jobs with SIGINT ignored: it stays so.
  for (const int signal : {SIGINT, SIGTERM})
    if (std::signal(signal, note_signal) == SIG_IGN) std::signal(signal, SIG_IGN);
}

bool interrupted() { return caught != 0; }

int interrupt_exit_code() { return caught == 0 ? 0 : 128 + static_cast<int>(caught); }

}  // namespace heed::kit
