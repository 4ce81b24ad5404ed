// Defenses whose logits, scores or ballots are not finite.
#include <gtest/gtest.h>

#include "evaluation/cell.h"
#include "evaluation/craft.h"
#include "evaluation/findings.h"
#include "evaluation/judge.h"
#include "toys.h"

namespace gauntlet {
namespace {
using namespace toys;

const std::vector<int64_t> kTinyImage = {1, 4, 4};

// Class 1 for images that are light in the middle; not finite where the first pixel is below 0.1.
std::shared_ptr<FunctionNetwork> broken_in_the_dark(double value) {
  return std::make_shared<FunctionNetwork>(
      [value](const Tensor& x, Noise&, models::Mode) {
        const Tensor flat = x.flatten(1), light = flat.narrow(1, 5, 2).mean(1) - 0.5;
        const Tensor z = torch::stack({-light, light, light * 0}, 1);
        return z.masked_fill(flat.select(1, 0).lt(0.1).unsqueeze(1), value);
      },
      kTinyImage, 3);
}

// Forty light images, every tenth of them with a dark first pixel.
evaluation::CraftBatch lights() {
  const Tensor index = torch::arange(40);
  Tensor x = torch::full({40, 1, 4, 4}, 0.75);
  x.view({40, 16}).select(1, 0).masked_fill_(index.remainder(10) == 3, 0.05);
  return {x, torch::ones({40}, torch::kLong), index};
}

evaluation::Verdict verdict(evaluation::DefendedModel& model, const evaluation::CraftBatch& batch,
                            int64_t trials = 1) {
  return judge(model, batch.x, batch.y, batch.index, 0, evaluation::Stream::kClean, trials);
}

struct Detector final : Defense, Refuses {
  Tensor score(const Tensor& x, const Outputs&, View&) override {
    return (x.flatten(1).select(1, 0) - 0.1).sqrt() - 1;  // NaN below 0.1
  }
};

TEST(NoAnswer, DoesNotMakeADeterministicNetworkARandomOne) {
  for (const double value : {double(NAN), double(INFINITY), -double(INFINITY)}) {
    evaluation::DefendedModel model = defended(broken_in_the_dark(value));
    model.probe(lights().x.narrow(0, 0, 8));
    EXPECT_FALSE(model.stochastic()) << value;
    EXPECT_FALSE(model.couples_rows()) << value;
    EXPECT_FALSE(model.own_randomness()) << value;
  }
}

TEST(NoAnswer, IsNeverRightWhateverTheLabel) {
  for (const double value : {double(NAN), double(INFINITY)})
    for (const int64_t label : {0, 1, 2}) {
      evaluation::DefendedModel model = defended(broken_in_the_dark(value));
      evaluation::CraftBatch batch = lights();
      model.probe(batch.x.narrow(0, 0, 8));
      batch.y.fill_(label);
      const evaluation::Verdict v = verdict(model, batch);
      EXPECT_EQ(v.right.sum().item<int64_t>(), label == 1 ? 36 : 0);
      EXPECT_EQ(v.faulty.sum().item<int64_t>(), 4);
      EXPECT_TRUE(v.predicted.masked_select(v.faulty).eq(-1).all().item<bool>());
      EXPECT_TRUE(v.margin.isfinite().all().item<bool>());
      EXPECT_TRUE(v.margin.masked_select(v.faulty).lt(0).all().item<bool>());
    }
}

TEST(NoAnswer, OfTheBareNetworkIsNotCountedAsRight) {
  data::Dataset data;
  data.images = torch::full({4, 1, 4, 4}, 190, torch::kByte);
  data.images[2].fill_(0);
  data.labels = torch::tensor({1, 1, 0, 1});
  evaluation::DefendedModel model = defended(broken_in_the_dark(NAN));
  EXPECT_EQ(count_right(model, data, 4).right, 3);
}

TEST(NoAnswer, CountsAgainstAVoteAsMuchAsABallotMay) {
  for (const bool soft : {false, true})
    for (const double sigma : {0.0, 1e-3, 0.04}) {
      auto voter = std::make_shared<Voter>();
      voter->m = 32, voter->soft = soft, voter->sigma = sigma;
      evaluation::DefendedModel model = defended(broken_in_the_dark(NAN), {voter});
      const evaluation::CraftBatch batch = lights();
      model.probe(batch.x.narrow(0, 0, 8));
      const evaluation::Verdict v = verdict(model, batch, 4);
      const Tensor dark = batch.index.remainder(10) == 3;
      EXPECT_FALSE(sigma < 0.01 && v.right.any(0).masked_select(dark).any().item<bool>());
      EXPECT_TRUE(v.faulty.masked_select(dark).all().item<bool>());
      EXPECT_TRUE(v.right.all(0).masked_select(dark.logical_not()).all().item<bool>());
    }
}

TEST(NoAnswer, AVoteThatEndsEarlyAnswersAsInABatchOfOne) {
  auto voter = std::make_shared<Voter>();
  voter->m = 64, voter->sigma = 0.06;
  evaluation::DefendedModel model = defended(broken_in_the_dark(NAN), {voter});
  const evaluation::CraftBatch batch = lights();
  model.probe(batch.x.narrow(0, 0, 8));
  const Noise noise = noise_for(3, evaluation::Stream::kScoring, batch.index);
  const Tensor whole = model.decide(batch.x, noise).answer;
  for (const int64_t i : {3, 13, 23, 33}) {
    const Tensor x = batch.x.narrow(0, i, 1);
    EXPECT_EQ(model.decide(x, evaluation::narrowed(noise, i, 1)).answer.item<int64_t>(),
              whole[i].item<int64_t>());
  }
}

TEST(NoAnswer, OfADetectorIsNoAnswerOfTheDefense) {
  evaluation::DefendedModel model = defended(broken_in_the_dark(0), {std::make_shared<Detector>()});
  const evaluation::CraftBatch batch = lights();
  model.probe(batch.x.narrow(0, 0, 8));
  EXPECT_FALSE(model.stochastic());
  const evaluation::Verdict v = verdict(model, batch);
  EXPECT_EQ(v.faulty.sum().item<int64_t>(), 4);
  EXPECT_FALSE(v.right[0].masked_select(v.faulty).any().item<bool>());
}

// A voter may count logits, which may all be negative.
TEST(NoAnswer, IsNoneWhereBallotsAreNegative) {
  struct Deep final : Defense, Votes {
    bool bounded = false;
    int64_t mc_samples() const override { return 16; }
    Tensor perturb(const Tensor& x, Noise& noise) override {
      return x + 0.3 * noise.normal(x.sizes().slice(1));
    }
    Tensor ballot(const Outputs& out) override { return out.logits.softmax(1) - 5; }
    double lead() const override { return bounded ? 1 : std::numeric_limits<double>::infinity(); }
  };
  const evaluation::CraftBatch batch = lights();
  std::vector<Tensor> answers;
  for (const bool bounded : {false, true}) {
    auto deep = std::make_shared<Deep>();
    deep->bounded = bounded;
    evaluation::DefendedModel model = defended(broken_in_the_dark(0), {deep});
    model.probe(batch.x.narrow(0, 0, 8));
    const auto decision =
        model.decide(batch.x, noise_for(3, evaluation::Stream::kScoring, batch.index));
    EXPECT_FALSE(decision.answer.masked_select(decision.faulty.logical_not())
                     .eq(evaluation::DefendedModel::kNoAnswer)
                     .any()
                     .item<bool>());
    answers.push_back(decision.answer);
  }
  EXPECT_TRUE(answers[0].equal(answers[1])) << "an early end must not change an answer";
}

TEST(NoAnswer, OfABallotIsTheVotersFault) {
  struct Bad final : Defense, Votes {
    int64_t mc_samples() const override { return 4; }
    Tensor ballot(const Outputs& out) override { return out.logits * NAN; }
  };
  evaluation::DefendedModel model = defended(broken_in_the_dark(0), {std::make_shared<Bad>()});
  const evaluation::CraftBatch batch = lights();
  try {
    verdict(model, batch);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const std::exception& error) {
    EXPECT_STREQ(error.what(), "'wrapper': ballot() gave values that are not finite");
  }
}

TEST(NoAnswer, IsSaidWithCounts) {
  evaluation::DefendedModel model = defended(broken_in_the_dark(NAN));
  evaluation::CraftBatch batch = lights();
  model.probe(batch.x.narrow(0, 0, 8));
  const evaluation::Verdict clean = verdict(model, batch);
  batch.settled = clean.right[0].logical_not();
  Scripted attack;
  attack.script = [](Target& target, const Task& task) {
    target.gradient(task.x, task.loss_or(cross_entropy));
    Tensor x = task.x.clone();
    x[0][0][0][0] = 0;  // into the dark
    return x;
  };
  NoEnvironment nowhere;
  evaluation::CraftRules rules;
  const evaluation::Crafted c = craft(attack, model, batch, ball(Norm::kLinf, 0.8), rules, nowhere);
  const evaluation::Verdict robust =
      judge(model, c.x, batch.y, batch.index, 0, evaluation::Stream::kScoring, 1);
  EXPECT_EQ(robust.right.sum().item<int64_t>(), 35);
  evaluation::Findings findings;
  findings.add(batch, rules, attack.facts(), c, clean, robust);
  ASSERT_EQ(findings.invalid(attack.facts()), "");
  const std::vector<std::string> flags = sentences(findings.flags(model, 0.8, 40));
  ASSERT_FALSE(flags.empty());
  EXPECT_NE(flags.back().find("not finite (NaN or infinite) for 4 of 40 clean inputs and 5 "
                              "adversarial ones"),
            std::string::npos)
      << flags.back();
}

// Where the judge counts no answer as wrong, an attack that passed over it has won all the same.
TEST(NoAnswer, ThatAnAttackMetIsAHit) {
  for (const double value : {double(NAN), double(INFINITY), -double(INFINITY)})
    for (const Access access : {Access::kDecision, Access::kScore, Access::kGradient}) {
      evaluation::DefendedModel model = defended(broken_in_the_dark(value));
      evaluation::CraftBatch batch = lights();
      model.probe(batch.x.narrow(0, 0, 8));
      Scripted attack;
      attack.what.access = access;
      attack.script = [access](Target& target, const Task& task) {
        Tensor dark = task.x.clone();
        dark.flatten(1).select(1, 0).narrow(0, 0, 20).fill_(0);  // of the first twenty
        if (access == Access::kGradient)
          target.gradient(dark, cross_entropy(task.goal));
        else if (access == Access::kDecision)
          target.decisions(dark);
        else
          target.losses(dark, cross_entropy(task.goal));
        return task.x;
      };
      NoEnvironment nowhere;
      const evaluation::Crafted c =
          craft(attack, model, batch, ball(Norm::kLinf, 0.8), {}, nowhere);
      const evaluation::Verdict robust =
          judge(model, c.x, batch.y, batch.index, 0, evaluation::Stream::kScoring, 1);
      EXPECT_EQ(robust.right.sum().item<int64_t>(), 18) << value;
      EXPECT_EQ(c.refuted, 0);
    }
}

TEST(NoAnswer, OfADetectorIsAHit) {
  evaluation::DefendedModel model = defended(broken_in_the_dark(0), {std::make_shared<Detector>()});
  const evaluation::CraftBatch batch = lights();
  model.probe(batch.x.narrow(0, 0, 8));
  Scripted attack;
  attack.script = [](Target& target, const Task& task) {
    Tensor dark = task.x.clone();
    dark.flatten(1).select(1, 0).narrow(0, 0, 20).fill_(0);
    target.losses(dark, cross_entropy(task.goal));
    return task.x;
  };
  NoEnvironment nowhere;
  const evaluation::Crafted c = craft(attack, model, batch, ball(Norm::kLinf, 0.8), {}, nowhere);
  const evaluation::Verdict robust =
      judge(model, c.x, batch.y, batch.index, 0, evaluation::Stream::kScoring, 1);
  EXPECT_EQ(robust.faulty.sum().item<int64_t>(), 22) << "twenty, and two that were dark before";
}

TEST(NoAnswer, ShowsADecisionAttackNoClass) {
  evaluation::DefendedModel model = defended(broken_in_the_dark(NAN));
  const evaluation::CraftBatch batch = lights();
  model.probe(batch.x.narrow(0, 0, 8));
  Scripted attack;
  attack.what.access = Access::kDecision;
  attack.script = [](Target& target, const Task& task) {
    const Tensor answer = target.decisions(task.x);
    EXPECT_EQ(answer.eq(-1).sum().item<int64_t>(), 4);
    EXPECT_EQ(answer.eq(1).sum().item<int64_t>(), 36);
    return task.x;
  };
  NoEnvironment nowhere;
  craft(attack, model, batch, ball(Norm::kLinf, 0.1), {}, nowhere);
}

}  // namespace
}  // namespace gauntlet
