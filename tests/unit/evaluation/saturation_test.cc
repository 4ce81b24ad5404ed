// Queries that tell an attack nothing: losses and gradients of exactly 0, what is not finite,
// bounds of the box without a gradient; and the attack that follows on the margin loss.
#include <gtest/gtest.h>

#include <limits>

#include "evaluation/craft.h"
#include "evaluation/findings.h"
#include "evaluation/judge.h"
#include "toys.h"

namespace gauntlet {
namespace {
using namespace toys;

const std::vector<int64_t> kScaledImage = {1, 8, 8};
constexpr int64_t kScaledImages = 60;

// A linear network whose decisions do not depend on the scale of its logits.
std::shared_ptr<FunctionNetwork> scaled(double scale) {
  Noise noise = noise_for(1, evaluation::Stream::kProbe, torch::zeros({1}, torch::kLong));
  const Tensor w = noise.shared_normal({4, 64});
  return linear(w * scale, -(w * scale).sum(1) / 2, kScaledImage);
}

struct Attacked {
  evaluation::Crafted crafted;
  Tensor right;  // [N] bool, under attack
  std::string invalid;
  std::vector<std::string> flags;
};

Attacked outcome(Attack& attack, evaluation::DefendedModel& model,
                 const evaluation::CraftBatch& batch, const ThreatModel& threat,
                 const evaluation::CraftRules& rules) {
  NoEnvironment nowhere;
  Attacked out{craft(attack, model, batch, threat, rules, nowhere), {}, {}, {}};
  const evaluation::Verdict clean = judge(model, batch.x, batch.y, batch.index, 0,
                                          evaluation::Stream::kClean, 1),
                            robust = judge(model, out.crafted.x, batch.y, batch.index, 0,
                                           evaluation::Stream::kScoring, 1);
  out.right = robust.right[0];
  evaluation::Findings findings;
  findings.add(batch, rules, attack.facts(), out.crafted, clean, robust);
  out.invalid = findings.invalid(attack.facts());
  out.flags = sentences(findings.flags(model, 1, kScaledImages));
  return out;
}

evaluation::CraftRules rules_with(bool retry) {
  evaluation::CraftRules rules;
  rules.retry = retry;
  return rules;
}

bool says(const std::vector<std::string>& flags, const std::string& words) {
  for (const std::string& flag : flags)
    if (flag.find(words) != std::string::npos) return true;
  return false;
}

int64_t count(const Tensor& samples) { return samples.sum().item<int64_t>(); }

TEST(Saturation, TheMarginLossBreaksWhatCrossEntropyDoesNotSee) {
  for (const double scale : {1.0, 100.0, 1000.0}) {
    evaluation::DefendedModel model = defended(scaled(scale));
    const evaluation::CraftBatch batch = images(model, kScaledImages);
    Descent attack, on_margin;
    attack.steps = on_margin.steps = 20, on_margin.loss = margin;
    const ThreatModel threat = ball(Norm::kLinf, 0.1);
    const Attacked report = outcome(attack, model, batch, threat, rules_with(false)),
                   retry = outcome(attack, model, batch, threat, rules_with(true)),
                   best = outcome(on_margin, model, batch, threat, rules_with(false));
    EXPECT_EQ(count(retry.right), count(best.right)) << scale;
    EXPECT_EQ(says(retry.flags, "tells an attack nothing"), scale > 1);
    if (scale == 1) {
      EXPECT_TRUE(retry.crafted.queries.equal(report.crafted.queries)) << "nothing to try again";
      continue;
    }
    EXPECT_GT(count(report.right), count(best.right)) << scale << ": the test needs survivors";
    EXPECT_TRUE(says(report.flags, "not attacked again") ||
                says(report.flags, "every gradient was exactly 0"));
    EXPECT_GT(count(retry.crafted.blind), 0);
    EXPECT_GT(retry.crafted.queries.masked_select(retry.crafted.blind).max().item<int64_t>(), 20)
        << "the second attempt is counted";
  }
}

TEST(Saturation, ARetryMakesNoSampleMoreRobust) {
  for (const uint64_t seed : {1, 2, 3})
    for (const bool track : {true, false}) {
      const auto mild = perceptron(seed, kScaledImage, 5);
      evaluation::DefendedModel model = defended(std::make_shared<FunctionNetwork>(
          [mild](const Tensor& x, Noise& noise, models::Mode mode) {
            return 60 * mild->forward(x, noise, {}, mode).logits;
          },
          kScaledImage, 5));
      const evaluation::CraftBatch batch = images(model, kScaledImages, seed);
      Descent attack;
      evaluation::CraftRules off = rules_with(false), on = rules_with(true);
      off.track = on.track = track;
      const ThreatModel threat = ball(Norm::kLinf, 0.03);
      const Attacked a = outcome(attack, model, batch, threat, off),
                     b = outcome(attack, model, batch, threat, on);
      EXPECT_FALSE((b.right & a.right.logical_not()).any().item<bool>()) << seed;
      EXPECT_GT(count(b.crafted.blind), 0) << "the test needs something to try again";
    }
}

TEST(Saturation, AHingeThatIsZeroBeyondTheBallIsNoSilence) {
  evaluation::DefendedModel model = defended(scaled(1));
  const evaluation::CraftBatch batch = images(model, 12);
  Scripted attack;
  attack.script = [](Target& target, const Task& task) {
    const Loss hinge = [gap = margin(task.goal)](const Outputs& out, const Rows& rows) {
      return gap(out, rows).clamp_max(0);
    };
    target.gradient(1 - task.x, hinge);  // far away, where most are hit
    return task.x;
  };
  const Attacked o = outcome(attack, model, batch, ball(Norm::kLinf, 1e-4), rules_with(true));
  EXPECT_EQ(count(o.crafted.blind), 0);
  EXPECT_EQ(count(o.crafted.saturated), 0);
  EXPECT_EQ(count(o.crafted.zero_gradients), 0);
}

// Both clip their input to the box; the slope of the second is 0 at its ends.
TEST(Saturation, AsksForGradientsInsideTheBoxWhereItsBoundsHaveNone) {
  const auto clipped = [](auto clip) {
    return std::make_shared<FunctionNetwork>(
        [clip, inner = scaled(0.1)](const Tensor& x, Noise& noise, models::Mode mode) {
          return inner->forward(clip(x), noise, {}, mode).logits;
        },
        kScaledImage, 4);
  };
  evaluation::DefendedModel open = defended(clipped([](const Tensor&x) { return x.clamp(0, 1); })),
                            masked = defended(
                                clipped([](const Tensor&x) { return torch::hardtanh(x, 0, 1); }));
  evaluation::CraftBatch batch = images(open, kScaledImages);
  (void)images(masked, 8);  // probes it
  batch.x = (batch.x > 0.5).to(torch::kFloat);
  batch.y = open.decide(batch.x, noise_for(0, evaluation::Stream::kClean, batch.index)).answer;
  Descent attack;
  const ThreatModel threat = ball(Norm::kLinf, 0.05);
  const Attacked plain = outcome(attack, open, batch, threat, rules_with(true)),
                 report = outcome(attack, masked, batch, threat, rules_with(false)),
                 retry = outcome(attack, masked, batch, threat, rules_with(true));
  EXPECT_GT(count(report.right), count(plain.right)) << "the test needs a difference";
  EXPECT_LE(count(retry.right), count(plain.right));
  EXPECT_TRUE(says(report.flags, "no pixel on a bound of the box had a gradient"));
  EXPECT_TRUE(says(retry.flags, "no pixel on a bound of the box had a gradient"));
  EXPECT_FALSE(says(plain.flags, "bound of the box"));
  EXPECT_TRUE(((retry.crafted.x >= 0) & (retry.crafted.x <= 1)).all().item<bool>());
}

// Asks for the gradient of the margin, shifted so that it is exactly 0, and for its value.
struct ShiftedToZero final : Attack {
  AttackFacts what{.access = Access::kGradient};
  double slope = 1;  // of the second query
  AttackFacts facts() const override { return what; }
  Tensor run(Target& target, const Task& task) override {
    const auto shifted = [gap = margin(task.goal)](double by) -> Loss {
      return [gap, by](const Outputs& out, const Rows& rows) {
        const Tensor value = gap(out, rows);
        return by * (value - value.detach());
      };
    };
    target.gradient(task.x, shifted(1));
    target.gradient(task.x, shifted(slope));
    target.losses(task.x, shifted(1));
    return task.x;
  }
};

TEST(Saturation, ALossOfZeroShortOfTheBoundarySaysNothing) {
  evaluation::DefendedModel model = defended(scaled(1));
  const evaluation::CraftBatch batch = images(model, 12);
  ShiftedToZero attack;
  for (const bool retry : {false, true})
    for (const bool minimal_norm : {false, true}) {
      attack.what.minimal_norm = minimal_norm;
      const Attacked out =
          outcome(attack, model, batch, ball(Norm::kLinf, 1e-4), rules_with(retry));
      EXPECT_EQ(count(out.crafted.saturated), 12);
      EXPECT_TRUE(says(out.flags, "a loss or gradient was exactly 0"));
    }
}

// The two logits of a gray image are equal, so the margin there is exactly 0; its slope is not.
TEST(Saturation, ALossOfZeroOnTheBoundaryIsNone) {
  evaluation::DefendedModel model = defended(std::make_shared<FunctionNetwork>(
      [](const Tensor& x, Noise&, models::Mode) {
        const Tensor shift = x.flatten(1).sum(1) - 32;
        return torch::stack({shift, -shift}, 1);
      },
      kScaledImage, 2));
  const evaluation::CraftBatch batch = images(model, 12);
  for (const bool retry : {false, true})
    for (const bool minimal_norm : {false, true}) {
      Scripted attack;
      attack.what.minimal_norm = minimal_norm;
      attack.script = [](Target& target, const Task& task) {
        const Tensor gray = torch::full_like(task.x, 0.5);
        EXPECT_TRUE(target.losses(gray, margin(task.goal)).eq(0).all().item<bool>());
        target.gradient(gray, margin(task.goal));
        return task.x;
      };
      const Attacked walks = outcome(attack, model, batch, ball(Norm::kLinf, 1), rules_with(retry));
      EXPECT_EQ(count(walks.crafted.blind), 0);
      EXPECT_EQ(count(walks.crafted.saturated), 0);
      EXPECT_EQ(walks.crafted.queries.max().item<int64_t>(), 2) << "nothing to try again";
      EXPECT_FALSE(says(walks.flags, "was exactly 0"));
    }
}

TEST(Saturation, AMinimalNormAttackIsToldNothingByAGradientOfZero) {
  evaluation::DefendedModel model = defended(scaled(1));
  const evaluation::CraftBatch batch = images(model, 12);
  ShiftedToZero attack;
  attack.what.minimal_norm = true, attack.slope = 0;
  const ThreatModel threat = ball(Norm::kLinf, 1e-4);
  const Attacked some = outcome(attack, model, batch, threat, rules_with(false));
  EXPECT_EQ(count(some.crafted.saturated), 12);
  EXPECT_TRUE(says(some.flags, "a loss or gradient was exactly 0"));
  attack.slope = std::numeric_limits<double>::infinity();  // times 0
  EXPECT_NE(outcome(attack, model, batch, threat, rules_with(false)).invalid, "");
}

TEST(Saturation, NothingIsTriedAgainForAnAttackThatIsTold) {
  evaluation::DefendedModel model = defended(perceptron(1, kScaledImage, 4));
  const evaluation::CraftBatch batch = images(model, 20);
  Descent attack;
  const ThreatModel threat = ball(Norm::kLinf, 0.01);
  const Attacked off = outcome(attack, model, batch, threat, rules_with(false)),
                 on = outcome(attack, model, batch, threat, rules_with(true));
  EXPECT_TRUE(on.crafted.x.equal(off.crafted.x));
  EXPECT_EQ(on.crafted.ledger.executed_forwards, off.crafted.ledger.executed_forwards);
  EXPECT_EQ(on.crafted.ledger.scoring_forwards, off.crafted.ledger.scoring_forwards);
  EXPECT_TRUE(on.flags.empty());
}

// The same logits, but a gradient that is NaN, or infinite, for the first images.
Attacked with_broken_gradients(int64_t first, double slope) {
  evaluation::DefendedModel model = defended(std::make_shared<FunctionNetwork>(
      [inner = scaled(0.1), first, slope](const Tensor& x, Noise& noise, models::Mode mode) {
        const Tensor z = inner->forward(x, noise, {}, mode).logits;
        // Rows are found by their first pixel, which no attack moves here.
        const Tensor pixel = x.select(3, 0).select(2, 0), place = pixel.detach();
        const Tensor sound = place.ge(0.25 + 1e-6 * (double(first) - 0.5)).to(torch::kFloat);
        const Tensor root = (pixel - place + sound).sqrt();  // of 0 where it is broken
        return z + slope * (root - root.detach());
      },
      kScaledImage, 4));
  evaluation::CraftBatch batch = images(model, 200);
  for (int64_t i = 0; i < 200; ++i) batch.x[i][0][0][0] = 0.25 + 1e-6 * double(i);
  batch.y = model.decide(batch.x, noise_for(0, evaluation::Stream::kClean, batch.index)).answer;
  Scripted attack;
  attack.script = [](Target& target, const Task& task) {
    target.gradient(task.x, task.loss_or(cross_entropy));
    return task.x;
  };
  return outcome(attack, model, batch, ball(Norm::kLinf, 0.1), rules_with(true));
}

TEST(NotFinite, GradientsAreCountedAndTooManyOfThemMakeACellInvalid) {
  const Attacked none = with_broken_gradients(0, 0), few = with_broken_gradients(2, 0),
                 many = with_broken_gradients(3, 0), infinite = with_broken_gradients(3, 1);
  EXPECT_EQ(none.invalid, "");
  EXPECT_FALSE(says(none.flags, "not finite"));
  EXPECT_EQ(few.invalid, "") << "one percent";
  EXPECT_TRUE(
      says(few.flags, "losses or gradients were not finite (NaN or infinite) for 2 of 200"));
  for (const Attacked* o : {&many, &infinite})
    EXPECT_NE(o->invalid.find("not finite (NaN or infinite) for 3 of 200 attacked"),
              std::string::npos)
        << o->invalid;
}

TEST(NotFinite, LossesOfAttacksWithoutGradientsAreCountedToo) {
  evaluation::DefendedModel model = defended(scaled(1));
  const evaluation::CraftBatch batch = images(model, 10);
  Scripted attack;
  attack.what.access = Access::kScore;
  attack.script = [](Target& target, const Task& task) {
    const Loss loss = [](const Outputs& out, const Rows&) {
      return (out.logits.select(1, 0) * 0).log() * 0;
    };
    target.losses(task.x, task.loss ? *task.loss : loss);
    if (task.loss) target.losses(task.x, loss);
    return task.x;
  };
  EXPECT_NE(outcome(attack, model, batch, ball(Norm::kLinf, 1e-4), rules_with(true)).invalid, "");
}

}  // namespace
}  // namespace gauntlet
