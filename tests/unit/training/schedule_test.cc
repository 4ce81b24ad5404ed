#include "training/schedule.h"

#include <gtest/gtest.h>

namespace gauntlet {
namespace {
using ScheduleType = training::ScheduleSpec::Type;

// 10 epochs of 4 steps at a highest rate of 0.2.
struct Schedule : ::testing::Test {
  training::ScheduleSpec spec;
  double at_epoch(double epoch) const { return learning_rate_at(spec, int64_t(epoch * 4), 4, 10); }
  explicit Schedule(ScheduleType type = ScheduleType::kConstant) {
    spec.type = type;
    spec.learning_rate = 0.2;
  }
};

TEST_F(Schedule, ConstantStays) {
  EXPECT_DOUBLE_EQ(at_epoch(0), 0.2);
  EXPECT_DOUBLE_EQ(at_epoch(9.75), 0.2);
}

TEST_F(Schedule, WarmUpRisesLinearlyToWhatIsScheduled) {
  spec.warmup_epochs = 4, spec.start_factor = 0.2;
  EXPECT_DOUBLE_EQ(at_epoch(0), 0.04);
  EXPECT_DOUBLE_EQ(at_epoch(2), 0.2 * 0.6);
  EXPECT_DOUBLE_EQ(at_epoch(4), 0.2);
  spec.type = ScheduleType::kCosine;
  training::ScheduleSpec cold = spec;
  cold.warmup_epochs = 0;
  EXPECT_DOUBLE_EQ(at_epoch(2), 0.6 * learning_rate_at(cold, 8, 4, 10));
  EXPECT_DOUBLE_EQ(at_epoch(7), learning_rate_at(cold, 28, 4, 10));
}

TEST_F(Schedule, StepDropsEverySoManyEpochs) {
  spec.type = ScheduleType::kStep, spec.every = 3, spec.factor = 0.5;
  EXPECT_DOUBLE_EQ(at_epoch(2.75), 0.2);
  EXPECT_DOUBLE_EQ(at_epoch(3), 0.1);
  EXPECT_DOUBLE_EQ(at_epoch(9), 0.025);
}

TEST_F(Schedule, MultistepDropsAtItsMilestones) {
  spec.type = ScheduleType::kMultistep, spec.milestones = {2, 7}, spec.factor = 0.1;
  EXPECT_DOUBLE_EQ(at_epoch(1.75), 0.2);
  EXPECT_NEAR(at_epoch(2), 0.02, 1e-15);
  EXPECT_NEAR(at_epoch(7), 0.002, 1e-15);
}

TEST_F(Schedule, CosineGoesFromHighestToLast) {
  spec.type = ScheduleType::kCosine, spec.final_factor = 0.1;
  EXPECT_DOUBLE_EQ(at_epoch(0), 0.2);
  EXPECT_NEAR(at_epoch(5), (0.2 + 0.02) / 2, 1e-15);
  EXPECT_GT(at_epoch(9.75), 0.02);
  EXPECT_LT(at_epoch(9.75), 0.021);
}

TEST_F(Schedule, OneCycleRisesOnALineAndFallsOnACosine) {
  spec.type = ScheduleType::kOneCycle, spec.warmup = 0.2, spec.start_factor = 0.1;
  EXPECT_DOUBLE_EQ(at_epoch(0), 0.02);
  EXPECT_DOUBLE_EQ(at_epoch(1), (0.02 + 0.2) / 2);
  EXPECT_DOUBLE_EQ(at_epoch(2), 0.2);
  EXPECT_NEAR(at_epoch(6), 0.1, 1e-15);
  EXPECT_GT(at_epoch(9.75), 0);
  EXPECT_LT(at_epoch(9.75), 0.001);
}

TEST_F(Schedule, OneCycleWithoutWarmupStartsAtItsHighest) {
  spec.type = ScheduleType::kOneCycle, spec.warmup = 0;
  EXPECT_DOUBLE_EQ(at_epoch(0), 0.2);
}

}  // namespace
}  // namespace gauntlet
