#include "reports/text/text.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/duration.h"
#include "reports/summary.h"

namespace gauntlet {
namespace {

TEST(Text, WritesNumbersAsReportsDo) {
  EXPECT_EQ(reports::percent(0.4567), "45.7");
  EXPECT_EQ(reports::percent(0), "0.0");
  EXPECT_EQ(reports::percent(1), "100.0");
  EXPECT_EQ(reports::exact(0.1), "0.1");
  EXPECT_EQ(reports::exact(NAN), "");
  EXPECT_EQ(reports::exact(INFINITY), "");
  EXPECT_EQ(std::stod(reports::exact(1.0 / 3)), 1.0 / 3);
  EXPECT_EQ(reports::epsilon_text(8.0 / 255), "8/255");
  EXPECT_EQ(reports::epsilon_text(0.1), "0.1");
  EXPECT_EQ(reports::epsilon_text(0.2), "0.2");  // not 51/255
  EXPECT_EQ(reports::epsilon_text(1), "1");
  EXPECT_EQ(reports::epsilon_text(0), "0");
  EXPECT_EQ(reports::epsilon_text(0.5), "0.5");
  EXPECT_EQ(reports::grouped(999), "999");
  EXPECT_EQ(reports::grouped(1000), "1,000");
  EXPECT_EQ(reports::grouped(-1234567), "-1,234,567");
  EXPECT_EQ(reports::grouped(-123), "-123");
  EXPECT_EQ(reports::counted(1, "image"), "1 image");
  EXPECT_EQ(reports::counted(1000, "image"), "1,000 images");
  EXPECT_EQ(duration(0.1234), "0.12 s");
  EXPECT_EQ(duration(12.3), "12 s");
  EXPECT_EQ(duration(59.9), "1 min 0 s");
  EXPECT_EQ(duration(75), "1 min 15 s");
  EXPECT_EQ(duration(4000), "1 h 6 min");
  EXPECT_EQ(duration(NAN), "—");
}

TEST(Spread, IsUnbiasedAndAbsentForOneSeed) {
  const reports::Spread three = reports::spread_of({1, 2, 3});
  EXPECT_EQ(three.mean, 2);
  EXPECT_EQ(three.sd, 1);  // divided by n - 1
  EXPECT_EQ(reports::spread_of({5}).mean, 5);
  EXPECT_FALSE(reports::spread_of({5}).sd);
}

}  // namespace
}  // namespace gauntlet
