#include "evaluation/process_state.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <c10/core/DefaultDtype.h>
#include <fcntl.h>
#include <fenv.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cfloat>

#include "library/running_plugin.h"

namespace gauntlet::evaluation {
namespace {
using at::Float32Backend;
using at::Float32Op;

constexpr std::array<std::pair<Float32Backend, Float32Op>, 9> kPrecisions = {
    {{Float32Backend::GENERIC, Float32Op::ALL},
     {Float32Backend::MKLDNN, Float32Op::ALL},
     {Float32Backend::MKLDNN, Float32Op::CONV},
     {Float32Backend::MKLDNN, Float32Op::RNN},
     {Float32Backend::MKLDNN, Float32Op::MATMUL},
     {Float32Backend::CUDA, Float32Op::ALL},
     {Float32Backend::CUDA, Float32Op::CONV},
     {Float32Backend::CUDA, Float32Op::RNN},
     {Float32Backend::CUDA, Float32Op::MATMUL}}};

thread_local ProcessState* innermost = nullptr;

std::atomic<uint64_t> forks{0};
void count_fork() {
  if (library::running_plugin()) ++forks;  // the host forks too, to try out programs
}
uint64_t count_of_forks() {
  static const int registered = ::pthread_atfork(nullptr, &count_fork, nullptr);
  (void)registered;
  return forks;
}

// Whether the processor takes numbers near 0 for 0: LibTorch sets it and cannot be asked.
bool flushes_denormals() {
  volatile float least = FLT_MIN;
  return least / 2 == 0.0f;
}

const char* name_of(at::Float32MatmulPrecision precision) {
  switch (precision) {
    case at::Float32MatmulPrecision::HIGHEST:
      return "highest";
    case at::Float32MatmulPrecision::HIGH:
      return "high";
    case at::Float32MatmulPrecision::MEDIUM:
      return "medium";
  }
  return "highest";
}

// Copies of the standard streams, kept from the first state on.
int kept_stream(int descriptor) {
  static const std::array<int, 3> kept = [] {
    std::array<int, 3> out{};
    for (int i = 0; i < 3; ++i) out[size_t(i)] = ::fcntl(i, F_DUPFD_CLOEXEC, 100);
    return out;
  }();
  return kept[size_t(descriptor)];
}

// Whoever closes descriptors in a row closes one of these, too: the copies, far up, and one that
// was free when the first state was made. The store is then closed as well.
bool files_are_closed() {
  static const int near_the_lowest = ::fcntl(kept_stream(STDERR_FILENO), F_DUPFD_CLOEXEC, 3);
  const auto closed = [](int descriptor) {
    return descriptor >= 0 && ::fcntl(descriptor, F_GETFD) < 0;
  };
  return closed(near_the_lowest) || closed(kept_stream(0)) || closed(kept_stream(1)) ||
         closed(kept_stream(2));
}

std::filesystem::path current_folder() {
  std::error_code failed;
  return std::filesystem::current_path(failed);
}

at::Generator generator() { return at::detail::getDefaultCPUGenerator(); }
}  // namespace

ProcessState::Arithmetic ProcessState::arithmetic() {
  const at::Context& context = at::globalContext();
  const c10::impl::LocalDispatchKeySet keys = c10::impl::tls_local_dispatch_key_set();
  Arithmetic out{};
  out.dtype = c10::get_default_dtype();
  for (size_t i = 0; i < kPrecisions.size(); ++i)
    out.precision[i] = context.float32Precision(kPrecisions[i].first, kPrecisions[i].second);
  out.mkldnn = context.userEnabledMkldnn();
  out.cudnn = context.userEnabledCuDNN(), out.cudnn_benchmark = context.benchmarkCuDNN();
  out.deterministic = context.deterministicAlgorithms();
  out.warn_only = context.deterministicAlgorithmsWarnOnly();
  out.deterministic_mkldnn = context.deterministicMkldnn();
  out.deterministic_cudnn = context.deterministicCuDNN();
  out.inference_mode = c10::AutogradState::get_tls_state().get_inference_mode();
  out.rounding = ::fegetround(), out.traps = ::fegetexcept();
  out.flushes = flushes_denormals();
  out.included = keys.included_.raw_repr(), out.excluded = keys.excluded_.raw_repr();
  return out;
}

const char* ProcessState::difference(const Arithmetic& a, const Arithmetic& b) {
  if (a.dtype != b.dtype) return "LibTorch's default dtype";
  if (a.precision != b.precision) return "LibTorch's precision of float32";
  if (a.mkldnn != b.mkldnn) return "whether LibTorch uses oneDNN";
  if (a.cudnn != b.cudnn || a.cudnn_benchmark != b.cudnn_benchmark)
    return "whether LibTorch uses cuDNN";
  if (a.deterministic != b.deterministic || a.warn_only != b.warn_only ||
      a.deterministic_mkldnn != b.deterministic_mkldnn ||
      a.deterministic_cudnn != b.deterministic_cudnn)
    return "LibTorch's choice of deterministic algorithms";
  if (a.inference_mode != b.inference_mode) return "LibTorch's inference mode";
  if (a.rounding != b.rounding) return "the rounding mode";
  if (a.traps != b.traps) return "which errors of arithmetic end the process";
  if (a.flushes != b.flushes) return "what becomes of numbers near 0 (flush denormals)";
  if (a.included != b.included || a.excluded != b.excluded)
    return "how LibTorch dispatches operations (autocast and its like)";
  return nullptr;
}

ProcessState::Stream ProcessState::stream(int descriptor) {
  struct stat about {};
  if (::fstat(descriptor, &about) != 0) return {false, 0, 0};
  return {true, about.st_dev, about.st_ino};
}

ProcessState::ProcessState()
    : outer_(innermost),
      arithmetic_(arithmetic()),
      matmul_(at::globalContext().float32MatmulPrecision()),
      autograd_(c10::AutogradState::get_tls_state()),
      keys_(c10::impl::tls_local_dispatch_key_set()),
      threads_(at::get_num_threads()),
      folder_(current_folder()),
      c_locale_(std::setlocale(LC_ALL, nullptr)),
      process_(::getpid()),
      forks_(count_of_forks()) {
  for (size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], nullptr, &signals_[i]);
  for (size_t i = 0; i < kLimits.size(); ++i) ::getrlimit(kLimits[i], &limits_[i]);
  for (int i = 0; i < 3; ++i) streams_[size_t(i)] = stream(i), kept_stream(i);
  files_are_closed();  // opens what it looks at
  innermost = this;
}

