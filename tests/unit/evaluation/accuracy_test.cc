// What an entry declares of its bare network, measured again.
#include <gtest/gtest.h>

#include "evaluation/cell.h"
#include "toys.h"

namespace gauntlet::testing {
namespace {
constexpr int64_t kImages = 1000;

data::Dataset images() {
  data::Dataset data;
  data.id = "toy", data.split = "test";
  data.images = torch::arange(kImages, torch::kFloat).view({kImages, 1, 1, 1}) / kImages;
  data.labels = torch::arange(kImages, torch::kLong).remainder(10);
  return data;
}

// The problem where `correct` of the images are declared, or "".
std::string problem(toys::FunctionNetwork::Function logits, int64_t correct) {
  evaluation::DefendedModel model(
      std::make_shared<toys::FunctionNetwork>(logits, std::vector<int64_t>{1, 1, 1}, 10), {}, {});
  const data::Dataset data = images();
  std::vector<int64_t> indices(kImages);
  for (size_t i = 0; i < indices.size(); ++i) indices[i] = int64_t(i);
  suite::DefenseSpec spec;
  spec.model.accuracy = {{"toy", "test", kImages, correct}};
  return accuracy_problem(spec, model, data, indices);
}

TEST(Accuracy, IsThatOfTheEntry) {
  const auto always_zero = [](const Tensor& x, Noise&, models::Mode) {
    return torch::one_hot(torch::zeros({x.size(0)}, torch::kLong), 10).to(torch::kFloat);
  };
  EXPECT_EQ(problem(always_zero, 100), "");
  EXPECT_NE(problem(always_zero, 101), "");
}

// Counts of 1,000 images of which a tenth is right spread by 9.5.
TEST(Accuracy, OfARandomNetworkIsOneDraw) {
  const auto dice = [](const Tensor& x, Noise&, models::Mode) {
    return torch::rand({x.size(0), 10});
  };
  for (const int64_t declared : {85, 100, 115}) EXPECT_EQ(problem(dice, declared), "");
  EXPECT_NE(problem(dice, 250), "");
}

// Rows that depend on their batch are counted in the same batches, whoever counts.
TEST(Accuracy, OfCoupledRowsIsCountedInEqualBatches) {
  const auto coupled = [](const Tensor& x, Noise&, models::Mode) {
    const Tensor rank = x.flatten().argsort().argsort().remainder(7);
    return torch::one_hot(rank, 10).to(torch::kFloat);
  };
  evaluation::DefendedModel model(
      std::make_shared<toys::FunctionNetwork>(coupled, std::vector<int64_t>{1, 1, 1}, 10), {}, {});
  EXPECT_EQ(problem(coupled, count_right(model, images(), kImages).right), "");
}

}  // namespace
}  // namespace gauntlet::testing
