// Square attack: random search with square windows, from scores alone. Andriushchenko et al., 2020,
// https://arxiv.org/abs/1912.00049
#include <algorithm>
#include <cmath>
#include <limits>

#include "windows.h"

namespace {
using namespace gauntlet;

constexpr int64_t kHalved[] = {10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000};  // after these
constexpr int64_t kWhole = 10'000;  // queries of the run that they are stated for
constexpr double kInfinity = std::numeric_limits<float>::infinity();

struct Square final : Attack {
  struct Params {
    int64_t queries = 5000, same_draws = 10;
    double p_init = 0.8;
    bool rescale_schedule = false;
    std::string loss = "margin";

    void fields(auto&& visit) {
      visit(queries, "queries", "of a sample, its start among them", Range{1, 1'000'000});
      visit(p_init, "p_init", "share of the image that the first windows take", Range{1e-6, 1});
      visit(rescale_schedule, "rescale_schedule",
            "windows shrink over the queries as over 10,000, however many there are");
      visit(loss, "loss", "what is maximised, unless a trainer or the defense says",
            OneOf{"margin", "cross_entropy"});
      visit(same_draws, "same_draws",
            "on a defense with noise: candidates compared with the best on the same draws",
            Range{1, 1'000'000});
    }
  } p;

  AttackFacts facts() const override { return {.access = Access::kScore}; }

  std::string unsupported(const ThreatModel& threat, const TargetFacts&, Goal) const override {
    return threat.norm == Norm::kL1 ? "square has an Linf and an L2 form, none for L1" : "";
  }

  Tensor run(Target& target, const Task& task) override {
    const Loss loss = task.loss_or(p.loss == "margin" ? margin : cross_entropy);
    const std::unique_ptr<square::Search> search = square::search_of(task);
    const bool noisy = target.facts().stochastic;
    Query query{.noise = noisy ? Draw::kFixed : Draw::kFresh};
    const auto ask = [&](const Tensor& x) {  // what is no number is worse than every number
      return target.losses(x, loss, query).nan_to_num(-kInfinity, kInfinity, -kInfinity);
    };
    Tensor best = search->start(task.noise.at(0)), value;
    int64_t left = p.queries;
    for (int64_t step = 0; left > 0; ++step) {
      target.propose(best);
      // A loss that was the largest of many on the same draws is so by luck, too.
      if (step == 0 || (noisy && step % p.same_draws == 0)) {
        query.key = step;
        value = ask(best);
        if (--left == 0) break;
      }
      const Tensor x = search->next(best, search->side(share(step)), task.noise.at(step + 1));
      const Tensor now = ask(x);
      --left;
      const Tensor better = (now > value) & target.active();  // out of budget, the loss is 0
      best = torch::where(per_image(better), x, best);
      value = torch::where(better, now, value);
    }
    return best;
  }

  // Of the image, that a window takes.
  double share(int64_t step) const {
    const int64_t at = p.rescale_schedule ? step * kWhole / p.queries : step;
    const auto halvings = std::count_if(std::begin(kHalved), std::end(kHalved),
                                        [&](int64_t after) { return at > after; });
    return std::ldexp(p.p_init, -int(halvings));
  }
};
}  // namespace

GAUNTLET_ATTACK(Square, "square", "1.0.0", "random search with square windows, from scores");
