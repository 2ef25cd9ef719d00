// Limits on time and memory per input: libFuzzer stops at an input that exceeds them, unless it is given
// other limits. (A reader checks sizes before it allocates, so a small file costs little.)
#include <vector>

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  static char timeout[] = "-timeout=10";             // seconds, under sanitizers
  static char memory[] = "-rss_limit_mb=1024";       // of the whole process
  static char allocation[] = "-malloc_limit_mb=64";  // of one allocation
  static char length[] = "-max_len=4096";
  static std::vector<char*> arguments;
  arguments = {(*argv)[0], timeout, memory, allocation, length};
  arguments.insert(arguments.end(), *argv + 1, *argv + *argc);  // given arguments take precedence
  *argc = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  *argv = arguments.data();
  return 0;
}
