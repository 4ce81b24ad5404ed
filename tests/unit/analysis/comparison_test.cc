#include "analysis/comparison.h"

#include <gmock/gmock.h>

#include <map>

#include "gauntlet/statistics.h"

namespace gauntlet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A run that was never made.
struct Made {
  // right: of one trial, for each image.
  results::CellRecord& add(const std::string& defense, const std::string& attack,
                           const std::vector<int64_t>& right,
                           results::Status status = results::Status::kOk) {
    results::CellRecord cell;
    cell.identity = name + defense + attack + std::to_string(run.cells.size());
    cell.fingerprint = "f";
    cell.defense = defense, cell.attack = attack, cell.status = status;
    cell.threat = {"linf", "linf", 0.1};
    cell.dataset = "cifar10", cell.split = "test";
    if (status != results::Status::kOk) cell.reason = "out of memory";
    for (size_t i = 0; i < right.size(); ++i)
      outcomes[cell.identity].push_back({int64_t(i), 0, 1, right[i]});
    return run.cells.emplace_back(cell);
  }
  results::RunRecords records() const {
    return {run, [this](const results::CellRecord& cell) { return outcomes.at(cell.identity); }};
  }

  std::string name;
  results::Store::Run run;
  std::map<std::string, std::vector<results::Outcome>> outcomes;
};

class Compared : public ::testing::Test {
 protected:
  // Images of which A alone has `a` right, B alone `b`, and both the rest of 1,000.
  void plant(const std::string& defense, int64_t a, int64_t b) {
    std::vector<int64_t> right_a(1000, 1), right_b(1000, 1);
    for (int64_t i = 0; i < a; ++i) right_b[size_t(i)] = 0;
    for (int64_t i = 0; i < b; ++i) right_a[size_t(a + i)] = 0;
    a_.add(defense, "pgd", right_a);
    b_.add(defense, "pgd", right_b);
  }
  analysis::Comparison all() const { return analysis::compare(a_.records(), b_.records()); }
  static const analysis::ComparedCell& of(const analysis::Comparison& comparison,
                                          const std::string& defense,
                                          const std::string& attack = "pgd") {
    for (const analysis::ComparedCell& cell : comparison.cells)
      if (cell.defense == defense && cell.attack == attack) return cell;
    throw std::out_of_range(defense);
  }

  Made a_{"a", {}, {}}, b_{"b", {}, {}};
};

TEST_F(Compared, PlantedDifferencesAreFoundAndChanceStaysQuiet) {
  plant("lost", 20, 0);
  plant("worse", 60, 20);
  plant("chance", 55, 45);
  const analysis::Comparison found = all();
  EXPECT_DOUBLE_EQ(of(found, "lost").p, binomial_p_value(20, 20));
  EXPECT_DOUBLE_EQ(of(found, "worse").p, binomial_p_value(60, 80));
  EXPECT_DOUBLE_EQ(of(found, "chance").p, binomial_p_value(55, 100));
  EXPECT_TRUE(of(found, "lost").significant());
  EXPECT_TRUE(of(found, "worse").significant());
  EXPECT_FALSE(of(found, "chance").significant());
  EXPECT_NEAR(of(found, "worse").difference(), -0.04, 1e-12);
  EXPECT_EQ(of(found, "worse").worse, 60);
  EXPECT_EQ(of(found, "worse").better, 20);
  EXPECT_EQ(of(found, "worse").samples, 1000);
  // Six are tested: each defense without an attack too, where nothing differs.
  EXPECT_DOUBLE_EQ(of(found, "lost").p_adjusted, 6 * of(found, "lost").p);
  EXPECT_DOUBLE_EQ(of(found, "worse").p_adjusted, 5 * of(found, "worse").p);
  EXPECT_EQ(of(found, "lost", "").p, 1);
}

TEST_F(Compared, TheGateAsksForSizeAndSignificance) {
  plant("small but sure", 20, 0);
  plant("large and sure", 60, 20);
  plant("better", 0, 50);
  plant("chance", 55, 45);
  const analysis::Comparison found = all();
  const auto beyond = [&](double points) {
    std::vector<std::string> names;
    for (const analysis::ComparedCell* cell : found.beyond(points)) names.push_back(cell->defense);
    return names;
  };
  EXPECT_THAT(beyond(1), ElementsAre("small but sure", "large and sure"));
  EXPECT_THAT(beyond(2.5), ElementsAre("large and sure"));
  EXPECT_THAT(beyond(5), ElementsAre());
}

