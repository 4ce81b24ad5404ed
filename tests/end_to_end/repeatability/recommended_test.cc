// What attack = "recommended" makes of a suite with rows of two divisions, on shipped networks.
#include <map>

#include "suite/read_suite.h"
#include "tests/support/laboratory_fixture.h"

namespace gauntlet::testing {
namespace {

const std::vector<std::string> kFewSteps = {
    "data.samples=4",
    "scoring.trials=2",
    "attack=recommended",
    "attack.autoattack-standard.members=[{ use = \"apgd\", steps = 4 }, { use = \"fab\", steps = "
    "3, "
    "targeted = true, targets = 2 }, { use = \"square\", queries = 5 }]",
    "attack.multitargeted.attack={ use = \"pgd\", steps = 2 }",
    "attack.apgd.steps=3",
    "attack.apgd.draws=2",
    "attack.epgd.steps=2",
    "attack.epgd.draws=2",
    "attack.transfer-undefended.attack={ use = \"pgd\", steps = 2 }",
    "attack.transfer-adversarial.attack={ use = \"pgd\", steps = 2 }",
    "attack.square.queries=5"};

TEST(Recommended, GivesEachRowTheAttacksOfItsDivision) {
  const TemporaryFolder folder;
  const library::PluginLibrary plugins = shipped_plugins();
  const auto source = from_environment("GAUNTLET_SOURCE_DIR");
  const registry::Registry registry(source / "registry", {});
  const suite::Suite suite =
      suite::read_suite(source / "suites/quickstart.toml",
                        {kFewSteps, {"defense=undefended", "defense=PNI"}}, plugins, registry);
  const results::Store::Run records = run(suite, plugins, registry, folder / "run", {});
  std::map<std::string, std::string> measured;
  for (const results::CellRecord& cell : records.cells) {
    if (cell.status == results::Status::kOk) {
      measured[cell.defense] += cell.attack + " ";
    } else {
      EXPECT_EQ(cell.status, results::Status::kSkipped) << cell.attack << ": " << cell.reason;
      EXPECT_EQ(cell.reason.rfind("it is for ", 0), 0u) << cell.attack << ": " << cell.reason;
    }
  }
  EXPECT_EQ(measured["undefended"], "autoattack-standard multitargeted ");
  EXPECT_EQ(measured["PNI"],
            "apgd apgd-margin epgd epgd-margin transfer-undefended transfer-adversarial square "
            "random_noise ");
  ASSERT_EQ(records.worst_cases.size(), 2u);
  for (const results::WorstCase& worst : records.worst_cases) EXPECT_TRUE(worst.complete);
  // A row with a vote is made of "at", so another one is the source.
  for (const suite::AttackSpec& attack : suite.attacks)
    if (attack.name == "transfer-adversarial") {
      EXPECT_EQ(attack.params.at("source"), ParamValue("fashion-mnist/fast"));
    }
}

}  // namespace
}  // namespace gauntlet::testing
