#include "base/waiting.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <string_view>
#include <thread>

#include "base/processors.h"

namespace gauntlet {
namespace {

// Turns of libgomp's waiting loop, some 50 microseconds: enough for the next parallel region of a
// forward pass on an idle machine. Its own choice is 300,000.
constexpr const char* kSpins = "10000";

int number_of(std::string_view text) {
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return std::max(number, 0);
}

// Threads of others that go on running: one that ends at once is no reason to change anything.
int lasting_others() {
  int least = running_threads();
  for (int i = 0; i < 3 && least > 1; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    least = std::min(least, running_threads());
  }
  return std::max(least - 1, 0);
}
}  // namespace

std::pair<std::string, std::string> way_to_wait(int threads, int available, int online,
                                                int others) {
  if (threads > available || threads + others > online) return {"OMP_WAIT_POLICY", "passive"};
  return {"GOMP_SPINCOUNT", kSpins};
}

int threads_asked_for(int argc, const char* const* argv) {
  constexpr std::string_view flag = "--threads";
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == flag && i + 1 < argc) return number_of(argv[i + 1]);
    if (word.substr(0, flag.size() + 1) == "--threads=")
      return number_of(word.substr(flag.size() + 1));
  }
  return 0;
}

void wait_briefly(int argc, char** argv) {
  for (const char* own : {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"})
    if (std::getenv(own)) return;
  const int available = available_processors();
  int threads = threads_asked_for(argc, argv);
  if (const char* own = std::getenv("OMP_NUM_THREADS"); own && threads == 0)
    threads = number_of(own);
  if (threads == 0) threads = available;
  if (threads == 1) return;  // nobody waits for anybody
  const auto [name, value] =
      way_to_wait(threads, available, int(sysconf(_SC_NPROCESSORS_ONLN)), lasting_others());
  setenv(name.c_str(), value.c_str(), 1);
  execv("/proc/self/exe", argv);  // comes back where it cannot: the program runs as it is
}

}  // namespace gauntlet
