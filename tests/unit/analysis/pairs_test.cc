#include "analysis/pairs.h"

#include <gtest/gtest.h>

#include <cmath>
#include <deque>
#include <map>
#include <random>

#include "analysis/differences.h"
#include "gauntlet/statistics.h"

namespace gauntlet {
namespace {

// Right in A alone, in B alone, in both.
analysis::Pairs pairs_of_counts(int a, int b, int both) {
  analysis::Pairs out;
  for (int i = 0; i < a + b + both; ++i) {
    out.a.push_back(i < a || i >= a + b);
    out.b.push_back(i >= a);
  }
  return out;
}

TEST(PairedTestOf, DecidedImagesIsMcNemarsExactOne) {
  EXPECT_DOUBLE_EQ(paired_test(pairs_of_counts(20, 0, 500)).p, std::pow(0.5, 19));
  const analysis::PairedTest many = paired_test(pairs_of_counts(60, 20, 900));
  EXPECT_DOUBLE_EQ(many.p, binomial_p_value(60, 80));
  EXPECT_LT(many.p, 1e-4);
  EXPECT_EQ(many.method, "McNemar exact");
  EXPECT_GT(paired_test(pairs_of_counts(55, 45, 900)).p, 0.3);
  EXPECT_EQ(paired_test(pairs_of_counts(0, 0, 100)).p, 1);
}

TEST(PairedTestOf, RatesOfOneSizeIsMcNemarsToo) {
  for (const auto& [a, b] : {std::pair{20, 0}, {60, 20}, {55, 45}, {7, 7}, {400, 300}}) {
    analysis::Pairs halves = pairs_of_counts(a, b, 100);
    for (auto* side : {&halves.a, &halves.b})
      for (double& rate : *side) rate /= 2;
    const analysis::PairedTest test = paired_test(halves);
    EXPECT_EQ(test.method, "sign flips");
    EXPECT_NEAR(test.p, binomial_p_value(a, a + b), 1e-9) << a << " " << b;
  }
}

// Every sign of ten differences that are multiples of an eighth.
TEST(PairedTestOf, RatesIsAllFlipsOfSigns) {
  std::mt19937 random(3);
  for (int run = 0; run < 20; ++run) {
    analysis::Pairs pairs;
    for (int i = 0; i < 10; ++i) {
      pairs.a.push_back(double(random() % 9) / 8);
      pairs.b.push_back(double(random() % 9) / 8);
    }
    pairs.a[0] = 0, pairs.b[0] = 1;  // the largest difference is one
    const std::vector<double> d = pairs.differences();
    double observed = 0;
    for (const double one : d) observed += one;
    int beyond = 0;
    for (int signs = 0; signs < 1024; ++signs) {
      double sum = 0;
      for (int i = 0; i < 10; ++i) sum += (signs >> i & 1 ? 1 : -1) * d[size_t(i)];
      beyond += std::abs(sum) >= std::abs(observed) - 1e-9;
    }
    EXPECT_NEAR(paired_test(pairs).p, beyond / 1024.0, 1e-12);
  }
}

// A classifier that draws, judged twice: each image has a chance of its own, and where `shared`,
// one draw lifts or lowers all of them.
class TwoJudgements {
 public:
  explicit TwoJudgements(bool shared) : shared_(shared) {}

  analysis::Side side(int64_t trials) {
    results::CellRecord& record = records_.emplace_back();
    record.identity = std::to_string(records_.size());
    record.trials = trials, record.status = results::Status::kOk;
    std::vector<results::Outcome>& list = outcomes_[record.identity];
    for (int64_t i = 0; i < kImages; ++i) list.push_back({i, 0, 0, 0});
    for (int64_t t = 0; t < trials; ++t) {
      const double lift = shared_ ? 0.3 * (uniform_(random_) - 0.5) : 0;
      int64_t right = 0;
      for (int64_t i = 0; i < kImages; ++i) {
        const double chance = 0.2 + 0.6 * double(i) / kImages + lift;
        const bool hit = uniform_(random_) < chance;
        list[size_t(i)].robust_right += hit, right += hit;
      }
      if (shared_) record.robust_by_trial.push_back(right);
    }
    return {{&record}, [this](const results::CellRecord& r) { return outcomes_.at(r.identity); }};
  }

