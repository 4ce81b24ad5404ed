// A store that lost a bit, lies on a disk that cannot be written, or is shared by two builds.
#include <SQLiteCpp/SQLiteCpp.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <sstream>

#include "base/bad_input.h"
#include "base/draft.h"
#include "base/sha256.h"
#include "results/artifacts.h"
#include "results/outcomes.h"
#include "results/store.h"

namespace gauntlet {
namespace {
namespace fs = std::filesystem;

const std::string kDamagedSettings =
    R"({"name": "s", "seeds": [0], "threats": [{"name": "l", "norm": "linf", "epsilon": 0.1}],)"
    R"( "defenses": [{"name": "at", "baseline": "plain"}, {"name": "plain"}],)"
    R"( "attacks": [{"name": "fgsm"}, {"name": "pgd"}]})";

/// Right on the first of `right` of 24 images.
CellRecord measured(const std::string& defense, const std::string& attack, int64_t right) {
  CellRecord record;
  record.identity = defense + "-" + attack, record.fingerprint = "f";
  record.suite = "s", record.defense = defense, record.attack = attack;
  record.threat = "l", record.norm = "linf", record.epsilon = 0.1;
  record.status = Status::kOk;
  record.parameters = record.environment = "{}";
  for (int64_t i = 0; i < 24; ++i)
    record.outcomes.push_back({i, i % 10, 1, i < right, i % 10, i < right ? 0.5 : -0.5, 0.1, 20});
  summarise(record);
  record.x_adv = record.identity + ".safetensors";
  return record;
}

WorstCase worst_of(const std::string& defense, double accuracy) {
  WorstCase worst;
  worst.identity = "worst-" + defense, worst.fingerprint = "f";
  worst.suite = "s", worst.defense = defense;
  worst.threat = "l", worst.norm = "linf", worst.epsilon = 0.1;
  worst.samples = 24, worst.robust_accuracy = accuracy, worst.clean_accuracy = 1;
  worst.attacks = {"fgsm", "pgd"}, worst.decided_by = {{"pgd", 24}};
  worst.complete = true;
  return worst;
}

void write_run(const fs::path& folder) {
  Store store(folder);
  store.begin_run("s", kDamagedSettings);
  int64_t right = 20;
  for (const char* defense : {"at", "plain"}) {
    for (const char* attack : {"fgsm", "pgd"}) {
      const CellRecord record = measured(defense, attack, right -= 3);
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
    std::string name = (fs::temp_directory_path() / "gauntlet-damage-XXXXXX").string();
    folder_ = mkdtemp(name.data());
    fs::permissions(folder_, fs::perms(0755));
    write_run(folder_ / "run");
    whole_ = Store(folder_ / "run").latest_run();
  }
  ~DamagedStore() override {
    set_rights(folder_ / "run", 0755);
    fs::remove_all(folder_);
  }
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
      const Store store(folder, Store::Access::kRead);
      const Store::Run run = store.latest_run();
      ASSERT_EQ(run.cells.size(), 4u);
      ASSERT_EQ(run.worst_cases.size(), 2u);
      for (size_t i = 0; i < 4; ++i) look_at(store, run.cells[i], whole_.cells[i], seen);
      for (size_t i = 0; i < 2; ++i) {
        const WorstCase &a = run.worst_cases[i], &b = whole_.worst_cases[i];
        EXPECT_EQ(a.defense, b.defense);
        if (a.reason.empty()) {
          EXPECT_EQ(a.robust_accuracy, b.robust_accuracy);
        } else {
          EXPECT_TRUE(!a.complete && a.attacks.empty() && a.samples == 0);
        }
      }
      for (const Difference& difference : run.differences)
        if (difference.ok) expect_same(difference);
    } catch (const BadInput& error) {
      EXPECT_EQ(std::string(error.what()).find("json"), std::string::npos) << error.what();
      ++seen.refused;
    }
  }
  void look_at(const Store& store, const CellRecord& found, const CellRecord& whole,
               Seen& seen) const {
    EXPECT_EQ(found.defense, whole.defense);
    EXPECT_EQ(found.attack, whole.attack);
    if (found.status != Status::kOk) {
      EXPECT_EQ(found.status, Status::kInvalid);
      EXPECT_FALSE(found.reason.empty());
      ++seen.lost;
      return;
    }
    ++seen.right;
    EXPECT_EQ(found.robust_accuracy, whole.robust_accuracy);
    EXPECT_EQ(found.clean_accuracy, whole.clean_accuracy);
    EXPECT_EQ(found.interval.low, whole.interval.low);
    int64_t right = 0;
    for (const Outcome& o : store.outcomes(found.identity, "f")) right += o.robust_right;
    EXPECT_EQ(right, std::llround(24 * whole.robust_accuracy));
  }
  void expect_same(const Difference& found) const {
    for (const Difference& whole : whole_.differences) {
      if (whole.attack == found.attack) {
        EXPECT_EQ(found.value, whole.value);
      }
    }
  }

