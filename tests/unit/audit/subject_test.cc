// What all probes share: the audit's own ascent.
#include "audit/subject.h"

#include <gtest/gtest.h>

#include "tests/unit/evaluation/toys.h"

namespace gauntlet::testing {
namespace {

using audit::Subject;

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
