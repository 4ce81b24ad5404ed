#include "training/average.h"

#include <gtest/gtest.h>

#include "models/architectures/build_network.h"
#include "training_fixture.h"

namespace gauntlet {
namespace {
using namespace training_tests;
using AverageType = training::AveragingSpec::Type;

// A network whose weights are all this number.
void fill(models::Network& network, double value) {
  const at::NoGradGuard no_graph;
  for (const models::NamedTensor& named : network.tensors()) named.tensor.fill_(value);
}

double averaged(const training::WeightAverage& average) {
  return average.state().at("values/0.weight").flatten()[0].item<double>();
}

TEST(WeightAverage, EmaForgetsFasterAtFirst) {
  const auto network = build_network(small_network());
  training::WeightAverage average({.type = AverageType::kEma, .decay = 0.5});
  double expected = 0;
  for (int t = 1; t <= 12; ++t) {
    fill(*network, t);
    average.update(*network, 0, false);
    const double keep = t == 1 ? 0 : std::min(0.5, t / (9.0 + t));
    expected = keep * expected + (1 - keep) * t;
    EXPECT_NEAR(averaged(average), expected, 1e-5) << t;
  }
}

TEST(WeightAverage, SwaIsTheMeanOfEpochEnds) {
  const auto network = build_network(small_network());
  training::WeightAverage average({.type = AverageType::kSwa, .from_epoch = 1});
  for (int epoch = 0; epoch < 4; ++epoch)
    for (int step = 0; step < 3; ++step) {
      fill(*network, 10 * epoch + step);
      average.update(*network, epoch + step / 3.0, step == 2);
      EXPECT_EQ(average.defined(), epoch > 1 || (epoch == 1 && step == 2));
    }
  EXPECT_NEAR(averaged(average), (12 + 22 + 32) / 3.0, 1e-5);
}

TEST(WeightAverage, InPlaceGivesTheNetworkBackBitForBit) {
  const auto network = build_network(small_network(), 7);
  const training::NamedTensors own = weights(*network);
  training::WeightAverage average({.type = AverageType::kEma});
  {
    const training::WeightAverage::InPlace nothing_yet(average, *network);
    EXPECT_TRUE(same_bits(own, weights(*network)));
  }
  const auto other = build_network(small_network(), 8);
  average.update(*other, 0, false);
  {
    const training::WeightAverage::InPlace averaged(average, *network);
    EXPECT_TRUE(same_bits(weights(*other), weights(*network)));
  }
  EXPECT_TRUE(same_bits(own, weights(*network)));
}

training::NamedTensors without_statistics(training::NamedTensors all) {
  std::erase_if(all,
                [](const auto& item) { return item.first.find("running") != std::string::npos; });
  return all;
}

TEST(WeightAverage, IsWhatATrainingValidatesAndShips) {
  const data::Dataset data = quarters(72);
  training::Recipe recipe = small_recipe();
  const training::NamedTensors last = trained(recipe, data);
  recipe.averaging = {.type = AverageType::kSwa,
                      .from_epoch = 2};  // of three: the last epoch alone
  EXPECT_TRUE(same_bits(without_statistics(last), without_statistics(trained(recipe, data))));
  recipe.averaging.from_epoch = 0;
  training::NamedTensors mean;
  for (int64_t epochs = 1; epochs <= 3; ++epochs) {
    // The weights after each epoch: a training of three that its method ends early.
    struct Ends final : Defense, Trains {
      int64_t after = 0;
      Tensor loss(Training& training, const Batch& batch) override {
        return torch::cross_entropy_loss(training.forward(batch.x).logits, batch.y);
      }
      bool epoch_end(Training& training) override { return training.epoch() < double(after - 1); }
    };
    auto method = std::make_shared<Ends>();
    method->after = epochs;
    training::Recipe plain = recipe;
    plain.averaging = {};
    for (const auto& [name, tensor] : trained(plain, data, method))
      mean[name] = mean.count(name) ? mean[name] + tensor : tensor;
  }
  for (const auto& [name, tensor] : without_statistics(trained(recipe, data)))
    EXPECT_TRUE(torch::allclose(tensor, mean.at(name) / 3, 1e-5, 1e-6)) << name;
}

// The statistics of averaged weights are no average of statistics.
TEST(WeightAverage, OfSwaHasBatchStatisticsOfItsOwn) {
  const data::Dataset data = quarters(72);  // 64 to train on, four batches
  training::Recipe recipe = small_recipe();
  recipe.schedule = {.type = training::ScheduleSpec::Type::kConstant, .learning_rate = 0.3};
  recipe.averaging = {.type = AverageType::kSwa};
  const training::NamedTensors all = trained(recipe, data);
  const Tensor before_norm =
      torch::conv2d(data.x(torch::arange(64)), all.at("0.weight"), all.at("0.bias"), 2, 1);
  EXPECT_TRUE(torch::allclose(all.at("1.running_mean"), before_norm.mean({0, 2, 3}), 1e-4, 1e-5));
  // The mean of the batches' variances, which leaves out what differs between them.
  EXPECT_TRUE(torch::allclose(all.at("1.running_var"), before_norm.var({0, 2, 3}), 0.1, 1e-3));
}

}  // namespace
}  // namespace gauntlet
