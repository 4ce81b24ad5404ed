// Smoothed inference: noisy copies of the input vote. Nemcovsky et al., 2022,
// https://arxiv.org/abs/1911.07198; hard vote as Cohen et al., 2019,
// https://arxiv.org/abs/1902.02918
#include <algorithm>

#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct Smoothing final : Defense, Votes, Fits, KnowsNormalisation {
  struct Params {
    double sigma = 0.25, ratio = 0.5;
    int64_t mc_samples = 8, top_k = 0;
    std::string space = "pixel", vote = "prediction", average = "probability";
    std::vector<double> weights = {}, sigmas = {};
    std::vector<int64_t> mc_grid = {};
    Use fit_attack = {"pgd", {{"steps", 7}}};
    double fit_epsilon = 8.0 / 255;

    void fields(auto&& visit) {
      visit(sigma, "sigma", "standard deviation of the input noise, in units of space",
            Range{0, 10});
      visit(space, "space", "where sigma is measured: pixels of [0, 1], or after normalisation",
            OneOf{"pixel", "normalised"});
      visit(mc_samples, "mc_samples", "noisy copies a prediction", Range{1, 100'000});
      visit(vote, "vote", "what a copy adds: its best class, all classes by rank, probabilities",
            OneOf{"prediction", "weighted", "soft"});
      visit(ratio, "ratio", "weighted: each rank counts this much of the rank above", Range{0, 1});
      visit(top_k, "top_k", "weighted: ranks that count; 0: all", Range{0, 100'000});
      visit(weights, "weights", "weighted: what each rank counts, in place of ratio and top_k",
            Range{0, 1e6});
      visit(average, "average", "soft: what a copy adds of its answer",
            OneOf{"probability", "logit"});
      visit(sigmas, "sigmas", "fits sigma: the values to choose from on validation data",
            Range{0, 10});
      visit(mc_grid, "mc_grid", "fits mc_samples: the values to choose from", Range{1, 100'000});
      visit(fit_attack, "fit_attack", "fits: the attack under which accuracy counts");
      visit(fit_epsilon, "fit_epsilon", "fits: its Linf radius", Range{0, 1});
    }
  } p;

  Tensor std = torch::ones({1, 1, 1, 1});  // [1, C, 1, 1], pixels of one unit of normalised space

  void normalisation(const Tensor&, const Tensor& s) override { std = s; }

  int64_t mc_samples() const override { return p.mc_samples; }

  Tensor perturb(const Tensor& x, Noise& noise) override {  // not clamped to the box
    if (p.sigma == 0) return x;
    const Tensor drawn = p.sigma * noise.normal(x.sizes().slice(1));
    return p.space == "pixel" ? x + drawn : x + drawn * std.to(x.device());
  }

  Tensor ballot(const Outputs& out) override {
    if (p.vote == "soft") return p.average == "logit" ? out.logits : out.logits.softmax(1);
    const Tensor none = torch::zeros_like(out.logits);
    if (p.vote == "prediction") return none.scatter(1, out.logits.argmax(1, true), 1);
    const Tensor order = torch::argsort(out.logits, /*stable=*/true, 1, /*descending=*/true);
    return none.scatter(1, order, by_rank(none).expand_as(none));
  }

  Tensor by_rank(const Tensor& like) const {  // [K]
    const int64_t classes = like.size(1);
    if (p.weights.empty()) {
      const Tensor all = torch::pow(p.ratio, torch::arange(classes, like.options()));
      const int64_t counted = p.top_k == 0 ? classes : std::min(p.top_k, classes);
      return torch::cat(
          {all.slice(0, 0, counted), torch::zeros({classes - counted}, like.options())});
    }
    Tensor out = torch::zeros({classes}, like.options());
    for (int64_t rank = 0; rank < std::min<int64_t>(classes, std::ssize(p.weights)); ++rank)
      out[rank] = p.weights[size_t(rank)];
    return out;
  }

  double lead() const override {
    if (p.vote == "soft" && p.average == "logit") return Votes::lead();
    if (p.vote != "weighted" || p.weights.empty()) return 1;  // the last rank counts at least 0
    return *std::max_element(p.weights.begin(), p.weights.end());
  }

  Average surrogate() const override {
    return p.vote == "soft" && p.average == "logit" ? Average::kLogit : Average::kProbability;
  }

  std::vector<std::string> ballot_only() const override {
    return {"mc_samples", "vote", "ratio", "top_k", "weights", "average"};
  }

  bool wanted() const override { return !p.sigmas.empty() || !p.mc_grid.empty(); }

  // The pair with the highest accuracy under attack; of equals the smallest sigma, then the fewest
  // samples. All counts of samples are read off one series of ballots.
  void fit(Fitting& fitting) override {
    const std::vector<double> sigmas = sigmas_to_try();
    const std::vector<int64_t> counts = counts_to_try();
    const Batch batch = fitting.data();
    const ThreatModel threat{Norm::kLinf,
                             torch::full({1, 1, 1, 1}, p.fit_epsilon, batch.x.options())};
    Tensor accuracy = torch::zeros({std::ssize(sigmas), std::ssize(counts)});
    for (int64_t i = 0; i < std::ssize(sigmas); ++i) {
      p.sigma = sigmas[size_t(i)], p.mc_samples = counts.back();
      const Tensor x = fitting.attack(p.fit_attack, batch, threat);
      Tensor sum;
      int64_t drawn = 0;
      for (int64_t j = 0; j < std::ssize(counts); ++j) {
        const Tensor more = fitting.model().ballots(x, counts[size_t(j)] - drawn);
        sum = sum.defined() ? sum + more : more;
        drawn = counts[size_t(j)];
        accuracy[i][j] = sum.argmax(1).eq(batch.y).to(torch::kFloat).mean();
      }
    }
    choose(accuracy, sigmas, counts);
    state = {{"sigma", torch::tensor(p.sigma)},
             {"mc_samples", torch::tensor(p.mc_samples)},
             {"sigmas", torch::tensor(sigmas)},
             {"mc_grid", torch::tensor(counts)},
             {"accuracy", accuracy}};
  }

  bool restore() override {
    choose(state.at("accuracy"), sigmas_to_try(), counts_to_try());
    return true;
  }

  void choose(const Tensor& accuracy, const std::vector<double>& sigmas,
              const std::vector<int64_t>& counts) {
    const int64_t best = accuracy.argmax().item<int64_t>();  // the first of equals
    p.sigma = sigmas[size_t(best / std::ssize(counts))];
    p.mc_samples = counts[size_t(best % std::ssize(counts))];
  }

  std::vector<double> sigmas_to_try() const {
    return p.sigmas.empty() ? std::vector{p.sigma} : sorted(p.sigmas);
  }
  std::vector<int64_t> counts_to_try() const {
    return p.mc_grid.empty() ? std::vector{p.mc_samples} : sorted(p.mc_grid);
  }

  template <class T>
  static std::vector<T> sorted(std::vector<T> values) {
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    return values;
  }
};
}  // namespace

GAUNTLET_DEFENSE(Smoothing, "smoothing", "1.2.0", "votes over noisy copies of the input");
