// Certifies what does not hold, cannot hold, or nothing at all.
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct FalseCertificates final : Defense, Votes, Certifies {
  struct Params {
    double sigma = 0.1;
    std::string what = "too_much";

    void fields(auto&& visit) {
      visit(sigma, "sigma", "of the noise", Range{0, 1});
      visit(what, "what", "is wrong", OneOf{"too_much", "negative", "throws"});
    }
  } p;

  int64_t mc_samples() const override { return 16; }
  Tensor perturb(const Tensor& x, Noise& noise) override {
    return x + p.sigma * noise.normal(x.sizes().slice(1));
  }
  Tensor ballot(const Outputs& out) override {
    return torch::zeros_like(out.logits).scatter(1, out.logits.argmax(1, true), 1);
  }
  double alpha() const override { return 0.001; }
  Certificate certify(const Tensor& x, View& view, Noise&) override {
    if (p.what == "throws") throw std::runtime_error("no certificate today");
    const double radius = p.what == "negative" ? -1 : 100;
    return {view.ballots(x, 50).argmax(1), torch::full({x.size(0)}, radius, torch::kDouble)};
  }
};
}  // namespace

GAUNTLET_DEFENSE(FalseCertificates, "false_certificates", "1.0.0", "certifies what does not hold");
