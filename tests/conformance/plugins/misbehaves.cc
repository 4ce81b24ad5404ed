// Misbehaves as it is told to; all else is an honest FGSM.
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/DefaultDtype.h>
#include <fenv.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <limits>
#include <locale>

#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct Comma : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
};

struct Misbehaves final : Attack {
  struct Params {
    std::string how = "not at all";

    void fields(auto&& visit) { visit(how, "how", "what it does wrong"); }
  } p;

  bool is(const char* how) const { return p.how == how; }

  AttackFacts facts() const override {
    if (is("facts throw")) throw 3;
    if (is("facts change")) return {.minimal_norm = ++asked_ > 3};
    return {.access = Access::kGradient};
  }

  Tensor honest(Target& target, const Task& task) const {
    const Tensor g = target.gradient(task.x, task.loss_or(cross_entropy)).x;
    return task.x + task.threat.project(task.x, task.threat.epsilon * task.threat.steepest(g));
  }

  // What it is lent.
  void write(Target& target, const Task& task) const {
    if (is("raises epsilon")) Tensor(task.threat.epsilon).mul_(4);
    if (is("lowers epsilon")) Tensor(task.threat.epsilon).mul_(0.01);
    if (is("writes labels")) Tensor(task.y).add_(1).remainder_(4);
    if (is("writes images")) Tensor(task.x).add_(0.01);
    if (is("writes images unseen")) task.x.mutable_data_ptr<float>()[0] += 0.25f;
    if (is("writes noise keys")) Tensor(task.noise.key.id).zero_();
    if (is("shrinks images")) Tensor(task.x).resize_({1});
    if (is("writes into logits")) {
      const Outputs seen = target.scores(task.x);
      Tensor(seen.logits).fill_(5);
    }
    const auto ask = [&](const Loss& loss) { target.gradient(task.x, loss); };
    if (is("loss writes logits"))
      ask([](const Outputs& o, const Rows& rows) {
        Tensor(o.logits.detach()).zero_();
        return cross_entropy(Goal::kUntargeted)(o, rows);
      });
    if (is("loss writes rows"))
      ask([](const Outputs& o, const Rows& rows) {
        Tensor(rows.y).zero_(), Tensor(rows.sample).zero_();
        return cross_entropy(Goal::kUntargeted)(o, rows);
      });
    if (is("loss is one number")) ask([](const Outputs& o, const Rows&) { return o.logits.sum(); });
    if (is("asks in double")) target.scores(task.x.to(torch::kDouble));
  }

  // What all plugins share.
  void change() const {
    at::Context& torch = at::globalContext();
    if (is("default dtype")) c10::set_default_dtype(caffe2::TypeMeta::Make<double>());
    if (is("oneDNN off")) torch.setUserEnabledMkldnn(false);
    if (is("reduced precision"))
      torch.setFloat32Precision(at::Float32Backend::MKLDNN, at::Float32Op::ALL,
                                at::Float32Precision::BF16);
    if (is("deterministic")) torch.setDeterministicAlgorithms(true, false);
    if (is("rounds up")) ::fesetround(FE_UPWARD);
    if (is("flushes")) torch.setFlushDenormal(true);
    if (is("inference mode")) new c10::InferenceMode(true);
    if (is("gradients on")) at::GradMode::set_enabled(true);
    if (is("threads")) at::set_num_threads(at::get_num_threads() + 1);
    if (is("folder") && ::chdir("/") != 0) throw std::runtime_error("no folder /");
    if (is("locale")) std::locale::global(std::locale(std::locale(), new Comma));
    if (is("limits")) {
      rlimit files{};
      ::getrlimit(RLIMIT_NOFILE, &files);
      files.rlim_cur = files.rlim_max = files.rlim_max - 1;
      ::setrlimit(RLIMIT_NOFILE, &files);
    }
    if (is("closes files"))
      for (int descriptor = 3; descriptor < 1024; ++descriptor) ::close(descriptor);
    if (is("crashes at the exit")) std::atexit([] { std::abort(); });
    if (is("signals")) std::signal(SIGTERM, SIG_IGN);
    if (is("seeds")) at::manual_seed(7);
    if (is("draws")) torch::rand({3});
    if (is("exit")) std::exit(0);
    if (is("_exit")) ::_exit(0);
    if (is("quick_exit")) std::quick_exit(0);
    if (is("abort")) std::abort();
    if (is("segfault")) std::raise(SIGSEGV);
  }

  Tensor run(Target& target, const Task& task) override {
    if (is("throws")) throw std::runtime_error("it gave up");
    if (is("throws a number")) throw 42;
    if (is("throws megabytes")) throw std::runtime_error(std::string(8 << 20, 'x'));
    if (is("throws no UTF-8")) throw std::runtime_error("bad \xff\xfe bytes");
    if (is("throws with frames")) torch::zeros({2}).view({3});
    change();
    const Tensor x = honest(target, task);
    write(target, task);
    if (is("one epsilon for all")) {
      const Tensor g = target.gradient(task.x, task.loss_or(cross_entropy)).x;
      return (task.x + task.threat.epsilon.flatten()[0] * task.threat.steepest(g)).clamp(0, 1);
    }
    if (is("images in place")) return Tensor(task.x).copy_(1 - task.x);
    if (is("double")) return x.to(torch::kDouble);
    if (is("sparse")) return x.to_sparse();
    if (is("undefined")) return {};
    if (is("not finite")) return x * std::numeric_limits<float>::quiet_NaN();
    if (is("kept")) {  // what it answered is the host's by then
      static Tensor kept;
      if (kept.defined()) kept.fill_(0.5);
      kept = x;
    }
    if (is("view")) return x.transpose(2, 3).contiguous().transpose(2, 3);
    if (is("requires gradients")) return x.clone().requires_grad_(true);
    return x;
  }

  mutable int asked_ = 0;
};
}  // namespace

GAUNTLET_ATTACK(Misbehaves, "misbehaves", "1.0.0", "for tests: misbehaves as it is told to");
