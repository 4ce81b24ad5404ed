// A vote that misbehaves.
#include <limits>

#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct WrongVote final : Defense, Votes {
  struct Params {
    std::string how = "not at all";

    void fields(auto&& visit) { visit(how, "how", "what it does wrong"); }
  } p;

  bool is(const char* how) const { return p.how == how; }

  int64_t mc_samples() const override {
    if (is("draws change")) return calls_ > 12 ? 1 : 4;
    return is("no draws") ? 0 : is("negative") ? -5 : is("endless") ? int64_t{1} << 40 : 4;
  }
  Tensor perturb(const Tensor& x, Noise&) override {
    ++calls_;
    if (is("in place")) return Tensor(x.detach()).add_(0.05).clamp_(0, 1);
    if (is("reads what its ballots read")) return x + 0.01;
    return is("shape") ? x.slice(0, 0, 1) : x;
  }
  Tensor ballot(const Outputs& out) override {
    if (is("ballot's shape")) return out.logits.slice(1, 0, 3);
    if (is("ballot is NaN")) return out.logits * std::numeric_limits<float>::quiet_NaN();
    if (is("ballot throws")) throw std::runtime_error("no ballot");
    if (is("ballot of classes")) return out.logits.argmax(1);
    if (is("writes logits")) return Tensor(out.logits.detach()).zero_();
    return torch::zeros_like(out.logits).scatter(1, out.logits.argmax(1, true), 1);
  }
  std::vector<std::string> ballot_only() const override {
    if (is("names what it has not")) return {"kow"};
    return is("reads what its ballots read") ? std::vector<std::string>{"how"}
                                             : std::vector<std::string>{};
  }
  double lead() const override {
    if (is("lead is NaN")) return std::numeric_limits<double>::quiet_NaN();
    return is("lead is negative") ? -1 : is("lead lies") ? 1e-3 : 1;
  }

  int calls_ = 0;
};
}  // namespace

GAUNTLET_DEFENSE(WrongVote, "wrong_vote", "1.0.0", "for tests: a vote that misbehaves");
