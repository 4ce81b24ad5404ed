#include "results/store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <fstream>
#include <limits>
#include <thread>

#include "analysis/latest_run.h"
#include "base/bad_input.h"
#include "results/outcomes.h"

namespace gauntlet {
namespace {

namespace fs = std::filesystem;

constexpr int kSchema = 3;

class StoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() /
              ("gauntlet-store-" + std::to_string(getpid()) + "-" + test->name());
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string refusal() const {
    try {
      results::Store store(folder_);
      return "";
    } catch (const BadInput& error) {
      return error.what();
    }
  }
  /// Another program's hand on the file.
  void change(const std::string& sql) const {
    SQLite::Database database((folder_ / "results.sqlite").string(),
                              SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, 5000);
    database.exec(sql);
  }

  /// As schema 2 had the tables.
  void remove_seals() const {
    for (const char* column :
         {"cells DROP COLUMN seal", "worst_cases DROP COLUMN seal",
          "certifications DROP COLUMN seal", "runs DROP COLUMN seal", "run_cells DROP COLUMN seal",
          "run_worst_cases DROP COLUMN seal", "run_certifications DROP COLUMN seal",
          "runs DROP COLUMN host", "runs DROP COLUMN members", "cells DROP COLUMN x_adv_sha256",
          "worst_cases DROP COLUMN flags", "worst_cases DROP COLUMN reason",
          "outcomes DROP COLUMN robust_first"})
      change(std::string("ALTER TABLE ") + column);
  }

