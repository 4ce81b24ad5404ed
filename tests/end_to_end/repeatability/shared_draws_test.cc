// What a record keeps of trials whose draws all samples share.
#include <numeric>

#include "suite/read_suite.h"
#include "tests/support/laboratory_fixture.h"

namespace gauntlet::testing {
namespace {

TEST(SharedDraws, AreToldTrialByTrialWhereWeightsAreNoisy) {
  const TemporaryFolder folder;
  const library::PluginLibrary plugins{{from_environment("GAUNTLET_BUILD_DIR") / "plugins"}};
  const auto source = from_environment("GAUNTLET_SOURCE_DIR");
  const registry::Registry registry(source / "registry", {});
  const suite::Suite suite = suite::read_suite(
      source / "suites/quickstart.toml",
      {{"data.samples=40", "attack.pgd.steps=2"},
       {"defense=undefended", "defense=PNI", "defense=AT + soft vote", "attack=pgd"}},
      plugins, registry);
  execution::RunOptions options;
  options.batch_size = 16;
  const results::Store::Run records = run(suite, plugins, registry, folder / "run", options);
  ASSERT_EQ(records.cells.size(), 3u);
  for (const results::CellRecord& cell : records.cells) {
    if (cell.defense != "PNI") {
      EXPECT_TRUE(cell.clean_by_trial.empty() && cell.robust_by_trial.empty()) << cell.defense;
      continue;
    }
    ASSERT_EQ(cell.clean_by_trial.size(), 8u);
    ASSERT_EQ(cell.robust_by_trial.size(), 8u);
    int64_t clean = 0, robust = 0;
    for (const results::Outcome& outcome : cell.outcomes)
      clean += outcome.clean_right, robust += outcome.robust_right;
    const auto sum = [](const std::vector<int64_t>& list) {
      return std::accumulate(list.begin(), list.end(), int64_t{0});
    };
    EXPECT_EQ(sum(cell.clean_by_trial), clean);
    EXPECT_EQ(sum(cell.robust_by_trial), robust);
  }
}

}  // namespace
}  // namespace gauntlet::testing
