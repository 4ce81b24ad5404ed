// What every plugin of a process shares beside its arguments: LibTorch's settings, the processor's
// arithmetic, the surroundings. A plugin that changes them must not change another's numbers.
#pragma once
#include <ATen/Context.h>
#include <c10/core/AutogradState.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <array>
#include <clocale>
#include <filesystem>
#include <locale>
#include <string>
#include <vector>

#include "results/finding.h"

namespace gauntlet::evaluation {

/// Remembers the state of its construction; its end puts that back. Made and ended like a scope of
/// the thread that computes.
class ProcessState {
 public:
  ProcessState();
  ~ProcessState();
  ProcessState(const ProcessState&) = delete;
  ProcessState& operator=(const ProcessState&) = delete;

  /// What computes otherwise than when the innermost state of this thread was made, by name ("the
  /// rounding mode"); null: nothing does, or none was made. Cheap enough for every call of a
  /// plugin. A child that a plugin forked ends here: it is no second host.
  static const char* disturbed();

  /// Restores everything; returns the names of settings that had changed.
  std::vector<std::string> put_back();

 private:
  static constexpr std::array kSignals = {SIGINT,  SIGTERM, SIGHUP,  SIGPIPE, SIGSEGV,
                                          SIGBUS,  SIGFPE,  SIGILL,  SIGABRT, SIGALRM,
                                          SIGCHLD, SIGXFSZ, SIGUSR1, SIGUSR2};
  static constexpr std::array kLimits = {RLIMIT_FSIZE, RLIMIT_NOFILE, RLIMIT_AS, RLIMIT_DATA};
  struct Arithmetic {
    caffe2::TypeMeta dtype;
    std::array<at::Float32Precision, 9> precision;
    bool mkldnn, cudnn, cudnn_benchmark, deterministic, warn_only, deterministic_mkldnn,
        deterministic_cudnn, inference_mode;
    int rounding, traps;
    bool flushes;
    uint64_t included, excluded;  // dispatch keys: autocast and its like
  };
  struct Stream {
    bool open;
    dev_t device;
    ino_t file;
  };

  static Arithmetic arithmetic();
  static Stream stream(int descriptor);
  static const char* difference(const Arithmetic& a, const Arithmetic& b);
  void put_back_arithmetic(const Arithmetic& now) const;
  void put_back_surroundings(std::vector<std::string>& changed) const;
  void put_back_process(std::vector<std::string>& changed) const;

  ProcessState* const outer_;
  const Arithmetic arithmetic_;
  const at::Float32MatmulPrecision matmul_;
  const c10::AutogradState autograd_;
  const c10::impl::LocalDispatchKeySet keys_;
  const int threads_;
  const std::filesystem::path folder_;
  const std::locale locale_;
  const std::string c_locale_;
  const pid_t process_;
  const uint64_t forks_;
  std::array<struct sigaction, kSignals.size()> signals_;
  std::array<rlimit, kLimits.size()> limits_;
  std::array<Stream, 3> streams_;
};

/// Names beside those that put_back() restored. A hard limit once lowered stays so for all but
/// root.
constexpr const char* kLoweredLimits = "limits of the process for good";
constexpr const char* kForked = "another process";
constexpr const char* kOwnGenerator = "LibTorch's own random generator";

/// The finding that `who` changed it.
results::Finding told_of_change(const std::string& who, const std::string& what);

/// LibTorch's own generator, which no number of the host comes from.
class OwnGenerator {
 public:
  OwnGenerator();
  /// Whether it was used or seeded since construction.
  bool used() const;
  void put_back() const;
  /// Numbers of a seed, so that who draws from it gets the same in every run.
  static void seed(uint64_t seed);

 private:
  at::Tensor state_;
};

}  // namespace gauntlet::evaluation