  fs::path folder_;
};

results::CellRecord cell(const std::string& identity, results::Status status = results::Status::kOk,
                         int64_t samples = 3) {
  results::CellRecord record;
  record.identity = identity;
  record.fingerprint = "f";
  record.suite = "suite";
  record.defense = "défense \"a\", b";
  record.attack = "pgd";
  record.dataset = "fashion-mnist-1k";
  record.split = "test";
  record.threat = {"linf8", "linf", 8.0 / 255};
  record.seed = 1;
  record.status = status;
  record.reason = status == results::Status::kOk ? "" : "a sentence";
  record.flags = {{"unchanged", {{"samples", 1}, {"of", 3}}}, results::remark("two")};
  record.samples = samples;
  record.trials = 5;
  record.stochastic = true;
  record.clean_accuracy = 0.9;
  record.robust_accuracy = 1.0 / 3;
  record.majority_accuracy = 0.25;
  record.worst_trial_accuracy = 0.125;
  record.clean_by_trial = {3, 2, 3, 3, 3};
  record.robust_by_trial = {1, 0, 2, 1, 1};
  record.ties = 2;
  record.interval = {0.1, 0.5, 0.95, "image", "Wilson"};
  record.parameters = R"({"attack": {"plugin": "pgd"}})";
  record.environment = R"({"device": "cpu"})";
  record.ledger = {1, 2, 3, 4, 5, 6, 7, 8};
  record.seconds = 1.5;
  record.finished = "2026-01-31T12:00:00Z";
  record.x_adv = identity + ".safetensors", record.x_adv_sha256 = std::string(64, 'a');
  if (status == results::Status::kOk)
    for (int64_t i = 0; i < samples; ++i)
      record.outcomes.push_back(
          {100 - i, i % 10, 5, i % 6, i % 2 - 1, 0.1 * i, 0.03, 20 + i, (i % 6) / 2});
  return record;
}

void expect_equal(const results::Outcome& a, const results::Outcome& b) {
  EXPECT_EQ(std::tie(a.index, a.label, a.clean_right, a.robust_right, a.predicted, a.queries),
            std::tie(b.index, b.label, b.clean_right, b.robust_right, b.predicted, b.queries));
  EXPECT_EQ(std::tie(a.margin, a.distance, a.robust_first),
            std::tie(b.margin, b.distance, b.robust_first));
}

void expect_equal(const results::Interval& a, const results::Interval& b) {
  EXPECT_EQ(std::tie(a.low, a.high, a.level, a.unit, a.method),
            std::tie(b.low, b.high, b.level, b.unit, b.method));
}

void expect_equal(const results::CellRecord& a, const results::CellRecord& b) {
  EXPECT_EQ(std::tie(a.schema_version, a.identity, a.fingerprint, a.suite, a.defense, a.attack),
            std::tie(b.schema_version, b.identity, b.fingerprint, b.suite, b.defense, b.attack));
  EXPECT_EQ(std::tie(a.dataset, a.split, a.threat, a.seed, a.status, a.reason),
            std::tie(b.dataset, b.split, b.threat, b.seed, b.status, b.reason));
  EXPECT_EQ(std::tie(a.flags, a.samples, a.trials, a.stochastic, a.clean_accuracy, a.ties),
            std::tie(b.flags, b.samples, b.trials, b.stochastic, b.clean_accuracy, b.ties));
  EXPECT_EQ(std::tie(a.robust_accuracy, a.majority_accuracy, a.worst_trial_accuracy),
            std::tie(b.robust_accuracy, b.majority_accuracy, b.worst_trial_accuracy));
  EXPECT_EQ(std::tie(a.clean_by_trial, a.robust_by_trial),
            std::tie(b.clean_by_trial, b.robust_by_trial));
  EXPECT_EQ(std::tie(a.parameters, a.environment, a.seconds, a.finished, a.x_adv, a.x_adv_sha256),
            std::tie(b.parameters, b.environment, b.seconds, b.finished, b.x_adv, b.x_adv_sha256));
  const results::Ledger &p = a.ledger, &q = b.ledger;
  EXPECT_EQ(
      std::tie(p.forwards, p.backwards, p.queries, p.executed_forwards, p.executed_backwards),
      std::tie(q.forwards, q.backwards, q.queries, q.executed_forwards, q.executed_backwards));
  EXPECT_EQ(std::tie(p.source_forwards, p.source_backwards, p.scoring_forwards),
            std::tie(q.source_forwards, q.source_backwards, q.scoring_forwards));
  expect_equal(a.interval, b.interval);
  ASSERT_EQ(a.outcomes.size(), b.outcomes.size());
  for (size_t i = 0; i < a.outcomes.size(); ++i) expect_equal(a.outcomes[i], b.outcomes[i]);
}

results::WorstCase worst_case(const std::string& identity) {
  results::WorstCase record;
  record.identity = identity;
  record.fingerprint = "f";
  record.suite = "suite";
  record.defense = "at";
  record.threat = {"linf8", "linf", 0.1};
  record.seed = 2;
  record.samples = 100;
  record.trials = 4;
  record.clean_accuracy = 0.8;
  record.robust_accuracy = 0.4;
  record.interval = {0.3, 0.5, 0.9, "image", "normal over images"};
  record.attacks = {"fgsm", "pgd"};
  record.missing = {"nattack (invalid)"};
  record.decided_by = {{"fgsm", 3}, {"pgd", 97}};
  record.flags = {results::found_in("pgd", {"zero_gradients", {{"samples", 3}, {"of", 100}}})};
  return record;
}

results::Certification certification(const std::string& identity,
                                     results::Status status = results::Status::kOk) {
  results::Certification record;
  record.identity = identity;
  record.fingerprint = "f";
  record.suite = "suite";
  record.defense = "smoothed";
  record.dataset = "fashion-mnist-1k";
  record.split = "test";
  record.seed = 3;
  record.status = status;
  record.reason = status == results::Status::kOk ? "" : "a sentence";
  record.flags = {results::remark("one"), {"two", {{"share", 0.1}}}};
  record.samples = 3;
  record.alpha = 0.001;
  record.certified_accuracy = 1.0 / 3;
  record.abstained = 0.25;
  record.average_radius = 0.1;
  record.interval = {0.1, 0.5, 0.95, "image", "Wilson"};
  record.parameters = R"({"defense": {"model": "m"}})";
  record.environment = R"({"device": "cpu"})";
  record.forwards = 3300;
  record.seconds = 1.5;
  record.finished = "2026-01-31T12:00:00Z";
  if (status == results::Status::kOk)
    record.certificates = {{9, 1, 1, 0.3}, {4, 2, -1, 0}, {7, 0, 3, 0.1}};
  return record;
}

TEST_F(StoreTest, GivesBackCertificationsAfterReopening) {
  const results::Certification expected = certification("c");
  results::Store(folder_).put(certification("c", results::Status::kError));
  EXPECT_FALSE(results::Store(folder_).find_certification("c", "f")) << "errors are tried again";
  results::Store(folder_).put(expected);
  results::Store store(folder_);
  EXPECT_FALSE(store.find_certification("c", "g"));
  store.begin_run("suite", "{}");
  EXPECT_THROW(store.add_certification_to_run("d", "f"), std::logic_error);
  store.add_certification_to_run("c", "f");
  const results::Store::Run run = analysis::latest_run(store);
  ASSERT_EQ(run.certifications.size(), 1);
  for (const results::Certification& c :
       {store.find_certification("c", "f").value(), run.certifications[0]}) {
    EXPECT_EQ(std::tie(c.identity, c.fingerprint, c.suite, c.defense, c.dataset, c.split, c.seed),
              std::tie(expected.identity, expected.fingerprint, expected.suite, expected.defense,
                       expected.dataset, expected.split, expected.seed));
    EXPECT_EQ(std::tie(c.status, c.reason, c.flags, c.samples, c.alpha, c.certified_accuracy),
              std::tie(expected.status, expected.reason, expected.flags, expected.samples,
                       expected.alpha, expected.certified_accuracy));
    EXPECT_EQ(
        std::tie(c.abstained, c.average_radius, c.parameters, c.environment, c.forwards, c.seconds,
                 c.finished),
        std::tie(expected.abstained, expected.average_radius, expected.parameters,
                 expected.environment, expected.forwards, expected.seconds, expected.finished));
    expect_equal(c.interval, expected.interval);
    ASSERT_EQ(c.certificates.size(), 3);
    for (size_t i = 0; i < 3; ++i) {
      const results::CertifiedSample &a = c.certificates[i], &b = expected.certificates[i];
      EXPECT_EQ(std::tie(a.index, a.label, a.answer, a.radius),
                std::tie(b.index, b.label, b.answer, b.radius));
    }
  }
}

TEST_F(StoreTest, OfBeforeCertificationGoesOnWithAllItHolds) {
  {
    results::Store store(folder_);
    store.put(cell("a"));
    store.begin_run("suite", "{}");
    store.add_to_run("a", "f");
  }
  for (const char* table : {"run_certifications", "certificates", "certifications"})
    change(std::string("DROP TABLE ") + table);
  results::Store store(folder_);
  expect_equal(store.find("a", "f").value(), cell("a"));
  EXPECT_TRUE(analysis::latest_run(store).certifications.empty());
  store.put(certification("c"));
  EXPECT_TRUE(store.find_certification("c", "f"));
}

TEST_F(StoreTest, GivesBackEveryFieldAfterReopening) {
  results::Store(folder_).put(cell("a"));
  results::Store(folder_).put(worst_case("w"));
  const results::Store store(folder_);
  const auto found = store.find("a", "f");
  ASSERT_TRUE(found);
  expect_equal(*found, cell("a"));

  const auto worst = store.find_worst_case("w", "f");
  ASSERT_TRUE(worst);
  const results::WorstCase expected = worst_case("w");
  EXPECT_EQ(std::tie(worst->identity, worst->fingerprint, worst->suite, worst->defense),
            std::tie(expected.identity, expected.fingerprint, expected.suite, expected.defense));
  EXPECT_EQ(std::tie(worst->threat, worst->seed, worst->samples),
            std::tie(expected.threat, expected.seed, expected.samples));
  EXPECT_EQ(std::tie(worst->trials, worst->clean_accuracy, worst->robust_accuracy),
            std::tie(expected.trials, expected.clean_accuracy, expected.robust_accuracy));
  EXPECT_EQ(std::tie(worst->attacks, worst->missing, worst->decided_by, worst->complete,
                     worst->flags, worst->reason),
            std::tie(expected.attacks, expected.missing, expected.decided_by, expected.complete,
                     expected.flags, expected.reason));
  expect_equal(worst->interval, expected.interval);
}

TEST_F(StoreTest, KeepsDoublesThatAreNoNumbers) {
  const double infinity = std::numeric_limits<double>::infinity();
  results::CellRecord record = cell("a");
  record.seconds = std::numeric_limits<double>::denorm_min();
  record.outcomes[0].margin = NAN;
  record.outcomes[1].margin = infinity;
  record.outcomes[2].distance = -infinity;
  results::Store store(folder_);
  store.put(record);
  const results::CellRecord found = store.find("a", "f").value();
  EXPECT_EQ(found.seconds, record.seconds);
  EXPECT_TRUE(std::isnan(found.outcomes[0].margin));
  EXPECT_EQ(found.outcomes[1].margin, infinity);
  EXPECT_EQ(found.outcomes[2].distance, -infinity);
}

TEST_F(StoreTest, AnswersOnlyForEqualIdentityAndFingerprint) {
  results::Store store(folder_);
  store.put(cell("a"));
  EXPECT_TRUE(store.find("a", "f"));
  EXPECT_FALSE(store.find("b", "f"));
  EXPECT_FALSE(store.find("a", "g"));
  EXPECT_FALSE(store.find_worst_case("a", "f"));
}

TEST_F(StoreTest, TriesErrorsAndSkippedCellsAgain) {
  results::Store store(folder_);
  for (const results::Status status : {results::Status::kOk, results::Status::kInvalid,
                                       results::Status::kError, results::Status::kSkipped})
    store.put(cell(to_string(status), status));
  EXPECT_TRUE(store.find("ok", "f"));
  EXPECT_TRUE(store.find("invalid", "f"));
  EXPECT_FALSE(store.find("error", "f"));
  EXPECT_FALSE(store.find("skipped", "f"));
}

TEST_F(StoreTest, ReplacesARecordWithItsOutcomesAndKeepsItsPlaceInRuns) {
  results::Store store(folder_);
  store.begin_run("suite", "{}");
  store.put(cell("a", results::Status::kError));
  store.add_to_run("a", "f");
  store.put(cell("a", results::Status::kOk, 5));
  store.put(cell("a", results::Status::kOk, 2));
  EXPECT_EQ(store.find("a", "f")->outcomes.size(), 2);
  const results::Store::Run run = analysis::latest_run(store);
  ASSERT_EQ(run.cells.size(), 1);
  EXPECT_EQ(run.cells[0].status, results::Status::kOk);
}

TEST_F(StoreTest, RunsKeepTheirOrder) {
  results::Store store(folder_);
  for (const char* identity : {"b", "c", "a"}) store.put(cell(identity));
  store.put(worst_case("w2"));
  store.put(worst_case("w1"));
  store.begin_run("first", "{}");
  store.add_to_run("a", "f");
  store.begin_run("second", R"({"seeds": [0]})");
  for (const char* identity : {"c", "a", "b", "c"}) store.add_to_run(identity, "f");  // c once
  store.add_worst_case_to_run("w2", "f");
  store.add_worst_case_to_run("w1", "f");

  results::Store::Run run = analysis::latest_run(results::Store(folder_));
  EXPECT_EQ(run.suite, "second");
  EXPECT_EQ(run.settings, R"({"seeds": [0]})");
  EXPECT_EQ(run.started.size(), std::string("2026-01-31T12:00:00Z").size());
  EXPECT_FALSE(run.complete);
  EXPECT_EQ(run.finished, "");
  ASSERT_EQ(run.cells.size(), 3);
  EXPECT_EQ(run.cells[0].identity, "c");
  EXPECT_EQ(run.cells[1].identity, "a");
  EXPECT_EQ(run.cells[2].identity, "b");
  EXPECT_TRUE(run.cells[0].outcomes.empty());
  EXPECT_EQ(store.outcomes("c", "f").size(), 3);
  ASSERT_EQ(run.worst_cases.size(), 2);
  EXPECT_EQ(run.worst_cases[0].identity, "w2");

  store.end_run(true);
  EXPECT_TRUE(analysis::latest_run(store).complete);
  EXPECT_NE(analysis::latest_run(store).finished, "");
}

TEST_F(StoreTest, RefusesWhatNoRunMayHold) {
  results::Store store(folder_);
  EXPECT_THROW(analysis::latest_run(store), BadInput);
  EXPECT_THROW(store.end_run(true), std::logic_error);
  store.put(cell("a"));
  EXPECT_THROW(store.add_to_run("a", "f"), std::logic_error);  // before begin_run
  store.begin_run("suite", "");
  EXPECT_THROW(store.add_to_run("b", "f"), std::logic_error);
  EXPECT_THROW(store.begin_run("suite", "[1]"), std::invalid_argument);
  results::CellRecord wrong = cell("b");
  wrong.parameters = "{";
  EXPECT_THROW(store.put(wrong), std::invalid_argument);
  EXPECT_FALSE(store.find("b", "f"));
}

TEST_F(StoreTest, NamesArtifactsByIdentityAndFingerprint) {
  const results::Store store(folder_);
  EXPECT_EQ(store.artifact("0a1b", "0123456789abcdef0"),
            folder_ / "artifacts" / "0a1b-0123456789abcdef.safetensors");
  EXPECT_TRUE(fs::is_directory(store.artifacts()));
  EXPECT_THROW(store.artifact("../0a", "f"), std::invalid_argument);
  EXPECT_THROW(store.artifact("0a", "../f"), std::invalid_argument);
  EXPECT_THROW(store.artifact("", "f"), std::invalid_argument);
}

TEST_F(StoreTest, RefusesFilesThatAreNoStoreOfItsSchema) {
  fs::create_directories(folder_);
  std::ofstream(folder_ / "results.sqlite") << "label,prediction\n1,2\n" << std::string(200, 'x');
  EXPECT_NE(refusal().find("is not an SQLite database"), std::string::npos) << refusal();

  fs::remove(folder_ / "results.sqlite");
  change("CREATE TABLE bookmarks (url TEXT)");
  EXPECT_NE(refusal().find("not one of Gauntlet's"), std::string::npos) << refusal();

  fs::remove(folder_ / "results.sqlite");
  EXPECT_EQ(refusal(), "");
  change("PRAGMA user_version=99");
  EXPECT_NE(refusal().find("written by a newer Gauntlet (store schema 99"), std::string::npos);
  change("PRAGMA user_version=0");
  EXPECT_NE(refusal().find("written by an older Gauntlet (store schema 0"), std::string::npos);
  change("PRAGMA user_version=" + std::to_string(kSchema));
  EXPECT_EQ(refusal(), "");
}

TEST_F(StoreTest, RefusesFoldersItCannotMake) {
  std::ofstream{folder_} << "a file";
  EXPECT_NE(refusal().find("cannot be made"), std::string::npos) << refusal();
}

TEST_F(StoreTest, StartsOnAnEmptyFile) {
  fs::create_directories(folder_);
  std::ofstream{folder_ / "results.sqlite"};  // of a process killed before its first write
  EXPECT_EQ(refusal(), "");
  results::Store(folder_).put(cell("a"));
}

/// Stores records until it is killed. Says "ready" when the first is in.
[[noreturn]] void write_forever(const fs::path& folder, int pipe) {
  results::Store store(folder);
  store.begin_run("suite", "{}");
  for (int64_t i = 0;; ++i) {
    store.put(cell("r" + std::to_string(i % 500), results::Status::kOk, 200 + i % 7));
    store.add_to_run("r" + std::to_string(i % 500), "f");
    if (i == 0 && write(pipe, "x", 1) != 1) _exit(3);
  }
}

TEST_F(StoreTest, HoldsCompleteRecordsOnlyAfterItsWriterIsKilled) {
  for (int round = 0; round < 8; ++round) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) write_forever(folder_, ends[1]);
    ASSERT_GT(child, 0);
    char ready = 0;
    close(ends[1]);
    ASSERT_EQ(read(ends[0], &ready, 1), 1);
    usleep(2000 + 1700 * round);  // somewhere in the middle
    ASSERT_EQ(kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the writer failed by itself";
    close(ends[0]);

    results::Store store(folder_);
    const results::Store::Run run = analysis::latest_run(store);
    EXPECT_FALSE(run.complete);
    ASSERT_GE(run.cells.size(), 1);
    for (const results::CellRecord& record : run.cells) {
      const results::CellRecord found = store.find(record.identity, "f").value();
      expect_equal(found, cell(record.identity, results::Status::kOk, found.samples));
    }
    store.put(cell("after"));  // and it can be written
    EXPECT_TRUE(store.find("after", "f"));
  }
}

