// NAttack: learns a Gaussian over perturbations from scores alone. Li et al., 2019,
// https://arxiv.org/abs/1905.00441
#include <limits>

#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct Nattack final : Attack {
  struct Params {
    int64_t steps = 400, population = 300, search_size = 0;
    double sigma = 0.1, learning_rate = 0.008;
    std::string oracle = "single";
    bool first_member_margin = false;

    void fields(auto&& visit) {
      visit(steps, "steps", "updates of the mean", Range{1, 10'000});
      visit(population, "population", "queries a step", Range{2, 10'000});
      visit(sigma, "sigma", "standard deviation of the search, in tanh space", Range{1e-6, 10});
      visit(learning_rate, "learning_rate", "of the mean", Range{1e-6, 10});
      visit(search_size, "search_size", "side of the grid that is searched; 0: the image's own",
            Range{0, 10'000});
      visit(oracle, "oracle", "a query: the suite's draws, or all votes of the defense",
            OneOf{"single", "wrapped"});
      visit(first_member_margin, "first_member_margin",
            "compare with the first member's best other class, as the released code does");
    }
  } p;

  AttackFacts facts() const override { return {.access = Access::kScore}; }

  Tensor run(Target& target, const Task& task) override {
    const std::vector<int64_t> grid = searched(task.x);
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
      return task.x + task.threat.project(task.x, decode(z + grown(mean, task.x)) - task.x);
    };
    const Loss loss = task.loss_or(log_odds);
    const Query alone = query_of(target, {});

    Tensor mean = 0.001 * task.noise.at(0).normal(grid);
    for (int64_t step = 0; step < p.steps; ++step) {
      target.propose(answer(mean));
      if (step % 10 == 0) target.losses(answer(mean), loss, alone);  // shows the host the mean
      const Tensor sample = members_noise.at(step + 1).normal(grid);
      const Tensor drawn = all.of(z + grown(mean, task.x)) + grown(p.sigma * sample, task.x);
      const Tensor members = x + threat.project(x, decode(drawn) - x);
      const Tensor reward = rewards(target, task, loss, members, all).view({-1, p.population});
      // From the first: equal rewards are exactly 0 then, which a rounded mean would not give.
      const Tensor above = reward - reward.narrow(1, 0, 1);
      const Tensor lead = rescaled(above - mean_of(above));
      const Tensor spread = mean_of(lead.square()).sqrt();
      const Tensor advantage = (lead / spread.masked_fill(spread == 0, 1)).flatten();
      const Tensor direction =
          (per_image(advantage) * sample).unflatten(0, {-1, p.population}).mean(1);
      mean = mean + p.learning_rate / p.sigma * direction;
    }
    return answer(mean);
  }

  // [C, h, w] of the Gaussian.
  std::vector<int64_t> searched(const Tensor& x) const {
    std::vector<int64_t> shape = x.sizes().slice(1).vec();
    if (p.search_size > std::min(shape[1], shape[2]))
      throw ParamError("search_size: " + std::to_string(p.search_size) +
                       " is more than the images' " + std::to_string(shape[1]) + " x " +
                       std::to_string(shape[2]) + " pixels");
    if (p.search_size > 0) shape[1] = shape[2] = p.search_size;
    return shape;
  }
  static Tensor grown(const Tensor& grid, const Tensor& x) {
    const auto size = x.sizes().slice(2);
    return grid.sizes().slice(2) == size ? grid : torch::upsample_bilinear2d(grid, size, false);
  }

  Query query_of(const Target& target, const Tensor& rows) const {
    if (p.oracle == "single" || !target.facts().stochastic) return {.rows = rows};
    return {.rows = rows, .draws = target.mc_samples(), .average = Average::kBallot};
  }

  Tensor rewards(Target& target, const Task& task, const Loss& loss, const Tensor& members,
                 const Rows& rows) const {
    const Query query = query_of(target, rows.sample);
    if (!p.first_member_margin || task.loss) return target.losses(members, loss, query);
    const Tensor log = target.scores(members, query).logits.log_softmax(1);
    const Tensor label = (task.goal == Goal::kTargeted ? rows.target : rows.y).unsqueeze(1);
    const Tensor own = log.gather(1, label).view({-1, p.population});
    const double lowest = -std::numeric_limits<float>::infinity();
    const Tensor other = std::get<0>(log.scatter(1, label, lowest).max(1)).view({-1, p.population});
    const Tensor gap = other.narrow(1, 0, 1) - own;
    return (task.goal == Goal::kUntargeted ? gap : -gap).clamp_max(0) / 2;
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

GAUNTLET_ATTACK(Nattack, "nattack", "1.3.0", "evolution strategy in tanh space");
