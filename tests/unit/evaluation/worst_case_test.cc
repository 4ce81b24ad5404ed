#include "evaluation/worst_case.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "results/outcomes.h"
#include "tests/support/drawn_classifier.h"

namespace gauntlet {
namespace {

/// Columns of a deterministic row that often tie.
std::vector<results::CellRecord> columns(uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<results::CellRecord> out;
  for (const char* name : {"a", "b", "c", "d"}) {
    results::CellRecord cell;
    cell.identity = std::string("question") + (random() % 2 ? "-2" : "") + name;
    cell.attack = name, cell.defense = "row", cell.status = results::Status::kOk;
    cell.flags = {results::remark(std::string("a finding about ") + name)};
    const int64_t samples = random() % 3 == 0 ? 12 : 20;
    for (int64_t i = 0; i < samples; ++i) {
      results::Outcome o{i, i % 10, 1, int64_t(random() % 2), 0};
      o.margin = random() % 5 == 0 ? NAN : double(random() % 3) - 1;
      o.predicted = o.robust_right ? o.label : (o.label + 1) % 10;
      cell.outcomes.push_back(o);
    }
    results::summarise(cell);
    out.push_back(cell);
  }
  return out;
}

/// Columns of a randomized row that often tie, with halves of eight trials.
std::vector<results::CellRecord> drawn_columns(uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<results::CellRecord> out = columns(seed);
  for (results::CellRecord& cell : out) {
    cell.stochastic = true, cell.trials = 8;
    for (results::Outcome& o : cell.outcomes) {
      o.robust_first = int64_t(random() % 5), o.clean_right = 8;
      o.robust_right = *o.robust_first + int64_t(random() % 5);
    }
    results::summarise(cell);
  }
  return out;
}

bool by_name(const results::CellRecord& a, const results::CellRecord& b) {
  return a.attack < b.attack;
}

TEST(WorstCases, AreNotOverColumnsThatRaiseAccuracy) {
  std::vector<results::CellRecord> cells = columns(3);
  const results::WorstCase before = evaluation::worst_case(cells);
  const auto hypocritical = [](results::CellRecord cell) {
    cell.attack += " helps";
    cell.parameters = R"({"host": {"goal": {"value": "hypocritical", "default": "untargeted"}}})";
    for (results::Outcome& o : cell.outcomes) o.robust_right = 0;
    results::summarise(cell);
    return cell;
  };
  cells.push_back(hypocritical(cells[0]));
  const results::WorstCase mixed = evaluation::worst_case(cells);
  EXPECT_EQ(mixed.robust_accuracy, before.robust_accuracy);
  EXPECT_EQ(mixed.attacks, before.attacks);
  EXPECT_TRUE(mixed.missing.empty());
  EXPECT_TRUE(mixed.complete);
  const results::WorstCase alone = evaluation::worst_case({cells.back()});
  EXPECT_EQ(alone.samples, 0);
  EXPECT_NE(alone.reason.find("hypocritical"), std::string::npos);
}

TEST(WorstCases, DoNotDependOnTheOrderOfColumns) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    std::vector<results::CellRecord> cells = seed % 2 ? columns(seed) : drawn_columns(seed);
    const results::WorstCase first = evaluation::worst_case(cells);
    std::sort(cells.begin(), cells.end(), by_name);
    do {
      const results::WorstCase other = evaluation::worst_case(cells);
      ASSERT_EQ(other.robust_accuracy, first.robust_accuracy);
      ASSERT_EQ(other.clean_accuracy, first.clean_accuracy);
      ASSERT_EQ(other.decided_by, first.decided_by);
      ASSERT_EQ(other.flags, first.flags);
      ASSERT_EQ(other.interval.low, first.interval.low);
    } while (std::next_permutation(cells.begin(), cells.end(), by_name));
  }
}

TEST(WorstCases, WithOneAttackAreThatCell) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const results::CellRecord cell = drawn_columns(seed).front();
    const results::WorstCase worst = evaluation::worst_case({cell});
    EXPECT_NEAR(worst.robust_accuracy, cell.robust_accuracy, 1e-12);
    EXPECT_NEAR(worst.interval.low, cell.interval.low, 1e-12);
    EXPECT_NEAR(worst.interval.high, cell.interval.high, 1e-12);
  }
}

// Six attacks that leave the same of every image: the lowest of six measured rates would lie some
// eight points too low at two trials.
TEST(WorstCases, OfEqualAttacksAreNotBiased) {
  for (const int64_t trials : {2, 8}) {
    gauntlet::testing::DrawnClassifier classifier(7);
    double bias = 0, lowest = 0;
    constexpr int kRounds = 300;
    for (int round = 0; round < kRounds; ++round) {
      std::vector<results::CellRecord> cells = classifier.measure(200, trials, 6);
      const double truth = classifier.accuracy_given_draws();
      bias += (evaluation::worst_case(cells).robust_accuracy - truth) / kRounds;
      for (results::CellRecord& cell : cells)
        for (results::Outcome& o : cell.outcomes) o.robust_first.reset();
      lowest += (evaluation::worst_case(cells).robust_accuracy - truth) / kRounds;
    }
    // One round has a standard deviation of some three points.
    EXPECT_LT(std::abs(bias), 0.005) << trials;
    EXPECT_LT(lowest, -0.05) << trials << ": without halves";
  }
}

