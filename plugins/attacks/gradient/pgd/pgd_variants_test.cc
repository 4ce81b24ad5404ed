// Pgd's gradients that transfer better, its schedule, and what released code does differently.
#include <gtest/gtest.h>

#include <cmath>

#include "evaluation/craft.h"
#include "tests/toys/toy_model.h"

namespace gauntlet {
namespace {
using namespace toys;

const std::vector<int64_t> kVariantImage = {1, 12, 11};
const std::vector<Norm> kNorms = {Norm::kLinf, Norm::kL2, Norm::kL1};

struct Traced {
  Tensor x;
  std::vector<Tensor> queries;  // inputs, in order
};

// The last iterate, and what was asked on the way.
Traced trace(const ParamMap& params, const Toy& t, const evaluation::CraftBatch& batch,
             const ThreatModel& threat, evaluation::CraftRules rules = {}) {
  ToyEnvironment environment;
  Traced out;
  rules.track = false;
  rules.observe = [&](const Rows&, const Tensor& x, const Outputs&) { out.queries.push_back(x); };
  out.x = craft(*attack("pgd", params), *t.model, batch, threat, rules, environment).x;
  return out;
}
Tensor run_pgd(const ParamMap& params, const Toy& t, const evaluation::CraftBatch& batch,
               const ThreatModel& threat) {
  return trace(params, t, batch, threat).x;
}
ParamMap both(ParamMap params, const ParamMap& more) {
  for (const auto& [name, value] : more) params[name] = value;
  return params;
}

// Away from the box, so that only the ball holds a step back.
evaluation::CraftBatch inner(const Toy& t, int64_t n) {
  evaluation::CraftBatch batch = batch_of(*t.model, n);
  batch.x = 0.4 + 0.2 * batch.x;
  return batch;
}

// The gradient of the cross-entropy of a linear model at x, in closed form and in double.
struct LinearLoss {
  Tensor w, b, y;
  LinearLoss(const Toy& t, const Tensor& labels) : y(torch::one_hot(labels, 4).to(torch::kDouble)) {
    w = t.network->tensors()[0].tensor.to(torch::kDouble);
    b = t.network->tensors()[1].tensor.to(torch::kDouble);
  }
  Tensor gradient(const Tensor& x) const {
    return ((x.flatten(1).mm(w.t()) + b).softmax(1) - y).mm(w).view_as(x);
  }
};

TEST(PgdMomentum, IsTheSumOfNormalisedGradients) {
  const Toy t = toy(linear(kVariantImage, 4, 0.3));
  const evaluation::CraftBatch batch = inner(t, 20);
  const LinearLoss loss(t, batch.y);
  const double a = 0.02, mu = 0.7, epsilon = 0.05;
  for (const bool nesterov : {false, true}) {
    const Tensor x0 = batch.x.to(torch::kDouble);
    Tensor x = x0, m = torch::zeros_like(x);
    for (int i = 0; i < 5; ++i) {
      const Tensor g = loss.gradient(nesterov ? x + a * mu * m : x);
      m = mu * m + g / g.abs().mean({1, 2, 3}, true);
      x = x0 + (x + a * m.sign() - x0).clamp(-epsilon, epsilon);
    }
    const Tensor found = run_pgd({{"steps", 5},
                                  {"step_size", a},
                                  {"start", "input"},
                                  {"momentum", mu},
                                  {"nesterov", nesterov}},
                                 t, batch, threat_of(Norm::kLinf, epsilon));
    EXPECT_TRUE(torch::allclose(found.to(torch::kDouble), x, 0, 1e-6)) << nesterov;
  }
}

TEST(PgdMomentum, OfZeroIsPgd) {
  const Toy t = toy(curved(kVariantImage, 4));
  const evaluation::CraftBatch batch = batch_of(*t.model, 10);
  for (const Norm norm : kNorms) {
    const ParamMap plain = {{"steps", 6}, {"step_size", 0.02}};
    EXPECT_TRUE(torch::equal(run_pgd(plain, t, batch, threat_of(norm, 0.1)),
                             run_pgd(both(plain, {{"momentum", 0.0}, {"nesterov", true}}), t, batch,
                                     threat_of(norm, 0.1))));
  }
}

TEST(PgdMomentum, LooksAheadByAStepOfTheNormsLength) {
  const Toy t = toy(linear(kVariantImage, 2, 0.3));
  const evaluation::CraftBatch batch = inner(t, 5);
  for (const Norm norm : {Norm::kLinf, Norm::kL2}) {
    const ThreatModel threat = threat_of(norm, 1);
    const Traced run_pgd = trace({{"steps", 2},
                                  {"step_size", 0.01},
                                  {"start", "input"},
                                  {"momentum", 1.0},
                                  {"nesterov", true}},
                                 t, batch, threat);
    const Tensor g = t.network->tensors()[0].tensor;
    const Tensor normal = (g[0] - g[1]).abs();
    // One step, and the momentum: of mean length 1 a coordinate.
    const Tensor ahead = normal / normal.mean() / (norm == Norm::kL2 ? std::sqrt(132.0) : 1.0);
    const Tensor step = norm == Norm::kL2 ? normal / normal.norm() : torch::ones_like(normal);
    const Tensor expected = 0.01 * (step + ahead);
    EXPECT_TRUE(torch::allclose((run_pgd.queries.at(1) - batch.x).abs().flatten(1),
                                expected.expand({5, 132}), 1e-3, 1e-6));
  }
}

TEST(PgdScales, AverageTheGradientsOfShrunkCopies) {
  const Toy t = toy(linear(kVariantImage, 4, 0.3));
  const evaluation::CraftBatch batch = inner(t, 20);
  const LinearLoss loss(t, batch.y);
  const Tensor x = batch.x.to(torch::kDouble);
  Tensor g = torch::zeros_like(x);
  for (int i = 0; i < 4; ++i) g += loss.gradient(x / std::pow(2, i)) / std::pow(2, i) / 4;
  const Traced one = trace({{"steps", 1}, {"step_size", 0.05}, {"start", "input"}, {"scales", 4}},
                           t, batch, threat_of(Norm::kL2, 1));
  const Tensor step = (one.x - batch.x).to(torch::kDouble);
  const Tensor length = g.flatten(1).norm(2, {1}).view({-1, 1, 1, 1});
  EXPECT_TRUE(torch::allclose(step, 0.05 * g / length, 0, 1e-6));
  ASSERT_EQ(one.queries.size(), 1u);
  EXPECT_EQ(one.queries[0].size(0), 80) << "copies are passes";
}

TEST(PgdTranslation, ConvolvesTheGradientWithAGaussian) {
  const Toy t = toy(linear({2, 12, 11}, 4, 0.3));
  const evaluation::CraftBatch batch = inner(t, 10);
  const Tensor g = LinearLoss(t, batch.y).gradient(batch.x.to(torch::kDouble));
  for (const int64_t side : {3, 7, 15}) {
    const Tensor z = torch::linspace(-3, 3, side, torch::kDouble);
    Tensor kernel = (-z.square() / 2).exp();
    kernel = kernel.unsqueeze(1) * kernel.unsqueeze(0);
    kernel = (kernel / kernel.sum()).expand({2, 1, side, side});
    const Tensor blurred = torch::conv2d(g, kernel, {}, 1, side / 2, 1, /*groups=*/2);
    const Tensor x =
        run_pgd({{"steps", 1}, {"step_size", 0.5}, {"start", "input"}, {"translation", side}}, t,
                batch, threat_of(Norm::kL2, 1));
    const Tensor step = (x - batch.x).to(torch::kDouble);
    const Tensor length = blurred.flatten(1).norm(2, {1}).view({-1, 1, 1, 1});
    const Tensor expected = 0.5 * blurred / length;
    const Tensor inside = (batch.x + expected).clamp(0, 1) - batch.x;
    EXPECT_TRUE(torch::allclose(step, inside, 0, 1e-5)) << side;
  }
}

TEST(PgdTranslation, OfOneIsNothingAndOfEvenSidesIsRefused) {
  const Toy t = toy(curved(kVariantImage, 4));
  const evaluation::CraftBatch batch = batch_of(*t.model, 10);
  const ThreatModel threat = threat_of(Norm::kLinf, 0.1);
  EXPECT_TRUE(
      torch::equal(run_pgd({{"translation", 1}}, t, batch, threat), run_pgd({}, t, batch, threat)));
  const auto why = [&](int side) {
    return attack("pgd", {{"translation", side}})
        ->unsupported(threat, {.classes = 4}, Goal::kUntargeted);
  };
  EXPECT_NE(why(4).find("4 is even"), std::string::npos);
  EXPECT_EQ(why(0), "");
  EXPECT_EQ(why(5), "");
}

// All rows are sample 0, so that all are changed alike: what is asked shows the linear map column
// by column, and the step must be along its transpose.
TEST(PgdDiversity, StepsAlongTheExactGradientOfWhatItAsks) {
  const int64_t d = 24 * 22;  // on a canvas of 26 x 24
  const Toy t = toy(linear({1, 24, 22}, 2));
  for (const uint64_t seed : {0, 1, 2, 3}) {
    evaluation::CraftBatch batch;
    batch.x = torch::full({d + 1, 1, 24, 22}, 0.5);
    batch.x.narrow(0, 1, d).view({d, d}).add_(0.25 * torch::eye(d));
    batch.y = torch::zeros({d + 1}, torch::kLong);
    batch.index = torch::zeros({d + 1}, torch::kLong);
    evaluation::CraftRules rules;
    rules.seed = seed;
    const Traced one = trace({{"steps", 1},
                              {"step_size", 0.125},
                              {"start", "input"},
                              {"loss", "margin"},
                              {"diversity", 1.0}},
                             t, batch, threat_of(Norm::kL2, 1), rules);
    const Tensor asked = one.queries.at(0).flatten(1);
    const Tensor columns = (asked.narrow(0, 1, d) - asked[0]) / 0.25;  // [input, asked]
    EXPECT_FALSE(torch::allclose(columns, torch::eye(d), 0, 1e-3)) << "something was changed";
    const Tensor w = t.network->tensors()[0].tensor;
    const Tensor g = columns.mv(w[1] - w[0]);
    const Tensor step = (one.x[0] - batch.x[0]).flatten();
    EXPECT_TRUE(torch::allclose(step, 0.125 * g / g.norm(), 0, 1e-5));
  }
}

TEST(PgdDiversity, PadsAndResizesAsOftenAsItIsTold) {
  const Toy t = toy(linear(kVariantImage, 2));
  evaluation::CraftBatch batch = batch_of(*t.model, 400);
  batch.x = torch::ones_like(batch.x);
  const auto changed = [&](double probability) {
    const Traced one = trace({{"steps", 1}, {"start", "input"}, {"diversity", probability}}, t,
                             batch, threat_of(Norm::kLinf, 0.1));
    const Tensor& asked = one.queries.at(0);
    EXPECT_LE(asked.max().item<double>(), 1 + 1e-6);
    return (asked != batch.x).flatten(1).any(1).to(torch::kDouble).mean().item<double>();
  };
  EXPECT_EQ(changed(0), 0);
  EXPECT_EQ(changed(1), 1) << "a canvas of 13 x 12 leaves a border";
  EXPECT_NEAR(changed(0.5), 0.5, 4 * 0.5 / std::sqrt(400.0));
}

TEST(PgdDiversity, EveryStepDrawsAnew) {
  const Toy t = toy(linear(kVariantImage, 2));
  evaluation::CraftBatch batch = batch_of(*t.model, 60);
  batch.x = torch::ones_like(batch.x);
  const Traced two = trace({{"steps", 2}, {"start", "input"}, {"diversity", 0.5}}, t, batch,
                           threat_of(Norm::kLinf, 0));  // where nothing moves
  EXPECT_FALSE(torch::equal(two.queries.at(0), two.queries.at(1)));
}

TEST(PgdVariants, DoNotDependOnTheBatch) {
  const Toy t = toy(curved(kVariantImage, 4));
  const evaluation::CraftBatch batch = batch_of(*t.model, 9);
  const std::vector<ParamMap> variants = {
      {{"momentum", 1.0}, {"nesterov", true}},
      {{"scales", 3}},
      {{"diversity", 0.7}},
      {{"translation", 5}},
      {{"momentum", 0.9}, {"scales", 2}, {"diversity", 0.7}, {"translation", 3}},
      {{"accumulate_gradients", true}, {"clamp_start", false}, {"step_unit", "epsilon"}},
  };
  for (const Norm norm : kNorms)
    for (const ParamMap& variant : variants) {
      const ParamMap params = both({{"steps", 3}, {"step_size", 0.05}}, variant);
      const ThreatModel threat = threat_of(norm, 0.2);
      const Tensor whole = run_pgd(params, t, batch, threat);
      for (const int64_t size : {1, 4}) {
        std::vector<Tensor> parts;
        for (int64_t i = 0; i < 9; i += size)
          parts.push_back(run_pgd(params, t, part(batch, i, i + size), threat));
        EXPECT_TRUE(torch::equal(torch::cat(parts), whole))
            << int(norm) << " " << to_text(variant) << " " << size;
      }
    }
}

TEST(PgdVariants, AccumulatedGradientsAreSummedUnscaled) {
  const Toy t = toy(linear(kVariantImage, 4, 0.3));
  const evaluation::CraftBatch batch = inner(t, 20);
  const LinearLoss loss(t, batch.y);
  const Tensor x0 = batch.x.to(torch::kDouble);
  Tensor x = x0, sum = torch::zeros_like(x);
  for (int i = 0; i < 5; ++i) {
    sum += loss.gradient(x);
    x = x0 + (x + 0.02 * sum.sign() - x0).clamp(-0.05, 0.05);
  }
  const Tensor found = run_pgd(
      {{"steps", 5}, {"step_size", 0.02}, {"start", "input"}, {"accumulate_gradients", true}}, t,
      batch, threat_of(Norm::kLinf, 0.05));
  EXPECT_TRUE(torch::allclose(found.to(torch::kDouble), x, 0, 1e-6));
}

TEST(PgdVariants, AnUnclampedStartLeavesTheBoxOnceAndTheAnswerDoesNot) {
  const Toy t = toy(curved(kVariantImage, 4));
  evaluation::CraftBatch batch = batch_of(*t.model, 10);
  batch.x = batch.x.round();
  const ThreatModel threat = threat_of(Norm::kLinf, 0.1);
  const ParamMap loose = {{"steps", 2}, {"clamp_start", false}};
  const Traced free = trace(loose, t, batch, threat),
               clamped = trace({{"steps", 2}}, t, batch, threat);
  const Tensor start = free.queries.at(0);
  EXPECT_LT(start.min().item<double>(), -0.01);
  EXPECT_LE((start - batch.x).abs().max().item<double>(), 0.1 + 1e-6);
  EXPECT_TRUE(torch::allclose(start.clamp(0, 1), clamped.queries.at(0), 0, 1e-6));
  for (const Tensor& x : {free.queries.at(1), free.x,
                          run_pgd({{"steps", 0}, {"clamp_start", false}}, t, batch, threat)}) {
    EXPECT_GE(x.min().item<double>(), 0);
    EXPECT_LE(x.max().item<double>(), 1);
  }
}

TEST(PgdVariants, AShorterRunIsAPrefixWhereItIsPromised) {
  const Toy t = toy(curved(kVariantImage, 4));
  const evaluation::CraftBatch batch = batch_of(*t.model, 6);
  const std::vector<std::pair<ParamMap, bool>> cases = {
      {{{"step_size", 0.01}, {"momentum", 1.0}, {"nesterov", true}}, true},
      {{{"step_size", 0.01}, {"scales", 2}, {"diversity", 0.5}, {"translation", 3}}, true},
      {{{"step_size", 0.01}, {"accumulate_gradients", true}}, true},
      {{{"step_size", 0.1}, {"step_unit", "epsilon"}}, true},
      {{}, false},  // steps are as long as their number lets them be
      {{{"step_size", 0.01}, {"step_decay", 0.5}}, false},
      {{{"step_size", 0.01}, {"clamp_start", false}},
       false},  // 0 steps are the projected start, 1 step begins elsewhere
  };
  for (const auto& [params, nested] : cases) {
    EXPECT_EQ(attack("pgd", params)->facts().prefix_nested, nested) << to_text(params);
    const auto asked = [&](int steps) {
      return trace(both(params, {{"steps", steps}}), t, batch, threat_of(Norm::kLinf, 0.1)).queries;
    };
    const std::vector<Tensor> few = asked(4), many = asked(8);
    bool same = true;
    for (size_t i = 0; i < few.size(); ++i) same &= torch::equal(few[i], many[i]);
    EXPECT_EQ(same, params.count("step_size") && !params.count("step_decay")) << to_text(params);
  }
}

TEST(PgdVariants, StepsShrinkAfterHalfOfThem) {
  const Toy t = toy(linear(kVariantImage, 2, 0.3));
  const evaluation::CraftBatch batch = inner(t, 5);
  const auto travelled = [&](int steps) {
    const Tensor x =
        run_pgd({{"steps", steps}, {"step_size", 0.01}, {"step_decay", 0.25}, {"start", "input"}},
                t, batch, threat_of(Norm::kLinf, 0.3));
    return (x - batch.x).abs().max().item<double>();
  };
  EXPECT_NEAR(travelled(4), 2 * 0.01 + 2 * 0.0025, 1e-6);
  EXPECT_NEAR(travelled(5), 3 * 0.01 + 2 * 0.0025, 1e-6);
  EXPECT_NEAR(travelled(1), 0.01, 1e-6);
}

TEST(PgdVariants, StepsInUnitsOfEpsilonFollowEverySamplesOwn) {
  const Toy t = toy(linear(kVariantImage, 2, 0.3));
  const evaluation::CraftBatch batch = inner(t, 3);
  ThreatModel threat = threat_of(Norm::kLinf, 0);
  threat.epsilon = torch::tensor({0.02, 0.1, 0.2}).to(torch::kFloat).view({3, 1, 1, 1});
  const Tensor x =
      run_pgd({{"steps", 2}, {"step_size", 0.25}, {"step_unit", "epsilon"}, {"start", "input"}}, t,
              batch, threat);
  EXPECT_TRUE(torch::allclose((x - batch.x).abs(), (threat.epsilon / 2).expand_as(x), 0, 1e-6));
}

}  // namespace
}  // namespace gauntlet
