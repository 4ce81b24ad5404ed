// Threads that wait for each other, and the processors there are for them.
#include "base/waiting.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/processors.h"

namespace gauntlet {
namespace {
namespace fs = std::filesystem;
using Variable = std::pair<std::string, std::string>;

class ControlGroups : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    root_ = fs::path(::testing::TempDir()) / (std::string("control-groups-") + test->name());
    fs::remove_all(root_);
  }
  void TearDown() override { fs::remove_all(root_); }
  void write(const fs::path& file, const std::string& text) const {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }
  fs::path root_;
};

TEST(Waiting, SpinsWithABoundWhereEveryThreadHasAProcessor) {
  const auto [name, value] = way_to_wait(4, 4, 4, 0);
  EXPECT_EQ(name, "GOMP_SPINCOUNT");
  EXPECT_GE(std::stoi(value), 1'000);
  EXPECT_LE(std::stoi(value), 100'000);
}

TEST(Waiting, SleepsWhereThereAreMoreThreadsThanProcessors) {
  const Variable passive{"OMP_WAIT_POLICY", "passive"};
  EXPECT_EQ(way_to_wait(4, 2, 8, 0), passive) << "bound to two, or a container's quota";
  EXPECT_EQ(way_to_wait(2, 2, 2, 1), passive) << "another program runs on one of the two";
  EXPECT_NE(way_to_wait(2, 2, 8, 6), passive) << "there is room for all";
}

TEST(Waiting, ReadsTheThreadsOffACommandLine) {
  const char* apart[] = {"gauntlet", "run", "--threads", "3", "x.toml"};
  EXPECT_EQ(threads_asked_for(5, apart), 3);
  const char* together[] = {"gauntlet", "run", "--threads=12"};
  EXPECT_EQ(threads_asked_for(3, together), 12);
  const char* absent[] = {"gauntlet", "run", "--threads"};
  EXPECT_EQ(threads_asked_for(3, absent), 0);
  const char* wrong[] = {"gauntlet", "run", "--threads", "many"};
  EXPECT_EQ(threads_asked_for(4, wrong), 0);
}

TEST_F(ControlGroups, QuotaOfVersion2IsTheLeastOfAllAbove) {
  write("a/b/cpu.max", "150000 100000\n");
  write("a/cpu.max", "50000 100000\n");
  write("cpu.max", "max 100000\n");
  EXPECT_DOUBLE_EQ(quota_of_control_group(root_, "0::/a/b\n"), 0.5);
  EXPECT_DOUBLE_EQ(quota_of_control_group(root_, "0::/\n"), 0) << "no limit";
}

TEST_F(ControlGroups, QuotaOfVersion1) {
  write("cpu/job/cpu.cfs_quota_us", "250000\n");
  write("cpu/job/cpu.cfs_period_us", "100000\n");
  write("cpu/cpu.cfs_quota_us", "-1\n");
  write("cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_DOUBLE_EQ(quota_of_control_group(root_, "3:cpuset:/job\n1:cpu:/job\n0::/\n"), 2.5);
  EXPECT_DOUBLE_EQ(quota_of_control_group(root_, "1:cpu:/\n0::/\n"), 0);
}

TEST_F(ControlGroups, InAContainerTheMountedRootIsItsOwnGroup) {
  write("cpu,cpuacct/cpu.cfs_quota_us", "100000\n");
  write("cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  EXPECT_DOUBLE_EQ(quota_of_control_group(root_, "4:cpu,cpuacct:/docker/0123\n"), 1);
}

TEST_F(ControlGroups, WhatCannotBeReadIsNoLimit) {
  write("cpu.max", "nonsense");
  EXPECT_DOUBLE_EQ(quota_of_control_group(root_, "0::/\nno colons here\n"), 0);
  EXPECT_DOUBLE_EQ(quota_of_control_group(root_ / "absent", "0::/a\n"), 0);
}

TEST(Processors, ThereIsAtLeastOne) { EXPECT_GE(available_processors(), 1); }

}  // namespace
}  // namespace gauntlet