TEST_F(Compared, AResultThatIsLostIsBeyondEveryGate) {
  a_.add("at", "pgd", {1, 0, 1});
  b_.add("at", "pgd", {}, results::Status::kError);
  a_.add("at", "fgsm", {}, results::Status::kInvalid);
  b_.add("at", "fgsm", {1, 1, 1});
  a_.add("gone", "pgd", {1, 1, 1});
  b_.add("new", "pgd", {1, 1, 1});
  const analysis::Comparison found = all();
  EXPECT_TRUE(of(found, "at").lost);
  EXPECT_EQ(of(found, "at").problem, "B: error: out of memory");
  EXPECT_FALSE(of(found, "at", "fgsm").lost);
  EXPECT_EQ(of(found, "at", "fgsm").problem, "A: invalid: out of memory");
  EXPECT_TRUE(of(found, "gone").lost);
  EXPECT_EQ(of(found, "gone").problem, "B: not in the run");
  EXPECT_EQ(of(found, "new").problem, "A: not in the run");
  EXPECT_EQ(found.beyond(100).size(), 2u);
}

TEST_F(Compared, OneRecordInBothRunsIsNotTested) {
  plant("at", 30, 0);
  b_ = a_;
  b_.name = "b";
  plant("trades", 30, 0);
  const analysis::Comparison found = all();
  EXPECT_TRUE(of(found, "at").same);
  EXPECT_FALSE(of(found, "at").significant());
  EXPECT_DOUBLE_EQ(of(found, "trades").p_adjusted, 2 * of(found, "trades").p)
      << "trades with and without an attack";
}

TEST_F(Compared, SeedsAreMeansAndOtherDataIsNoQuestion) {
  for (const int64_t seed : {0, 1}) {
    a_.add("at", "pgd", {1, 1, seed, 0}).seed = seed;
    b_.add("at", "pgd", {0, 1, 1, 0}).seed = seed;
  }
  a_.add("at", "fgsm", {1, 1});
  b_.add("at", "fgsm", {1, 1}).dataset = "mnist";
  const analysis::Comparison found = all();
  EXPECT_DOUBLE_EQ(of(found, "at").a, 2.5 / 4);
  EXPECT_DOUBLE_EQ(of(found, "at").b, 0.5);
  EXPECT_EQ(of(found, "at").test, "sign flips");
  EXPECT_EQ(of(found, "at", "fgsm").problem, "A is of cifar10 (test), B of mnist (test)");
}

TEST_F(Compared, ChangesAreToldOnceWithTheirCells) {
  for (Made* run : {&a_, &b_}) {
    const bool first = run == &a_;
    run->run.settings = first ? R"({"seeds": [0], "attacks": [{"name": "pgd", "steps": 1}]})"
                              : R"({"seeds": [1], "attacks": [{"name": "pgd", "steps": 2}]})";
    for (const char* defense : {"at", "trades"}) {
      results::CellRecord& cell = run->add(defense, "pgd", {1, 0});
      cell.parameters = first ? R"({"attack": {"params": {"steps": {"value": 7, "default": 10}}}})"
                              : R"({"attack": {"params": {"steps": {"value": 9, "default": 10}}}})";
      cell.environment = first ? R"({"libtorch": "2.10.0", "plugins": {"attack/pgd": "ab"}})"
                               : R"({"libtorch": "2.11.0", "plugins": {"attack/pgd": "ab"}})";
    }
  }
  std::vector<std::string> told;
  for (const auto& [change, cells] : all().changes)
    told.push_back(change.what + " " + change.a + " " + change.b + " " + std::to_string(cells));
  EXPECT_THAT(told, ElementsAre("seeds [0] [1] 0", "attack.params.steps 7 9 2",
                                "libtorch \"2.10.0\" \"2.11.0\" 2"));
}

TEST(Changes, NameEntriesOfListsAndTellWhatIsAbsent) {
  const std::vector<analysis::Change> found = analysis::changes_between(
      R"({"threats": [{"name": "l2", "epsilon": 1}, {"name": "linf", "epsilon": 2}], "old": {"x": true}})",
      R"({"threats": [{"name": "linf", "epsilon": 3}, {"name": "l2", "epsilon": 1}], "new": [1, 2]})");
  EXPECT_THAT(found, ElementsAre(analysis::Change{"new", "", "[1,2]"},
                                 analysis::Change{"old.x", "true", ""},
                                 analysis::Change{"threats[linf].epsilon", "2", "3"}));
  EXPECT_TRUE(analysis::changes_between("", "{}").empty());
  EXPECT_TRUE(analysis::changes_between("nonsense", "").empty());
}

}  // namespace
}  // namespace gauntlet
