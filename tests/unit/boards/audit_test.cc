// What the audit finds in planted outcomes.
#include "boards/audit.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "board_fixture.h"

namespace gauntlet {
namespace {

const AuditItems kItems{{"noise"}, {"pgd"}, {"transfer"}, 0.01};

boards::BoardAttack attack(const std::string& name, size_t right, size_t images = 100) {
  return planted_attack(name, {planted_cell(planted_rates(right, images))});
}
std::vector<std::string> findings(std::vector<boards::BoardAttack> attacks) {
  return audit(planted_entry("a", std::move(attacks)), kItems);
}

TEST(Audit, FindsNothingWhereGradientsDoBest) {
  EXPECT_TRUE(findings({attack("noise", 90), attack("pgd", 40), attack("transfer", 60)}).empty());
  EXPECT_TRUE(findings({attack("noise", 90), attack("pgd", 40), attack("transfer", 39)}).empty())
      << "within the slack";
}

TEST(Audit, FindsWhatSeesLessAndDoesBetter) {
  const auto found = findings({attack("noise", 90), attack("pgd", 40), attack("transfer", 38)});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0],
            "transfer under linf8: without gradients of the defense, leaves 38.0 %, the best "
            "gradient attack, pgd, 40.0 % of the same images: gradients may be masked");
  EXPECT_EQ(findings({attack("noise", 30), attack("pgd", 40), attack("transfer", 60)}).size(), 1u);
}

TEST(Audit, ComparesOnTheImagesThatBothSaw) {
  // 40 of 100 are left of pgd, all of the first 20; 15 of these 20 of transfer.
  const auto found = findings({attack("pgd", 40), attack("transfer", 15, 20)});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_NE(found[0].find("leaves 75.0 %"), std::string::npos) << found[0];
  EXPECT_NE(found[0].find("100.0 % of the same images"), std::string::npos) << found[0];
}

TEST(Audit, OfRecordsIsThatOfTheRun) {
  boards::BoardEntry entry = queried_entry("masked", 40);
  const std::vector<results::RowAudit> rows = audits_of(entry);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].defense, "masked");
  EXPECT_EQ(rows[0].threat, entry.threats[0].threat);
  const auto found =
      std::find_if(rows[0].checks.begin(), rows[0].checks.end(),
                   [](const results::Check& check) { return check.finding.code == "black_box"; });
  ASSERT_NE(found, rows[0].checks.end());
  EXPECT_EQ(found->level, results::Level::kFail);
  EXPECT_NE(sentence(*found).find("square"), std::string::npos) << sentence(*found);
  entry.threats[0].attacks.pop_back();
  EXPECT_EQ(worst(audits_of(entry)[0].checks), results::Level::kPass) << "nothing to compare";
}

TEST(Audit, OfRecordsTakesEachSeedByItself) {
  boards::BoardEntry entry = queried_entry("masked", 40);
  entry.seeds = {0, 7};
  const auto rows = audits_of(entry);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1].seed, 7);
  EXPECT_TRUE(rows[1].checks.empty()) << "no cell of this seed";
}

/// As the host flags it.
boards::BoardAttack masked(const std::string& name, int64_t of_100) {
  boards::BoardAttack out = attack(name, 100);
  out.cells[0].record.flags = {{"zero_gradients", {{"samples", of_100}, {"of", 100}}}};
  return out;
}
std::string failed(std::vector<boards::BoardAttack> attacks) {
  return failed_evidence(planted_entry("a", std::move(attacks)).threats[0]);
}

