// What is said of attacks before they run, and of those that did too little.
#include "evaluation/remarks.h"

#include <gmock/gmock.h>

#include <fstream>

#include "suite/read_suite.h"
#include "tests/support/laboratory_fixture.h"

namespace gauntlet::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class Remarks : public ::testing::Test {
 protected:
  suite::Suite suite(const std::string& text) const {
    std::ofstream(folder_ / "suite.toml")
        << "schema = 1\nname = \"remarks\"\n"
           "data = { dataset = \"fashion-mnist-1k\", samples = 80 }\nscoring = { trials = 2 }\n"
        << text;
    return suite::read_suite(folder_ / "suite.toml", {}, plugins_, registry_);
  }
  std::vector<std::string> told(const suite::Suite& suite) const {
    const data::Dataset data = registry_.load(suite.data.entry, suite.data.split);
    evaluation::Laboratory lab(plugins_, registry_, at::kCPU);
    lab.probe_with(data);
    return remarks_on(suite, data, lab);
  }
  results::Store::Run run_of(const suite::Suite& suite) const {
    return run(suite, plugins_, registry_, folder_ / "run", {});
  }

  /// Of what did not pass.
  static std::vector<std::string> alarms(const results::RowAudit& audit) {
    std::vector<std::string> out;
    for (const results::Check& check : audit.checks)
      if (check.level != results::Level::kPass) out.push_back(sentence(check));
    return out;
  }

  TemporaryFolder folder_;
  const registry::Registry registry_{from_environment("GAUNTLET_SOURCE_DIR") / "registry", {}};
  const library::PluginLibrary plugins_{shipped_plugins()};
};

const std::string kRows = R"(
[[defense]]
name = "plain"
model = "fashion-mnist/standard"
[[defense]]
name = "noisy"
model = "fashion-mnist/pni"
)";

TEST_F(Remarks, ColumnsThatFallShortOrHaveNoFormAndRowsWithoutDrawsAreToldBeforeTheyRun) {
  const auto all = told(suite(R"(
threat.linf = { norm = "linf", epsilon = 0.3 }
threat.l1 = { norm = "l1", epsilon = 5 }
[attack]
fgsm = { use = "fgsm" }
short = { use = "pgd", steps = 10, step_size = "2/255" }
cw = { use = "cw" }
via = { use = "transfer", source = "fashion-mnist/standard", attack = { use = "cw" } }
far = { use = "transfer", source = "fashion-mnist/standard", attack = { use = "pgd", step_size = "2/255" } }
)" + kRows));
  EXPECT_THAT(all, Contains(AllOf(HasSubstr("short under linf: 10 steps of 2/255 reach 0.078 of "
                                            "epsilon = 0.3"),
                                  Not(HasSubstr("(on")))));
  EXPECT_THAT(all, Contains(HasSubstr("cw under l1: skipped, cw has an L2 and an Linf form")));
  EXPECT_THAT(all, Contains(HasSubstr("via under l1: skipped, attack: cw: cw has an L2")));
  EXPECT_THAT(all, Contains(HasSubstr("far under linf: attack: pgd: 10 steps of 2/255 reach")));
  EXPECT_THAT(all,
              Contains(HasSubstr("short-8-draws = { base = \"short\", draws = 8 } (on noisy)")));
  EXPECT_THAT(all, Not(Contains(HasSubstr("fgsm under"))));
}

TEST_F(Remarks, ASuiteWithNothingToRemarkHasNone) {
  EXPECT_EQ(told(suite(R"(
threat.linf = { norm = "linf", epsilon = 0.3 }
[attack]
pgd = { use = "pgd" }
epgd = { base = "pgd", draws = 8 }
via = { use = "transfer", source = "fashion-mnist/standard" }
)" + kRows)),
            std::vector<std::string>());
}

TEST_F(Remarks, ResultsCarryThemAndTheAuditNamesAnAttackThatAWeakerOneBeats) {
  const results::Store::Run records = run_of(suite(R"(
threat.linf = { norm = "linf", epsilon = 0.3 }
[attack]
short = { use = "pgd", steps = 10, step_size = "2/255", start = "input" }
fgsm = { use = "fgsm" }
[[defense]]
name = "at"
model = "fashion-mnist/at"
)"));
  ASSERT_EQ(records.cells.size(), 2u);
  EXPECT_THAT(sentences(records.cells[0].flags),
              Contains(HasSubstr("10 steps of 2/255 reach 0.078")));
  EXPECT_GT(records.cells[0].robust_accuracy, records.cells[1].robust_accuracy);
  ASSERT_EQ(records.audits.size(), 1u);
  EXPECT_THAT(
      alarms(records.audits[0]),
      Contains(AllOf(HasSubstr("short leaves"), HasSubstr("fgsm, with a single gradient"))));
}

TEST_F(Remarks, ARandomRowUnderSingleDrawsIsMarked) {
  const results::Store::Run records = run_of(suite(R"(
threat.linf = { norm = "linf", epsilon = 0.1 }
[attack]
fgsm = { use = "fgsm" }
)" + kRows));
  ASSERT_EQ(records.audits.size(), 2u);
  EXPECT_THAT(alarms(records.audits[0]), Not(Contains(HasSubstr("single draws"))));
  EXPECT_THAT(alarms(records.audits[1]), Contains(HasSubstr("single draws")));
}

}  // namespace
}  // namespace gauntlet::testing
