// FGSM and PGD against closed forms on linear models.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "evaluation/craft.h"
#include "tests/toys/toy_model.h"

namespace gauntlet {
namespace {
using namespace toys;

const std::vector<int64_t> kGradientImage = {1, 6, 8};

// The attack's own answer: nothing is tracked, the last iterate is returned.
evaluation::Crafted run_once(const std::string& name, const ParamMap& params,
                             evaluation::DefendedModel& model, const evaluation::CraftBatch& batch,
                             const ThreatModel& threat, evaluation::CraftRules rules = {}) {
  ToyEnvironment environment;
  rules.track = false;
  const std::unique_ptr<Attack> plugin = attack(name, params);
  return craft(*plugin, model, batch, threat, rules, environment);
}

// Weights of the only layer, in double: [K, d].
Tensor weights(const Toy& t) { return t.network->tensors()[0].tensor.to(torch::kDouble); }

// d/dx CE = sum_k (p_k - [k = y]) w_k
Tensor closed_form_gradient(const Toy& t, const evaluation::CraftBatch& batch) {
  const Tensor w = weights(t), b = t.network->tensors()[1].tensor.to(torch::kDouble);
  const Tensor p = (batch.x.flatten(1).to(torch::kDouble).mm(w.t()) + b).softmax(1);
  const Tensor one = torch::one_hot(batch.y, w.size(0)).to(torch::kDouble);
  return (p - one).mm(w).view_as(batch.x);
}

int64_t ulps_apart(const Tensor& a, const Tensor& b) {  // both positive floats
  const Tensor x = a.contiguous().view(torch::kInt), y = b.contiguous().view(torch::kInt);
  return (x - y).abs().max().item<int64_t>();
}

TEST(Fgsm, IsTheClosedFormOnALinearModel) {
  for (const int64_t classes : {2, 3, 10})
    for (const double epsilon : {8.0 / 255, 0.3}) {
      const Toy t = toy(linear(kGradientImage, classes, 0.3));
      const evaluation::CraftBatch batch = batch_of(*t.model, 50);
      const Tensor x = run_once("fgsm", {}, *t.model, batch, threat_of(Norm::kLinf, epsilon)).x;
      const Tensor sign = closed_form_gradient(t, batch).sign().to(torch::kFloat);
      EXPECT_TRUE(torch::equal((x - batch.x).sign(), sign));
      const Tensor expected = (batch.x + float(epsilon) * sign).clamp(0, 1);
      EXPECT_LE(ulps_apart(x, expected), 1);
    }
}

TEST(Fgsm, LowersTheMarginByEpsilonTimesTheDualNorm) {
  const Toy t = toy(linear(kGradientImage, 2, 0.2));
  evaluation::CraftBatch batch = batch_of(*t.model, 20);
  batch.x = 0.3 + 0.4 * batch.x;  // the box stays out of it
  const Tensor w = weights(t), normal = w[0] - w[1];
  const double epsilon = 0.1;
  const std::vector<std::pair<Norm, Tensor>> cases = {{Norm::kLinf, normal.abs().sum()},
                                                      {Norm::kL2, normal.norm()}};
  for (const auto& [norm, dual] : cases) {
    const Tensor x = run_once("fgsm", {}, *t.model, batch, threat_of(norm, epsilon)).x;
    const Tensor toward = torch::where(batch.y == 0, -1.0, 1.0).to(torch::kDouble);
    const Tensor rise = toward * (x - batch.x).flatten(1).to(torch::kDouble).mv(normal);
    // Rounding of x: 48 coordinates of half an ulp each.
    EXPECT_TRUE(torch::allclose(rise, (epsilon * dual).expand_as(rise), 0, 1e-5));
  }
}

TEST(Fgsm, FollowsTheGoal) {
  const Toy t = toy(linear(kGradientImage, 4, 0.3));
  evaluation::CraftBatch batch = batch_of(*t.model, 20);
  batch.target = (batch.y + 1).remainder(4);
  evaluation::CraftRules rules;
  rules.goal = Goal::kTargeted;
  const Tensor x = run_once("fgsm", {}, *t.model, batch, threat_of(Norm::kLinf, 0.05), rules).x;
  const auto log_probability = [&](const Tensor& at) {
    return t.model->bare_logits(at).log_softmax(1).gather(1, batch.target.unsqueeze(1));
  };
  EXPECT_TRUE((log_probability(x) > log_probability(batch.x)).all().item<bool>());
}

TEST(Pgd, OneStepOfEpsilonFromTheInputIsFgsm) {
  for (const Norm norm : {Norm::kLinf, Norm::kL2, Norm::kL1}) {
    const Toy t = toy(curved(kGradientImage, 5));
    const evaluation::CraftBatch batch = batch_of(*t.model, 30);
    const double epsilon = 0.1;
    const ParamMap params = {
        {"steps", 1}, {"step_size", double(float(epsilon))}, {"start", "input"}};
    EXPECT_TRUE(torch::equal(run_once("pgd", params, *t.model, batch, threat_of(norm, epsilon)).x,
                             run_once("fgsm", {}, *t.model, batch, threat_of(norm, epsilon)).x));
  }
}

// max <g, delta> over ball and box: all of the room for Linf, greedy by |g| for L1.
double best_linear(Norm norm, const Tensor& gradient, const Tensor& x, double epsilon) {
  const Tensor g = gradient.flatten().contiguous(),
               at = x.flatten().to(torch::kDouble).contiguous();
  const double *gv = g.const_data_ptr<double>(), *xv = at.const_data_ptr<double>();
  std::vector<int64_t> order(g.numel());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](int64_t a, int64_t b) { return std::fabs(gv[a]) > std::fabs(gv[b]); });
  double value = 0, left = epsilon;
  for (const int64_t i : order) {
    const double room = gv[i] > 0 ? 1 - xv[i] : xv[i];
    const double step = std::min(room, norm == Norm::kLinf ? epsilon : left);
    value += std::fabs(gv[i]) * step, left -= step;
  }
  return value;
}

