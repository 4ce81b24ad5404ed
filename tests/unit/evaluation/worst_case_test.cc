#include "evaluation/worst_case.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "results/outcomes.h"

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

class WorstCases : public ::testing::Test {
 protected:
  results::WorstCase of(const std::vector<results::CellRecord>& cells) {
    return worst_case(cells, {}, {}, laboratory_, [](const results::CellRecord&) -> Tensor {
      throw std::logic_error("a deterministic row is not judged again");
    });
  }
  const library::PluginLibrary plugins_{{}};
  const registry::Registry registry_{"", {}};
  evaluation::Laboratory laboratory_{plugins_, registry_, at::kCPU};
};

TEST_F(WorstCases, DoNotDependOnTheOrderOfColumns) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    std::vector<results::CellRecord> cells = columns(seed);
    const results::WorstCase first = of(cells);
    std::sort(cells.begin(), cells.end(),
              [](const results::CellRecord& a, const results::CellRecord& b) {
                return a.attack < b.attack;
              });
    do {
      const results::WorstCase other = of(cells);
      ASSERT_EQ(other.robust_accuracy, first.robust_accuracy);
      ASSERT_EQ(other.clean_accuracy, first.clean_accuracy);
      ASSERT_EQ(other.decided_by, first.decided_by);
      ASSERT_EQ(other.flags, first.flags);
      ASSERT_EQ(other.interval.low, first.interval.low);
    } while (std::next_permutation(cells.begin(), cells.end(),
                                   [](const results::CellRecord& a, const results::CellRecord& b) {
                                     return a.attack < b.attack;
                                   }));
  }
}

TEST_F(WorstCases, CarryTheFindingsOfTheColumnsThatDecidedThem) {
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
  EXPECT_EQ(sentences(of(cells).flags),
            (std::vector<std::string>{"a: a finding about a", "b: a finding about b"}));
  for (results::Outcome& o : cells[1].outcomes) o.robust_right = 1;
  results::summarise(cells[1]);
  for (results::Outcome& o : cells[0].outcomes) o.robust_right = 0;
  results::summarise(cells[0]);
  EXPECT_EQ(sentences(of(cells).flags), std::vector<std::string>{"a: a finding about a"});
}

}  // namespace
}  // namespace gauntlet
