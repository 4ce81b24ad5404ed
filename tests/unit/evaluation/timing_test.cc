// How many threads a network is given.
#include "evaluation/timing.h"

#include <gtest/gtest.h>

namespace gauntlet {
namespace {

TEST(Timing, TakesTheFewestThreadsThatAreAsFastAsTheBest) {
  EXPECT_EQ(evaluation::fewest_that_help({{8, 1.0}, {4, 1.01}, {2, 1.9}}), 4);
  EXPECT_EQ(evaluation::fewest_that_help({{2, 1.0}, {1, 0.7}}), 1)
      << "threads that only wait for each other";
  EXPECT_EQ(evaluation::fewest_that_help({{2, 1.0}, {1, 1.8}}), 2);
  EXPECT_EQ(evaluation::fewest_that_help({{2, 1.0}}), 2);
}

}  // namespace
}  // namespace gauntlet
