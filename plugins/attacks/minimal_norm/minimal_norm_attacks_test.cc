// Attacks that look for the smallest perturbation, against closed forms on linear models.
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "evaluation/craft.h"
#include "plugins/attacks/minimal_norm/minimal_norm.h"

namespace gauntlet {
namespace {
using namespace toys;

// A linear model whose classes have weights of one length, at right angles: the nearest class is
// the one with the next logit. Its softmax is so sharp that at a boundary two classes count.
Toy orthogonal(int64_t classes) {
  Noise noise = noise_of(1);
  const Tensor normal = noise.shared_normal({c10::multiply_integers(kImage), classes});
  const Tensor weight = 30 * std::get<0>(at::linalg_qr(normal)).t().contiguous();
  return toy(std::make_shared<ToyNetwork>(kImage, weight, noise.shared_normal({classes})));
}

// Images in the middle of the box, where it holds back nothing: [0.4, 0.6].
evaluation::CraftBatch central_batch(const Toy& t, int64_t n) {
  evaluation::CraftBatch batch = batch_of(*t.model, n);
  batch.x = 0.4 + 0.2 * batch.x;
  batch.y = t.model->bare_logits(batch.x).argmax(1);
  return batch;
}

// The smallest perturbation of a linear model that lets another class win by kappa, [N]:
// min over j of (z_y - z_j + kappa) / ||w_y - w_j||, in the dual norm.
Tensor closed_form(const Toy& t, const evaluation::CraftBatch& batch, Norm norm, double kappa = 0) {
  const Tensor w = t.network->tensors()[0].tensor.to(torch::kDouble);
  const Tensor b = t.network->tensors()[1].tensor.to(torch::kDouble);
  const Tensor z = batch.x.flatten(1).to(torch::kDouble).mm(w.t()) + b;  // [N, K]
  const Tensor gap = z.gather(1, batch.y.unsqueeze(1)) - z + kappa;
  const Tensor normal = w.index_select(0, batch.y).unsqueeze(1) - w;  // [N, K, d]
  const Tensor dual = norm == Norm::kL2 ? normal.square().sum(2).sqrt() : normal.abs().sum(2);
  return std::get<0>((gap / dual)
                         .scatter(1, batch.y.unsqueeze(1), std::numeric_limits<double>::infinity())
                         .min(1));
}

TEST(MinimalNorm, ReachesTheClosedFormOnLinearModels) {
  for (const Case& c : kCases)
    for (const int64_t classes : {2, 3, 10}) {
      SCOPED_TRACE(c.attack + " in norm " + std::to_string(int(c.norm)) + ", classes " +
                   std::to_string(classes));
      const Toy t = orthogonal(classes);
      const evaluation::CraftBatch batch = central_batch(t, 20);
      const Tensor x = answer(c.attack, c.params, t, batch, c.norm);
      EXPECT_GT(margins(t, batch, x).min().item<double>(), 0);
      EXPECT_GT(x.min().item<double>(), 0);  // the box took no part
      EXPECT_LT(x.max().item<double>(), 1);
      const Tensor ratio = length(c.norm, batch, x) / closed_form(t, batch, c.norm);
      EXPECT_LE(ratio.max().item<double>(), c.factor);
      EXPECT_GE(ratio.min().item<double>(), 1 - 1e-4);  // rounding of logits and of x
    }
}

TEST(MinimalNorm, KappaIsTheMarginOfTheAnswer) {
  const Toy t = toy(linear(kImage, 3, 0.3));
  const evaluation::CraftBatch batch = central_batch(t, 20);
  for (const Norm norm : {Norm::kL2, Norm::kLinf})
    for (const double kappa : {0.5, 1.0}) {
      SCOPED_TRACE(std::to_string(int(norm)) + " " + std::to_string(kappa));
      const Tensor x =
          answer("cw", {{"kappa", kappa}, {"steps", 200}, {"learning_rate", 0.02}, {"rounds", 12}},
                 t, batch, norm);
      EXPECT_GE(margins(t, batch, x).min().item<double>(), kappa - 1e-5);
      const Tensor ratio = length(norm, batch, x) / closed_form(t, batch, norm, kappa);
      EXPECT_GE(ratio.min().item<double>(), 1 - 1e-4);
      EXPECT_LE(ratio.mean().item<double>(), 1.1);
    }
}

// Of 20: FAB follows linear approximations, which may lead it in circles.
int64_t least_reached(const Case& c) { return c.attack == "fab" ? 16 : 20; }

TEST(MinimalNorm, TargetedRunsReachTheirTargets) {
  const Toy t = toy(curved(kImage, 5));
  evaluation::CraftBatch batch = batch_of(*t.model, 20);
  batch.target = (batch.y + 1).remainder(5);
  evaluation::CraftRules rules;
  rules.goal = Goal::kTargeted;
  for (const Case& c : kCases) {
    const Tensor x = answer(c.attack, c.params, t, batch, c.norm, rules);
    const Tensor reached = t.model->bare_logits(x).argmax(1) == batch.target;
    EXPECT_GE(reached.sum().item<int64_t>(), least_reached(c)) << c.attack;
  }
}

// With two classes the target is the only other one.
TEST(MinimalNorm, OfTwoClassesTheTargetIsTheOther) {
  const Toy t = toy(curved(kImage, 2));
  evaluation::CraftBatch batch = batch_of(*t.model, 10);
  batch.target = 1 - batch.y;
  evaluation::CraftRules rules;
  rules.goal = Goal::kTargeted;
  for (const Case& c : kCases) {
    const Tensor targeted = answer(c.attack, c.params, t, batch, c.norm, rules);
    const Tensor any = answer(c.attack, c.params, t, batch, c.norm);
    EXPECT_TRUE(torch::allclose(targeted, any, 0, 1e-4)) << c.attack;
  }
}

TEST(MinimalNorm, HypocriticalRunsBringTheTrueClassBack) {
  const Toy t = toy(curved(kImage, 5));
  evaluation::CraftBatch batch = batch_of(*t.model, 20);
  batch.y = (batch.y + 1).remainder(5);  // every answer is wrong
  evaluation::CraftRules rules;
  rules.goal = Goal::kHypocritical;
  for (const Case& c : kCases) {
    const Tensor x = answer(c.attack, c.params, t, batch, c.norm, rules);
    const Tensor reached = t.model->bare_logits(x).argmax(1) == batch.y;
    EXPECT_GE(reached.sum().item<int64_t>(), least_reached(c)) << c.attack;
  }
}

// The smallest epsilon at which PGD wins, per sample, to a thousandth.
Tensor epsilon_of_pgd(const Toy& t, const evaluation::CraftBatch& batch, Norm norm, double most) {
  Tensor lower = torch::zeros({batch.x.size(0)}), upper = torch::full_like(lower, most);
  for (int i = 0; i < 10; ++i) {
    const Tensor middle = (lower + upper) / 2;
    const ThreatModel threat{norm, per_image(middle)};
    const double step = most / 50;
    const evaluation::Crafted c = run(
        "pgd", {{"steps", 100}, {"step_size", step}, {"start", "input"}}, *t.model, batch, threat);
    const Tensor won = margins(t, batch, c.x) > 0;
    upper = torch::where(won, middle, upper), lower = torch::where(won, lower, middle);
  }
  return upper;
}

// With more classes than two each attack may settle for another class than the nearest, now and
// then.
TEST(MinimalNorm, NeedsNoMoreThanPgdOnACurvedModel) {
  for (const int64_t classes : {2, 5}) {
    const Toy t = toy(curved(kImage, classes));
    const evaluation::CraftBatch batch = batch_of(*t.model, 25);
    std::map<Norm, Tensor> by_pgd;
    for (const Case& c : kCases) {
      SCOPED_TRACE(c.attack + " in norm " + std::to_string(int(c.norm)) + ", classes " +
                   std::to_string(classes));
      Tensor& pgd = by_pgd[c.norm];
      if (!pgd.defined()) pgd = epsilon_of_pgd(t, batch, c.norm, c.norm == Norm::kL2 ? 3 : 0.5);
      const Tensor x = answer(c.attack, c.params, t, batch, c.norm);
      EXPECT_GT(margins(t, batch, x).min().item<double>(), 0);
      const Tensor ratio = length(c.norm, batch, x) / pgd;
      const int64_t most = classes > 2 ? 3 : c.attack == "fab" ? 1 : 0;
      EXPECT_LE((ratio > c.factor).sum().item<int64_t>(), most);
      EXPECT_LE(ratio.mean().item<double>(), 1.05);
    }
  }
}

TEST(MinimalNorm, AnswersBeyondTheBallCountAsNothing) {
  const Toy t = toy(linear(kImage, 3, 0.3));
  const evaluation::CraftBatch batch = central_batch(t, 20);
  const Tensor least = closed_form(t, batch, Norm::kL2);
  const double epsilon = least.median().item<double>();
  for (const char* name : {"cw", "ddn"}) {
    ToyEnvironment environment;
    const auto plugin = attack(name);
    const evaluation::Crafted c =
        craft(*plugin, *t.model, batch, threat_of(Norm::kL2, epsilon), {}, environment);
    EXPECT_TRUE((least > epsilon).masked_select(c.confirmed).logical_not().all().item<bool>());
    EXPECT_TRUE(c.confirmed.masked_select(least < 0.9 * epsilon).all().item<bool>()) << name;
    EXPECT_TRUE(torch::equal(c.x.index({least > epsilon}), batch.x.index({least > epsilon})));
  }
}

// Rounds end at times of their own: what a sample is given must not depend on its neighbours.
TEST(MinimalNorm, SamplesDoNotWaitForEachOther) {
  const Toy t = toy(curved({1, 28, 28}, 5));
  const evaluation::CraftBatch batch = batch_of(*t.model, 9);
  for (const Norm norm : {Norm::kL2, Norm::kLinf})
    for (const char* name : {"cw", "ddn"}) {
      if (std::string(name) == "ddn" && norm == Norm::kLinf) continue;
      const ParamMap params = {{"steps", 60}};
      const Tensor whole = answer(name, params, t, batch, norm);
      EXPECT_GT(margins(t, batch, whole).min().item<double>(), 0);
      for (int64_t i = 0; i < 9; i += 4)
        EXPECT_TRUE(torch::equal(answer(name, params, t, part(batch, i, i + 4), norm),
                                 whole.slice(0, i, i + 4)))
            << name << " " << i;
    }
}

TEST(Cw, AnAbortedRoundSavesQueriesAndLittleElse) {
  const Toy t = toy(curved(kImage, 5));
  const evaluation::CraftBatch batch = batch_of(*t.model, 20);
  for (const Norm norm : {Norm::kL2, Norm::kLinf}) {
    const ThreatModel threat = threat_of(norm, kFar);
    const evaluation::Crafted all = run("cw", {{"abort_early", false}}, *t.model, batch, threat);
    const evaluation::Crafted some = run("cw", {}, *t.model, batch, threat);
    if (norm == Norm::kL2) {
      EXPECT_TRUE((all.queries == 6 * 200).all().item<bool>());
    }
    EXPECT_LT(some.queries.sum().item<int64_t>(), all.queries.sum().item<int64_t>());
    const Tensor ratio = length(norm, batch, some.x) / length(norm, batch, all.x);
    EXPECT_LT(ratio.mean().item<double>(), 1.05);
  }
}

TEST(Cw, DoesNotAbortWhereTheDefenseDrawsNoise) {
  const Toy t =
      toy(curved(kImage, 5), {}, {{"smoothing", defense("smoothing", {{"sigma", 0.05}})}});
  const evaluation::CraftBatch batch = batch_of(*t.model, 5);
  const evaluation::Crafted c =
      run("cw", {{"rounds", 3}, {"steps", 20}}, *t.model, batch, threat_of(Norm::kL2, kFar));
  EXPECT_TRUE((c.queries == 60).all().item<bool>());
}

// Rounds that are all lost raise c without end: what it weighs must stay a number.
TEST(Cw, ManyLostRoundsLeaveWeightsFinite) {
  const Toy t = toy(std::make_shared<ToyNetwork>(kImage, torch::zeros({2, 48}),
                                                 torch::tensor({1.f, 0.f})));  // constant
  const evaluation::CraftBatch batch = batch_of(*t.model, 3);
  for (const Norm norm : {Norm::kL2, Norm::kLinf}) {
    evaluation::CraftRules rules;
    bool finite = true;
    rules.observe = [&](const Rows&, const Tensor& x, const Outputs&) {
      finite &= x.isfinite().all().item<bool>();
    };
    run("cw", {{"rounds", 200}, {"steps", 2}}, *t.model, batch, threat_of(norm, kFar), rules);
    EXPECT_TRUE(finite) << int(norm);
  }
}

TEST(Cw, HasNoL1Form) {
  const auto why = [](Norm norm) {
    return attack("cw")->unsupported(threat_of(norm, 1), {.classes = 3}, Goal::kUntargeted);
  };
  EXPECT_NE(why(Norm::kL1), "");
  EXPECT_EQ(why(Norm::kL2), "");
  EXPECT_EQ(why(Norm::kLinf), "");
}

// A pixel of 0 or 1 hardly moves in tanh space; `inset` keeps it from there.
TEST(Cw, StartsFromAnImageAtTheEdgeOfTheBox) {
  const Toy t = toy(linear(kImage, 2, 0.3));
  evaluation::CraftBatch batch = batch_of(*t.model, 20);
  batch.x = batch.x.round();  // 0 and 1: tanh space is flattest there
  batch.y = t.model->bare_logits(batch.x).argmax(1);
  const Tensor x = answer("cw", {}, t, batch, Norm::kL2);
  EXPECT_GT(margins(t, batch, x).min().item<double>(), 0);
  EXPECT_GE(x.min().item<double>(), 0);
  EXPECT_LE(x.max().item<double>(), 1);
}

TEST(Ddn, QuantisedAnswersAreMultiples) {
  const Toy t = toy(curved(kImage, 5));
  const evaluation::CraftBatch batch = batch_of(*t.model, 20);
  for (const int levels : {256, 16}) {
    const Tensor x = answer("ddn", {{"levels", levels}}, t, batch, Norm::kL2);
    EXPECT_GT(margins(t, batch, x).min().item<double>(), 0);
    const double steps = levels - 1;
    EXPECT_TRUE(torch::equal(x, (x * steps).round() / steps));
  }
}

TEST(Ddn, ChangesTheNormByGammaAStep) {
  // One sample far from the boundary: no hit, the norm grows by gamma a step from 1.
  const Toy t = toy(linear(kImage, 2, 0.3));
  evaluation::CraftBatch batch = central_batch(t, 1);
  std::vector<double> norms;
  ToyEnvironment environment;
  evaluation::CraftRules rules;
  rules.track = false;
  rules.observe = [&](const Rows&, const Tensor& x, const Outputs& out) {
    norms.push_back((x - batch.x).norm().item<double>());
    norms.push_back(out.logits.argmax(1).ne(batch.y).item<bool>());
  };
  const auto plugin =
      attack("ddn", {{"steps", 20}, {"levels", 0}, {"gamma", 0.1}, {"init_norm", 0.2}});
  craft(*plugin, *t.model, batch, threat_of(Norm::kL2, kFar), rules, environment);
  ASSERT_EQ(norms.size(), 40u);
  EXPECT_EQ(norms[0], 0);
  double expected = 0.2;
  for (size_t i = 2; i < norms.size(); i += 2) {
    expected *= norms[i - 1] > 0 ? 0.9 : 1.1;  // by the answer at the point before
    EXPECT_NEAR(norms[i], expected, 1e-5) << i;
  }
}

TEST(Ddn, IsForL2Only) {
  for (const Norm norm : {Norm::kLinf, Norm::kL1})
    EXPECT_NE(attack("ddn")->unsupported(threat_of(norm, 1), {.classes = 3}, Goal::kUntargeted),
              "");
}

TEST(MinimalNorm, DdnSaysWhereItsNormCannotComeDownToTheBall) {
  const auto said = [](int64_t steps, double epsilon, bool stochastic = false) {
    return attack("ddn", {{"steps", steps}})
        ->remark(threat_of(Norm::kL2, epsilon), {.classes = 10, .stochastic = stochastic},
                 Goal::kUntargeted);
  };
  const double least = 1.05 * std::pow(0.95, 18);
  EXPECT_EQ(said(20, 1.01 * least), "");
  EXPECT_EQ(said(20, 0.99 * least).substr(0, 48),
            "20 steps bring ddn's norm from 1 down to 0.41707");
  EXPECT_EQ(said(20, 0.99 * least, true), "") << "a hit's direction is taken to the edge";
  EXPECT_EQ(said(100, 0.05), "");
  EXPECT_NE(said(100, 0.005), "");
  // What it says is so: no hit is nearer, however near the boundary is.
  const Toy t = toy(linear({1, 4, 4}, 2, 0.5));
  const evaluation::CraftBatch batch = batch_of(*t.model, 40);
  const auto nearest = [&](int64_t steps) {
    return length(
        Norm::kL2, batch,
        run("ddn", {{"steps", steps}, {"levels", 0}}, *t.model, batch, threat_of(Norm::kL2, kFar))
            .x);
  };
  ASSERT_LT(nearest(300).min().item<double>(), 0.5 * least);
  EXPECT_GE(nearest(20).min().item<double>(), 0.99 * least);
}

}  // namespace
}  // namespace gauntlet
