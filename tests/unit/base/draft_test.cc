#include "base/draft.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "base/write_atomically.h"
#include "base/zip_writer.h"
#include "tests/support/temporary_folder.h"

namespace gauntlet {
namespace {
namespace fs = std::filesystem;

class Drafts : public ::testing::Test {
 protected:
  size_t files() const {
    return size_t(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }
  /// What a process leaves that is killed while it writes.
  void leave_half(const std::string& file) const {
    const pid_t child = fork();
    if (child == 0) {
      std::ofstream(draft_of(folder_ / file)) << "half";
      _exit(0);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
  }

  const testing::TemporaryFolder owned_;
  const fs::path folder_ = owned_;
};

TEST_F(Drafts, OfKilledProcessesAreRemovedWhereTheFileIsWrittenAgain) {
  leave_half("report.json"), leave_half("other.json");
  ASSERT_EQ(files(), 2u);
  write_atomically(folder_ / "report.json", "{}");
  EXPECT_TRUE(fs::exists(folder_ / "report.json"));
  EXPECT_EQ(files(), 2u) << "the other file's draft is for its own writer";
}

TEST_F(Drafts, OfKilledProcessesAreRemovedFromAFolder) {
  leave_half("a"), leave_half("b");
  std::ofstream(folder_ / "notes.tmp") << "the author's own";
  std::ofstream(folder_ / "c.0-12.tmp") << "of another program";
  remove_abandoned_drafts(folder_);
  EXPECT_EQ(files(), 2u);
  remove_abandoned_drafts(folder_ / "missing");
}

TEST_F(Drafts, OfLivingProcessesAndOtherMachinesStayForADay) {
  const fs::path mine = draft_of(folder_ / "a");
  std::ofstream{mine} << "half";
  const fs::path elsewhere = folder_ / "b.00000000-1.tmp", old = folder_ / "c.00000000-1.tmp";
  std::ofstream{elsewhere} << "half";
  std::ofstream{old} << "half";
  fs::last_write_time(old, fs::file_time_type::clock::now() - std::chrono::hours(25));
  remove_abandoned_drafts(folder_);
  EXPECT_TRUE(fs::exists(mine));
  EXPECT_TRUE(fs::exists(elsewhere));
  EXPECT_FALSE(fs::exists(old));
}

TEST_F(Drafts, OfArchivesLeaveNothingBesideThem) {
  ZipWriter zip(folder_ / "a.zip");
  zip.add("b", "content");
  zip.close();
  EXPECT_EQ(files(), 1u);
  ZipWriter refused(folder_ / "missing/a.zip");
  refused.add("b", "content");
  EXPECT_ANY_THROW(refused.close());
}

}  // namespace
}  // namespace gauntlet
