// The key certify.
#include "suite/plan.h"
#include "suite_fixture.h"

namespace gauntlet {
namespace {

using ::testing::HasSubstr;

constexpr const char* kCertifiedRows =
    "[[defense]]\nname = \"plain\"\nmodel = \"tiny/standard\"\n"
    "[[defense]]\nname = \"a\"\nmodel = \"tiny/standard\"\nstack = [{ use = \"certifier\", n0 = "
    "10, "
    "n = 90 }]\n"
    "[[defense]]\nname = \"b\"\nmodel = \"tiny/at\"\nstack = [{ use = \"certifier\" }]\n";

class CertifySuite : public SuiteTest {
 protected:
  suite::Suite with(const std::string& key, const suite::SuiteOptions& options = {}) {
    return read(key + suite_text("fgsm = { use = \"fgsm\" }\n", kCertifiedRows), options);
  }
  static std::vector<std::pair<size_t, int64_t>> rows(const suite::Suite& suite) {
    std::vector<std::pair<size_t, int64_t>> out;
    for (const suite::CertifiedRow& row : suite.certified) out.emplace_back(row.defense, row.seed);
    return out;
  }
};
using Rows = std::vector<std::pair<size_t, int64_t>>;

TEST_F(CertifySuite, NamesEveryRowThatCertifiesUnderEverySeed) {
  EXPECT_EQ(rows(with("certify = true\n")), (Rows{{1, 0}, {2, 0}, {1, 1}, {2, 1}}));
  EXPECT_EQ(with("certify = { samples = 3 }\n").certify->samples, 3);
  EXPECT_EQ(with("certify = true\n").certify->samples, 0);
}

TEST_F(CertifySuite, AsksForNothingUnlessItSaysSo) {
  EXPECT_EQ(rows(with("")), Rows{});
  EXPECT_EQ(rows(with("certify = false\n")), Rows{});
  EXPECT_EQ(rows(with("certify = true\n", {{"certify=false"}, {}})), Rows{});
}

TEST_F(CertifySuite, FollowsTheRowsThatAreKept) {
  EXPECT_EQ(rows(with("certify = true\n", {{}, {"defense=b"}})), (Rows{{0, 0}, {0, 1}}));
  EXPECT_EQ(rows(with("certify = true\n", {{}, {"defense=plain"}})), Rows{});
}

TEST_F(CertifySuite, IsPlanned) {
  const suite::Suite suite = with("certify = { samples = 3 }\n");
  const std::vector<double> passes = expected_passes(suite);
  ASSERT_EQ(passes.size(), suite.cells.size() + 4);
  EXPECT_DOUBLE_EQ(passes[suite.cells.size()], 3 * 100 / 3.0);
  EXPECT_DOUBLE_EQ(passes.back(), 3 * 1100 / 3.0);
  const auto access = [](const suite::AttackSpec&) { return Access::kGradient; };
  EXPECT_THAT(describe_plan(suite, access, nullptr),
              HasSubstr("certify  2 defenses × 3 samples × 2 seeds, about 7,200 passes\n"));
  EXPECT_THAT(describe_plan(with(""), access, nullptr), ::testing::Not(HasSubstr("certify")));
}

}  // namespace
}  // namespace gauntlet