TEST_F(StoreTest, IsReadWhileItIsWritten) {
  results::Store writer(folder_);
  writer.begin_run("suite", "{}");
  std::atomic<bool> done = false;
  const std::jthread other([&] {
    for (int i = 0; i < 60; ++i) {
      const std::string identity = "r" + std::to_string(i);
      writer.put(cell(identity, results::Status::kOk, 100));
      writer.add_to_run(identity, "f");
    }
    done = true;
  });
  const results::Store reader(folder_);
  size_t seen = 0;
  while (!done || seen < 60) {
    const results::Store::Run run = analysis::latest_run(reader);
    ASSERT_GE(run.cells.size(), seen);  // a reader never sees less than before
    seen = run.cells.size();
    if (!seen) continue;
    ASSERT_EQ(reader.outcomes(run.cells.back().identity, "f").size(), 100);
  }
}

TEST_F(StoreTest, OfSchemaTwoIsBroughtUpToDate) {
  results::CellRecord known = cell("a");
  for (results::Outcome& outcome : known.outcomes) outcome.robust_first.reset();
  known.x_adv_sha256.clear();
  summarise(known);
  {
    results::Store store(folder_);
    store.put(known);
    store.put(worst_case("w"));
    store.put(certification("c"));
    store.begin_run("suite", R"({"name": "suite"})");
    store.add_to_run("a", "f");
    store.add_worst_case_to_run("w", "f");
    store.add_certification_to_run("c", "f");
    store.end_run(true);
  }
  remove_seals();
  change("PRAGMA user_version=2");
  for (int time = 0; time < 2; ++time) {
    const results::Store store(folder_);
    expect_equal(*store.find("a", "f"), known);
    EXPECT_TRUE(store.find_worst_case("w", "f"));
    EXPECT_TRUE(store.find_certification("c", "f"));
    const results::Store::Run run = analysis::latest_run(store);
    EXPECT_TRUE(run.complete);
    EXPECT_EQ(std::tuple(run.cells.size(), run.worst_cases.size(), run.certifications.size()),
              std::tuple(1u, 1u, 1u));
  }
  results::Store store(folder_);  // and goes on
  store.put(cell("b"));
  store.begin_run("suite", "{}");
  store.add_to_run("b", "f");
  EXPECT_EQ(analysis::latest_run(store).cells.at(0).identity, "b");
}

