// Rows that differ by their vote alone share draws and attacks, and get the verdicts that they get
// alone.
#include <fstream>

#include "suite/read_suite.h"
#include "tests/support/laboratory_fixture.h"

namespace gauntlet::testing {
namespace {

class SharedPasses : public ::testing::Test {
 protected:
  using Cells = std::map<std::string, results::CellRecord>;  // by "row x column"

  Cells measured(const std::string& suite, bool share, std::vector<std::string> only = {},
                 execution::RunSummary* summary = nullptr) const {
    const auto file = folder_ / "suite.toml";
    std::ofstream(file) << kData << suite;
    execution::RunOptions options;
    options.share = share, options.batch_size = 14;
    const std::string name = "run-" + std::to_string(runs_++);
    const results::Store::Run records =
        run(suite::read_suite(file, {{}, std::move(only)}, plugins_, registry_), plugins_,
            registry_, folder_ / name, options, summary);
    Cells out;
    for (const results::CellRecord& cell : records.cells) {
      EXPECT_EQ(cell.status, results::Status::kOk) << cell.reason;
      out[cell.defense + " x " + cell.attack] = cell;
    }
    return out;
  }

  static void expect_same_verdicts(const Cells& shared, const Cells& alone) {
    ASSERT_EQ(shared.size(), alone.size());
    for (const auto& [name, cell] : shared) {
      const results::CellRecord& other = alone.at(name);
      ASSERT_EQ(cell.outcomes.size(), other.outcomes.size()) << name;
      for (size_t i = 0; i < cell.outcomes.size(); ++i) {
        const results::Outcome &a = cell.outcomes[i], &b = other.outcomes[i];
        EXPECT_EQ(a.clean_right, b.clean_right) << name << ", image " << a.index;
        EXPECT_EQ(a.robust_right, b.robust_right) << name << ", image " << a.index;
        EXPECT_EQ(a.queries, b.queries) << name << ", image " << a.index;
        EXPECT_NEAR(a.margin, b.margin, 1e-4) << name << ", image " << a.index;
      }
      EXPECT_EQ(cell.ledger.queries, other.ledger.queries) << name;
      EXPECT_EQ(cell.ledger.forwards, other.ledger.forwards) << name;
      EXPECT_EQ(cell.ledger.backwards, other.ledger.backwards) << name;
      EXPECT_EQ(cell.ledger.scoring_forwards, other.ledger.scoring_forwards) << name;
      EXPECT_EQ(cell.ledger.source_forwards, other.ledger.source_forwards) << name;
      EXPECT_EQ(cell.flags, other.flags) << name;
    }
  }

  static constexpr const char* kData = R"(
schema = 1
name = "shared"
seeds = [0]
data = { dataset = "fashion-mnist-1k", samples = 24 }
scoring = { draws = 16 }
threat.linf = { norm = "linf", epsilon = 0.1 }
)";

  TemporaryFolder folder_;
  mutable int runs_ = 0;
  const library::PluginLibrary plugins_ = shipped_plugins();
  const registry::Registry registry_{from_environment("GAUNTLET_SOURCE_DIR") / "registry", {}};
};

constexpr const char* kVotes = R"(
[attack]
pgd = { use = "pgd", steps = 3, step_size = 0.04 }
epgd = { use = "pgd", steps = 3, step_size = 0.04, draws = 2, restarts = 3, average = "loss" }
ballots = { use = "nattack", steps = 3, population = 6, oracle = "wrapped" }
transfer = { use = "transfer", source = "fashion-mnist/at" }
decisions = { use = "hopskipjump", max_queries = 120 }
[[defense]]
name = "prediction"
model = "fashion-mnist/pni"
stack = [{ use = "smoothing", vote = "prediction", sigma = 0.1, mc_samples = 4 }]
[[defense]]
name = "soft"
model = "fashion-mnist/pni"
stack = [{ use = "smoothing", vote = "soft", sigma = 0.1, mc_samples = 8 }]
[[defense]]
name = "weighted"
model = "fashion-mnist/pni"
stack = [{ use = "smoothing", vote = "weighted", sigma = 0.1, mc_samples = 8 }]
[[defense]]
name = "more noise"
model = "fashion-mnist/pni"
stack = [{ use = "smoothing", vote = "weighted", sigma = 0.2, mc_samples = 8 }]
)";

