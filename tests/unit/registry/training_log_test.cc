#include "registry/training_log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/bad_input.h"

namespace gauntlet {
namespace {
struct TrainingLogTest : ::testing::Test {
  std::filesystem::path file =
      std::filesystem::temp_directory_path() / ("gauntlet-log-" + std::to_string(getpid()));
  ~TrainingLogTest() override { std::filesystem::remove(file); }
  std::string problem(const std::string& text) {
    std::ofstream(file) << text;
    try {
      registry::read_training_log(file);
    } catch (const BadInput& error) {
      return std::string(error.what()).substr(file.string().size());
    }
    return "";
  }
};

TEST_F(TrainingLogTest, HoldsNumbersAndNothing) {
  std::ofstream(file) << "epoch,loss,validation_clean\n1,2.5e-1,\r\n2,-3,0.5\n";
  const registry::TrainingLog log = registry::read_training_log(file);
  EXPECT_EQ(log.columns, (std::vector<std::string>{"epoch", "loss", "validation_clean"}));
  ASSERT_EQ(log.rows.size(), 2u);
  EXPECT_EQ(log.rows[0][1], 0.25);
  EXPECT_EQ(log.rows[0][2], std::nullopt);
  EXPECT_EQ(log.rows[1][2], 0.5);
}

TEST_F(TrainingLogTest, WhatIsNoLogIsRefusedWithItsPlace) {
  EXPECT_EQ(problem("epoch,loss\n1\n"), ":2: 1 fields, the first line has 2");
  EXPECT_EQ(problem("epoch,loss\n1,2\n2,x\n"), ":3: 'x' is no number");
  EXPECT_EQ(problem(""), ": cannot be read, expected the CSV log of a training");
}
}  // namespace
}  // namespace gauntlet
