#include "analysis/differences.h"

#include <gmock/gmock.h>

#include <cmath>
#include <map>
#include <random>

namespace gauntlet {
namespace {

// b images where only the defense is right, c where only the baseline is, of n.
results::Difference of_counts(int b, int c, int n) {
  std::vector<double> rates(size_t(n), 1), baseline(size_t(n), 1);
  for (int i = 0; i < b; ++i) baseline[size_t(i)] = 0;
  for (int i = 0; i < c; ++i) rates[size_t(b + i)] = 0;
  return analysis::paired_difference({baseline, rates});
}

TEST(PairedDifference, IsTheClosedFormOfMatchedProportions) {
  const double b = 60, c = 20, n = 1000;
  const results::Difference d = of_counts(60, 20, 1000);
  EXPECT_DOUBLE_EQ(d.value, 0.04);
  const double center = (b - c) / (n + 2);
  const double se = std::sqrt(((b + 0.5) + (c + 0.5) - (b - c) * (b - c) / (n + 2))) / (n + 2);
  EXPECT_NEAR(d.interval.low, center - 1.959963984540054 * se, 1e-12);
  EXPECT_NEAR(d.interval.high, center + 1.959963984540054 * se, 1e-12);
  EXPECT_EQ(d.samples, 1000);
  EXPECT_TRUE(d.ok);
}

TEST(PairedDifference, TellsBelowFromAbove) {
  EXPECT_LT(of_counts(20, 60, 1000).p_below, 1e-4);
  EXPECT_GT(of_counts(60, 20, 1000).p_below, 1 - 1e-4);
  EXPECT_GT(of_counts(45, 55, 1000).p_below, 0.05);
  EXPECT_DOUBLE_EQ(of_counts(30, 30, 1000).p_below, 0.5);
}

TEST(PairedDifference, OfEqualAnswersIsNotCertain) {
  const results::Difference d = of_counts(0, 0, 100);
  EXPECT_EQ(d.value, 0);
  EXPECT_LT(d.interval.low, -0.01);
  EXPECT_GT(d.interval.high, 0.01);
}

// Of many pairs of classifiers that differ by a known amount, about 95 % are covered.
TEST(PairedDifference, CoversTheTruth) {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> uniform;
  int covered = 0;
  for (int run = 0; run < 1000; ++run) {
    std::vector<double> rates, baseline;
    for (int i = 0; i < 200; ++i) {
      const double u = uniform(random);
      double a = 0, b = 0;  // three trials each, whose chances hang together
      for (int trial = 0; trial < 3; ++trial) {
        a += uniform(random) < 0.55 * u + 0.25;
        b += uniform(random) < 0.55 * u + 0.2;
      }
      rates.push_back(a / 3), baseline.push_back(b / 3);
    }
    const results::Difference d = analysis::paired_difference({baseline, rates});
    covered += d.interval.low <= 0.05 && 0.05 <= d.interval.high;
  }
  EXPECT_GE(covered, 930);
  EXPECT_LE(covered, 970);
}

TEST(PairedDifference, RefusesWhatIsNoPair) {
  EXPECT_THROW(analysis::paired_difference({{1}, {1, 0}}), std::invalid_argument);
  EXPECT_THROW(analysis::paired_difference({}), std::invalid_argument);
  EXPECT_THROW(analysis::paired_difference({{1.5}, {1}}), std::invalid_argument);
  EXPECT_THROW(analysis::paired_difference({{1}, {NAN}}), std::invalid_argument);
}

const std::string kSettings =
    R"({"defenses": [{"name": "plain"}, {"name": "vote", "baseline": "plain"}]})";

class Differences : public ::testing::Test {
 protected:
  // `right`: of `trials`, for each image.
  void add(const std::string& defense, const std::string& attack, const std::string& threat,
           int64_t seed, int64_t trials, std::vector<int64_t> right,
           results::Status status = results::Status::kOk) {
    results::CellRecord cell;
    cell.identity = std::to_string(cells.size());
    cell.defense = defense, cell.attack = attack, cell.threat.name = cell.threat.norm = threat;
    cell.seed = seed, cell.trials = trials, cell.status = status;
    for (size_t i = 0; i < right.size(); ++i)
      outcomes[cell.identity].push_back({int64_t(i), 0, trials, right[i]});
    cells.push_back(cell);
  }
  std::vector<results::Difference> all() {
    return analysis::differences_of(kSettings, cells, [&](const results::CellRecord& cell) {
      return outcomes.at(cell.identity);
    });
  }

