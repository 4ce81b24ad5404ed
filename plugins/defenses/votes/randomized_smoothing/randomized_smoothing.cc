// Randomized smoothing with certified L2 radii. Cohen, Rosenfeld & Kolter, 2019,
// https://arxiv.org/abs/1902.02918
#include <cmath>

#include "gauntlet/plugin.h"
#include "gauntlet/statistics.h"

namespace {
using namespace gauntlet;

struct RandomizedSmoothing final : Defense, Votes, Certifies {
  struct Params {
    double sigma = 0.25, alpha = 0.001;
    int64_t mc_samples = 100, n0 = 100, n = 1000;

    void fields(auto&& visit) {
      visit(sigma, "sigma", "standard deviation of the input noise, in pixels of [0, 1]",
            Range{0, 10});
      visit(mc_samples, "mc_samples", "noisy copies a prediction", Range{1, 100'000});
      visit(n0, "n0", "noisy copies that choose the class to certify", Range{1, 1'000'000});
      visit(n, "n", "further copies that bound its probability", Range{1, 1'000'000});
      visit(alpha, "alpha", "chance that the certificate of an image does not hold",
            Range{1e-12, 0.5});
    }
  } p;

  int64_t mc_samples() const override { return p.mc_samples; }

  Tensor perturb(const Tensor& x, Noise& noise) override {  // not clamped to the box
    return p.sigma == 0 ? x : x + p.sigma * noise.normal(x.sizes().slice(1));
  }

  Tensor ballot(const Outputs& out) override {
    return torch::zeros_like(out.logits).scatter(1, out.logits.argmax(1, true), 1);
  }

  double lead() const override { return 1; }

  std::vector<std::string> ballot_only() const override {
    return {"mc_samples", "n0", "n", "alpha"};
  }

  double alpha() const override { return p.alpha; }

  Certificate certify(const Tensor& x, View& view, Noise&) override {
    const Tensor answer = view.ballots(x, p.n0).argmax(1);
    // Counts of the same copies would favour the class that they chose.
    const Tensor counts = view.ballots(x, p.n).gather(1, answer.unsqueeze(1)).squeeze(1);
    Certificate out{answer.cpu(), torch::zeros({x.size(0)}, torch::kDouble)};
    const Tensor hits = counts.to(at::kCPU, torch::kDouble);
    for (int64_t i = 0; i < x.size(0); ++i) {
      const int64_t k = std::llround(hits.const_data_ptr<double>()[i]);
      const double chance = clopper_pearson_lower(k, p.n, p.alpha);
      if (chance < 0.5)
        out.answer.mutable_data_ptr<int64_t>()[i] = -1;
      else
        out.radius.mutable_data_ptr<double>()[i] = p.sigma * normal_quantile(chance);
    }
    return out;
  }
};
}  // namespace

GAUNTLET_DEFENSE(RandomizedSmoothing, "randomized_smoothing", "1.0.0",
                 "votes over noisy copies of the input, with certified L2 radii");
