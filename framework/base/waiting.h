// How the threads of a parallel region wait for each other.
#pragma once
#include <optional>
#include <string>
#include <utility>

namespace gauntlet {

/// What the OpenMP library is told by an environment variable: name and value. `threads` that want
/// to run, `available` processors of this process, `online` ones of the machine, `others`: threads
/// of other processes that run there. Waiting threads sleep where there are more threads than
/// processors, else they spin for some microseconds: without a bound they spin for milliseconds,
/// and on a busy machine each holds the processor that another one needs.
std::pair<std::string, std::string> way_to_wait(int threads, int available, int online, int others);

/// Sets way_to_wait() for this process, which OpenMP reads when it is loaded: starts the program
/// anew, once. Does nothing where the user has set OMP_WAIT_POLICY, GOMP_SPINCOUNT or
/// KMP_BLOCKTIME. The first thing a main() does.
void wait_briefly(int argc, char** argv);

/// The value of `--threads N` or `--threads=N` on a command line that was not read yet; 0: absent.
int threads_asked_for(int argc, const char* const* argv);

}  // namespace gauntlet
