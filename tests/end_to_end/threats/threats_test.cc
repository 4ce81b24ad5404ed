// Every kind of threat in a suite: attacks that take it, attacks that do not, and one that leaves
// it.
#include <gmock/gmock.h>

#include <cmath>

#include "tests/end_to_end/misbehaving_plugins/small_suite.h"

namespace gauntlet::testing {
namespace {
using results::Status;
using ::testing::HasSubstr;

class ThreatsInASuite : public SmallSuite {
 protected:
  ThreatsInASuite() {
    threats_ =
        "threat.few = { norm = \"l0\", epsilon = 4 }\n"
        "threat.patch = { norm = \"patch\", epsilon = 3 }\n"
        "threat.turned = { norm = \"rotation\", epsilon = 20 }\n"
        "threat.moved = { norm = \"translation\", epsilon = 1.5 }\n"
        "threat.bent = { norm = \"flow\", epsilon = 0.5 }\n"
        "threat.all = { norm = \"unbounded\" }\n";
  }
  const std::map<std::string, double> limits_ = {{"few", 4},     {"patch", 3},  {"turned", 20},
                                                 {"moved", 1.5}, {"bent", 0.5}, {"all", 1}};
};

const std::string kOnPixels =
    "pgd = { use = \"pgd\", steps = 3 }\n"
    "noise = { use = \"random_noise\" }\n"
    "grid = { use = \"worst_of_grid\", points = 5 }\n"
    "flow = { use = \"flow_steps\", steps = 3 }\n";

TEST_F(ThreatsInASuite, AreAttackedByWhatTakesThem) {
  const auto cells = run_suite_of("kinds", kOnPixels, row("plain"));
  const std::map<std::string, std::set<std::string>> takes = {
      {"pgd", {"few", "patch", "all"}},
      {"noise", {"few", "patch", "turned", "moved", "bent", "all"}},
      {"grid", {"turned", "moved"}},
      {"flow", {"bent"}}};
  for (const auto& [attack, threats] : takes)
    for (const auto& [threat, limit] : limits_) {
      SCOPED_TRACE(attack + " under " + threat);
      const results::CellRecord& cell = cells.at("plain / " + attack + " / " + threat);
      if (!threats.count(threat)) {
        EXPECT_EQ(cell.status, Status::kSkipped) << cell.reason;
        EXPECT_THAT(cell.reason, HasSubstr("it has no form for the threat " + cell.threat.norm));
        continue;
      }
      ASSERT_EQ(cell.status, Status::kOk) << cell.reason;
      bool moved = false;
      for (const results::Outcome& outcome : cell.outcomes) {
        EXPECT_LE(outcome.distance, limit * (1 + 1e-5));
        moved |= outcome.distance > 0;
        if (threat == "few" || threat == "patch") {
          EXPECT_EQ(outcome.distance, std::floor(outcome.distance));
        }
      }
      EXPECT_TRUE(moved);
    }
}

TEST_F(ThreatsInASuite, AreHeldByTheJudge) {
  const auto cells = run_suite_of("outside", "negative = { use = \"inverts\" }\n", row("plain"));
  const std::map<std::string, std::string> said = {
      {"few", "change too many pixels"},
      {"patch", "leave the square"},
      {"turned", "are no rotation of their images by up to 20 degrees"},
      {"moved", "are no translation of their images by up to 1.5 pixels"},
      {"bent", "are no flow of their images by up to 0.5 pixels"}};
  for (const auto& [threat, why] : said) {
    const results::CellRecord& cell = cells.at("plain / negative / " + threat);
    EXPECT_EQ(cell.status, Status::kInvalid) << threat;
    EXPECT_THAT(cell.reason, HasSubstr(why));
  }
  EXPECT_EQ(cells.at("plain / negative / all").status, Status::kOk)
      << cells.at("plain / negative / all").reason;
}

}  // namespace
}  // namespace gauntlet::testing