struct AscentCase {
  Norm norm;
  double epsilon, step_size;
  int steps;
  bool in_box;   // the box takes part
  double share;  // of the optimum that is promised
};

// With two classes the loss rises with <w_other - w_y, x>, whatever the loss.
TEST(Pgd, ReachesTheOptimumOfALinearModel) {
  const Toy t = toy(linear(kGradientImage, 2, 0.3));
  const Tensor w = weights(t), normal = w[1] - w[0];
  const std::vector<AscentCase> cases = {
      {Norm::kLinf, 0.1, 0.02, 20, true, 1 - 1e-5},
      {Norm::kL2, 0.5, 0.1, 40, false, 1 - 1e-5},
      // Steps of L1 are shared by the two largest coordinates that the box lets move; the optimum
      // fills one before the next.
      {Norm::kL1, 2, 0.05, 200, true, 0.9},
  };
  for (const AscentCase& c : cases) {
    evaluation::CraftBatch batch = batch_of(*t.model, 20);
    if (!c.in_box) batch.x = 0.4 + 0.2 * batch.x;
    for (const char* loss : {"cross_entropy", "margin"}) {
      const ParamMap params = {{"steps", c.steps}, {"step_size", c.step_size}, {"loss", loss}};
      const Tensor x = run_once("pgd", params, *t.model, batch, threat_of(c.norm, c.epsilon)).x;
      for (int64_t i = 0; i < 20; ++i) {
        const Tensor toward = normal * (batch.y[i].item<int64_t>() == 0 ? 1.0 : -1.0);
        const double rise =
            (x[i] - batch.x[i]).flatten().to(torch::kDouble).dot(toward).item<double>();
        const double best = c.norm == Norm::kL2
                                ? c.epsilon * normal.norm().item<double>()
                                : best_linear(c.norm, toward, batch.x[i], c.epsilon);
        EXPECT_GE(rise, c.share * best) << int(c.norm) << " " << loss;
        EXPECT_LE(rise, best * (1 + 1e-5));
      }
    }
  }
}