  std::vector<results::CellRecord> cells;
  std::map<std::string, std::vector<results::Outcome>> outcomes;
};

TEST_F(Differences, AreOfEveryColumnOverSeedsAndTrials) {
  for (int64_t seed = 0; seed < 2; ++seed) {
    add("plain", "pgd", "linf", seed, 1, {0, 1, 1, 0});
    add("plain", "fgsm", "linf", seed, 1, {1, 1, 1, 1});
    add("vote", "pgd", "linf", seed, 2, {2 * seed, 2, 1, 0});
    add("vote", "fgsm", "linf", seed, 2, {2, 2, 2});
    add("plain", "pgd", "l2", seed, 1, {0, 0});
    add("vote", "pgd", "l2", seed, 2, {1, 1});
  }
  const std::vector<results::Difference> found = all();
  std::vector<std::string> columns;
  for (const results::Difference& one : found)
    columns.push_back(one.threat.name + " " + one.attack);
  EXPECT_THAT(columns, ::testing::ElementsAre("linf ", "linf pgd", "linf fgsm", "l2 ", "l2 pgd"));
  EXPECT_EQ(found[0].value, 0);
  EXPECT_DOUBLE_EQ(found[1].value, (0.5 + 0 - 0.5 + 0) / 4);
  EXPECT_EQ(found[2].samples, 3) << "images that both saw";
  EXPECT_DOUBLE_EQ(found[4].value, 0.5);
  for (const results::Difference& one : found) {
    EXPECT_TRUE(one.ok);
    EXPECT_EQ(one.defense, "vote");
    EXPECT_EQ(one.baseline, "plain");
  }
}

// Four images that rise and fall together: one trial in two has all of them right.
TEST_F(Differences, OfSharedDrawsAreLessCertain) {
  for (const bool shared : {false, true}) {
    cells.clear(), outcomes.clear();
    add("plain", "pgd", "linf", 0, 4, {2, 2, 2, 2});
    add("vote", "pgd", "linf", 0, 4, {2, 2, 2, 2});
    if (shared) cells[1].robust_by_trial = {4, 0, 4, 0};
    const results::Difference one = all()[1];
    ASSERT_TRUE(one.ok);
    // together 16 / 3 images², apart 4 * 1 / 3; of four images and four trials
    const double variance = shared ? (16.0 / 3 - 4.0 / 3) / 16 / 4 : 0, own = 1.0 / 36;
    // Degrees of freedom by Satterthwaite: of the shared part, then of the sum.
    const double part = 16.0 / (256.0 / 9 / 3 + 16.0 / 9 / 9);
    const double freedom =
        shared ? std::pow(variance + own, 2) / (own * own / 3 + variance * variance / part)
               : INFINITY;
    EXPECT_NEAR(
        one.interval.high,
        std::min(1.0, results::student_quantile(0.975, freedom) * std::sqrt(variance + own)), 1e-9);
  }
}

TEST_F(Differences, WithoutAnAttackAreOfTheColumnThatSawMostImages) {
  add("plain", "ddn", "linf", 0, 1, {}, results::Status::kSkipped);
  add("vote", "ddn", "linf", 0, 1, {}, results::Status::kSkipped);
  add("plain", "nattack", "linf", 0, 1, {1});
  add("vote", "nattack", "linf", 0, 1, {1});
  add("plain", "pgd", "linf", 0, 1, {1, 1, 1});
  add("vote", "pgd", "linf", 0, 1, {1, 1, 1});
  const std::vector<results::Difference> found = all();
  ASSERT_EQ(found.size(), 4);
  EXPECT_EQ(found[0].attack, "");
  EXPECT_TRUE(found[0].ok);
  EXPECT_EQ(found[0].samples, 3);
  EXPECT_FALSE(found[1].ok);
}

TEST_F(Differences, NeedAResultOfBothSidesUnderEverySeed) {
  for (const int64_t seed : {0, 1}) {
    add("plain", "pgd", "linf", seed, 1, {0, 1});
    add("vote", "pgd", "linf", seed, 1, {1, 1},
        seed ? results::Status::kInvalid : results::Status::kOk);
    add("plain", "fgsm", "linf", seed, 1, {0, 1});
  }
  add("vote", "fgsm", "linf", 0, 1, {1, 1});  // the run ended before the second seed
  for (const results::Difference& one : all()) EXPECT_FALSE(one.ok) << one.attack;
}

TEST_F(Differences, AreNoneWhereNoRowNamesABaseline) {
  add("plain", "pgd", "linf", 0, 1, {0, 1});
  const auto none = [&](const results::CellRecord&) { return std::vector<results::Outcome>{}; };
  for (const char* settings : {"", "{}", "[]", R"({"defenses": [{"name": "plain"}]})"})
    EXPECT_TRUE(analysis::differences_of(settings, cells, none).empty());
}

}  // namespace
}  // namespace gauntlet
