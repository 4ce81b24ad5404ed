#include "reports/files/csv.h"

#include <gtest/gtest.h>

#include <map>

#include "csv_table.h"
#include "reports/text/free_text.h"
#include "run_with_outcomes.h"

namespace gauntlet {
namespace {

TEST(ReportCsv, ReadsBackAsTheRecords) {
  const results::Store::Run run = synthetic_run();
  const auto rows = csv_table(reports::files::report_csv(run));
  ASSERT_EQ(rows.size(), run.cells.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const results::CellRecord& cell = run.cells[i];
    auto row = rows[i];
    EXPECT_EQ(row["defense"], cell.defense);
    EXPECT_EQ(row["attack"], cell.attack);
    EXPECT_EQ(row["status"], to_string(cell.status));
    EXPECT_EQ(row["reason"], cell.reason);
    EXPECT_EQ(std::stod(row["epsilon"]), cell.threat.epsilon);
    EXPECT_EQ(row["executed_forwards"], std::to_string(cell.ledger.executed_forwards));
    EXPECT_EQ(row["parameters"], cell.parameters);
    EXPECT_EQ(row["identity"], cell.identity);
    if (cell.status != results::Status::kOk) continue;
    EXPECT_EQ(std::stod(row["robust_accuracy"]), cell.robust_accuracy);  // every digit
    EXPECT_EQ(std::stod(row["interval_low"]), cell.interval.low);
    EXPECT_EQ(row["interval_method"], cell.interval.method);
  }
}

// Every field of every record, whatever its names hold, but for what cannot be seen.
TEST(ReportCsv, RoundTrips) {
  RunWithOutcomes made = large_run();
  made.run.cells[7].seconds = 1.0 / 3;
  made.run.cells[8].interval = {0.1, 1.0 / 3, 0.95, "image, or not", "a \"method\""};
  const auto rows = csv_table(reports::files::report_csv(made.run));
  ASSERT_EQ(rows.size(), made.run.cells.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const results::CellRecord& cell = made.run.cells[i];
    const bool ok = cell.status == results::Status::kOk;
    const auto& row = rows[i];
    const std::pair<const char*, std::string> texts[] = {
        {"suite", cell.suite},
        {"defense", cell.defense},
        {"attack", cell.attack},
        {"threat", cell.threat.name},
        {"norm", cell.threat.norm},
        {"dataset", cell.dataset},
        {"split", cell.split},
        {"seed", std::to_string(cell.seed)},
        {"status", to_string(cell.status)},
        {"reason", cell.reason},
        {"samples", std::to_string(cell.samples)},
        {"trials", std::to_string(cell.trials)},
        {"stochastic", cell.stochastic ? "true" : "false"},
        {"interval_unit", ok ? cell.interval.unit : ""},
        {"interval_method", ok ? cell.interval.method : ""},
        {"flags", cell.flags.empty() ? "" : sentence(cell.flags.front())},
        {"forwards", std::to_string(cell.ledger.forwards)},
        {"queries", std::to_string(cell.ledger.queries)},
        {"scoring_forwards", std::to_string(cell.ledger.scoring_forwards)},
        {"finished", cell.finished},
        {"identity", cell.identity},
        {"fingerprint", cell.fingerprint},
        {"x_adv", cell.x_adv},
        {"parameters", cell.parameters}};
    for (const auto& [name, text] : texts)
      EXPECT_EQ(row.at(name), reports::visible(text)) << name << " of " << i;
    EXPECT_EQ(std::stod(row.at("epsilon")), cell.threat.epsilon);
    EXPECT_EQ(std::stod(row.at("seconds")), cell.seconds);
    if (!ok) continue;
    EXPECT_EQ(std::stod(row.at("clean_accuracy")), cell.clean_accuracy);
    EXPECT_EQ(std::stod(row.at("robust_accuracy")), cell.robust_accuracy);
    EXPECT_EQ(std::stod(row.at("interval_high")), cell.interval.high);
  }
}

TEST(ReportCsv, LeavesNumbersOfWhatFailedEmpty) {
  int failed = 0;
  for (auto row : csv_table(reports::files::report_csv(synthetic_run()))) {
    if (row["status"] == "ok") continue;
    ++failed;
    for (const char* name : {"clean_accuracy", "robust_accuracy", "interval_low", "interval_high",
                             "interval_level", "majority_accuracy", "worst_trial_accuracy", "ties"})
      EXPECT_EQ(row.at(name), "") << name;
  }
  EXPECT_EQ(failed, 3);
}

TEST(DifferencesCsv, HasARowForEveryColumn) {
  const results::Store::Run run = compared_run();
  auto rows = csv_table(reports::files::differences_csv(run));
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
  const results::Store::Run run = certified_run();
  auto rows = csv_table(reports::files::certified_csv(run));
  ASSERT_EQ(rows.size(), 21);  // ten, ten, and one for what failed
  for (size_t i = 0; i < 20; ++i) {
    const results::Certification& record = run.certifications[i / 10];
    const results::CertifiedSample& c = record.certificates[i % 10];
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