TEST_F(StoreTest, OfSchemaOneIsBroughtUpToDate) {
  results::CellRecord known = cell("a");
  known.clean_by_trial = known.robust_by_trial = {};
  known.x_adv_sha256.clear();
  summarise(known);
  results::Store(folder_).put(known);
  for (results::Outcome& outcome : known.outcomes) outcome.robust_first.reset();
  for (const char* column :
       {"cells DROP COLUMN clean_by_trial", "cells DROP COLUMN robust_by_trial"})
    change(std::string("ALTER TABLE ") + column);
  remove_seals();
  change("PRAGMA user_version=1");
  expect_equal(*results::Store(folder_).find("a", "f"), known);
  const results::Store again(folder_);
  expect_equal(*again.find("a", "f"), known);
}

TEST_F(StoreTest, OfSchemaThreeKeepsItsSeals) {
  results::CellRecord known = cell("a");
  for (results::Outcome& outcome : known.outcomes) outcome.robust_first.reset();
  results::Store(folder_).put(known);
  change("ALTER TABLE outcomes DROP COLUMN robust_first");
  change("PRAGMA user_version=3");
  const results::Store store(folder_);
  expect_equal(*store.find("a", "f"), known);
  EXPECT_TRUE(store.take_damage().empty());
}

TEST_F(StoreTest, OfSchemaFourKeepsItsSeals) {
  const results::CellRecord known = cell("a");
  results::Store(folder_).put(known);
  change("ALTER TABLE cells DROP COLUMN scores");
  change("PRAGMA user_version=4");
  const results::Store store(folder_);
  expect_equal(*store.find("a", "f"), known);
  EXPECT_TRUE(store.take_damage().empty());
}