TEST(Audit, TellsWhereNoAttackHadGradientsToFollow) {
  EXPECT_EQ(failed({masked("pgd", 100)}), "every gradient of pgd is 0");
  EXPECT_EQ(failed({masked("pgd", 60)}),
            "of pgd, every gradient was exactly 0 for 60 of 100 attacked samples: gradients may be "
            "masked");
  EXPECT_EQ(failed({masked("pgd", 50)}), "") << "of half of the images it is a finding alone";
  EXPECT_EQ(failed({masked("pgd", 100), attack("cw", 40)}), "") << "another one had";
  EXPECT_NE(failed({masked("pgd", 100), masked("cw", 100)}), "");
  boards::BoardAttack again = attack("pgd", 100);
  again.cells[0].record.flags = {
      {"saturated", {{"samples", 90}, {"of", 100}, {"again", 90}, {"fell", 4}}}};
  EXPECT_EQ(failed({again}), "");
  again.cells[0].record.flags = {{"saturated_reported", {{"samples", 90}, {"of", 100}}}};
  EXPECT_NE(failed({again}), "");
  again.cells[0].record.flags = {{"not_finite", {{"samples", 90}, {"of", 100}}}};
  EXPECT_NE(failed({again}), "");
  again.cells[0].record.flags = {{"source_saturated", {{"samples", 90}, {"of", 100}}}};
  EXPECT_EQ(failed({again}), "") << "of another model";
  again.cells[0].record.flags = {results::remark("every gradient was exactly 0 for 90 of 100")};
  EXPECT_EQ(failed({again}), "") << "anybody may remark so";
  // Entries of 0.1 have the sentence.
  const std::string sentence =
      "every gradient was exactly 0 for 90 of 100 attacked samples: gradients may be masked";
  again.cells[0].record.flags = {results::remark(sentence)};
  EXPECT_EQ(failed({again}), "of pgd, " + sentence);
  again.cells[0].record.flags = {results::remark(
      "every gradient was exactly 0 for 100 of 100 attacked samples: gradients may be masked")};
  EXPECT_EQ(failed({again}), "every gradient of pgd is 0");
  again.cells[0].record.flags = {results::remark(
      "a loss or gradient was exactly 0, which tells an attack nothing, for 90 of 100 attacked "
      "samples (90 attacked again on the margin loss, a hair inside the box: 4 fell)")};
  EXPECT_EQ(failed({again}), "");
  boards::BoardAttack theirs = attack("better", 40);
  theirs.additional = true;
  EXPECT_NE(failed({masked("pgd", 100), theirs}), "");
  boards::BoardAttack noise = attack("noise", 90);
  noise.cells[0].record.ledger.backwards = 0;
  EXPECT_NE(failed({masked("pgd", 100), noise}), "");
  EXPECT_EQ(failed({noise}), "") << "nothing follows gradients";
}

TEST(Audit, TellsWhereAttacksLeftMostImagesAsTheyAre) {
  boards::BoardAttack pgd = attack("pgd", 100);
  for (size_t i = 0; i < 60; ++i) pgd.cells[0].record.outcomes[i].distance = 0;
  EXPECT_EQ(failed({pgd}), "pgd left 60 of 100 images as they are");
  for (size_t i = 0; i < 10; ++i) pgd.cells[0].record.outcomes[i].distance = 0.01;
  EXPECT_EQ(failed({pgd}), "");
}

TEST(Audit, LeavesAttacksOfOthersAlone) {
  boards::BoardAttack theirs = attack("transfer", 10);
  theirs.additional = true;
  EXPECT_TRUE(findings({attack("pgd", 40), theirs}).empty());
}

TEST(Audit, FindsImagesThatAGradientAttackLeftAlone) {
  boards::BoardAttack pgd = attack("pgd", 40);
  std::vector<results::Outcome>& outcomes = pgd.cells[0].record.outcomes;
  outcomes[0].distance = 0;
  EXPECT_TRUE(findings({pgd}).empty()) << "within the slack";
  outcomes[1].distance = outcomes[2].distance = 0;
  const auto found = findings({pgd});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0],
            "pgd under linf8: 3 of 100 correctly classified images were returned unchanged");
}

TEST(Audit, RepeatsWhatTheHostFlagged) {
  boards::BoardAttack pgd = attack("pgd", 40);
  pgd.cells[0].record.flags = {results::remark("every gradient was exactly 0")};
  EXPECT_EQ(findings({pgd}),
            std::vector<std::string>{"pgd under linf8: every gradient was exactly 0"});
}

}  // namespace
}  // namespace gauntlet
