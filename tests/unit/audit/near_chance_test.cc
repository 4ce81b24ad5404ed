// Models that are fed what they were not trained on.
#include "audit/near_chance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/evaluation/toys.h"

namespace gauntlet::testing {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kFaintImages = 100, kClasses = 10;

// Images whose first channel tells the class, and a network that was trained on them.
class NearChance : public ::testing::Test {
 protected:
  NearChance() {
    data_.id = "toy", data_.split = "test";
    data_.labels = torch::arange(kFaintImages, torch::kLong).remainder(kClasses);
    const Tensor level = (data_.labels.to(torch::kFloat) + 0.5) / double(kClasses);
    data_.images = torch::full({kFaintImages, 3, 2, 2}, 0.73);
    data_.images.select(1, 0) = level.view({kFaintImages, 1, 1}).expand({kFaintImages, 2, 2});
    for (int64_t i = 0; i < kFaintImages; ++i) indices_.push_back(i);
  }

  // With pixels as the network has them after its normalisation: (x - mean) / std.
  std::string cause(const std::vector<double>& mean = {0, 0, 0},
                    const std::vector<double>& std = {1, 1, 1}) {
    const auto values = [](const std::vector<double>& v) {
      return torch::tensor(v, torch::kFloat).view({1, -1, 1, 1});
    };
    const Tensor m = values(mean), s = values(std), right_m = values(right_mean_),
                 right_s = values(right_std_);
    auto network = std::make_shared<toys::FunctionNetwork>(
        [=](const Tensor& x, Noise&, models::Mode) {
          const Tensor pixels = (x - m) / s * right_s + right_m;  // what training would have seen
          const Tensor level = pixels.select(1, 0).flatten(1).mean(1, true);
          const Tensor classes = (torch::arange(kClasses) + 0.5) / double(kClasses);
          return -(level - classes).abs();
        },
        std::vector<int64_t>{3, 2, 2}, kClasses);
    network->says(mean, std);
    evaluation::DefendedModel model(network, {}, {});
    const std::string told = results::sentence(audit::near_chance_finding(
        0.1, kClasses, audit::likely_cause(model, data_, indices_, at::kCPU)));
    return told.substr(told.find(": ") + 2);
  }

  data::Dataset data_;
  std::vector<int64_t> indices_;
  std::vector<double> right_mean_{0, 0, 0}, right_std_{1, 1, 1};
};

TEST_F(NearChance, NamesShiftedLabels) {
  data_.labels = (data_.labels + 1).remainder(kClasses);
  EXPECT_EQ(cause(),
            "the bare network is right on 100.0 % of 100 images if each label is 1 less: "
            "labels seem to be shifted");
}

TEST_F(NearChance, NamesLabelsInAnotherOrder) {
  const Tensor order = torch::tensor({3, 7, 0, 9, 1, 8, 2, 4, 6, 5}, torch::kLong);
  data_.labels = order.index_select(0, data_.labels);
  EXPECT_THAT(cause(), HasSubstr("100.0 % of 100 images if classes change their names"));
}

TEST_F(NearChance, NamesChannelsInAnotherOrder) {
  data_.images = data_.images.flip(1).contiguous();
  EXPECT_THAT(cause(), HasSubstr("100.0 % of 100 images with the channels in the order BGR"));
}

TEST_F(NearChance, NamesPixelsOfAnotherScale) {
  right_std_ = {1 / 255.0, 1 / 255.0, 1 / 255.0};  // trained on pixels of 0 to 255
  EXPECT_THAT(cause(), HasSubstr("with pixels of 0 to 255"));
}

TEST_F(NearChance, NamesAnotherNormalisation) {
  right_mean_ = {0.4, 0.4, 0.4}, right_std_ = {0.2, 0.2, 0.2};
  EXPECT_THAT(cause({0.2, 0.2, 0.2}, {0.4, 0.4, 0.4}), HasSubstr("with mean and std swapped"));
  right_mean_ = {0, 0, 0}, right_std_ = {1, 1, 1};
  EXPECT_THAT(cause({0.6, 0.6, 0.6}, {0.1, 0.1, 0.1}), HasSubstr("without mean and std"));
  right_mean_ = {0.5, 0.5, 0.5}, right_std_ = {0.5, 0.5, 0.5};
  EXPECT_THAT(cause({0.9, 0.9, 0.9}, {0.1, 0.1, 0.1}), HasSubstr("with mean = 0.5, std = 0.5"));
}

TEST_F(NearChance, SaysWhatToLookAtWhereNothingHelps) {
  data_.images = torch::full_like(data_.images, 0.3);
  EXPECT_THAT(cause(), ::testing::StartsWith("check mean and std"));
}

TEST_F(NearChance, OfARightNetworkIsItsStack) {
  EXPECT_EQ(cause(),
            "the bare network is right on 100.0 % of 100 images, its stack or noise takes "
            "the rest");
}

TEST(NearChanceLimit, LeavesHonestNetworksInPeace) {
  for (const double seen : {0.06, 0.09, 0.105, 0.165, 0.195})
    EXPECT_TRUE(audit::near_chance(seen, 10, 200)) << seen;
  EXPECT_FALSE(audit::near_chance(0.3, 10, 200));
  EXPECT_TRUE(audit::near_chance(0.5, 2, 200));
  EXPECT_FALSE(audit::near_chance(0.65, 2, 200));
  EXPECT_TRUE(audit::near_chance(0.01, 100, 1000));
  EXPECT_FALSE(audit::near_chance(0.1, 100, 1000));
  EXPECT_FALSE(audit::near_chance(0.02, 1000, 1000));
  EXPECT_FALSE(audit::near_chance(0, 10, 9)) << "too few to tell";
}

}  // namespace
}  // namespace gauntlet::testing