  fs::path folder_;
  Store::Run whole_;
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
  const Store store(folder_ / "run");
  EXPECT_FALSE(store.find("at-fgsm", "f"));
  ASSERT_EQ(store.take_damage().size(), 1u);
  EXPECT_TRUE(store.take_damage().empty());
  EXPECT_TRUE(store.find("at-pgd", "f"));
  EXPECT_TRUE(store.take_damage().empty());
  const Store::Run run = store.latest_run();
  EXPECT_EQ(run.lost, 1);
  EXPECT_EQ(run.cells[0].status, Status::kInvalid);
  EXPECT_NE(run.cells[0].reason.find("damaged"), std::string::npos) << run.cells[0].reason;
  EXPECT_THROW(store.outcomes("at-fgsm", "f"), BadInput);
}

TEST_F(DamagedStore, AMemberThatNamesAnotherRecordIsLost) {
  change("UPDATE OR REPLACE run_cells SET record = 2 WHERE position = 0");
  const Store::Run run = Store(folder_ / "run").latest_run();
  ASSERT_EQ(run.cells.size(), 4u);
  EXPECT_EQ(run.cells[0].attack, "fgsm");
  EXPECT_EQ(run.cells[0].status, Status::kInvalid);
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
  const Store store(folder_ / "run");
  const Store::Run run = store.latest_run();
  ASSERT_EQ(run.cells.size(), 4u);
  EXPECT_EQ(run.cells[0].robust_accuracy, whole_.cells[0].robust_accuracy);
  EXPECT_EQ(run.cells[1].status, Status::kInvalid);
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
              const Store store(folder_ / "run", Store::Access::kRead);
              const Store::Run run = store.latest_run();
              return run.complete && run.lost == 0 && run.cells.size() == 4 &&
                     store.outcomes("at-pgd", "f").size() == 24;
            }),
            0);
  EXPECT_EQ(as_another_user([&] {
              try {
                Store store(folder_ / "run");
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
    Store writer(folder_ / "run");
    CellRecord further = measured("at", "further", 5);
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
              const Store store(left, Store::Access::kRead);
              const Store::Run run = store.latest_run();
              return run.suite == "newer" && run.cells.size() == 1 && run.lost == 0;
            }),
            0);
  set_rights(left, 0755);
}

TEST_F(DamagedStore, OfTwoBuildsGivesEachItsOwnRun) {
  const fs::path folder = folder_ / "shared";
  Store a(folder, Store::Access::kWrite, "build a"), b(folder, Store::Access::kWrite, "build b");
  a.begin_run("first", "{}");
  b.begin_run("second", "{}");
  EXPECT_EQ(a.latest_run().suite, "first");
  EXPECT_EQ(b.latest_run().suite, "second");
  const auto reader = [&](const std::string& host) {
    return Store(folder, Store::Access::kRead, host).latest_run();
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
  Store(folder_ / "run", Store::Access::kRead);
  EXPECT_EQ(drafts(), 2) << "a reader changes nothing";
  Store{folder_ / "run"};
  EXPECT_EQ(drafts(), 0);
}

TEST_F(DamagedStore, ArtifactsAreReadAsTheyWereWrittenOrNotAtAll) {
  const fs::path file = folder_ / "a.safetensors";
  std::ofstream(file) << "content";
  const std::string sum = sha256("content");
  EXPECT_EQ(read_artifact(file, sum), "content");
  EXPECT_EQ(read_artifact(file, ""), "content") << "older records have no sum";
  EXPECT_EQ(artifact_problem(file, sum), "");
  std::ofstream(file) << "contenT";
  EXPECT_THROW(read_artifact(file, sum), BadInput);
  EXPECT_NE(artifact_problem(file, sum).find("is not as the run wrote it"), std::string::npos);
  fs::remove(file);
  EXPECT_THROW(read_artifact(file, sum), BadInput);
  EXPECT_NE(artifact_problem(file, "").find("is not there"), std::string::npos);
}

}  // namespace
}  // namespace gauntlet
