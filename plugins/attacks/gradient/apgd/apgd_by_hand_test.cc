// Auto-PGD against a second implementation, one image at a time and in double.
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>

#include "plugins/attacks/gradient/recording_target.h"

namespace gauntlet {
namespace {
using namespace toys;

const std::vector<int64_t> kByHandImage = {1, 5, 6};

// One image: a network of one hidden layer, and its loss.
struct OneImage {
  Tensor last, bias, first, x;
  int64_t y;
  bool on_margin;
  Norm norm;
  double epsilon;

  std::pair<double, Tensor> loss(const Tensor& at) const {
    const at::AutoGradMode graph(true);
    const Tensor leaf = at.detach().clone().requires_grad_(true);
    const Tensor z = last.mv(first.mv(leaf).tanh()) + bias;
    Tensor others = z.clone();
    others = torch::cat({z.slice(0, 0, y), z.slice(0, y + 1)});
    const Tensor value = on_margin ? others.max() - z[y] : z.logsumexp(0) - z[y];
    return {value.item<double>(), torch::autograd::grad({value}, {leaf})[0]};
  }
  Tensor projected(const Tensor& at) const {
    Tensor d = at - x;
    if (norm == Norm::kLinf) d = d.clamp(-epsilon, epsilon);
    const double size = d.norm().item<double>();
    if (norm == Norm::kL2 && size > epsilon) d = d * (epsilon / size);
    return (x + d).clamp(0, 1);
  }
  Tensor direction(const Tensor& g) const { return norm == Norm::kLinf ? g.sign() : g / g.norm(); }
};

constexpr double kClose = 2e-6;

struct ByHand {
  std::vector<Tensor> iterates;
  Tensor best;
  int64_t halvings = 0;
  bool close = false;  // losses were compared that rounding may put in another order
};

// Ends where rounding may decide.
ByHand climb_by_hand(const OneImage& f, const Tensor& start, int64_t steps, double rho,
                     bool zero_start) {
  ByHand out{{start}, start};
  Tensor x = start, old = start;
  auto [value, g] = f.loss(x);
  double best = value, best_at_check = value, eta = 2 * f.epsilon;
  Tensor best_g = g;
  std::vector<double> history = {zero_start ? 0 : value};
  bool reduced = true;
  int64_t k = std::max<int64_t>(22 * steps / 100, 1), since = 0;
  for (int64_t i = 0; i < steps; ++i) {
    const double a = i == 0 ? 1 : 0.75;
    const Tensor u = f.projected(x + eta * f.direction(g));
    const Tensor next = f.projected(x + a * (u - x) + (1 - a) * (x - old));
    old = x, x = next;
    std::tie(value, g) = f.loss(x);
    out.iterates.push_back(x);
    out.close = std::min(std::fabs(value - best), std::fabs(value - history.back())) < kClose;
    if (out.close) return out;
    history.push_back(value);
    if (value > best) best = value, best_g = g, out.best = x;
    if (++since < k) continue;
    int64_t rises = 0;
    for (size_t j = history.size() - size_t(k); j < history.size(); ++j)
      rises += history[j] > history[j - 1];
    const bool reduce = double(rises) <= rho * double(k) || (!reduced && best == best_at_check);
    if (reduce) eta /= 2, x = out.best, g = best_g, ++out.halvings;
    reduced = reduce, best_at_check = best, since = 0;
    k = std::max(k - std::max<int64_t>(3 * steps / 100, 1), std::max<int64_t>(6 * steps / 100, 1));
  }
  return out;
}

struct HandCase {
  Norm norm;
  double epsilon;
  const char* loss;
  double rho;
  bool zero_start;
};

TEST(ApgdByHand, TakesTheSameSteps) {
  const Toy t = toy(curved(kByHandImage, 4));
  const evaluation::CraftBatch batch = batch_of(*t.model, 12);
  std::map<std::string, Tensor> weights;
  for (const models::NamedTensor& named : t.network->tensors())
    weights[named.name] = named.tensor.to(torch::kDouble);
  constexpr int64_t kSteps = 50;
  int64_t halvings = 0, compared = 0, whole = 0;
  for (const HandCase& c : {HandCase{Norm::kLinf, 0.1, "cross_entropy", 0.75, false},
                            {Norm::kLinf, 0.3, "margin", 0.75, false},
                            {Norm::kLinf, 0.3, "margin", 0.5, true},
                            {Norm::kL2, 0.5, "cross_entropy", 0.75, false},
                            {Norm::kL2, 1.5, "margin", 0.9, true}}) {
    SCOPED_TRACE(std::string(c.loss) + " norm " + std::to_string(int(c.norm)));
    Asked asked;
    const Tensor found = listened("apgd",
                                  {{"steps", kSteps},
                                   {"loss", c.loss},
                                   {"rho", c.rho},
                                   {"compat_zero_start", c.zero_start}},
                                  t, batch, threat_of(c.norm, c.epsilon), asked)
                             .x;
    ASSERT_EQ(asked.gradients.size(), size_t(kSteps));
    for (int64_t n = 0; n < batch.x.size(0); ++n) {
      const OneImage f{weights["last.weight"],
                       weights["last.bias"],
                       weights["first.weight"],
                       batch.x[n].flatten().to(torch::kDouble),
                       batch.y[n].item<int64_t>(),
                       std::string(c.loss) == "margin",
                       c.norm,
                       double(float(c.epsilon))};
      const auto row = [&](const Tensor& all) { return all[n].flatten().to(torch::kDouble); };
      const ByHand expected =
          climb_by_hand(f, row(asked.gradients[0]), kSteps, c.rho, c.zero_start);
      const size_t same = std::min(expected.iterates.size(), size_t(kSteps));
      for (size_t i = 0; i < same; ++i)
        ASSERT_LT((row(asked.gradients[i]) - expected.iterates[i]).abs().max().item<double>(), 1e-4)
            << "image " << n << ", iterate " << i;
      compared += int64_t(same);
      if (expected.close) continue;
      ++whole;
      EXPECT_LT((row(found) - expected.best).abs().max().item<double>(), 1e-4) << n;
      halvings += expected.halvings;
    }
  }
  EXPECT_GT(halvings, 60) << "hardly a step size was halved: nothing is tested";
  EXPECT_GT(compared, 5 * 12 * kSteps / 2);
  EXPECT_GT(whole, 12);
}

}  // namespace
}  // namespace gauntlet
