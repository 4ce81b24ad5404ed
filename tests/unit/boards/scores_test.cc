#include "boards/scores.h"

#include <gtest/gtest.h>

#include <functional>

#include "analysis/certification.h"
#include "board_fixture.h"
#include "results/outcomes.h"

namespace gauntlet {
namespace {

boards::BoardThreat threat_of(std::vector<boards::BoardAttack> attacks) {
  return planted_entry("a", std::move(attacks)).threats[0];
}

TEST(BoardScoreOf, IsTheWorstAttackOfEachImage) {
  const boards::BoardScore score =
      score_of(threat_of({planted_attack("pgd", {planted_cell({1, 1, 0, 1})}),
                          planted_attack("cw", {planted_cell({1, 0, 1, 1})})}));
  EXPECT_EQ(score.problem, "");
  EXPECT_EQ(score.images, (std::vector<int64_t>{0, 1, 2, 3}));
  EXPECT_EQ(score.rates, (std::vector<double>{1, 0, 0, 1}));
  EXPECT_EQ(score.accuracy, 0.5);
  EXPECT_EQ(score.clean_accuracy, 1);
  EXPECT_EQ(score.decided[1], "cw");
  EXPECT_EQ(score.decided[2], "pgd");
  EXPECT_EQ(score.interval.low, results::wilson(2, 4).low);
  EXPECT_EQ(score.interval.method, "Wilson");
  EXPECT_TRUE(score.complete());
}

// The lowest of the means, not the mean of the lowest.
TEST(BoardScoreOf, AveragesTrialsAndSeedsBeforeItChooses) {
  const boards::BoardScore score = score_of(
      threat_of({planted_attack("pgd", {planted_cell({0.25, 1}, 4), planted_cell({1, 0.5}, 4, 1)}),
                 planted_attack("cw", {planted_cell({1, 0}, 4), planted_cell({0, 1}, 4, 1)})}));
  EXPECT_EQ(score.rates, (std::vector<double>{0.5, 0.5}));
  EXPECT_EQ(score.decided, (std::vector<std::string>{"cw", "cw"}));
}

TEST(BoardScoreOf, CountsAnAttackOnTheImagesThatItSaw) {
  const boards::BoardScore score =
      score_of(threat_of({planted_attack("pgd", {planted_cell({1, 1, 0})}),
                          planted_attack("nattack", {planted_cell({0})})}));
  EXPECT_EQ(score.rates, (std::vector<double>{0, 1, 0}));
  EXPECT_EQ(score.decided_by.at("nattack"), 1);
}

boards::BoardAttack failed(const std::string& name, results::Status status) {
  boards::BoardAttack::Cell cell;
  cell.record.status = status;
  return planted_attack(name, {cell});
}

TEST(BoardScoreOf, NamesWhatIsMissing) {
  const boards::BoardAttack good = planted_attack("pgd", {planted_cell({1, 0})});
  for (const results::Status status : {results::Status::kInvalid, results::Status::kError}) {
    const boards::BoardScore score = score_of(threat_of({good, failed("cw", status)}));
    EXPECT_EQ(score.missing, (std::vector<std::string>{"cw (" + to_string(status) + ")"}));
    EXPECT_FALSE(score.complete());
    EXPECT_EQ(score.accuracy, 0.5);
  }
  EXPECT_TRUE(score_of(threat_of({good, failed("cw", results::Status::kSkipped)})).complete());
  EXPECT_EQ(score_of(threat_of({failed("cw", results::Status::kError)})).problem,
            "no attack has a result");
  EXPECT_EQ(score_of(threat_of({})).problem, "no attack has a result");
  // Under one seed of two.
  boards::BoardAttack half =
      planted_attack("cw", {planted_cell({0, 0}), planted_cell({0, 0}, 1, 1)});
  half.cells[1].record.status = results::Status::kError;
  EXPECT_EQ(score_of(threat_of({good, half})).missing, (std::vector<std::string>{"cw (error)"}));
  EXPECT_EQ(score_of(threat_of({good, half})).accuracy, 0.5);
}

TEST(BoardScoreOf, TakesAdditionalAttacksThatHaveAResult) {
  boards::BoardAttack external = planted_attack("found later", {planted_cell({0, 1})});
  external.additional = true;
  boards::BoardAttack broken = failed("broken", results::Status::kInvalid);
  broken.additional = true;
  const boards::BoardThreat threat =
      threat_of({planted_attack("pgd", {planted_cell({1, 1})}), external, broken});
  EXPECT_EQ(score_of(threat).accuracy, 0.5);
  EXPECT_TRUE(score_of(threat).complete());
  EXPECT_EQ(score_of(threat, /*with_additional=*/false).accuracy, 1);
}

TEST(BoardScoreOf, WidensWhereImagesShareDraws) {
  std::vector<double> rates(200);
  for (size_t i = 0; i < rates.size(); ++i) rates[i] = double(i % 5) / 4;
  boards::BoardAttack::Cell cell = planted_cell(rates, 8);
  const results::Interval apart = score_of(threat_of({planted_attack("pgd", {cell})})).interval;
  cell.record.robust_by_trial = {60, 140, 140, 60, 140, 60, 60, 140};
  const boards::BoardScore score = score_of(threat_of({planted_attack("pgd", {cell})}));
  EXPECT_GT(score.shared.variance, 0.005);
  EXPECT_GT(score.interval.high - score.interval.low, 2 * (apart.high - apart.low));
}

boards::BoardEntry certified_entry() {
  boards::BoardEntry entry =
      planted_entry("a", {planted_attack("pgd", {planted_cell({1, 1, 1, 1})})});
  entry.threats[0].threat.norm = "l2", entry.threats[0].threat.epsilon = 0.25;
  results::Certification record;
  record.identity = record.fingerprint = "y";
  record.status = results::Status::kOk;
  record.certificates = {{0, 1, 1, 0.5}, {1, 1, 2, 0.5}, {2, 1, -1, 0}, {3, 1, 1, 0.25}};
  analysis::summarise(record);
  entry.certifications = {record};
  return entry;
}

TEST(CertifiedScoreOf, CountsRightAnswersBeyondTheRadius) {
  const boards::BoardEntry entry = certified_entry();
  EXPECT_EQ(certified_score(entry, 0).accuracy, 0.5);
  EXPECT_EQ(certified_score(entry, 0.25).rates, (std::vector<double>{1, 0, 0, 0}));
  EXPECT_EQ(certified_score(entry, 0.5).accuracy, 0);
  boards::BoardEntry failed = entry;
  failed.certifications[0].status = results::Status::kError;
  EXPECT_EQ(certified_score(failed, 0).problem, "the certification is error");
  failed.certifications.clear();
  EXPECT_EQ(certified_score(failed, 0).problem, "nothing is certified");
}

boards::BoardEntry claimed_entry() {
  boards::BoardEntry entry = certified_entry();
  for (boards::BoardAttack::Cell& cell : entry.threats[0].attacks[0].cells) summarise(cell.record);
  claim(entry);
  return entry;
}

TEST(Claims, HoldOnceTheyAreMade) {
  const boards::BoardEntry entry = claimed_entry();
  EXPECT_EQ(entry.threats[0].robust_accuracy, 1);
  EXPECT_TRUE(entry.threats[0].complete);
  ASSERT_EQ(entry.certified_at.size(), 2u);
  EXPECT_EQ(entry.certified_at[1].radius, 0.25);
  EXPECT_EQ(entry.certified_at[1].accuracy, 0.25);
  EXPECT_TRUE(contradictions(entry).empty());
  EXPECT_TRUE(contradictions(boards::board_entry_from_json(to_json(entry), "a file")).empty());
}

TEST(Claims, ThatWereEditedAreNamed) {
  const auto first = [](const std::function<void(boards::BoardEntry&)>& edit) {
    boards::BoardEntry entry = claimed_entry();
    edit(entry);
    const auto found = contradictions(entry);
    return found.empty() ? std::string("nothing") : found.front();
  };
  EXPECT_EQ(first([](boards::BoardEntry& e) { e.threats[0].robust_accuracy = 0.75; }),
            "linf8: claims robust accuracy 0.75, its outcomes give 1");
  EXPECT_EQ(first([](boards::BoardEntry& e) { e.threats[0].clean_accuracy = 0.5; }),
            "linf8: claims clean accuracy 0.5, its outcomes give 1");
  EXPECT_NE(first([](boards::BoardEntry& e) { e.threats[0].interval.low = 0.9; }).find("lower end"),
            std::string::npos);
  EXPECT_EQ(first([](boards::BoardEntry& e) { e.threats[0].complete = false; }),
            "linf8: claims to be incomplete, but every attack has a result");
  auto cell = [](boards::BoardEntry& e) -> results::CellRecord& {
    return e.threats[0].attacks[0].cells[0].record;
  };
  EXPECT_EQ(first([&](boards::BoardEntry& e) { cell(e).robust_accuracy = 0.25; }),
            "pgd under linf8, seed 0: claims robust accuracy 0.25, its outcomes give 1");
  EXPECT_NE(
      first([&](boards::BoardEntry& e) { cell(e).outcomes[2].robust_right = 0; }).find("give 0.75"),
      std::string::npos);
  EXPECT_EQ(first([](boards::BoardEntry& e) { e.certified_at[0].accuracy = 1; }),
            "certified beyond 0: claims accuracy 1, its outcomes give 0.5");
  EXPECT_NE(
      first([](boards::BoardEntry& e) { e.certifications[0].abstained = 0; }).find("abstentions"),
      std::string::npos);
}

}  // namespace
}  // namespace gauntlet
