// What a decision says of a detector's score.
#include <gtest/gtest.h>

#include <cmath>

#include "evaluation/judge.h"
#include "toys.h"

namespace gauntlet {
namespace {
using namespace toys;

// Refuses images whose first pixel lies above 0.5, and has no number for one that is 0.
struct Brightness final : Defense, Refuses {
  Tensor score(const Tensor& x, const Outputs&, View&) override {
    const Tensor first = x.flatten(1).select(1, 0);
    return torch::where(first == 0, torch::full_like(first, std::nan("")), first - 0.5);
  }
};

// Four images whose first pixels are 0.25, 0.5, 0.75 and 0.
Tensor four_images() {
  const Tensor x = torch::full({4, 1, 4, 4}, 0.5);
  x.flatten(1).select(1, 0).copy_(torch::tensor({0.25, 0.5, 0.75, 0.0}));
  return x;
}
Noise noise_of_four() { return noise_for(1, evaluation::Stream::kScoring, torch::arange(4)); }

TEST(DetectorScores, AreThoseOfASingleAnswer) {
  evaluation::DefendedModel model =
      defended(perceptron(1, {1, 4, 4}, 3), {std::make_shared<Brightness>()});
  const auto decision = model.decide(four_images(), noise_of_four());
  ASSERT_TRUE(decision.score.defined());
  EXPECT_TRUE(decision.score.narrow(0, 0, 3).equal(torch::tensor({-0.25, 0.0, 0.25})));
  EXPECT_EQ(decision.score[3].item<double>(), INFINITY) << "no number refuses";
  EXPECT_EQ(decision.answer[2].item<int64_t>(), evaluation::DefendedModel::kRefused);
  EXPECT_GE(decision.answer[1].item<int64_t>(), 0) << "0 is not above 0";
  const evaluation::Verdict verdict = judge(model, four_images(), torch::zeros({4}, torch::kLong),
                                            torch::arange(4), 1, evaluation::Stream::kScoring, 2);
  EXPECT_TRUE(verdict.score.equal(decision.score));
}

TEST(DetectorScores, OfAVoteAreTheShareOfDrawsThatRefuse) {
  const auto voter = std::make_shared<Voter>();
  voter->sigma = 0, voter->m = 8;
  evaluation::DefendedModel model =
      defended(perceptron(1, {1, 4, 4}, 3), {std::make_shared<Brightness>(), voter});
  const auto decision = model.decide(four_images(), noise_of_four());
  EXPECT_TRUE(decision.score.equal(torch::tensor({-0.5, -0.5, 0.5, 0.5})));
}

TEST(DetectorScores, AreAbsentWithoutADetector) {
  evaluation::DefendedModel model = defended(perceptron(1, {1, 4, 4}, 3));
  EXPECT_FALSE(model.decide(four_images(), noise_of_four()).score.defined());
}

TEST(DetectorScores, OfManyImagesAreInTheirOrder) {
  evaluation::DefendedModel model =
      defended(perceptron(1, {1, 4, 4}, 3), {std::make_shared<Brightness>()});
  constexpr int64_t kMany = 600;  // more than one forward of the judge holds
  const Tensor x = torch::full({kMany, 1, 4, 4}, 0.5);
  const Tensor first = (torch::arange(kMany).to(torch::kFloat) + 1) / 1000;
  x.flatten(1).select(1, 0).copy_(first);
  const Noise noise = noise_for(1, evaluation::Stream::kScoring, torch::arange(kMany));
  EXPECT_TRUE(model.decide(x, noise).score.equal(first - 0.5));
}

}  // namespace
}  // namespace gauntlet
