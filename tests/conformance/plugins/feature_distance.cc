// Steps that carry the values inside of the network away from those of the clean image.
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct FeatureDistance final : Attack {
  struct Params {
    std::string feature = "penultimate";
    int64_t steps = 10;

    void fields(auto&& visit) {
      visit(feature, "feature", "the value of the network that is to move");
      visit(steps, "steps", "gradient steps", Range{1, 10000});
    }
  } p;

  AttackFacts facts() const override { return {.access = Access::kGradient}; }

  std::string unsupported(const ThreatModel&, const TargetFacts& facts, Goal goal) const override {
    if (goal != Goal::kUntargeted) return "it moves away from the image, towards no class";
    const auto& known = facts.features;
    if (std::find(known.begin(), known.end(), p.feature) != known.end()) return {};
    return "the network has no feature '" + p.feature + "'";
  }

  Tensor run(Target& target, const Task& task) override {
    const Tensor away = [&] {  // no slope at the image itself
      Noise noise = task.noise.at(0);
      return task.threat.project(task.x, task.threat.random(task.x, noise));
    }();
    Query query;
    query.features = {p.feature}, query.average = Average::kLoss;
    // Each sample's own values are read by its rows, whichever are computed.
    Tensor clean;
    const Loss remember = [&](const Outputs& out, const Rows& rows) {
      const Tensor values = out.heads.at(p.feature).flatten(1).detach();
      if (!clean.defined()) clean = values.new_zeros({task.x.size(0), values.size(1)});
      clean.index_copy_(0, rows.sample, values);
      return out.logits.sum(1);
    };
    target.losses(task.x, remember, query);
    const Loss distance = [&](const Outputs& out, const Rows& rows) {
      return (out.heads.at(p.feature).flatten(1) - rows.of(clean)).square().sum(1);
    };
    Tensor delta = away;
    const Tensor size = 2.5 * task.threat.epsilon / double(p.steps);
    for (int64_t step = 0; step < p.steps; ++step) {
      const Tensor slope = target.gradient(task.x + delta, distance, query).x;
      delta = task.threat.project(task.x, delta + size * task.threat.steepest(slope));
    }
    return task.x + delta;
  }
};
}  // namespace

GAUNTLET_ATTACK(FeatureDistance, "feature_distance", "1.0.0",
                "moves the values inside of the network");