TEST_F(StoreTest, KeepsScoresBitForBitAndUnderItsSeal) {
  results::CellRecord record = cell("a");
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  record.scores.clean = {0.1, -kInfinity, 1e-300};
  record.scores.attacked = {1.0 / 3, kInfinity, -0.5};
  results::Store(folder_).put(record);
  EXPECT_EQ(results::Store(folder_).find("a", "f")->scores, record.scores);
  change("UPDATE cells SET scores = '0.1 -inf 1e-300 |0.25 inf -0.5 '");
  EXPECT_FALSE(results::Store(folder_).find("a", "f")) << "other scores";
  change("UPDATE cells SET scores = 'scores'");
  EXPECT_FALSE(results::Store(folder_).find("a", "f")) << "none at all";
}

TEST_F(StoreTest, KeepsAudits) {
  results::RowAudit audit;
  audit.identity = "i", audit.fingerprint = "f", audit.suite = "s", audit.defense = "d";
  audit.threat = {"linf", "linf", 0.1}, audit.samples = 200;
  audit.checks = {{{"slope", {{"ratio", 0.5}}, "pgd"}, results::Level::kFail},
                  {{"outputs", {}, ""}, results::Level::kPass}};
  {
    results::Store store(folder_);
    store.put(audit);
    store.begin_run("s", "{}");
    store.add_audit_to_run("i", "f");
    store.end_run(true);
  }
  const results::Store store(folder_);
  EXPECT_EQ(store.find_audit("i", "f")->checks, audit.checks);
  EXPECT_EQ(store.read_run().audits.at(0).checks, audit.checks);
  EXPECT_EQ(worst(audit.checks), results::Level::kFail);
  change("UPDATE audits SET checks = '[]'");
  const results::Store damaged(folder_);
  EXPECT_FALSE(damaged.find_audit("i", "f"));
  EXPECT_TRUE(damaged.read_run().audits.at(0).checks.empty());
  EXPECT_NE(damaged.read_run().audits.at(0).reason, "");
}

