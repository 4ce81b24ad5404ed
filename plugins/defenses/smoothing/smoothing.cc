// Smoothed inference: noisy copies of the input vote. Nemcovsky et al., 2022,
// https://arxiv.org/abs/1911.07198; hard vote as Cohen et al., 2019,
// https://arxiv.org/abs/1902.02918
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct Smoothing final : Defense, Votes {
  struct Params {
    double sigma = 0.25, ratio = 0.5;
    int64_t mc_samples = 8;
    std::string vote = "prediction";

    void fields(auto&& visit) {
      visit(sigma, "sigma", "standard deviation of the input noise, in pixels of [0, 1]",
            Range{0, 1});
      visit(mc_samples, "mc_samples", "noisy copies a prediction", Range{1, 100'000});
      visit(vote, "vote", "what a copy adds: its best class, all classes by rank, probabilities",
            OneOf{"prediction", "weighted", "soft"});
      visit(ratio, "ratio", "weighted: each rank counts this much of the rank above", Range{0, 1});
    }
  } p;

  int64_t mc_samples() const override { return p.mc_samples; }

  Tensor perturb(const Tensor& x, Noise& noise) override {  // not clamped to the box
    return p.sigma == 0 ? x : x + p.sigma * noise.normal(x.sizes().slice(1));
  }

  Tensor ballot(const Outputs& out) override {
    if (p.vote == "soft") return out.logits.softmax(1);
    const Tensor none = torch::zeros_like(out.logits);
    if (p.vote == "prediction") return none.scatter(1, out.logits.argmax(1, true), 1);
    const Tensor order = torch::argsort(out.logits, /*stable=*/true, 1, /*descending=*/true);
    const Tensor by_rank = torch::pow(p.ratio, torch::arange(none.size(1), none.options()));
    return none.scatter(1, order, by_rank.expand_as(none));
  }

  double lead() const override { return 1; }  // the first rank counts 1, the last at least 0
};
}  // namespace

GAUNTLET_DEFENSE(Smoothing, "smoothing", "1.0.0", "votes over noisy copies of the input");
