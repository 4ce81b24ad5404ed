// Whether a defense that draws noise is changed by it.
#include <algorithm>

#include "audit/probe_groups.h"
#include "sdk/noise_count.h"

namespace gauntlet::audit {
namespace {
using results::Check;
using results::Level;

constexpr int64_t kNoiseImages = 32, kNoiseDraws = 4;
// Spread of logits over draws, as a share of their spread over classes: 0.04 to 0.07 for PNI, CNI,
// RSE and smoothing.
constexpr double kHardlyActs = 1e-4;
}  // namespace

void probe_noise(const Subject& subject, Checks& out) {
  evaluation::DefendedModel& model = subject.model;
  const int64_t n = std::min(kNoiseImages, subject.size());
  const evaluation::CraftBatch part = {subject.batch.x.narrow(0, 0, n),
                                       subject.batch.y.narrow(0, 0, n),
                                       subject.batch.index.narrow(0, 0, n)};
  const Noise noise = subject.noise(Purpose::kAgain, part);
  const auto logits = [&](int64_t draw, models::Mode mode) {
    const Tensor x = part.x.clone().requires_grad_(at::GradMode::is_enabled());
    return model.pass(x, noise.at(1, draw), mode).logits.detach().to(torch::kDouble);
  };
  const int64_t before = noise_calls();
  {
    const at::AutoGradMode as_attacks_ask(true);
    logits(0, models::Mode::kFolded);
  }
  std::vector<Tensor> drawn;
  {
    const at::NoGradGuard no_graph;
    for (int64_t draw = 0; draw < kNoiseDraws; ++draw)
      drawn.push_back(logits(draw, models::Mode::kEvaluate));
  }
  const int64_t asked = noise_calls() - before;
  const bool votes = model.votes() && model.mc_samples() > 1;
  if (asked == 0 && !votes && !model.stochastic()) return;
  const Tensor all = torch::stack(drawn);  // [draws, N, K]
  const double by_draw = all.std(at::IntArrayRef({0}), /*unbiased=*/true).mean().item<double>();
  const double by_class =
      all.mean(0).std(at::IntArrayRef({1}), /*unbiased=*/true).mean().item<double>();
  const double effect = by_class > 0 ? by_draw / by_class : 0;
  Check check = {{"noise_acts"}, Level::kPass};
  if (by_draw == 0)
    check.level = Level::kFail;
  else if (effect < kHardlyActs)
    check.level = Level::kWarn;
  check.finding.figures = {{"effect", effect}, {"asked", asked}, {"ballots", model.mc_samples()}};
  out.push_back(check);
}

}  // namespace gauntlet::audit
