// The key audit.
#include "suite/plan.h"
#include "suite_fixture.h"

namespace gauntlet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class AuditSuite : public SuiteTest {
 protected:
  suite::Suite with(const std::string& key, const suite::SuiteOptions& options = {}) {
    return read(key + suite_text("fgsm = { use = \"fgsm\" }\n"), options);
  }
};

TEST_F(AuditSuite, SaysHowManyImagesAreProbedAndWhatFails) {
  EXPECT_EQ(with("").audit.samples, 0);
  EXPECT_EQ(with("").audit.fail_on, suite::FailOn::kNothing);
  const suite::Suite suite = with("audit = { samples = 3, fail_on = \"warn\" }\n");
  EXPECT_EQ(suite.audit.samples, 3);
  EXPECT_EQ(suite.audit.fail_on, suite::FailOn::kWarn);
  EXPECT_EQ(with("audit = { fail_on = \"fail\" }\n").audit.fail_on, suite::FailOn::kFail);
  EXPECT_EQ(with("audit = { samples = 3 }\n", {{"audit.samples=2"}, {}}).audit.samples, 2);
}

TEST_F(AuditSuite, RefusesWhatItDoesNotKnow) {
  EXPECT_THAT(error("audit = { samples = 999 }\n" + suite_text("fgsm = { use = \"fgsm\" }\n")),
              HasSubstr("999 is more than the suite's"));
  EXPECT_THAT(
      error("audit = { fail_on = \"never\" }\n" + suite_text("fgsm = { use = \"fgsm\" }\n")),
      HasSubstr("fail_on"));
  EXPECT_THAT(error("audit = { sample = 3 }\n" + suite_text("fgsm = { use = \"fgsm\" }\n")),
              HasSubstr("samples"));
}

TEST_F(AuditSuite, IsPlanned) {
  const suite::Suite suite = with("audit = { samples = 3 }\n");
  const auto access = [](const suite::AttackSpec&) { return Access::kGradient; };
  const auto probing = [](const suite::DefenseSpec&, int64_t samples) {
    return suite::Probing{100.0 * double(samples), 50.0 * double(samples)};
  };
  const auto rows = double(suite.defenses.size() * suite.threats.size());
  EXPECT_THAT(describe_plan(suite, access, nullptr, probing),
              HasSubstr(" × 3 samples, about " + std::to_string(int(450 * rows)) + " passes\n"));
  EXPECT_THAT(describe_plan(with(""), access, nullptr, probing), Not(HasSubstr("audit")));
  double time = 1;
  describe_probing(
      suite, 3, probing, [](const suite::DefenseSpec&) { return 2.0; }, time);
  EXPECT_DOUBLE_EQ(time, 1 + rows * 2 * (300 / 3.0 + 150));
}

}  // namespace
}  // namespace gauntlet
