// A store that lost a bit, lies on a disk that cannot be written, or is shared by two builds.
#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <sstream>

#include "analysis/latest_run.h"
#include "base/bad_input.h"
#include "base/draft.h"
#include "base/sha256.h"
#include "models/weights/safetensors.h"
#include "results/artifacts.h"
#include "results/outcomes.h"
#include "results/store.h"
#include "tests/support/message_of.h"
#include "tests/support/temporary_folder.h"

namespace gauntlet {
namespace {
namespace fs = std::filesystem;
using ::testing::HasSubstr;

const std::string kDamagedSettings =
    R"({"name": "s", "seeds": [0], "threats": [{"name": "l", "norm": "linf", "epsilon": 0.1}],)"
    R"( "defenses": [{"name": "at", "baseline": "plain"}, {"name": "plain"}],)"
    R"( "attacks": [{"name": "fgsm"}, {"name": "pgd"}]})";

/// Right on the first of `right` of 24 images.
results::CellRecord measured(const std::string& defense, const std::string& attack, int64_t right) {
  results::CellRecord record;
  record.identity = defense + "-" + attack, record.fingerprint = "f";
  record.suite = "s", record.defense = defense, record.attack = attack;
  record.threat = {"l", "linf", 0.1};
  record.status = results::Status::kOk;
  record.parameters = record.environment = "{}";
  for (int64_t i = 0; i < 24; ++i)
    record.outcomes.push_back({i, i % 10, 1, i < right, i % 10, i < right ? 0.5 : -0.5, 0.1, 20});
  summarise(record);
  record.x_adv = record.identity + ".safetensors";
  return record;
}

results::WorstCase worst_of(const std::string& defense, double accuracy) {
  results::WorstCase worst;
  worst.identity = "worst-" + defense, worst.fingerprint = "f";
  worst.suite = "s", worst.defense = defense;
  worst.threat = {"l", "linf", 0.1};
  worst.samples = 24, worst.robust_accuracy = accuracy, worst.clean_accuracy = 1;
  worst.attacks = {"fgsm", "pgd"}, worst.decided_by = {{"pgd", 24}};
  worst.complete = true;
  return worst;
}

void write_run(const fs::path& folder) {
  results::Store store(folder);
  store.begin_run("s", kDamagedSettings);
  int64_t right = 20;
  for (const char* defense : {"at", "plain"}) {
    for (const char* attack : {"fgsm", "pgd"}) {
      const results::CellRecord record = measured(defense, attack, right -= 3);
      store.put(record);
      store.add_to_run(record.identity, "f");
    }
    store.put(worst_of(defense, double(right) / 24));
    store.add_worst_case_to_run(std::string("worst-") + defense, "f");
  }
  store.end_run(true);
}

std::string content_of(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

class DamagedStore : public ::testing::Test {
 protected:
  DamagedStore() {
    fs::permissions(folder_, fs::perms(0755));
    write_run(folder_ / "run");
    whole_ = analysis::latest_run(results::Store(folder_ / "run"));
  }
  ~DamagedStore() override { set_rights(folder_ / "run", 0755); }
  static void set_rights(const fs::path& folder, unsigned rights) {
    std::error_code ignored;
    fs::permissions(folder, fs::perms(rights), ignored);
  }
  void change(const std::string& sql) const {
    SQLite::Database((folder_ / "run/results.sqlite").string(), SQLite::OPEN_READWRITE).exec(sql);
  }

  /// What a reader is shown of a damaged copy: numbers that are right, or none.
  struct Seen {
    int right = 0, lost = 0, refused = 0;
  };
  void look_at(const fs::path& folder, Seen& seen) const {
    try {
      const results::Store store(folder, results::Store::Access::kRead);
      const results::Store::Run run = analysis::latest_run(store);
      ASSERT_EQ(run.cells.size(), 4u);
      ASSERT_EQ(run.worst_cases.size(), 2u);
      for (size_t i = 0; i < 4; ++i) look_at(store, run.cells[i], whole_.cells[i], seen);
      for (size_t i = 0; i < 2; ++i) {
        const results::WorstCase &a = run.worst_cases[i], &b = whole_.worst_cases[i];
        EXPECT_EQ(a.defense, b.defense);
        if (a.reason.empty()) {
          EXPECT_EQ(a.robust_accuracy, b.robust_accuracy);
        } else {
          EXPECT_TRUE(!a.complete && a.attacks.empty() && a.samples == 0);
        }
      }
      for (const results::Difference& difference : run.differences)
        if (difference.ok) expect_same(difference);
    } catch (const BadInput& error) {
      EXPECT_EQ(std::string(error.what()).find("json"), std::string::npos) << error.what();
      ++seen.refused;
    }
  }
  void look_at(const results::Store& store, const results::CellRecord& found,
               const results::CellRecord& whole, Seen& seen) const {
    EXPECT_EQ(found.defense, whole.defense);
    EXPECT_EQ(found.attack, whole.attack);
    if (found.status != results::Status::kOk) {
      EXPECT_EQ(found.status, results::Status::kInvalid);
      EXPECT_FALSE(found.reason.empty());
      ++seen.lost;
      return;
    }
    ++seen.right;
    EXPECT_EQ(found.robust_accuracy, whole.robust_accuracy);
    EXPECT_EQ(found.clean_accuracy, whole.clean_accuracy);
    EXPECT_EQ(found.interval.low, whole.interval.low);
    int64_t right = 0;
    for (const results::Outcome& o : store.outcomes(found.identity, "f")) right += o.robust_right;
    EXPECT_EQ(right, std::llround(24 * whole.robust_accuracy));
  }
  void expect_same(const results::Difference& found) const {
    for (const results::Difference& whole : whole_.differences) {
      if (whole.attack == found.attack) {
        EXPECT_EQ(found.value, whole.value);
      }
    }
  }

  const testing::TemporaryFolder owned_;
  const fs::path folder_ = owned_;
  results::Store::Run whole_;
};

TEST_F(DamagedStore, ABitAnywhereGivesNoWrongNumber) {
  const std::string whole = content_of(folder_ / "run/results.sqlite");
  fs::create_directories(folder_ / "copy");
  Seen seen;
  // Pages are mostly empty: of zeros only some.
  size_t bit = 0;
  for (size_t at = 0; at < whole.size(); at += whole[at] ? 29 : 997) {
    std::string damaged = whole;
    damaged[at] = char(damaged[at] ^ (1 << (bit++ % 8)));
    std::ofstream(folder_ / "copy/results.sqlite", std::ios::binary) << damaged;
    look_at(folder_ / "copy", seen);
    if (HasFailure()) FAIL() << "byte " << at << ", bit " << (bit - 1) % 8;
  }
  EXPECT_GT(seen.right, 300);
  EXPECT_GT(seen.lost, 10);
  EXPECT_GT(seen.refused, 3);
}

TEST_F(DamagedStore, WhatIsLostIsToldAndNotAnswered) {
  change("UPDATE outcomes SET robust_right = 1 - robust_right WHERE sample = 3 AND cell = 1");
  const results::Store store(folder_ / "run");
  EXPECT_FALSE(store.find("at-fgsm", "f"));
  ASSERT_EQ(store.take_damage().size(), 1u);
  EXPECT_TRUE(store.take_damage().empty());
  EXPECT_TRUE(store.find("at-pgd", "f"));
  EXPECT_TRUE(store.take_damage().empty());
  const results::Store::Run run = analysis::latest_run(store);
  EXPECT_EQ(run.lost, 1);
  EXPECT_EQ(run.cells[0].status, results::Status::kInvalid);
  EXPECT_NE(run.cells[0].reason.find("damaged"), std::string::npos) << run.cells[0].reason;
  EXPECT_THROW(store.outcomes("at-fgsm", "f"), BadInput);
}

// A seal is asked once, and again when somebody has written since.
TEST_F(DamagedStore, WhatAnotherChangesAfterItWasReadIsNotAnswered) {
  results::Store store(folder_ / "run");
  ASSERT_EQ(analysis::latest_run(store).lost, 0);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(store.outcomes("at-fgsm", "f").size(), 24u);
  change("UPDATE outcomes SET robust_right = 1 - robust_right WHERE sample = 3 AND cell = 1");
  EXPECT_THROW(store.outcomes("at-fgsm", "f"), BadInput);
  EXPECT_EQ(store.outcomes("at-pgd", "f").size(), 24u);
  // What the store writes itself is read as it is now.
  store.put(measured("at", "pgd", 5));
  int64_t right = 0;
  for (const results::Outcome& o : store.outcomes("at-pgd", "f")) right += o.robust_right;
  EXPECT_EQ(right, 5);
}

TEST_F(DamagedStore, AMemberThatNamesAnotherRecordIsLost) {
  change("UPDATE OR REPLACE run_cells SET record = 2 WHERE position = 0");
  const results::Store::Run run = analysis::latest_run(results::Store(folder_ / "run"));
  ASSERT_EQ(run.cells.size(), 4u);
  EXPECT_EQ(run.cells[0].attack, "fgsm");
  EXPECT_EQ(run.cells[0].status, results::Status::kInvalid);
}

TEST_F(DamagedStore, OfBeforeSealsIsHeldAgainstItsOutcomes) {
  for (const char* table : {"cells", "worst_cases", "certifications", "runs", "run_cells",
                            "run_worst_cases", "run_certifications"})
    change(std::string("ALTER TABLE ") + table + " DROP COLUMN seal");
  for (const char* column :
       {"runs DROP COLUMN host", "runs DROP COLUMN members", "cells DROP COLUMN x_adv_sha256",
        "worst_cases DROP COLUMN flags", "worst_cases DROP COLUMN reason"})
    change(std::string("ALTER TABLE ") + column);
  change("PRAGMA user_version=2");
  change("UPDATE cells SET robust_accuracy = 0.75 WHERE id = 2");
  const results::Store store(folder_ / "run");
  const results::Store::Run run = analysis::latest_run(store);
  ASSERT_EQ(run.cells.size(), 4u);
  EXPECT_EQ(run.cells[0].robust_accuracy, whole_.cells[0].robust_accuracy);
  EXPECT_EQ(run.cells[1].status, results::Status::kInvalid);
  EXPECT_EQ(run.worst_cases[1].robust_accuracy, whole_.worst_cases[1].robust_accuracy);
  EXPECT_FALSE(store.find("at-pgd", "f"));
}

/// Runs `work` as somebody who may not write where root may.
int as_another_user(const std::function<bool()>& work) {
  const pid_t child = fork();
  if (child == 0) {
    if (getuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) _exit(3);
    try {
      _exit(work() ? 0 : 1);
    } catch (...) {
      _exit(2);
    }
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}

TEST_F(DamagedStore, OnADiskThatCannotBeWrittenIsRead) {
  set_rights(folder_ / "run/results.sqlite", 0444);
  set_rights(folder_ / "run", 0555);
  EXPECT_EQ(as_another_user([&] {
              const results::Store store(folder_ / "run", results::Store::Access::kRead);
              const results::Store::Run run = analysis::latest_run(store);
              return run.complete && run.lost == 0 && run.cells.size() == 4 &&
                     store.outcomes("at-pgd", "f").size() == 24;
            }),
            0);
  EXPECT_EQ(as_another_user([&] {
              try {
                results::Store store(folder_ / "run");
                return false;
              } catch (const BadInput&) {
                return true;
              }
            }),
            0);
}

// A run that was killed leaves its newest records beside the database.
TEST_F(DamagedStore, OnADiskThatCannotBeWrittenIsReadWithWhatAKillLeftBesideIt) {
  const fs::path left = folder_ / "left";
  fs::create_directories(left);
  {
    results::Store writer(folder_ / "run");
    results::CellRecord further = measured("at", "further", 5);
    writer.put(further);
    writer.begin_run("newer", "{}");
    writer.add_to_run(further.identity, "f");
    for (const char* file : {"results.sqlite", "results.sqlite-wal"})
      fs::copy_file(folder_ / "run" / file, left / file);
  }
  ASSERT_GT(fs::file_size(left / "results.sqlite-wal"), 0u);
  for (const char* file : {"results.sqlite", "results.sqlite-wal"}) set_rights(left / file, 0444);
  set_rights(left, 0555);
  EXPECT_EQ(as_another_user([&] {
              const results::Store store(left, results::Store::Access::kRead);
              const results::Store::Run run = analysis::latest_run(store);
              return run.suite == "newer" && run.cells.size() == 1 && run.lost == 0;
            }),
            0);
  set_rights(left, 0755);
}

TEST_F(DamagedStore, OfTwoBuildsGivesEachItsOwnRun) {
  const fs::path folder = folder_ / "shared";
  results::Store a(folder, results::Store::Access::kWrite, "build a"),
      b(folder, results::Store::Access::kWrite, "build b");
  a.begin_run("first", "{}");
  b.begin_run("second", "{}");
  EXPECT_EQ(analysis::latest_run(a).suite, "first");
  EXPECT_EQ(analysis::latest_run(b).suite, "second");
  const auto reader = [&](const std::string& host) {
    return analysis::latest_run(results::Store(folder, results::Store::Access::kRead, host));
  };
  EXPECT_EQ(reader("build a").suite, "first");
  EXPECT_EQ(reader("build a").newer, 1);
  EXPECT_EQ(reader("build b").suite, "second");
  EXPECT_EQ(reader("build b").newer, 0);
  EXPECT_EQ(reader("build c").suite, "second") << "whoever has none sees the newest";
  EXPECT_NE(a.artifact("id", "aaaa"), a.artifact("id", "bbbb"));
}

TEST_F(DamagedStore, KeepsNoDraftsOfKilledProcesses) {
  const pid_t child = fork();
  if (child == 0) {
    for (const char* file : {"report.json", "artifacts/x.safetensors"})
      std::ofstream(draft_of(folder_ / "run" / file)) << "half";
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  const auto drafts = [&] {
    int count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / "run"))
      count += entry.path().extension() == ".tmp";
    return count;
  };
  ASSERT_EQ(drafts(), 2);
  results::Store(folder_ / "run", results::Store::Access::kRead);
  EXPECT_EQ(drafts(), 2) << "a reader changes nothing";
  results::Store{folder_ / "run"};
  EXPECT_EQ(drafts(), 0);
}

TEST_F(DamagedStore, ArtifactsAreReadAsTheyWereWrittenOrNotAtAll) {
  const fs::path file = folder_ / "artifacts" / "a.safetensors";  // the folder is made
  const results::KeptImages images{torch::rand({2, 1, 3, 3}), torch::tensor({4, 7})};
  const std::string sum = results::write_images(file, results::Kept::kAdversarial, images);
  EXPECT_EQ(results::artifact_problem(file, sum), "");
  for (const std::string& known : {sum, std::string()}) {  // older records have no sum
    const auto read = results::read_images(file, results::Kept::kAdversarial, known);
    EXPECT_TRUE(torch::equal(read.x, images.x) && torch::equal(read.index, images.index));
  }
  EXPECT_THAT(
      message_of([&] { results::read_images(file, results::Kept::kClean, sum); }),
      HasSubstr("a.safetensors: expected 'x' [N, C, H, W] Float or Byte, 'label' [N] Long "
                "and 'index' [N] Long, found 'index' [2] Long, 'x_adv' [2, 1, 3, 3] Float"));
  std::ofstream(file, std::ios::app) << "more";
  EXPECT_THROW(results::read_images(file, results::Kept::kAdversarial, sum), BadInput);
  EXPECT_THAT(results::artifact_problem(file, sum), HasSubstr("is not as the run wrote it"));
  fs::remove(file);
  EXPECT_THAT(message_of([&] { results::read_images(file, results::Kept::kAdversarial, sum); }),
              HasSubstr("a.safetensors is not there"));
  EXPECT_THAT(results::artifact_problem(file, ""), HasSubstr("is not there"));
}

TEST_F(DamagedStore, ArtifactsOfOtherTensorsAreRefused) {
  const auto problem = [&](const std::map<std::string, Tensor>& tensors) {
    models::write_safetensors(folder_ / "a", tensors);
    return message_of(
        [&] { results::read_images(folder_ / "a", results::Kept::kAdversarial, ""); });
  };
  const Tensor x = torch::rand({2, 1, 3, 3}), index = torch::arange(2);
  EXPECT_EQ(problem({{"x_adv", x}, {"index", index}}), "");
  EXPECT_THAT(problem({{"x_adv", x}}), HasSubstr("found 'x_adv' [2, 1, 3, 3] Float"));
  EXPECT_THAT(problem({{"x_adv", x}, {"index", torch::arange(3)}}), HasSubstr("'index' [3] Long"));
  EXPECT_THAT(problem({{"x_adv", x}, {"index", x.flatten()}}), HasSubstr("'index' [18] Float"));
  EXPECT_THAT(problem({{"x_adv", x[0]}, {"index", index}}), HasSubstr("'x_adv' [1, 3, 3] Float"));
  EXPECT_THAT(problem({{"x_adv", x.to(torch::kLong)}, {"index", index}}), HasSubstr("Long"));
}

}  // namespace
}  // namespace gauntlet
