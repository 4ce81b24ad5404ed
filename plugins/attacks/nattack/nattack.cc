// NAttack: learns a Gaussian over perturbations from scores alone. Li et al., 2019,
// https://arxiv.org/abs/1905.00441
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct Nattack final : Attack {
  struct Params {
    int64_t steps = 400, population = 300;
    double sigma = 0.1, learning_rate = 0.008;

    void fields(auto&& visit) {
      visit(steps, "steps", "updates of the mean", Range{1, 10'000});
      visit(population, "population", "queries a step", Range{2, 10'000});
      visit(sigma, "sigma", "standard deviation of the search, in tanh space", Range{1e-6, 10});
      visit(learning_rate, "learning_rate", "of the mean", Range{1e-6, 10});
    }
  } p;

  AttackFacts facts() const override { return {.access = Access::kScore}; }

  Tensor run(Target& target, const Task& task) override {
    const auto image = task.x.sizes().slice(1);
    const double low = task.threat.low, width = task.threat.high - low;
    const auto decode = [&](const Tensor& z) { return low + width * (torch::tanh(z) + 1) / 2; };
    const Tensor rows = task.copies(p.population);  // [N * population]
    const Noise members_noise = task.noise.rows(rows);
    const ThreatModel threat = task.threat.rows(rows);
    const Rows all = task.rows(rows);
    const Tensor v = (2 * (task.x - low) / width - 1) * (1 - 1e-6);
    const Tensor z = (v.log1p() - (-v).log1p()) / 2;  // atanh, whose bits depend on the batch
    const Tensor x = all.of(task.x);
    const auto answer = [&](const Tensor& mean) {
      return task.x + task.threat.project(task.x, decode(z + mean) - task.x);
    };
    const Loss loss = task.loss_or(log_odds);

    Tensor mean = 0.001 * task.noise.at(0).normal(image);
    for (int64_t step = 0; step < p.steps; ++step) {
      target.propose(answer(mean));
      if (step % 10 == 0) target.losses(answer(mean), loss);  // shows the host the mean itself
      const Tensor sample = members_noise.at(step + 1).normal(image);
      const Tensor members = x + threat.project(x, decode(all.of(z + mean) + p.sigma * sample) - x);
      const Tensor reward = target.losses(members, loss, {.rows = rows}).view({-1, p.population});
      const Tensor lead = reward - mean_of(reward), spread = mean_of(lead.square()).sqrt();
      const Tensor advantage = (lead / (spread + 1e-7)).flatten();
      const Tensor direction =
          (per_image(advantage) * sample).unflatten(0, {-1, p.population}).mean(1);
      mean = mean + p.learning_rate / p.sigma * direction;
    }
    return answer(mean);
  }

  // [N, population] -> [N, 1], one by one: a plain mean's bits depend on the batch.
  static Tensor mean_of(const Tensor& t) {
    return t.cumsum(1).narrow(1, t.size(1) - 1, 1) / double(t.size(1));
  }

  // Half the log odds of the goal, no better than even: members that won are not told apart.
  static Loss log_odds(Goal goal) {
    return [goal](const Outputs& out, const Rows& rows) {
      return margin(goal)({out.logits.log_softmax(1), out.reject, {}}, rows).clamp_max(0) / 2;
    };
  }
};
}  // namespace

GAUNTLET_ATTACK(Nattack, "nattack", "1.0.0", "evolution strategy in tanh space");
