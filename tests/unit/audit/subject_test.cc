// What all probes share: how two answers compare, and the audit's own ascent.
#include "audit/subject.h"

#include <gtest/gtest.h>

#include "tests/unit/evaluation/toys.h"

namespace gauntlet::testing {
namespace {

using audit::Compared;
using audit::Subject;

// Noise that all images of a forward share.
evaluation::DefendedModel with_shared_noise() {
  auto network = std::make_shared<toys::FunctionNetwork>(
      [](const Tensor& x, Noise& noise, models::Mode) {
        return x.flatten(1).narrow(1, 0, 4) + noise.shared_normal({4});
      },
      std::vector<int64_t>{1, 6, 6}, 4);
  return toys::defended(network);
}

// The variance of 16 trials has 15 degrees of freedom; were it known exactly, p would be 0.0351.
TEST(AuditSubject, KnowsTheVarianceOfSharedDrawsFromItsTrialsAlone) {
  const at::NoGradGuard no_graph;
  toys::NoEnvironment nowhere;
  evaluation::DefendedModel model = with_shared_noise();
  const Subject subject(model, nowhere, toys::images(model, 40), Norm::kLinf, 0.1, 0);
  ASSERT_TRUE(model.shared_noise());
  ASSERT_EQ(subject.trials, 16);
  const Tensor all = torch::ones({16, 40}, torch::kBool), some = all.clone();
  some.narrow(0, 0, 4).fill_(false);  // all images, in 4 of the trials
  const Compared found = subject.compare(all, some);
  EXPECT_EQ(found.first, 1);
  EXPECT_EQ(found.second, 0.75);
  EXPECT_NEAR(found.p, 0.0486158, 1e-6);
}

// Pixel 0 has the largest slope and is on its bound from the first, pixel 1 comes to it.
TEST(AuditClimb, InL1PassesByWhatTheBoxHolds) {
  const at::NoGradGuard no_graph;
  Tensor w = torch::zeros({2, 36});
  w[1].fill_(0.01);
  w[1][0] = 10, w[1][1] = 4, w[1][2] = 2;
  toys::NoEnvironment nowhere;
  evaluation::DefendedModel model = toys::defended(toys::linear(w, torch::zeros({2}), {1, 6, 6}));
  const int64_t n = 8;
  Tensor x = torch::full({n, 36}, 0.5), moved = torch::zeros({n, 36});
  x.select(1, 0).fill_(1), x.select(1, 1).fill_(0.9);
  moved.select(1, 1).fill_(0.1), moved.select(1, 2).fill_(0.3);  // the best that the ball has
  const evaluation::CraftBatch batch{x.view({n, 1, 6, 6}), torch::zeros({n}, torch::kLong),
                                     torch::arange(n)};
  model.probe(batch.x);
  const Subject subject(model, nowhere, batch, Norm::kL1, 0.4, 0);
  audit::Climb climb;
  const Tensor end = subject.craft(climb, 0.4, /*track=*/false);
  EXPECT_TRUE(torch::allclose((end - batch.x).flatten(1), moved, 0, 1e-3));
}

}  // namespace
}  // namespace gauntlet::testing