TEST_F(SharedPasses, AVoteGetsTheVerdictThatItGetsAlone) {
  const Cells shared = measured(kVotes, true), alone = measured(kVotes, false);
  expect_same_verdicts(shared, alone);
  for (const char* attack : {"pgd", "transfer"})
    for (const char* row : {"soft", "weighted"}) {
      const std::string name = std::string(row) + " x " + attack;
      EXPECT_EQ(shared.at(name).ledger.executed_forwards, 0) << name;
    }
  // Restarts spare what one vote has lost already: another asks for the rest.
  const auto executed = [](const Cells& cells, const std::string& attack) {
    int64_t sum = 0;
    for (const char* row : {"prediction", "soft", "weighted"})
      sum += cells.at(row + (" x " + attack)).ledger.executed_forwards;
    return sum;
  };
  EXPECT_LT(executed(shared, "epgd"), 0.5 * double(executed(alone, "epgd")));
  // What sees the vote is run for each.
  for (const char* attack : {"ballots", "decisions"})
    EXPECT_EQ(executed(shared, attack), executed(alone, attack)) << attack;
  for (const auto& [name, cell] : shared) {
    if (!name.starts_with("more noise")) continue;
    EXPECT_EQ(cell.ledger.executed_forwards, alone.at(name).ledger.executed_forwards) << name;
  }
}

// The order in which rows ask must not matter to what they are told.
TEST_F(SharedPasses, AVoteGetsItWhoeverAsksFirst) {
  const std::vector<std::string> last = {"defense=weighted", "attack=pgd", "attack=epgd"};
  Cells together;
  for (auto& [name, cell] : measured(kVotes, true))
    if (name == "weighted x pgd" || name == "weighted x epgd") together[name] = cell;
  expect_same_verdicts(together, measured(kVotes, true, last));
}

TEST_F(SharedPasses, MoreVotesCountTheDrawsOfFewerFirst) {
  const std::string suite = R"(
[attack]
pgd = { use = "pgd", steps = 2, step_size = 0.05 }
[[defense]]
name = "M = $M"
model = "fashion-mnist/at"
stack = [{ use = "smoothing", vote = "soft", sigma = 0.1, mc_samples = "$M" }]
cross = { M = [16, 32, 64] }
)";
  execution::RunSummary summary;
  const Cells shared = measured(suite, true, {}, &summary), alone = measured(suite, false);
  expect_same_verdicts(shared, alone);
  // Two of three attacks; of 16 + 32 + 64 draws of an image, attacked and not, 16 + 32, less those
  // of votes that are decided before.
  const int64_t attacks = 2 * 24 * 2, draws = 2 * 24 * (16 + 32);
  EXPECT_GT(summary.shared_forwards, attacks + draws / 3);
  EXPECT_LE(summary.shared_forwards, attacks + draws);
}

// A vote whose perturb() reads what it calls the ballot's own is found out by `plugins check`, see
// the tests of conformance; here: rows that differ in anything else share nothing.
TEST_F(SharedPasses, OtherWeightsOrOtherNoiseShareNothing) {
  const std::string suite = R"(
[attack]
pgd = { use = "pgd", steps = 2, step_size = 0.05 }
[[defense]]
name = "AT"
model = "fashion-mnist/at"
stack = [{ use = "smoothing", vote = "soft", sigma = 0.1, mc_samples = 4 }]
[[defense]]
name = "PNI"
model = "fashion-mnist/pni"
stack = [{ use = "smoothing", vote = "soft", sigma = 0.1, mc_samples = 4 }]
[[defense]]
name = "AT, normalised"
model = "fashion-mnist/at"
stack = [{ use = "smoothing", vote = "soft", sigma = 0.1, mc_samples = 4, space = "normalised" }]
[[defense]]
name = "AT alone"
model = "fashion-mnist/at"
)";
  execution::RunSummary summary;
  measured(suite, true, {}, &summary);
  EXPECT_EQ(summary.ok, 4);
  EXPECT_EQ(summary.shared_forwards, 0);
}

}  // namespace
}  // namespace gauntlet::testing