TEST_F(StoreTest, ShowsWhatTheAccuracyOfARandomRowIsMadeOf) {
  results::CellRecord record = cell("a");
  record.stochastic = true;
  for (results::Outcome& outcome : record.outcomes) outcome.clean_right = outcome.index % 2 + 4;
  summarise(record);
  results::Store store(folder_);
  store.put(record);
  store.begin_run("suite", "{}");
  store.add_to_run("a", "f");
  const results::CellRecord found = analysis::latest_run(store).cells.at(0);
  ASSERT_TRUE(found.draws && found.draws->draws);
  EXPECT_EQ(found.draws->images.unit, "image");
  EXPECT_EQ(found.draws->draws->unit, "draw");
  // Of samples 100, 99 and 98 in five trials, 99 is right in all of them.
  EXPECT_DOUBLE_EQ(found.draws->clean_in_every_trial, 1.0 / 3);
}

// The tables are what other tools read. Whoever changes them raises kStoreSchema.
TEST_F(StoreTest, SchemaFiveHasTheseColumns) {
  results::Store{folder_};
  SQLite::Database database((folder_ / "results.sqlite").string());
  const auto columns = [&](const std::string& table) {
    return database
        .execAndGet("SELECT group_concat(name, ' ') FROM pragma_table_info('" + table + "')")
        .getString();
  };
  EXPECT_EQ(columns("meta"), "name value");
  EXPECT_EQ(columns("cells"),
            "id identity fingerprint schema_version suite defense attack dataset split threat norm "
            "epsilon seed status reason flags samples trials stochastic clean_accuracy "
            "robust_accuracy majority_accuracy worst_trial_accuracy clean_by_trial robust_by_trial "
            "ties interval_low interval_high interval_level interval_unit interval_method "
            "parameters environment forwards backwards queries executed_forwards "
            "executed_backwards source_forwards "
            "source_backwards scoring_forwards seconds finished x_adv x_adv_sha256 scores seal");
  EXPECT_EQ(columns("outcomes"),
            "cell position sample label clean_right robust_right predicted margin distance "
            "queries robust_first");
  EXPECT_EQ(columns("audits"),
            "id identity fingerprint suite defense threat norm epsilon seed samples checks reason "
            "seal");
  EXPECT_EQ(columns("worst_cases"),
            "id identity fingerprint suite defense threat norm epsilon seed samples trials "
            "clean_accuracy robust_accuracy interval_low interval_high interval_level "
            "interval_unit interval_method attacks missing decided_by complete flags reason seal");
  EXPECT_EQ(columns("runs"), "id suite settings started finished complete host members seal");
  EXPECT_EQ(columns("run_cells"), "run position record seal");
  EXPECT_EQ(columns("run_worst_cases"), "run position record seal");
  EXPECT_EQ(columns("certifications"),
            "id identity fingerprint suite defense dataset split seed status reason flags samples "
            "alpha certified_accuracy abstained average_radius interval_low interval_high "
            "interval_level interval_unit interval_method parameters environment forwards seconds "
            "finished seal");
  EXPECT_EQ(columns("certificates"), "certification position sample label answer radius");
  EXPECT_EQ(columns("run_certifications"), "run position record seal");
}

TEST(Status, NamesGoBothWays) {
  for (const results::Status status : {results::Status::kOk, results::Status::kInvalid,
                                       results::Status::kError, results::Status::kSkipped})
    EXPECT_EQ(results::status_from_string(to_string(status)), status);
  EXPECT_THROW(results::status_from_string("fine"), std::invalid_argument);
}

}  // namespace
}  // namespace gauntlet