ProcessState::~ProcessState() {
  put_back();
  innermost = outer_;
}

const char* ProcessState::disturbed() {
  if (!innermost) return nullptr;
  if (::getpid() != innermost->process_) ::syscall(SYS_exit_group, 0);
  if (files_are_closed()) library::end_since_plugin("it closed the host's files");
  return difference(innermost->arithmetic_, arithmetic());
}

void ProcessState::put_back_arithmetic(const Arithmetic& now) const {
  at::Context& context = at::globalContext();
  ::fesetround(arithmetic_.rounding);
  ::fedisableexcept(FE_ALL_EXCEPT);
  ::feenableexcept(arithmetic_.traps);
  if (now.flushes != arithmetic_.flushes) at::Context::setFlushDenormal(arithmetic_.flushes);
  c10::set_default_dtype(arithmetic_.dtype);
  context.setUserEnabledMkldnn(arithmetic_.mkldnn);
  context.setUserEnabledCuDNN(arithmetic_.cudnn);
  context.setBenchmarkCuDNN(arithmetic_.cudnn_benchmark);
  context.setDeterministicAlgorithms(arithmetic_.deterministic, arithmetic_.warn_only);
  context.setDeterministicMkldnn(arithmetic_.deterministic_mkldnn);
  context.setDeterministicCuDNN(arithmetic_.deterministic_cudnn);
  if (now.precision == arithmetic_.precision) return;
  context.setFloat32MatmulPrecision(name_of(matmul_));
  for (size_t i = 0; i < kPrecisions.size(); ++i)
    context.setFloat32Precision(kPrecisions[i].first, kPrecisions[i].second,
                                arithmetic_.precision[i]);
}

