// Whatever a plugin changes of the process is told by name and put back.
#include "evaluation/process_state.h"

#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <fcntl.h>
#include <fenv.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "library/running_plugin.h"

namespace gauntlet {
namespace {

struct Change {
  const char* name;
  std::function<void()> make;
  bool computes_otherwise;
};

at::Context& torch_settings() { return at::globalContext(); }

class ProcessStates : public ::testing::TestWithParam<Change> {};

TEST_P(ProcessStates, ArePutBackAndNamed) {
  const Change& change = GetParam();
  evaluation::ProcessState state;
  ASSERT_EQ(evaluation::ProcessState::disturbed(), nullptr);
  change.make();
  if (change.computes_otherwise)
    EXPECT_STREQ(evaluation::ProcessState::disturbed(), change.name);
  else
    EXPECT_EQ(evaluation::ProcessState::disturbed(), nullptr);
  EXPECT_EQ(state.put_back(), std::vector<std::string>{change.name});
  EXPECT_EQ(evaluation::ProcessState::disturbed(), nullptr);
  EXPECT_TRUE(state.put_back().empty()) << "all is as it was";
}

INSTANTIATE_TEST_SUITE_P(
    All, ProcessStates,
    ::testing::Values(
        Change{"LibTorch's default dtype",
               [] { c10::set_default_dtype(caffe2::TypeMeta::Make<double>()); }, true},
        Change{"whether LibTorch uses oneDNN", [] { torch_settings().setUserEnabledMkldnn(false); },
               true},
        Change{"LibTorch's precision of float32",
               [] {
                 torch_settings().setFloat32Precision(
                     at::Float32Backend::MKLDNN, at::Float32Op::ALL, at::Float32Precision::BF16);
               },
               true},
        Change{"LibTorch's precision of float32",
               [] { torch_settings().setFloat32MatmulPrecision("medium"); }, true},
        Change{"LibTorch's choice of deterministic algorithms",
               [] { torch_settings().setDeterministicAlgorithms(true, true); }, true},
        Change{"LibTorch's inference mode", [] { new c10::InferenceMode(true); }, true},
        Change{"the rounding mode", [] { ::fesetround(FE_DOWNWARD); }, true},
        Change{"which errors of arithmetic end the process", [] { ::feenableexcept(FE_DIVBYZERO); },
               true},
        Change{"what becomes of numbers near 0 (flush denormals)",
               [] { torch_settings().setFlushDenormal(true); }, true},
        Change{"how LibTorch dispatches operations (autocast and its like)",
               [] { at::autocast::set_autocast_enabled(at::kCPU, true); }, true},
        Change{"whether LibTorch records gradients",
               [] { at::GradMode::set_enabled(!at::GradMode::is_enabled()); }, false},
        Change{"the number of threads", [] { at::set_num_threads(at::get_num_threads() + 1); },
               false},
        Change{"the current folder", [] { ASSERT_EQ(::chdir("/"), 0); }, false},
        Change{"the locale",
               [] {
                 struct Comma : std::numpunct<char> {
                   char do_decimal_point() const override { return ','; }
                 };
                 std::locale::global(std::locale(std::locale(), new Comma));
               },
               false},
        Change{"what signals do", [] { ::signal(SIGTERM, SIG_IGN); }, false},
        Change{"the limits of the process",
               [] {
                 rlimit limit{};
                 ::getrlimit(RLIMIT_NOFILE, &limit);
                 --limit.rlim_cur;
                 ::setrlimit(RLIMIT_NOFILE, &limit);
               },
               false},
        Change{"standard output", [] { ::close(STDOUT_FILENO); }, false},
        Change{"standard error",
               [] {
                 const int nowhere = ::open("/dev/null", O_WRONLY);
                 ::dup2(nowhere, STDERR_FILENO);
                 ::close(nowhere);
               },
               false}));

TEST(ProcessStateScopes, TheInnerOneIsHeldAgainst) {
  const evaluation::ProcessState outer;
  {
    evaluation::ProcessState inner;
    ::fesetround(FE_UPWARD);
    EXPECT_NE(evaluation::ProcessState::disturbed(), nullptr);
  }
  EXPECT_EQ(::fegetround(), FE_TONEAREST);
  EXPECT_EQ(evaluation::ProcessState::disturbed(), nullptr);
}

TEST(ProcessStateScopes, AForkedChildIsNoSecondHost) {
  const std::string who = "a plugin";
  const library::Running running(who);
  evaluation::ProcessState state;
  const pid_t child = ::fork();
  if (child == 0) {
    evaluation::ProcessState::disturbed();
    ::_exit(7);  // not reached
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(state.put_back(), std::vector<std::string>{"another process"});
}

TEST(OwnGenerators, DrawingAndSeedingAreSeenAndUndone) {
  const evaluation::OwnGenerator before;
  EXPECT_FALSE(before.used());
  const at::Tensor first = torch::rand({4});
  EXPECT_TRUE(before.used());
  before.put_back();
  EXPECT_TRUE(torch::rand({4}).equal(first));
  before.put_back();
  at::manual_seed(5);
  EXPECT_TRUE(before.used());
  before.put_back();
  EXPECT_FALSE(before.used());
}

}  // namespace
}  // namespace gauntlet
