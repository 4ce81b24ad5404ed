#include <gtest/gtest.h>

#include <map>

#include "evaluation/craft.h"
#include "evaluation/interrupted.h"
#include "evaluation/judge.h"
#include "toys.h"

namespace gauntlet {
namespace {
using namespace toys;

const std::vector<int64_t> kTargetImage = {1, 6, 6};

Tensor accuracy(evaluation::DefendedModel& model, const Tensor& x,
                const evaluation::CraftBatch& batch) {
  return judge(model, x, batch.y, batch.index, 0, evaluation::Stream::kScoring, 1).right[0];
}

TEST(Target, CountsRequestedAndExecutedPassesApart) {
  evaluation::DefendedModel model = defended(perceptron(1, kTargetImage, 4));
  const evaluation::CraftBatch batch = images(model, 12);
  Descent attack;
  attack.steps = 7;
  NoEnvironment nowhere;
  const evaluation::Crafted c = craft(attack, model, batch, ball(Norm::kLinf, 1e-4), {}, nowhere);
  EXPECT_FALSE(c.confirmed.any().item<bool>());
  EXPECT_TRUE(c.queries.eq(7).all().item<bool>());
  EXPECT_EQ(c.ledger.forwards, 84);
  EXPECT_EQ(c.ledger.backwards, 84);
  EXPECT_EQ(c.ledger.executed_forwards, 84);
}

TEST(Target, RetiredSamplesCostNothing) {
  evaluation::DefendedModel model = defended(perceptron(1, kTargetImage, 4));
  const evaluation::CraftBatch batch = images(model, 24);
  Descent attack;
  attack.steps = 40;
  NoEnvironment nowhere;
  const evaluation::Crafted c = craft(attack, model, batch, ball(Norm::kLinf, 0.25), {}, nowhere);
  EXPECT_GT(c.confirmed.sum().item<int64_t>(), 20);
  EXPECT_LT(c.ledger.executed_forwards, 24 * 40 / 2);
  EXPECT_EQ(c.ledger.executed_forwards, c.ledger.forwards);
}

TEST(Target, CompactionChangesNoVerdict) {
  for (uint64_t seed : {1, 2, 3}) {
    evaluation::DefendedModel model = defended(perceptron(seed, kTargetImage, 5));
    const evaluation::CraftBatch batch = images(model, 32, seed);
    Descent attack;
    attack.steps = 25;
    NoEnvironment nowhere;
    evaluation::CraftRules on, off, shuffled;
    off.compact = false;
    shuffled.shuffle = true;
    const ThreatModel threat = ball(Norm::kLinf, 0.03);
    const Tensor a = accuracy(model, craft(attack, model, batch, threat, on, nowhere).x, batch);
    const Tensor b = accuracy(model, craft(attack, model, batch, threat, off, nowhere).x, batch);
    const Tensor c =
        accuracy(model, craft(attack, model, batch, threat, shuffled, nowhere).x, batch);
    EXPECT_TRUE(a.equal(b)) << seed;
    EXPECT_TRUE(a.equal(c)) << seed;
    const int64_t left = a.sum().item<int64_t>();
    EXPECT_GT(left, 0) << "the test needs survivors";
    EXPECT_LT(left, 32) << "and hits";
  }
}

TEST(Target, FalseClaimsOfSuccessRetireNothing) {
  // Its fast path lies: the classes are rolled by one, so that every row looks like a hit.
  const auto honest = perceptron(3, kTargetImage, 4);
  auto liar = std::make_shared<FunctionNetwork>(
      [honest](const Tensor& x, Noise& noise, models::Mode mode) {
        const Tensor z = honest->forward(x, noise, {}, mode).logits;
        return mode == models::Mode::kFolded ? z.roll(1, 1) : z;
      },
      kTargetImage, 4);
  evaluation::DefendedModel model = defended(liar);
  const evaluation::CraftBatch batch = images(model, 16);
  Descent attack;
  attack.steps = 5;
  NoEnvironment nowhere;
  const evaluation::Crafted c = craft(attack, model, batch, ball(Norm::kLinf, 1e-5), {}, nowhere);
  EXPECT_GT(c.refuted, 0);
  EXPECT_FALSE(c.confirmed.any().item<bool>());
  EXPECT_TRUE(accuracy(model, c.x, batch).all().item<bool>());
}

TEST(Target, FinalScoresTheLastIterate) {
  evaluation::DefendedModel model = defended(perceptron(1, kTargetImage, 4));
  const evaluation::CraftBatch batch = images(model, 16);
  NoEnvironment nowhere;
  Scripted attack;  // shows a hit, then returns the clean input
  attack.script = [](Target& target, const Task& task) {
    Descent inner;
    inner.steps = 30;
    try {
      inner.run(target, task);
    } catch (const TaskOver&) {
    }
    return task.x;
  };
  evaluation::CraftRules any, final;
  final.track = false;
  const ThreatModel threat = ball(Norm::kLinf, 0.25);
  EXPECT_LT(accuracy(model, craft(attack, model, batch, threat, any, nowhere).x, batch)
                .sum()
                .item<int64_t>(),
            8);
  EXPECT_TRUE(accuracy(model, craft(attack, model, batch, threat, final, nowhere).x, batch)
                  .all()
                  .item<bool>());
}

TEST(Target, BudgetStopsASampleAndScoresWhatItProposed) {
  evaluation::DefendedModel model = defended(perceptron(1, kTargetImage, 4));
  const evaluation::CraftBatch batch = images(model, 6);
  NoEnvironment nowhere;
  evaluation::CraftRules rules;
  rules.max_queries = 5;
  const ThreatModel threat = ball(Norm::kLinf, 1e-3);
  Scripted attack;
  attack.script = [](Target& target, const Task& task) {
    for (int i = 0;; ++i) {
      target.propose(task.x + 1e-4 * (i + 1));
      target.losses(task.x, margin(task.goal));
    }
    return task.x;
  };
  const evaluation::Crafted c = craft(attack, model, batch, threat, rules, nowhere);
  EXPECT_TRUE(c.queries.eq(5).all().item<bool>());
  EXPECT_TRUE(torch::allclose(c.x, batch.x + 6e-4));  // the sixth query found no active sample
}

TEST(Target, AStoppedAttackIsScoredByItsLastQueryInTheBall) {
  evaluation::DefendedModel model = defended(perceptron(1, kTargetImage, 4));
  const evaluation::CraftBatch batch = images(model, 6);
  NoEnvironment nowhere;
  evaluation::CraftRules rules;
  rules.max_queries = 3;
  Scripted attack;
  attack.script = [](Target& target, const Task& task) {
    for (double step : {1e-4, 2e-4, 0.5, 3e-4}) target.losses(task.x + step, margin(task.goal));
    return task.x;
  };
  const evaluation::Crafted c =
      craft(attack, model, batch, ball(Norm::kLinf, 1e-3), rules, nowhere);
  EXPECT_TRUE(torch::allclose(c.x, batch.x + 2e-4, 0, 1e-7));
}

TEST(Target, AccessBelowTheTierThrows) {
  evaluation::DefendedModel model = defended(perceptron(1, kTargetImage, 4));
  const evaluation::CraftBatch batch = images(model, 4);
  NoEnvironment nowhere;
  Scripted attack;
  attack.what.access = Access::kScore;
  attack.script = [](Target& target, const Task& task) {
    return target.gradient(task.x, cross_entropy(task.goal)).x;
  };
  EXPECT_THROW(craft(attack, model, batch, ball(Norm::kLinf, 1), {}, nowhere), AccessError);
  attack.script = [](Target& target, const Task& task) {
    return target.losses(task.x, cross_entropy(task.goal)), task.x;
  };
  evaluation::CraftRules rules;
  rules.access = Access::kDecision;
  EXPECT_THROW(craft(attack, model, batch, ball(Norm::kLinf, 1), rules, nowhere), AccessError);
}

TEST(Target, ManyRowsOfASampleAreGatheredAndCounted) {
  evaluation::DefendedModel model = defended(perceptron(2, kTargetImage, 4));
  const evaluation::CraftBatch batch = images(model, 5);
  NoEnvironment nowhere;
  evaluation::CraftRules rules;
  rules.track = false;
  Scripted attack;
  attack.what.access = Access::kScore;
  attack.script = [&](Target& target, const Task& task) {
    const Tensor rows = task.copies(3);
    const Tensor all = target.losses(task.rows(rows).of(task.x), margin(task.goal), {rows});
    const Tensor one = target.losses(task.x, margin(task.goal));
    EXPECT_TRUE(torch::allclose(all.view({5, 3}), one.unsqueeze(1).expand({5, 3}), 1e-5, 1e-6));
    return task.x;
  };
  const evaluation::Crafted c = craft(attack, model, batch, ball(Norm::kLinf, 1), rules, nowhere);
  EXPECT_TRUE(c.queries.eq(4).all().item<bool>());
}

// Averages over draws, cut into chunks and replayed, against one joint graph.
TEST(Target, AveragesEqualAJointGraph) {
  const auto network = perceptron(4, kTargetImage, 4);
  auto voter = std::make_shared<Voter>();
  evaluation::DefendedModel model = defended(network, {voter});
  const evaluation::CraftBatch batch = images(model, 7);
  ASSERT_TRUE(model.stochastic());
  ASSERT_FALSE(model.shared_noise());
  NoEnvironment nowhere;
  for (const Average average : {Average::kLoss, Average::kProbability, Average::kLogit})
    for (const int64_t memory : {1, 4, 1000}) {
      evaluation::CraftRules rules;
      rules.memory_rows = memory;
      Scripted attack;
      attack.script = [&](Target& target, const Task& task) {
        Query query;
        query.draws = 6, query.average = average;
        const Gradient g = target.gradient(task.x, cross_entropy(task.goal), query);
        const at::AutoGradMode graph(true);
        const Tensor leaf = task.x.clone().requires_grad_(true);
        Tensor total;
        for (int64_t d = 0; d < 6; ++d) {
          const Noise noise = noise_for(0, evaluation::Stream::kDefense, batch.index).at(0, d);
          const Tensor z = model.pass(leaf, noise, models::Mode::kFolded).logits;
          const Tensor v = average == Average::kLoss
                               ? torch::cross_entropy_loss(z, task.y, {}, at::Reduction::None)
                           : average == Average::kLogit ? z
                                                        : z.softmax(1);
          total = total.defined() ? total + v / 6 : v / 6;
        }
        const Tensor l =
            average == Average::kLoss
                ? total
                : torch::nll_loss(average == Average::kLogit ? total.log_softmax(1) : total.log(),
                                  task.y, {}, at::Reduction::None);
        const Tensor exact = torch::autograd::grad({l.sum()}, {leaf})[0];
        EXPECT_LT((g.x - exact).abs().max().item<double>(), 1e-5);  // float32 sums in another order
        EXPECT_LT((g.loss - l).abs().max().item<double>(), 1e-5);
        return task.x;
      };
      craft(attack, model, batch, ball(Norm::kLinf, 1), rules, nowhere);
    }
}

TEST(Target, NoiseDoesNotDependOnTheBatch) {
  auto voter = std::make_shared<Voter>();
  evaluation::DefendedModel model = defended(perceptron(4, kTargetImage, 4), {voter});
  const evaluation::CraftBatch batch = images(model, 9);
  Descent attack;
  attack.steps = 6;
  NoEnvironment nowhere;
  evaluation::CraftRules rules, shuffled;
  rules.draws = shuffled.draws = 3;
  shuffled.shuffle = true;
  const ThreatModel threat = ball(Norm::kLinf, 0.05);
  const Tensor whole = craft(attack, model, batch, threat, rules, nowhere).x;
  const Tensor left = craft(attack, model, part(batch, 0, 4), threat, rules, nowhere).x;
  const Tensor right = craft(attack, model, part(batch, 4, 5), threat, rules, nowhere).x;
  EXPECT_TRUE(torch::allclose(whole, torch::cat({left, right}), 0, 1e-5));
  EXPECT_TRUE(
      torch::allclose(whole, craft(attack, model, batch, threat, shuffled, nowhere).x, 0, 1e-5));
}

TEST(Target, FixedDrawsRepeatFreshOnesDoNot) {
  auto voter = std::make_shared<Voter>();
  evaluation::DefendedModel model = defended(perceptron(4, kTargetImage, 4), {voter});
  const evaluation::CraftBatch batch = images(model, 5);
  NoEnvironment nowhere;
  Scripted attack;
  attack.script = [](Target& target, const Task& task) {
    const auto ask = [&](Draw noise, int64_t key) {
      Query query;
      query.noise = noise, query.key = key;
      return target.scores(task.x, query).logits;
    };
    EXPECT_TRUE(ask(Draw::kFixed, 3).equal(ask(Draw::kFixed, 3)));
    EXPECT_FALSE(ask(Draw::kFixed, 3).equal(ask(Draw::kFixed, 4)));
    EXPECT_FALSE(ask(Draw::kFresh, 0).equal(ask(Draw::kFresh, 0)));
    EXPECT_TRUE(ask(Draw::kOff, 0).equal(ask(Draw::kOff, 1)));
    return task.x;
  };
  craft(attack, model, batch, ball(Norm::kLinf, 1), {}, nowhere);
}

// Multiplies an image by 1 + u, and keeps every u.
struct Brighter final : Defense, TransformsInput {
  std::vector<Tensor> drawn;
  Tensor forward(const Tensor& x, Noise& noise) override {
    const Tensor u = noise.uniform({1}).squeeze(1);
    drawn.push_back(u);
    return x * (1 + u).view({-1, 1, 1, 1});
  }
};

// Two classes and a linear margin: the gradient is 1 + the mean u, times that of the network.
TEST(Target, DrawsOfAFixedKeyAreTheSameInEveryQueryAndNotEachOther) {
  const Tensor w = torch::linspace(-1, 1, 72).view({2, 36});
  for (const int64_t memory_rows : {0, 2}) {  // draws folded into the batch, and in chunks
    auto brighter = std::make_shared<Brighter>();
    evaluation::DefendedModel model =
        defended(linear(w, torch::zeros({2}), kTargetImage), {brighter});
    const evaluation::CraftBatch batch = images(model, 5);
    ASSERT_TRUE(model.stochastic());
    NoEnvironment nowhere;
    evaluation::CraftRules rules;
    rules.memory_rows = memory_rows;
    Scripted attack;
    attack.script = [&](Target& target, const Task& task) {
      const auto ask = [&](const Tensor& x, int64_t key) {
        brighter->drawn.clear();
        return target
            .gradient(x, margin(task.goal),
                      {.draws = 3, .average = Average::kLoss, .noise = Draw::kFixed, .key = key})
            .x;
      };
      const Tensor first = ask(task.x, 3);
      if (memory_rows == 0) {
        const Tensor u = brighter->drawn.at(0).unflatten(0, {3, 5});  // draw by draw
        const Tensor normal = w.index_select(0, 1 - task.y) - w.index_select(0, task.y);
        EXPECT_TRUE(first.flatten(1).allclose((1 + u.mean(0)).unsqueeze(1) * normal, 1e-4, 1e-5));
        EXPECT_FALSE(u[0].allclose(u[1]));
        EXPECT_FALSE(u[0].allclose(u[2]));
        EXPECT_FALSE(u[1].allclose(u[2]));
      }
      EXPECT_TRUE(ask(0.5 * task.x, 3).allclose(first, 1e-5, 1e-6));
      EXPECT_FALSE(ask(task.x, 4).allclose(first, 1e-2, 1e-3));
      target.gradient(task.x, margin(task.goal));  // fresh draws in between change nothing
      EXPECT_TRUE(ask(task.x, 3).allclose(first, 1e-5, 1e-6));
      return task.x;
    };
    craft(attack, model, batch, ball(Norm::kLinf, 1), rules, nowhere);
  }
}

TEST(Target, KeysOfAnAttackDoNotUndoWhatATrainingSaysOfItsNoise) {
  auto brighter = std::make_shared<Brighter>();
  evaluation::DefendedModel model =
      defended(linear(torch::linspace(-1, 1, 72).view({2, 36}), torch::zeros({2}), kTargetImage),
               {brighter});
  const evaluation::CraftBatch batch = images(model, 5);
  NoEnvironment nowhere;
  Scripted attack;
  std::map<int64_t, Tensor> asked;  // by the attack's own key
  attack.script = [&](Target& target, const Task& task) {
    for (const int64_t key : {0, 2})
      asked[key] = target.scores(task.x, {.noise = Draw::kFixed, .key = key}).logits;
    return task.x;
  };
  const auto with = [&](Draw noise, int64_t key) {
    evaluation::CraftRules rules;
    rules.noise = noise, rules.noise_key = key;
    craft(attack, model, batch, ball(Norm::kLinf, 1), rules, nowhere);
    return asked;
  };
  std::map<int64_t, Tensor> off = with(Draw::kOff, 0), five = with(Draw::kFixed, 5),
                            seven = with(Draw::kFixed, 7), fresh = with(Draw::kFresh, 0);
  EXPECT_TRUE(off[0].equal(off[2]));
  EXPECT_FALSE(five[0].equal(five[2]));
  EXPECT_TRUE(five[2].equal(seven[0])) << "keys add up";
  EXPECT_FALSE(five[0].equal(fresh[0]));
}

TEST(Target, RestartsNeverHurtAndOnlyAttackSurvivors) {
  evaluation::DefendedModel model = defended(perceptron(2, kTargetImage, 5));
  const evaluation::CraftBatch batch = images(model, 32);
  Descent attack;
  attack.steps = 4;
  attack.step_size = 0.02;
  NoEnvironment nowhere;
  evaluation::CraftRules one, many;
  many.restarts = 5;
  const ThreatModel threat = ball(Norm::kLinf, 0.06);
  const evaluation::Crafted a = craft(attack, model, batch, threat, one, nowhere),
                            b = craft(attack, model, batch, threat, many, nowhere);
  const Tensor first = accuracy(model, a.x, batch), best = accuracy(model, b.x, batch);
  EXPECT_FALSE((best & first.logical_not()).any().item<bool>());
  EXPECT_LT(best.sum().item<int64_t>(), first.sum().item<int64_t>());
  EXPECT_LE(b.queries.masked_select(a.confirmed).max().item<int64_t>(), 4);
}

TEST(Target, AStochasticModelRetiresNothingOnOneDraw) {
  auto voter = std::make_shared<Voter>();
  voter->sigma = 0.5;
  evaluation::DefendedModel model = defended(perceptron(4, kTargetImage, 4), {voter});
  const evaluation::CraftBatch batch = images(model, 10);
  Descent attack;
  NoEnvironment nowhere;
  const evaluation::Crafted c = craft(attack, model, batch, ball(Norm::kLinf, 0.2), {}, nowhere);
  EXPECT_FALSE(c.confirmed.any().item<bool>());
  EXPECT_TRUE(c.queries.eq(10).all().item<bool>());
}

TEST(Target, RestartsAreChosenAmongBySixtyFourDrawsOrEightTrials) {
  for (const auto& [m, draws] : {std::pair{64, 64}, {1000, 1000}, {16, 64}, {4, 32}, {1, 8}}) {
    auto voter = std::make_shared<Voter>();
    voter->m = m;
    voter->sigma = 5;  // no vote is decided early
    evaluation::DefendedModel model = defended(perceptron(4, kTargetImage, 4), {voter});
    const evaluation::CraftBatch batch = images(model, 4);
    Descent attack;
    attack.steps = 1;
    NoEnvironment nowhere;
    evaluation::CraftRules rules;
    rules.restarts = 3;
    const evaluation::Crafted c =
        craft(attack, model, batch, ball(Norm::kLinf, 0.05), rules, nowhere);
    EXPECT_LE(c.ledger.scoring_forwards, 3 * 4 * draws) << m;
    EXPECT_GT(c.ledger.scoring_forwards, 3 * 4 * draws / 3) << m;
  }
}

TEST(Target, OnlyVotesThatAreClearlyLostAreSparedFurtherRestarts) {
  Descent attack;
  attack.steps = 6;
  attack.step_size = 0.3;
  NoEnvironment nowhere;
  evaluation::CraftRules rules;
  rules.restarts = 3;
  const auto queries = [&](evaluation::DefendedModel& model) {
    const evaluation::CraftBatch batch = images(model, 8);
    return craft(attack, model, batch, ball(Norm::kLinf, 0.5), rules, nowhere).queries;
  };
  const auto with_votes = [&](double sigma, int64_t m) {
    auto voter = std::make_shared<Voter>();
    voter->sigma = sigma, voter->m = m;
    return defended(perceptron(4, kTargetImage, 4), {voter});
  };
  evaluation::DefendedModel sure = with_votes(0.01, 64), few = with_votes(0.01, 2),
                            torn = with_votes(50, 64);
  EXPECT_TRUE(queries(sure).eq(6).all().item<bool>());
  EXPECT_TRUE(queries(few).eq(18).all().item<bool>());   // 16 draws prove little
  EXPECT_TRUE(queries(torn).eq(18).all().item<bool>());  // votes that are won or lost by chance
  evaluation::DefendedModel noisy = defended(std::make_shared<FunctionNetwork>(
      [](const Tensor& x, Noise& noise, models::Mode) {
        const Tensor mean = x.flatten(1).mean(1) + 1e-3 * noise.normal({1}).view(-1);
        return torch::stack({mean, 1 - mean}, 1);
      },
      kTargetImage, 2));
  EXPECT_TRUE(queries(noisy).eq(18).all().item<bool>());
}

// bfloat16 is for finding; what counts is seen in float32.
TEST(Target, CoarsePassesNeverDecideAHit) {
  for (const bool votes : {false, true}) {
    std::map<models::Mode, int> seen;
    const auto linear = [&seen](const Tensor& x, Noise&, models::Mode mode) {
      ++seen[mode];
      const Tensor mean = x.flatten(1).mean(1);
      return torch::stack({mean, 1 - mean, mean * 0}, 1);
    };
    auto voter = std::make_shared<Voter>();
    voter->sigma = 0.5;
    std::vector<std::shared_ptr<Defense>> stack;
    if (votes) stack.push_back(voter);
    evaluation::DefendedModel model =
        defended(std::make_shared<FunctionNetwork>(linear, kTargetImage, 3), stack);
    const evaluation::CraftBatch batch = images(model, 6);
    Descent attack;
    NoEnvironment nowhere;
    evaluation::CraftRules rules;
    rules.mode = models::Mode::kFoldedHalf;
    rules.restarts = 2;
    seen.clear();
    const evaluation::Crafted c =
        craft(attack, model, batch, ball(Norm::kLinf, 0.9), rules, nowhere);
    EXPECT_GT(seen[models::Mode::kFoldedHalf], 0);
    EXPECT_EQ(seen[models::Mode::kEvaluate] > 0,
              !votes);  // a hit was confirmed; votes confirm none
    EXPECT_EQ(c.confirmed.any().item<bool>(), !votes);
    EXPECT_EQ(seen.size(), 2u);  // operator[] above made the second
    seen.clear();
    judge(model, c.x, batch.y, batch.index, 0, evaluation::Stream::kScoring, 1);
    EXPECT_EQ(seen.size(), 1u);
    EXPECT_GT(seen[models::Mode::kEvaluate], 0);
  }
}

TEST(Target, DrawsAreIndependentOfTheVotesSamples) {
  auto voter = std::make_shared<Voter>();
  voter->m = 64;
  evaluation::DefendedModel model = defended(perceptron(4, kTargetImage, 4), {voter});
  const evaluation::CraftBatch batch = images(model, 4);
  Descent attack;
  attack.steps = 5;
  NoEnvironment nowhere;
  evaluation::CraftRules rules;
  rules.draws = 4;
  const evaluation::Crafted c =
      craft(attack, model, batch, ball(Norm::kLinf, 0.05), rules, nowhere);
  EXPECT_TRUE(c.queries.eq(20).all().item<bool>());  // k·n, whatever M is
}

TEST(Target, AConstantModelGivesZeroGradientsAndSaysSo) {
  evaluation::DefendedModel model = defended(std::make_shared<FunctionNetwork>(
      [](const Tensor& x, Noise&, models::Mode) {
        return torch::tensor({1.f, 0.f, 0.f}).expand({x.size(0), 3}).clone();
      },
      kTargetImage, 3));
  const evaluation::CraftBatch batch = images(model, 4);
  Descent attack;
  NoEnvironment nowhere;
  const evaluation::Crafted c = craft(attack, model, batch, ball(Norm::kLinf, 0.1), {}, nowhere);
  EXPECT_TRUE(c.zero_gradients.all().item<bool>());
}

TEST(Target, SeveralLossesShareOneForward) {
  const auto network = perceptron(4, kTargetImage, 4);
  evaluation::DefendedModel model = defended(network);
  const evaluation::CraftBatch batch = images(model, 4);
  NoEnvironment nowhere;
  Scripted attack;
  attack.script = [&](Target& target, const Task& task) {
    const int64_t before = network->calls;
    const auto both = target.gradients(task.x, {cross_entropy(task.goal), margin(task.goal)});
    EXPECT_EQ(network->calls, before + 1);
    EXPECT_TRUE(both[0].x.equal(target.gradient(task.x, cross_entropy(task.goal)).x));
    EXPECT_TRUE(both[1].x.equal(target.gradient(task.x, margin(task.goal)).x));
    return task.x;
  };
  evaluation::CraftRules rules;
  rules.track = false;
  const evaluation::Crafted c = craft(attack, model, batch, ball(Norm::kLinf, 1), rules, nowhere);
  EXPECT_EQ(c.ledger.backwards, 4 * 4);
}

TEST(Target, InterruptionEndsTheTask) {
  evaluation::DefendedModel model = defended(perceptron(4, kTargetImage, 4));
  const evaluation::CraftBatch batch = images(model, 4);
  std::atomic<bool> stop{true};
  evaluation::CraftRules rules;
  rules.stop = &stop;
  Descent attack;
  NoEnvironment nowhere;
  EXPECT_THROW(craft(attack, model, batch, ball(Norm::kLinf, 0.1), rules, nowhere),
               evaluation::Interrupted);
}

}  // namespace
}  // namespace gauntlet
