// What an input may cost: libFuzzer stops at one that takes longer, or more memory, unless it is given
// other bounds. (A reader judges sizes before it allocates, so that a small file costs little.)
#include <vector>

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  static char timeout[] = "-timeout=10";             // seconds, under sanitizers
  static char memory[] = "-rss_limit_mb=1024";       // of the whole process
  static char allocation[] = "-malloc_limit_mb=64";  // of one allocation
  static char length[] = "-max_len=4096";
  static std::vector<char*> arguments;
  arguments = {(*argv)[0], timeout, memory, allocation, length};
  arguments.insert(arguments.end(), *argv + 1, *argv + *argc);  // those that are given hold
  *argc = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  *argv = arguments.data();
  return 0;
}