 private:
  static constexpr int64_t kImages = 200;
  bool shared_;
  std::mt19937 random_{11};
  std::uniform_real_distribution<double> uniform_;
  std::deque<results::CellRecord> records_;
  std::map<std::string, std::vector<results::Outcome>> outcomes_;
};

TEST(PairedTestOf, TwoJudgementsOfOneClassifierStaysQuiet) {
  for (const bool shared : {false, true}) {
    TwoJudgements judgements(shared);
    int loud = 0;
    for (int run = 0; run < 400; ++run) {
      const analysis::Pairs pairs =
          pairs_of(judgements.side(16), judgements.side(16), analysis::Accuracy::kRobust);
      loud += paired_test(pairs).p < 0.05;
    }
    EXPECT_LE(loud, 400 * 0.09) << (shared ? "shared draws" : "draws of their own");
    EXPECT_GE(loud, 400 * 0.015) << "a test that never speaks is none";
  }
}

TEST(PairedTestOf, SharedDrawsWouldBeLoudWithoutTheirVariance) {
  TwoJudgements judgements(true);
  int loud = 0;
  for (int run = 0; run < 100; ++run) {
    analysis::Pairs pairs =
        pairs_of(judgements.side(16), judgements.side(16), analysis::Accuracy::kRobust);
    pairs.shared = {};
    loud += paired_test(pairs).p < 0.05;
  }
  EXPECT_GE(loud, 20);
}

TEST(DifferenceInterval, CoversTheTruth) {
  std::mt19937 random(5);
  std::uniform_real_distribution<double> uniform;
  int covered = 0;
  for (int run = 0; run < 300; ++run) {
    analysis::Pairs pairs;
    for (int i = 0; i < 300; ++i) {
      const double u = uniform(random);
      pairs.a.push_back(uniform(random) < 0.55 * u + 0.2);
      pairs.b.push_back(uniform(random) < 0.55 * u + 0.25);
    }
    const results::Interval interval = difference_interval(pairs);
    EXPECT_EQ(interval.method, "bootstrap over images");
    covered += interval.low <= 0.05 && 0.05 <= interval.high;
  }
  EXPECT_GE(covered, 272);
  EXPECT_LE(covered, 296);
}

TEST(DifferenceInterval, OfFewImagesThatDifferIsNotCertain) {
  const analysis::Pairs pairs = pairs_of_counts(0, 3, 200);
  const results::Interval interval = difference_interval(pairs);
  EXPECT_EQ(interval.method, "Agresti-Min");
  EXPECT_EQ(interval.low, paired_difference(pairs).interval.low);
  EXPECT_LT(interval.low, 0);
}

TEST(DifferenceInterval, IsWiderBySharedDraws) {
  analysis::Pairs pairs = pairs_of_counts(40, 60, 200);
  const results::Interval alone = difference_interval(pairs);
  pairs.shared = {0.01, INFINITY, 100};
  const results::Interval shared = difference_interval(pairs);
  EXPECT_NEAR((shared.high - shared.low) / 2, 1.96 * std::sqrt(0.01 + 100.0 / 300 / 300), 0.015);
  EXPECT_LT(alone.high - alone.low, shared.high - shared.low);
}

TEST(PairsOf, AreTheImagesThatEveryRecordSaw) {
  std::map<std::string, std::vector<results::Outcome>> outcomes = {
      {"a", {{0, 0, 1, 1}, {1, 0, 1, 0}, {2, 0, 1, 1}}},
      {"b", {{1, 0, 2, 1}, {2, 0, 2, 2}, {3, 0, 2, 2}}},
      {"c", {{2, 0, 2, 0}, {1, 0, 0, 1}}}};
  std::vector<results::CellRecord> records(3);
  for (size_t i = 0; i < 3; ++i)
    records[i].identity = std::string(1, char('a' + i)), records[i].trials = i == 0 ? 1 : 2;
  const results::OutcomesOf read = [&](const results::CellRecord& r) {
    return outcomes.at(r.identity);
  };
  const analysis::Side one{{&records[0]}, read}, two{{&records[1], &records[2]}, read};
  const analysis::Pairs robust = pairs_of(one, two, analysis::Accuracy::kRobust);
  EXPECT_EQ(robust.a, (std::vector<double>{0, 1}));
  EXPECT_EQ(robust.b, (std::vector<double>{0.5, 0.5}));
  EXPECT_EQ(pairs_of(one, two, analysis::Accuracy::kClean).b, (std::vector<double>{0.5, 1}));
}

TEST(PairsOf, RefuseWhatIsNoPair) {
  EXPECT_THROW(analysis::paired_test({{1}, {}}), std::invalid_argument);
  EXPECT_THROW(analysis::paired_test({{2}, {1}}), std::invalid_argument);
  EXPECT_THROW(analysis::difference_interval({{1}, {NAN}}), std::invalid_argument);
  EXPECT_THROW(analysis::difference_interval({{1}, {1}}, 1), std::invalid_argument);
}

}  // namespace
}  // namespace gauntlet