void ProcessState::put_back_surroundings(std::vector<std::string>& changed) const {
  if (at::get_num_threads() != threads_) {
    changed.emplace_back("the number of threads");
    at::set_num_threads(threads_);
  }
  if (current_folder() != folder_) {
    changed.emplace_back("the current folder");
    std::error_code failed;
    std::filesystem::current_path(folder_, failed);
  }
  if (std::locale() != locale_ || c_locale_ != std::setlocale(LC_ALL, nullptr)) {
    changed.emplace_back("the locale");
    std::setlocale(LC_ALL, c_locale_.c_str());
    std::locale::global(locale_);
  }
}

void ProcessState::put_back_process(std::vector<std::string>& changed) const {
  for (int i = 0; i < 3; ++i) {
    const Stream &before = streams_[size_t(i)], now = stream(i);
    if (!before.open || (now.open && now.device == before.device && now.file == before.file))
      continue;
    changed.emplace_back(i == 0 ? "standard input" : i == 1 ? "standard output" : "standard error");
    if (::dup2(kept_stream(i), i) >= 0) continue;
    const int nowhere = ::open("/dev/null", O_RDWR);  // no other file may take its number
    if (nowhere >= 0 && nowhere != i) ::dup2(nowhere, i), ::close(nowhere);
  }
  bool handlers = false, limits = false, lowered = false;
  for (size_t i = 0; i < kSignals.size(); ++i) {
    struct sigaction now {};
    if (::sigaction(kSignals[i], nullptr, &now) != 0 || now.sa_handler == signals_[i].sa_handler)
      continue;
    handlers = true;
    ::sigaction(kSignals[i], &signals_[i], nullptr);
  }
  if (handlers) changed.emplace_back("what signals do");
  for (size_t i = 0; i < kLimits.size(); ++i) {
    rlimit now{};
    if (::getrlimit(kLimits[i], &now) != 0 ||
        (now.rlim_cur == limits_[i].rlim_cur && now.rlim_max == limits_[i].rlim_max))
      continue;
    (::setrlimit(kLimits[i], &limits_[i]) == 0 ? limits : lowered) = true;
  }
  if (lowered) changed.emplace_back(kLoweredLimits);
  if (limits) changed.emplace_back("the limits of the process");
  if (forks != forks_) changed.emplace_back(kForked);
}

std::vector<std::string> ProcessState::put_back() {
  std::vector<std::string> changed;
  if (const char* what = disturbed()) {
    changed.emplace_back(what);
    c10::impl::_force_tls_local_dispatch_key_set(keys_);
    put_back_arithmetic(arithmetic());
  }
  const c10::AutogradState& now = c10::AutogradState::get_tls_state();
  if (now.get_inference_mode() == autograd_.get_inference_mode() &&
      now.get_grad_mode() != autograd_.get_grad_mode())
    changed.emplace_back("whether LibTorch records gradients");
  c10::AutogradState::set_tls_state(autograd_);
  put_back_surroundings(changed);
  put_back_process(changed);
  return changed;
}

results::Finding told_of_change(const std::string& who, const std::string& what) {
  const char* code = what == kOwnGenerator    ? "drew_numbers"
                     : what == kForked        ? "forked"
                     : what == kLoweredLimits ? "lowered_limits"
                                              : "changed_process";
  return {code, {{"who", who}, {"what", what}}};
}

OwnGenerator::OwnGenerator() : state_(generator().get_state()) {}
bool OwnGenerator::used() const { return !generator().get_state().equal(state_); }
void OwnGenerator::put_back() const { generator().set_state(state_); }
void OwnGenerator::seed(uint64_t seed) { generator().set_current_seed(seed); }

}  // namespace gauntlet::evaluation
