#include "results/leaf.h"

#include <gtest/gtest.h>

namespace gauntlet::results {
namespace {

TEST(Leaf, TheGoalIsWhatTheParametersSayOrTheUsualOne) {
  EXPECT_EQ(goal_of(R"({"host": {"goal": {"value": "hypocritical", "default": "untargeted"}}})"),
            "hypocritical");
  EXPECT_EQ(goal_of(R"({"host": {"goal": {"value": "targeted"}}})"), "targeted");
  EXPECT_EQ(goal_of(R"({"host": {"goal": "targeted"}})"), "targeted");
  for (const char* silent :
       {R"({"host": {"restarts": {"value": 2, "default": 1}}})", R"({"host": {"goal": 3}})",
        R"({"host": 7})", "{}", "[]", "", "no JSON"})
    EXPECT_EQ(goal_of(silent), "untargeted") << silent;
}

}  // namespace
}  // namespace gauntlet::results