TEST(Pgd, L2AnswerIsParallelToTheNormal) {
  const Toy t = toy(linear(kGradientImage, 2, 0.3));
  evaluation::CraftBatch batch = batch_of(*t.model, 10);
  batch.x = 0.4 + 0.2 * batch.x;
  const Tensor x = run_once("pgd", {{"steps", 60}, {"step_size", 0.1}}, *t.model, batch,
                            threat_of(Norm::kL2, 0.5))
                       .x;
  const Tensor w = weights(t), normal = w[1] - w[0], delta = (x - batch.x).flatten(1);
  const Tensor cosine = delta.to(torch::kDouble).mv(normal).abs() /
                        (delta.norm(2, {1}).to(torch::kDouble) * normal.norm());
  EXPECT_GT(cosine.min().item<double>(), 1 - 1e-6);
}

TEST(Pgd, MoreStepsRaiseTheLoss) {
  const Toy t = toy(curved(kGradientImage, 5));
  const evaluation::CraftBatch batch = batch_of(*t.model, 40);
  const Rows rows{torch::arange(40), batch.y, {}};
  double last = -1;
  for (const int steps : {0, 1, 2, 5, 20}) {
    const ParamMap params = {{"steps", steps}, {"step_size", 0.02}, {"start", "input"}};
    const Tensor x = run_once("pgd", params, *t.model, batch, threat_of(Norm::kLinf, 0.1)).x;
    const Outputs out{t.model->bare_logits(x), {}, {}};
    const double now = cross_entropy(Goal::kUntargeted)(out, rows).sum().item<double>();
    EXPECT_GT(now, last);
    last = now;
  }
}

TEST(Pgd, StartsWhereItIsTold) {
  const Toy t = toy(linear(kGradientImage, 3));
  evaluation::CraftBatch batch = batch_of(*t.model, 200);
  batch.x = 0.3 + 0.4 * batch.x;
  const auto start = [&](const char* name) {
    const ParamMap params = {{"steps", 0}, {"start", name}};
    return run_once("pgd", params, *t.model, batch, threat_of(Norm::kLinf, 0.1)).x - batch.x;
  };
  EXPECT_TRUE(torch::equal(start("input"), torch::zeros_like(batch.x)));
  // 9,600 values: five standard errors of each spread.
  EXPECT_NEAR(start("uniform").std().item<double>(), 0.1 / std::sqrt(3), 0.002);
  EXPECT_NEAR(start("gaussian").std().item<double>(), 0.001, 0.00004);
}

TEST(Pgd, RefusesDlrWithTooFewClasses) {
  const auto pgd = attack("pgd", {{"loss", "dlr"}});
  const ThreatModel threat = threat_of(Norm::kLinf, 0.1);
  const auto why = [&](int64_t classes, Goal goal) {
    return pgd->unsupported(threat, {.classes = classes}, goal);
  };
  EXPECT_NE(why(2, Goal::kUntargeted), "");
  EXPECT_EQ(why(3, Goal::kUntargeted), "");
  EXPECT_NE(why(3, Goal::kTargeted), "");
  EXPECT_EQ(why(4, Goal::kTargeted), "");
}

TEST(Pgd, BreaksAModelWithinReachWithEveryLoss) {
  const Toy t = toy(curved(kGradientImage, 5));
  const evaluation::CraftBatch batch = batch_of(*t.model, 40);
  for (const char* loss : {"cross_entropy", "margin", "dlr"}) {
    const Tensor x = run_once("pgd", {{"steps", 30}, {"step_size", 0.05}, {"loss", loss}}, *t.model,
                              batch, threat_of(Norm::kLinf, 0.5))
                         .x;
    const Tensor right = t.model->bare_logits(x).argmax(1) == batch.y;
    EXPECT_LE(right.sum().item<int64_t>(), 1) << loss;
  }
}

}  // namespace
}  // namespace gauntlet
