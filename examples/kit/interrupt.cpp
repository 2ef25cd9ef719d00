#include <heed/examples/kit/interrupt.h>

#include <csignal>

namespace heed::kit {
namespace {

constexpr int watched[] = {SIGINT, SIGTERM,
#ifdef SIGHUP
                           SIGHUP, SIGPIPE
#endif
};

volatile std::sig_atomic_t caught = 0;

extern "C" void note_signal(int signal) {
  const bool asks = signal == SIGINT || signal == SIGTERM;
  // A terminal that closes sends SIGHUP more than once (from its shell, then from the kernel), and each
  // write to a pipe without a reader raises another SIGPIPE: neither means that saving takes too long.
  if (caught != 0 && !asks) return;
#ifdef SIGPIPE
  if (signal != SIGPIPE)
#endif
  {
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
  }
  caught = signal;
}

}  // namespace

void watch_interrupts() {
  caught = 0;
  // A shell starts background jobs with SIGINT ignored, nohup ignores SIGHUP: these stay ignored.
  for (const int signal : watched)
    if (std::signal(signal, note_signal) == SIG_IGN) std::signal(signal, SIG_IGN);
}

bool interrupted() { return caught != 0; }

bool reader_is_gone() {
#ifdef SIGPIPE
  return caught == SIGPIPE;
#else
  return false;
#endif
}

int interrupt_exit_code() { return caught == 0 ? 0 : 128 + static_cast<int>(caught); }

}  // namespace heed::kit
