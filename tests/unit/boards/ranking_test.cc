#include "boards/ranking.h"

#include <gtest/gtest.h>

#include <memory>

#include "board_fixture.h"

namespace gauntlet {
namespace {

boards::BoardEntry entry_of(const std::string& name, const std::vector<double>& rates) {
  return planted_entry(name, {planted_attack("pgd", {planted_cell(rates)})});
}

std::vector<std::string> order_of(const boards::Ranking& ranking) {
  std::vector<std::string> out;
  for (const boards::BoardPlace& place : ranking.places) out.push_back(place.entry->defense);
  return out;
}

const boards::BoardPlace& place_of(const boards::Ranking& ranking, const std::string& name) {
  for (const boards::BoardPlace& place : ranking.places)
    if (place.entry->defense == name) return place;
  throw std::invalid_argument(name);
}

// A ranking points to the entries it ranks.
struct WithEntries : boards::Ranking {
  std::shared_ptr<const std::vector<boards::BoardEntry>> entries;
};

WithEntries only_ranking(std::vector<boards::BoardEntry> entries,
                         const boards::BoardRules& rules = {}) {
  const auto kept = std::make_shared<const std::vector<boards::BoardEntry>>(std::move(entries));
  const auto rankings = rankings_of(*kept, rules);
  EXPECT_EQ(rankings.size(), 1u);
  return {rankings.at(0), kept};
}

TEST(RankingOf, ClearlyDifferentEntriesIsTheirOrder) {
  const std::vector<boards::BoardEntry> entries = {entry_of("middle", planted_rates(100, 200)),
                                                   entry_of("low", planted_rates(50, 200)),
                                                   entry_of("high", planted_rates(150, 200))};
  const WithEntries ranking = only_ranking(entries);
  EXPECT_EQ(ranking.threat.name, "linf8");
  EXPECT_EQ(order_of(ranking), (std::vector<std::string>{"high", "middle", "low"}));
  for (int64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(ranking.places[size_t(i)].rank, i + 1);
    EXPECT_EQ(ranking.places[size_t(i)].last, i + 1);
  }
  EXPECT_DOUBLE_EQ(ranking.duels[0][2].difference, 0.5);
  EXPECT_DOUBLE_EQ(ranking.duels[2][0].difference, -0.5);
  EXPECT_EQ(ranking.duels[2][0].interval.low, -ranking.duels[0][2].interval.high);
  EXPECT_EQ(ranking.duels[0][1].test, "McNemar exact");
}

TEST(RankingOf, WhatCannotBeToldApartIsShared) {
  const WithEntries ranking =
      only_ranking({entry_of("a", planted_rates(101, 200)), entry_of("b", planted_rates(103, 200)),
                    entry_of("same as b", planted_rates(103, 200))});
  EXPECT_EQ(order_of(ranking), (std::vector<std::string>{"b", "same as b", "a"}));
  for (const boards::BoardPlace& place : ranking.places) {
    EXPECT_EQ(place.rank, 1);
    EXPECT_EQ(place.last, 3);
  }
  EXPECT_EQ(ranking.duels[0][1].p_adjusted, 1);
}

// a > c for certain, b between them and apart from neither.
TEST(RankingOf, BeingNeighboursIsNotTransitive) {
  const WithEntries ranking =
      only_ranking({entry_of("c", planted_rates(100, 200)), entry_of("b", planted_rates(105, 200)),
                    entry_of("a", planted_rates(110, 200))});
  EXPECT_EQ(order_of(ranking), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_TRUE(ranking.duels[0][2].significant());
  EXPECT_FALSE(ranking.duels[0][1].significant());
  EXPECT_FALSE(ranking.duels[1][2].significant());
  EXPECT_EQ(place_of(ranking, "a").rank, 1);
  EXPECT_EQ(place_of(ranking, "a").last, 2);
  EXPECT_EQ(place_of(ranking, "b").rank, 1);
  EXPECT_EQ(place_of(ranking, "b").last, 3);
  EXPECT_EQ(place_of(ranking, "c").rank, 2);
  EXPECT_EQ(place_of(ranking, "c").last, 3);
}

TEST(RankingOf, WhatItsAttacksCouldNotFollowIsNotRanked) {
  std::vector<boards::BoardEntry> entries = {entry_of("masked", planted_rates(190, 200)),
                                             entry_of("honest", planted_rates(100, 200))};
  entries[0].threats[0].attacks[0].cells[0].record.flags = {
      {"zero_gradients", {{"samples", 200}, {"of", 200}}}};
  const WithEntries ranking = only_ranking(entries);
  EXPECT_EQ(order_of(ranking), (std::vector<std::string>{"honest", "masked"}));
  EXPECT_EQ(place_of(ranking, "honest").rank, 1);
  EXPECT_FALSE(place_of(ranking, "masked").ranked());
  EXPECT_EQ(place_of(ranking, "masked").problem, "every gradient of pgd is 0");
}

// Nine images apart are p = 0.004 alone, and not enough among 21 comparisons.
TEST(RankingOf, ManyEntriesAsksMoreOfEach) {
  std::vector<boards::BoardEntry> entries = {entry_of("a", planted_rates(109, 200)),
                                             entry_of("b", planted_rates(100, 200))};
  EXPECT_EQ(place_of(only_ranking(entries), "b").rank, 2);
  for (int i = 0; i < 5; ++i)
    entries.push_back(entry_of("twin " + std::to_string(i), planted_rates(100, 200)));
  EXPECT_EQ(place_of(only_ranking(entries), "b").rank, 1);
}

TEST(RankingOf, RandomDefensesComparesTheirRates) {
  std::vector<double> high(300), low(300);
  for (size_t i = 0; i < high.size(); ++i)
    high[i] = double(i % 8 + 1) / 8, low[i] = double(i % 8) / 8;
  const auto random = [](const std::string& name, const std::vector<double>& rates) {
    return planted_entry(name, {planted_attack("pgd", {planted_cell(rates, 8)})});
  };
  const WithEntries ranking = only_ranking({random("low", low), random("high", high)});
  EXPECT_EQ(order_of(ranking), (std::vector<std::string>{"high", "low"}));
  EXPECT_EQ(ranking.places[1].rank, 2);
  EXPECT_EQ(ranking.duels[0][1].test, "sign flips");
}

TEST(RankingOf, SharedDrawsNeedMoreThanImages) {
  const auto shaken = [](const std::string& name, double shift) {
    std::vector<double> rates(400);
    for (size_t i = 0; i < rates.size(); ++i) rates[i] = double((i + size_t(shift)) % 4) / 4;
    for (size_t i = 0; i < size_t(shift * 20); ++i) rates[i] = 1;
    boards::BoardAttack::Cell cell = planted_cell(rates, 4);
    return planted_entry(name, {planted_attack("pgd", {cell})});
  };
  std::vector<boards::BoardEntry> entries = {shaken("a", 0), shaken("b", 4)};
  EXPECT_EQ(place_of(only_ranking(entries), "a").rank, 2);
  for (boards::BoardEntry& entry : entries) {
    results::CellRecord& record = entry.threats[0].attacks[0].cells[0].record;
    const auto quarter = int64_t(record.robust_accuracy * 400);
    record.robust_by_trial = {quarter - 100, quarter + 100, quarter - 100, quarter + 100};
  }
  EXPECT_EQ(place_of(only_ranking(entries), "a").rank, 1);
}

TEST(RankingOf, FailuresAreListedAndNotRanked) {
  boards::BoardEntry invalid = entry_of("invalid", planted_rates(200, 200));
  boards::BoardAttack failed = planted_attack("cw", {{}});
  failed.cells[0].record.status = results::Status::kInvalid;
  invalid.threats[0].attacks.push_back(failed);
  boards::BoardEntry both = entry_of("both", planted_rates(50, 200));
  both.threats[0].attacks.push_back(planted_attack("cw", {planted_cell(planted_rates(60, 200))}));
  boards::BoardEntry elsewhere = both;
  elsewhere.defense = elsewhere.id = "elsewhere", elsewhere.threats.clear();
  const WithEntries ranking =
      only_ranking({invalid, entry_of("lacks", planted_rates(200, 200)), elsewhere, both});
  EXPECT_EQ(order_of(ranking), (std::vector<std::string>{"both", "elsewhere", "invalid", "lacks"}));
  EXPECT_EQ(ranking.places[0].rank, 1);
  EXPECT_EQ(ranking.places[0].last, 1);
  EXPECT_EQ(ranking.places[1].problem, "was not attacked under this threat");
  EXPECT_EQ(ranking.places[2].problem, "no result of cw (invalid)");
  EXPECT_EQ(ranking.places[3].problem, "lacks cw");
  EXPECT_EQ(ranking.duels.size(), 1u);
}

TEST(RankingOf, EntriesIsHeldAgainstTheRules) {
  const boards::BoardEntry entry = entry_of("a", planted_rates(50, 200));
  const std::string sum = entry.board_sha256;
  EXPECT_EQ(only_ranking({entry}, {sum, {"pgd"}}).places[0].problem, "");
  EXPECT_EQ(only_ranking({entry}, {sum, {"pgd", "cw"}}).places[0].problem, "lacks cw");
  EXPECT_NE(only_ranking({entry}, {planted_sum('0'), {}}).places[0].problem, "");
  boards::BoardEntry crossed = entry;
  crossed.threats[0].attacks[0].name = "pgd[steps=5]";
  EXPECT_EQ(only_ranking({crossed}, {sum, {"pgd"}}).places[0].problem, "");
  // An attack from outside does not stand for the board's own.
  crossed.threats[0].attacks[0].additional = true;
  EXPECT_EQ(only_ranking({crossed}, {sum, {"pgd"}}).places[0].problem, "lacks pgd");
}

TEST(RankingOf, OtherImagesAreNotCompared) {
  const WithEntries ranking =
      only_ranking({entry_of("a", planted_rates(50, 200)), entry_of("b", planted_rates(60, 200)),
                    entry_of("few", planted_rates(40, 40))});
  EXPECT_EQ(place_of(ranking, "few").problem,
            "was measured on other images than the other entries");
  EXPECT_TRUE(place_of(ranking, "a").ranked());
}

TEST(RankingOf, ExternalAttacksOverturn) {
  std::vector<boards::BoardEntry> entries = {entry_of("a", planted_rates(150, 200)),
                                             entry_of("b", planted_rates(100, 200))};
  boards::BoardAttack external =
      planted_attack("found later", {planted_cell(planted_rates(20, 200))});
  external.additional = true;
  entries[0].threats[0].attacks.push_back(external);
  const WithEntries ranking = only_ranking(entries);
  EXPECT_EQ(order_of(ranking), (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(ranking.places[1].score.decided_by.at("found later"), 130);
  EXPECT_TRUE(ranking.places[0].ranked());  // b need not have the other's additional attack
}

TEST(RankingOf, CertificatesIsByRadius) {
  std::vector<boards::BoardEntry> entries = {entry_of("wide", planted_rates(100, 100)),
                                             entry_of("narrow", planted_rates(100, 100))};
  for (boards::BoardEntry& entry : entries) {
    const bool wide = entry.defense == "wide";
    results::Certification record;
    record.status = results::Status::kOk;
    for (int64_t i = 0; i < 100; ++i)
      record.certificates.push_back({i, 1, i < (wide ? 50 : 80) ? 1 : -1, wide ? 0.5 : 0.2});
    record.samples = 100;
    entry.certifications = {record};
    entry.threats.clear();
    entry.certified_at = {{0, 0, {}}, {0.25, 0, {}}};
  }
  const auto rankings = rankings_of(entries, {});
  ASSERT_EQ(rankings.size(), 2u);
  EXPECT_TRUE(rankings[0].certified);
  EXPECT_EQ(order_of(rankings[0]), (std::vector<std::string>{"narrow", "wide"}));
  EXPECT_EQ(order_of(rankings[1]), (std::vector<std::string>{"wide", "narrow"}));
  EXPECT_EQ(rankings[1].places[1].rank, 2);
}

TEST(RankingOf, NothingIsNothing) {
  const std::vector<boards::BoardEntry> none;
  EXPECT_TRUE(rankings_of(none, {}).empty());
  boards::BoardEntry entry = planted_entry("a", {});
  const WithEntries ranking = only_ranking({entry});
  EXPECT_EQ(ranking.places[0].problem, "no attack has a result");
  EXPECT_TRUE(ranking.duels.empty());
}

}  // namespace
}  // namespace gauntlet
