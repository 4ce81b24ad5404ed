#include <gtest/gtest.h>

#include <map>

#include "reports/report.h"
#include "synthetic_run.h"

namespace gauntlet {
namespace {

/// A reader of RFC 4180 of its own.
std::vector<std::vector<std::string>> parse(const std::string& text) {
  std::vector<std::vector<std::string>> rows(1, {""});
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    std::string& field = rows.back().back();
    if (quoted && c == '"' && i + 1 < text.size() && text[i + 1] == '"')
      field += text[++i];
    else if (c == '"')
      quoted = !quoted;
    else if (!quoted && c == ',')
      rows.back().emplace_back();
    else if (!quoted && c == '\n')
      rows.push_back({""});
    else
      field += c;
  }
  rows.pop_back();  // the last line ends, too
  return rows;
}

std::vector<std::map<std::string, std::string>> table(const std::string& text) {
  const auto rows = parse(text);
  std::vector<std::map<std::string, std::string>> records;
  for (size_t i = 1; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].size(), rows[0].size()) << "row " << i;
    auto& record = records.emplace_back();
    for (size_t k = 0; k < rows[i].size(); ++k) record[rows[0].at(k)] = rows[i][k];
  }
  return records;
}

TEST(ReportCsv, ReadsBackAsTheRecords) {
  const Store::Run run = synthetic_run();
  const auto rows = table(report_csv(run));
  ASSERT_EQ(rows.size(), run.cells.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const CellRecord& cell = run.cells[i];
    auto row = rows[i];
    EXPECT_EQ(row["defense"], cell.defense);
    EXPECT_EQ(row["attack"], cell.attack);
    EXPECT_EQ(row["status"], to_string(cell.status));
    EXPECT_EQ(row["reason"], cell.reason);
    EXPECT_EQ(std::stod(row["epsilon"]), cell.epsilon);
    EXPECT_EQ(row["executed_forwards"], std::to_string(cell.ledger.executed_forwards));
    EXPECT_EQ(row["parameters"], cell.parameters);
    EXPECT_EQ(row["identity"], cell.identity);
    if (cell.status != Status::kOk) continue;
    EXPECT_EQ(std::stod(row["robust_accuracy"]), cell.robust_accuracy);  // every digit
    EXPECT_EQ(std::stod(row["interval_low"]), cell.interval.low);
    EXPECT_EQ(row["interval_method"], cell.interval.method);
  }
}

TEST(ReportCsv, LeavesNumbersOfWhatFailedEmpty) {
  int failed = 0;
  for (auto row : table(report_csv(synthetic_run()))) {
    if (row["status"] == "ok") continue;
    ++failed;
    for (const char* name : {"clean_accuracy", "robust_accuracy", "interval_low", "interval_high",
                             "interval_level", "majority_accuracy", "worst_trial_accuracy", "ties"})
      EXPECT_EQ(row.at(name), "") << name;
  }
  EXPECT_EQ(failed, 3);
}

TEST(DifferencesCsv, HasARowForEveryColumn) {
  const Store::Run run = compared_run();
  auto rows = table(differences_csv(run));
  ASSERT_EQ(rows.size(), 4);
  EXPECT_EQ(rows[0]["attack"], "");
  EXPECT_EQ(rows[1]["defense"], run.differences[1].defense);
  EXPECT_EQ(std::stod(rows[1]["difference"]), run.differences[1].value);
  EXPECT_EQ(std::stod(rows[1]["interval_high"]), run.differences[1].interval.high);
  EXPECT_EQ(std::stod(rows[1]["p_below"]), 0.999);
  for (const char* name : {"difference", "interval_low", "interval_high", "p_below"})
    EXPECT_EQ(rows[3][name], "") << name;
}

TEST(CertifiedCsv, HasARowForEveryImage) {
  const Store::Run run = certified_run();
  auto rows = table(certified_csv(run));
  ASSERT_EQ(rows.size(), 21);  // ten, ten, and one for what failed
  for (size_t i = 0; i < 20; ++i) {
    const Certification& record = run.certifications[i / 10];
    const CertifiedSample& c = record.certificates[i % 10];
    EXPECT_EQ(rows[i]["defense"], record.defense);
    EXPECT_EQ(rows[i]["sample"], std::to_string(c.index));
    EXPECT_EQ(rows[i]["answer"], c.answer < 0 ? "" : std::to_string(c.answer));
    if (c.answer < 0)
      EXPECT_EQ(rows[i]["radius"], "");
    else
      EXPECT_EQ(std::stod(rows[i]["radius"]), c.radius);
    EXPECT_EQ(rows[i]["right"], c.answer == c.label ? "true" : "false");
  }
  EXPECT_EQ(rows[20]["status"], "error");
  EXPECT_EQ(rows[20]["reason"], run.certifications[2].reason);
  for (const char* name : {"alpha", "sample", "label", "answer", "radius", "right"})
    EXPECT_EQ(rows[20][name], "") << name;
}

}  // namespace
}  // namespace gauntlet
