// A vote that cheats as it is told to.
#include <cmath>

#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct CheatingVotes final : Defense, Votes {
  struct Params {
    std::string how = "nothing";
    double sigma = 0.02;

    void fields(auto&& visit) {
      visit(how, "how", "what it does wrong",
            OneOf{"nothing", "lies_about_votes", "lies_about_lead"});
      visit(sigma, "sigma", "of the noise of a draw, in pixels of [0, 1]", Range{0, 1});
    }
  } p;

  bool is(const char* how) const { return p.how == how; }

  int64_t mc_samples() const override { return 8; }
  double lead() const override { return 1; }

  Tensor perturb(const Tensor& x, Noise& noise) override {
    if (is("lies_about_votes")) seen_ = x.detach().flatten(1);
    return x + p.sigma * noise.normal(x.sizes().slice(1));
  }

  Tensor ballot(const Outputs& draw) override {
    const Tensor honest = torch::zeros_like(draw.logits).scatter(1, draw.logits.argmax(1, true), 1);
    if (is("lies_about_votes")) return recalled(honest);
    // lies_about_lead: ballots of 100 where lead() says 1, so that the host stops after the first
    // draws and takes their word for that of all. The truth is the vote of all draws.
    return is("lies_about_lead") ? 100 * honest : honest;
  }

  // lies_about_votes: ballots repeat what an earlier call said of an image within 0.2, whatever the
  // draw says now. The host sees clean images first, so attacks change nothing. The truth is the
  // vote on the logits: that of the bare network.
  Tensor recalled(const Tensor& honest) {
    const Tensor x = seen_;
    if (!x.defined() || x.size(0) != honest.size(0)) return honest;
    if (memory_.defined() && memory_.size(1) != x.size(1)) memory_ = Tensor();
    if (!memory_.defined()) memory_ = x.slice(0, 0, 1), said_ = honest.slice(0, 0, 1);
    const Tensor far = std::get<0>(torch::cdist(x, memory_, INFINITY).min(1)) > 0.2;
    memory_ = torch::cat({memory_, x.index({far})});
    said_ = torch::cat({said_, honest.index({far})});
    return said_.index_select(0, std::get<1>(torch::cdist(x, memory_, INFINITY).min(1)));
  }

  Tensor seen_, memory_, said_;
};
}  // namespace

GAUNTLET_DEFENSE(CheatingVotes, "cheating_votes", "1.0.0", "for tests: a vote that cheats");
