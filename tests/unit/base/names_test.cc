#include <gtest/gtest.h>

#include <chrono>

#include "base/nearest_name.h"
#include "base/shown.h"

namespace gauntlet::testing {
namespace {
TEST(Shown, IsShortAndPrintable) {
  EXPECT_EQ(shown("conv1.weight"), "'conv1.weight'");
  EXPECT_EQ(shown("\x1b[31m\nx\xff"), "'?[31m?x?'");
  EXPECT_EQ(shown(std::string(201, 'a')), "'" + std::string(200, 'a') + "…'");
}

TEST(NearestName, FindsTypingErrors) {
  EXPECT_EQ(nearest_name("pdg", {"fgsm", "pgd"}), "pgd");
  EXPECT_EQ(nearest_name("resnet", {"a", "resnet20"}), "resnet20");
  EXPECT_EQ(nearest_name("quite another", {"fgsm", "pgd"}), "");
}

TEST(NearestName, OfALongNameCostsNothing) {
  const auto start = std::chrono::steady_clock::now();
  const std::vector<std::string> names(1000, "layer1.0.conv1.weight");
  EXPECT_EQ(nearest_name(std::string(400'000, 'a'), names), "");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));  // took a minute
}

}  // namespace
}  // namespace gauntlet::testing
