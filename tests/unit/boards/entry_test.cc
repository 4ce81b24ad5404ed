#include "boards/entry.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "base/bad_input.h"
#include "board_fixture.h"

namespace gauntlet {
namespace {

using Json = nlohmann::ordered_json;

boards::BoardEntry full_entry() {
  boards::BoardAttack external = planted_attack(
      "<script>", {planted_cell({0.5, 0, 1, 0.25}, 4), planted_cell({1, 0, 0, 0.75}, 4, 7)});
  external.plugin = "external", external.additional = true, external.source = "a mail, 2026";
  boards::BoardAttack failed = planted_attack("nattack", {planted_cell({1, 1, 1, 1}, 4), {}});
  results::CellRecord& record = failed.cells[1].record;
  record.identity = record.fingerprint = "x", record.seed = 7,
  record.status = results::Status::kInvalid;
  record.reason = "3 rows left the ball",
  record.flags = {results::remark("x_adv equals x"), {"unchanged", {{"samples", 1}, {"of", 4}}}};
  boards::BoardEntry entry = planted_entry("noise, \"quoted\"\n\xc3\xa9", {external, failed});
  entry.seeds = {0, 7};
  entry.about = {"A. Author", "a@example.org", "https://example.org", "Some text.", "@misc{a}"};
  entry.division = Division::kRandomized;
  entry.class_names = {"shirt", "shoe"};
  entry.findings = {"one finding"};
  entry.verified = boards::Verified::kModel, entry.verified_when = "2026-02-01T00:00:00Z";
  entry.threats[0].rescored_accuracy = 0.25;
  entry.threats[0].attacks[0].cells[0].record.robust_by_trial = {2, 1, 2, 2};
  entry.certified_at = {{0, 0.5, {}}, {0.25, 0.25, {}}};
  for (const int64_t seed : entry.seeds) {
    results::Certification certified;
    certified.identity = certified.fingerprint = "y", certified.seed = seed;
    certified.status = results::Status::kOk, certified.samples = 2, certified.alpha = 0.001;
    certified.certificates = {{3, 1, 1, 0.123456789012345}, {1, 2, -1, 0}};
    entry.certifications.push_back(certified);
  }
  return entry;
}

std::string problem_with(const std::string& text) {
  try {
    boards::board_entry_from_json(text, "some/file.json");
  } catch (const BadInput& error) {
    return error.what();
  }
  return "";
}

std::string problem_after(const std::function<void(Json&)>& change) {
  Json json = Json::parse(to_json(full_entry()));
  change(json);
  return problem_with(json.dump());
}

TEST(BoardEntryFile, GivesBackWhatWasWritten) {
  const boards::BoardEntry entry = full_entry();
  const std::string text = to_json(entry);
  const boards::BoardEntry back = boards::board_entry_from_json(text, "a file");
  EXPECT_EQ(to_json(back), text);
  EXPECT_EQ(back.board, entry.board);
  EXPECT_EQ(back.defense, entry.defense);
  EXPECT_EQ(back.about.bibtex, "@misc{a}");
  EXPECT_EQ(back.samples, entry.samples);
  EXPECT_EQ(back.verified, boards::Verified::kModel);
  ASSERT_EQ(back.threats.size(), 1u);
  EXPECT_EQ(back.threats[0].threat.epsilon, 8.0 / 255);
  EXPECT_EQ(back.threats[0].rescored_accuracy, 0.25);
  const boards::BoardAttack& attack = back.threats[0].attacks[0];
  EXPECT_EQ(attack.parameters, entry.threats[0].attacks[0].parameters);
  EXPECT_TRUE(attack.additional);
  const results::CellRecord &was = entry.threats[0].attacks[0].cells[1].record,
                            &is = attack.cells[1].record;
  ASSERT_EQ(is.outcomes.size(), was.outcomes.size());
  for (size_t i = 0; i < is.outcomes.size(); ++i) {
    EXPECT_EQ(is.outcomes[i].index, was.outcomes[i].index);
    EXPECT_EQ(is.outcomes[i].label, was.outcomes[i].label);
    EXPECT_EQ(is.outcomes[i].robust_right, was.outcomes[i].robust_right);
    EXPECT_EQ(is.outcomes[i].predicted, was.outcomes[i].predicted);
    EXPECT_NEAR(is.outcomes[i].margin, was.outcomes[i].margin, 1e-5);
    EXPECT_NEAR(is.outcomes[i].distance, was.outcomes[i].distance, 1e-6);
    EXPECT_EQ(is.outcomes[i].queries, was.outcomes[i].queries);
  }
  EXPECT_EQ(attack.cells[0].record.robust_by_trial, (std::vector<int64_t>{2, 1, 2, 2}));
  EXPECT_EQ(attack.cells[0].x_adv_sha256, planted_sum('a'));
  EXPECT_EQ(back.threats[0].attacks[1].cells[1].record.status, results::Status::kInvalid);
  EXPECT_EQ(back.threats[0].attacks[1].cells[1].record.flags,
            entry.threats[0].attacks[1].cells[1].record.flags);
  EXPECT_EQ(back.certifications[1].certificates[0].radius, 0.123456789012345);
  EXPECT_EQ(back.certifications[1].certificates[0].index, 3);
}

TEST(BoardEntryFile, OfAThousandImagesAndTenAttacksIsSmall) {
  std::mt19937_64 random(1);
  std::vector<boards::BoardAttack> attacks;
  for (int a = 0; a < 10; ++a) {
    std::vector<double> rates;
    for (int i = 0; i < 1000; ++i) rates.push_back(double(random() % 513) / 512);
    boards::BoardAttack::Cell cell = planted_cell(rates, 512);
    for (results::Outcome& outcome : cell.record.outcomes) {
      outcome.margin = std::sin(double(random() % 100000)), outcome.queries = random() % 1000;
      outcome.distance = std::abs(outcome.margin) / 30;
      outcome.clean_right = random() % 513;
    }
    attacks.push_back(planted_attack("attack " + std::to_string(a), {cell}));
  }
  EXPECT_LT(to_json(planted_entry("a", attacks)).size(), 500'000u);
}

TEST(BoardEntryFile, RefusesWhatIsNoEntry) {
  EXPECT_NE(problem_with("").find("some/file.json: is not JSON"), std::string::npos);
  EXPECT_NE(problem_with("[1]").find("some/file.json: is array, expected"), std::string::npos);
  EXPECT_EQ(problem_with("{}"), "some/file.json: has no 'schema', expected a board entry");
  EXPECT_NE(problem_with(std::string(100'000, '[')).find("nested too deeply"), std::string::npos);
  EXPECT_NE(problem_with(R"({"schema": 1, "schema": 1})").find("'schema' twice"),
            std::string::npos);
  const std::string whole = to_json(full_entry());
  for (size_t cut = 0; cut + 2 < whole.size(); cut += 97)
    EXPECT_NE(problem_with(whole.substr(0, cut)), "") << cut;
}

TEST(BoardEntryFile, SaysWhereAndWhatWasExpected) {
  const auto cell = [](Json& j) -> Json& { return j["threats"][0]["attacks"][0]["cells"][1]; };
  const auto failed = [](Json& j) -> Json& { return j["threats"][0]["attacks"][1]["cells"][1]; };
  const std::pair<std::function<void(Json&)>, std::string> cases[] = {
      {[](Json& j) { j["schema"] = 2; }, "schema is '2', expected 1"},
      {[](Json& j) { j.erase("defense"); }, "has no 'defense'"},
      {[](Json& j) { j["defence"] = 1; }, "unknown key 'defence', did you mean 'defense'?"},
      {[](Json& j) { j["board"] = "../x@1"; }, "board is '../x@1', expected a board's name"},
      {[](Json& j) { j["board"] = "x@01"; }, "board is 'x@01'"},
      {[](Json& j) { j["board"] = "x"; }, "board is 'x'"},
      {[](Json& j) { j["id"] = "../../etc/passwd"; }, "id is '../../etc/passwd'"},
      {[](Json& j) { j["weights_sha256"] = "ab"; }, "weights_sha256 is"},
      {[](Json& j) { j["division"] = "open"; }, "division is 'open', expected deterministic"},
      {[](Json& j) { j["finished"] = "yesterday"; }, "finished is"},
      {[](Json& j) { j["parameters"] = "{}"; }, "parameters is"},
      {[](Json& j) {
         j["seeds"] = {0, 0};
       },
       "seeds has a seed twice"},
      {[](Json& j) {
         j["samples"] = {0, 1, 1, 2};
       },
       "samples has an index twice"},
      {[](Json& j) { j["samples"]["count"] = 1e18; }, "samples.count is"},
      {[](Json& j) { j["samples"]["count"] = 1'000'000'000'000; }, "samples is a range"},
      {[](Json& j) { j["samples"]["count"] = 3; }, "sample 3, which is none of the entry's"},
      {[](Json& j) { j["threats"][0]["robust_accuracy"] = 1.5; },
       "threats[0].robust_accuracy is '1.5', expected a number from 0 to 1"},
      {[](Json& j) { j["threats"].push_back(j["threats"][0]); }, "threats has 'linf8' twice"},
      {[](Json& j) { j["threats"][0]["attacks"][1]["name"] = "<script>"; }, "'<script>' twice"},
      {[&](Json& j) { cell(j)["status"] = "okay"; },
       "threats[0].attacks[0].cells[1].status is 'okay', expected ok, invalid"},
      {[&](Json& j) { cell(j)["seed"] = 8; }, "are not one for each of the entry's seeds"},
      {[&](Json& j) { cell(j)["status"] = "error"; }, "expected none where the status is error"},
      {[&](Json& j) { cell(j)["trials"] = 0; }, "trials is below 1"},
      {[&](Json& j) { failed(j)["flags"][1] = 3; }, "cells[1].flags[1] is neither a text nor an"},
      {[&](Json& j) { failed(j)["flags"][1].erase("code"); }, "flags[1] has no 'code'"},
      {[&](Json& j) { failed(j)["flags"][1]["x"] = 1; }, "flags[1] has an unknown key 'x'"},
      {[&](Json& j) { cell(j)["samples"] = 5; }, "outcomes has 4 rows, expected 5"},
      {[&](Json& j) {
         cell(j)["outcomes"]["robust_right"] = {5, 0, 0, 0};
       },
       "has 5 right answers for sample 0, expected 0 to 4"},
      {[&](Json& j) {
         cell(j)["outcomes"]["robust_right"] = {1, 0};
       },
       "outcomes.robust_right has 2 values, expected one for each of 4 rows"},
      {[&](Json& j) {
         cell(j)["outcomes"]["sample"] = {0, 1, 2, 2};
       },
       "has sample 2 twice"},
      {[&](Json& j) { cell(j)["outcomes"]["label"] = "x"; }, "outcomes.label is"},
      {[&](Json& j) { cell(j)["outcomes"].erase("queries"); }, "outcomes has no 'queries'"},
      {[](Json& j) { j["certified_at"][1]["radius"] = 0; }, "radii that do not ascend"},
      {[](Json& j) { j["certifications"].erase(1); }, "certifications are not one for each"},
  };
  for (const auto& [change, expected] : cases) {
    const std::string problem = problem_after(change);
    EXPECT_EQ(problem.rfind("some/file.json: ", 0), 0u) << problem;
    EXPECT_NE(problem.find(expected), std::string::npos) << expected << "\n" << problem;
  }
}

TEST(BoardEntryFile, IsCalledByItsId) {
  const auto folder = std::filesystem::path(::testing::TempDir()) / "board_entry_test";
  std::filesystem::create_directories(folder);
  const boards::BoardEntry entry = full_entry();
  for (const std::string& name : {entry.id, std::string("other")})
    std::ofstream(folder / (name + ".json")) << to_json(entry);
  EXPECT_EQ(boards::read_board_entry(folder / (entry.id + ".json")).defense, entry.defense);
  EXPECT_THROW(boards::read_board_entry(folder / "other.json"), BadInput);
  EXPECT_THROW(boards::read_board_entry(folder / "none.json"), BadInput);
  std::filesystem::remove_all(folder);
}

TEST(EntryIds, AreFileNamesAndDifferWhereNamesDo) {
  EXPECT_EQ(boards::entry_id("cni-at"), "cni-at");
  const std::vector<std::string> names = {"CNI + AT (k=5)",
                                          "cni at k 5",
                                          "cni_at_k_5",
                                          "",
                                          "..",
                                          "../../x",
                                          "-x",
                                          "<script>",
                                          "\n",
                                          "\xe9\x98\xb2\xe5\xbe\xa1",
                                          "AT",
                                          "at",
                                          std::string(300, 'x'),
                                          std::string(301, 'x'),
                                          "con"};
  std::set<std::string> ids;
  for (const std::string& name : names) {
    const std::string id = boards::entry_id(name);
    EXPECT_TRUE(ids.insert(id).second) << name;
    EXPECT_LE(id.size(), 64u);
    EXPECT_EQ(id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"), std::string::npos);
    EXPECT_NE(id[0], '-');
  }
  EXPECT_EQ(boards::entry_id("CNI + AT (k=5)").rfind("cni-at-k-5-", 0), 0u);
  boards::BoardEntry entry = full_entry();
  entry.id = "x";
  EXPECT_EQ(entry_path(entry), "fashion-linf@1/x.json");
}

}  // namespace
}  // namespace gauntlet