// Of a few draws, some weak attack is often the lowest by luck: chosen so, its true rate would
// count and five weak attacks beside a strong one would lift the row by two to four points.
TEST(WorstCases, AreNotLiftedByWeakerAttacks) {
  for (const int64_t trials : {2, 8}) {
    gauntlet::testing::DrawnClassifier classifier(11);
    double bias = 0;
    constexpr int kRounds = 300;
    for (int round = 0; round < kRounds; ++round) {
      const auto cells = classifier.measure(200, trials, 6, 0.5);
      bias += (evaluation::worst_case(cells).robust_accuracy - cells[0].robust_accuracy) / kRounds;
    }
    EXPECT_LT(std::abs(bias), 0.01) << trials;
  }
}

// Codes of findings of the row itself.
std::vector<std::string> own_codes(const std::vector<results::CellRecord>& cells) {
  std::vector<std::string> out;
  for (const results::Finding& flag : evaluation::worst_case(cells).flags)
    if (flag.where.empty()) out.push_back(flag.code);
  return out;
}

TEST(WorstCases, SayWhereTheyAreTheLowestOfDraws) {
  const std::vector<std::string> none, lowest = {"lowest_of_draws"};
  std::vector<results::CellRecord> cells = drawn_columns(1);
  EXPECT_EQ(own_codes(cells), none) << "one half chooses, the other is counted";
  for (results::CellRecord& cell : cells) {
    cell.trials = 1;
    for (results::Outcome& o : cell.outcomes) {
      o.robust_first.reset();
      o.clean_right = 1, o.robust_right = std::min<int64_t>(o.robust_right, 1);
    }
    results::summarise(cell);
  }
  EXPECT_EQ(own_codes(cells), lowest) << "a single trial";
  EXPECT_EQ(sentence(evaluation::worst_case(cells).flags.back()),
            "answers are drawn, and of 4 attacks the one that was lowest on an image is counted by "
            "the same draws: the worst case lies too low (scoring.trials = 2 or more)");
  EXPECT_EQ(own_codes({cells[0]}), none) << "nothing was chosen";
  results::CellRecord elsewhere = cells[1];
  for (results::Outcome& o : elsewhere.outcomes) o.index += 100;
  EXPECT_EQ(own_codes({cells[0], elsewhere}), none) << "no image was seen by both";

  std::vector<results::CellRecord> older = drawn_columns(1);
  for (results::Outcome& o : older[0].outcomes) o.robust_first.reset();
  EXPECT_EQ(own_codes(older), lowest) << "halves were not kept";
  EXPECT_EQ(own_codes(columns(1)), none) << "nothing is drawn";
}

TEST(WorstCases, FindTheAttackThatIsWorseOnAnImage) {
  std::vector<results::CellRecord> cells = drawn_columns(1);
  cells.resize(2);
  for (results::CellRecord& cell : cells) {
    cell.outcomes.resize(12);
    for (results::Outcome& o : cell.outcomes) {
      const bool breaks = (cell.attack == "a") == (o.index < 6);
      o.robust_right = breaks ? 1 : 8, o.robust_first = breaks ? o.index % 2 : 4;
    }
    results::summarise(cell);
  }
  const results::WorstCase worst = evaluation::worst_case(cells);
  EXPECT_DOUBLE_EQ(worst.robust_accuracy, 1.0 / 8);
  EXPECT_EQ(worst.decided_by, (std::map<std::string, int64_t>{{"a", 6}, {"b", 6}}));
}

TEST(WorstCases, CarryTheFindingsOfTheColumnsThatDecidedThem) {
  std::vector<results::CellRecord> cells = columns(1);
  cells.resize(2);
  for (results::CellRecord& cell : cells) {
    cell.outcomes.resize(12);
    for (size_t i = 0; i < cell.outcomes.size(); ++i) {
      cell.outcomes[i].margin = 0.5;
      cell.outcomes[i].robust_right = cell.attack == "a" ? i >= 10 : i < 10;
    }
    results::summarise(cell);
  }
  EXPECT_EQ(sentences(evaluation::worst_case(cells).flags),
            (std::vector<std::string>{"a: a finding about a", "b: a finding about b"}));
  for (results::Outcome& o : cells[1].outcomes) o.robust_right = 1;
  results::summarise(cells[1]);
  for (results::Outcome& o : cells[0].outcomes) o.robust_right = 0;
  results::summarise(cells[0]);
  EXPECT_EQ(sentences(evaluation::worst_case(cells).flags),
            std::vector<std::string>{"a: a finding about a"});
}

}  // namespace
}  // namespace gauntlet
