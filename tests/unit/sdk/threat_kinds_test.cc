// What every kind of threat promises, and what each measures.
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include "gauntlet/spatial.h"
#include "gauntlet/threat.h"

namespace gauntlet {
namespace {

Noise noise_for_kinds(int64_t rows, uint64_t seed) {
  Noise noise;
  noise.key.seed = seed;
  noise.key.id = torch::arange(rows);
  noise.key.place = torch::zeros({rows}, torch::kLong);
  return noise;
}
ThreatModel kind(Norm norm, double epsilon) { return {norm, torch::full({1, 1, 1, 1}, epsilon)}; }
bool all_of(const Tensor& rows) { return rows.all().item<bool>(); }
bool none_of(const Tensor& rows) { return rows.any().logical_not().item<bool>(); }

struct Sized {
  Norm norm;
  std::vector<double> epsilons;
};
const std::vector<Sized> kKinds = {{Norm::kLinf, {0, 0.03, 0.5, 2}},
                                   {Norm::kL2, {0, 0.1, 3}},
                                   {Norm::kL1, {0, 0.5, 20}},
                                   {Norm::kL0, {0, 1, 4, 1000}},
                                   {Norm::kPatch, {0, 1, 3, 50}},
                                   {Norm::kRotation, {0, 5, 40, 180}},
                                   {Norm::kTranslation, {0, 0.4, 2, 3.5}},
                                   {Norm::kFlow, {0, 0.3, 1, 2.2}},
                                   {Norm::kUnbounded, {1}}};
const std::vector<std::vector<int64_t>> kShapes = {
    {1, 1, 1}, {3, 1, 1}, {1, 2, 7}, {1, 5, 5}, {3, 6, 5}};

// Random images, a black, a gray and a white one.
Tensor images_of(const std::vector<int64_t>& shape, uint64_t seed) {
  Tensor x = noise_for_kinds(7, seed).uniform(shape);
  x[4].fill_(0), x[5].fill_(0.5), x[6].fill_(1);
  return x;
}

// body(threat, images) for every kind, size and shape.
template <class Body>
void each_kind(Body body) {
  for (const Sized& one : kKinds)
    for (const double epsilon : one.epsilons)
      for (size_t s = 0; s < kShapes.size(); ++s) {
        SCOPED_TRACE(name_of(one.norm) + " " + std::to_string(epsilon) + ", shape " +
                     std::to_string(s));
        body(kind(one.norm, epsilon), images_of(kShapes[s], s + 1));
      }
}

TEST(ThreatKinds, HaveAWordEach) {
  ASSERT_EQ(every_norm().size(), kKinds.size());
  for (size_t i = 0; i < kKinds.size(); ++i) EXPECT_EQ(every_norm()[i], kKinds[i].norm);
  EXPECT_EQ(name_of(Norm::kTranslation), "translation");
  EXPECT_THROW(name_of(Norm(99)), std::invalid_argument);
  EXPECT_TRUE(is_ball(Norm::kL1));
  for (const Norm norm : {Norm::kL0, Norm::kPatch, Norm::kRotation, Norm::kTranslation, Norm::kFlow,
                          Norm::kUnbounded})
    EXPECT_FALSE(is_ball(norm));
}

TEST(ThreatKinds, ProjectionsAndRandomImagesAreInside) {
  each_kind([](const ThreatModel& threat, const Tensor& x) {
    Noise noise = noise_for_kinds(x.size(0), 20);
    for (const Tensor& delta : {0.7 * noise.normal(x.sizes().slice(1)), threat.random(x, noise)}) {
      const Tensor moved = x + threat.project(x, delta);
      EXPECT_TRUE(all_of(threat.contains(x, moved)));
      EXPECT_GE(moved.min().item<double>(), 0);
      EXPECT_LE(moved.max().item<double>(), 1);
      EXPECT_TRUE(all_of(threat.distance(x, moved) <= (threat.epsilon + threat.slack()).view(-1)));
    }
    EXPECT_TRUE(all_of(threat.contains(x, x)));
    EXPECT_TRUE(torch::equal(x + threat.project(x, torch::zeros_like(x)), x));
    if (is_ball(threat.norm)) return;  // balls leave the box; the others do not
    EXPECT_TRUE(all_of(threat.contains(x, x + threat.random(x, noise))));
  });
}

TEST(ThreatKinds, AProjectionProjectedIsItself) {
  each_kind([](const ThreatModel& threat, const Tensor& x) {
    Noise noise = noise_for_kinds(x.size(0), 21);
    for (const double size : {0.02, 0.7}) {
      const Tensor once = threat.project(x, size * noise.normal(x.sizes().slice(1)));
      const Tensor twice = threat.project(x, once);
      if (threat.norm == Norm::kL0 || threat.norm == Norm::kPatch ||
          threat.norm == Norm::kUnbounded) {
        EXPECT_TRUE(torch::equal(once, twice));
      } else {
        EXPECT_LE((once - twice).abs().max().item<double>(), 1e-5);
      }
    }
  });
}

TEST(ThreatKinds, EpsilonZeroMovesNothing) {
  for (const Sized& one : kKinds) {
    if (one.norm == Norm::kUnbounded) continue;
    SCOPED_TRACE(name_of(one.norm));
    const Tensor x = images_of({3, 5, 5}, 4);
    Noise noise = noise_for_kinds(x.size(0), 22);
    const ThreatModel threat = kind(one.norm, 0);
    EXPECT_TRUE(torch::equal(x + threat.project(x, noise.normal({3, 5, 5})), x));
    EXPECT_TRUE(torch::equal(x + threat.random(x, noise), x));
    EXPECT_TRUE(none_of(threat.contains(x, 1 - 0.5 * x - 0.1)));  // 0.9 - x / 2: fixed at x = 0.6
  }
}

TEST(ThreatKinds, EverySampleHasItsEpsilon) {
  for (const Sized& one : kKinds) {
    SCOPED_TRACE(name_of(one.norm));
    Noise noise = noise_for_kinds(3, 23);
    const Tensor x = noise.uniform({3, 6, 6}), d = noise.normal({3, 6, 6});
    ThreatModel threat = kind(one.norm, 0);
    threat.epsilon = torch::tensor({0.f, 1.f, 3.f}).view({3, 1, 1, 1});
    const Tensor p = threat.project(x, d);
    Noise again = noise_for_kinds(3, 24);
    const Tensor far = x + kind(one.norm, 3).project(x, kind(one.norm, 3).random(x, again));
    const Tensor inside = threat.contains(x, far);
    for (int64_t i = 0; i < 3; ++i) {
      const ThreatModel own = threat.rows(torch::tensor({i}, torch::kLong));
      const auto row = [&](const Tensor& t) { return t.slice(0, i, i + 1); };
      EXPECT_TRUE(torch::allclose(own.project(row(x), row(d)), row(p), 0, 1e-6)) << i;
      EXPECT_TRUE(torch::equal(own.contains(row(x), row(far)), row(inside))) << i;
    }
  }
}

// A shift just past a whole pixel of a large dark image: nearly all of it is alike without it.
TEST(Translation, IsFoundWhereAlmostNothingOfTheImageMoves) {
  Tensor x = torch::zeros({1, 3, 224, 224});
  x.index_put_({0, torch::indexing::Slice(), 100, 80}, 1);
  const ThreatModel threat = kind(Norm::kTranslation, 2);
  for (const double down : {-1.0005, 1.0005, 0.9995, -0.0005}) {
    const Tensor moved = translated(x, torch::tensor({{down, 0.}}, torch::kDouble));
    EXPECT_TRUE(all_of(threat.contains(x, moved))) << down;
    EXPECT_NEAR(threat.distance(x, moved).item<double>(), std::abs(down), 1e-3) << down;
  }
}

// What is too small to count may count once it is added and rounded.
TEST(ThreatKinds, OfPixelsProjectTinyChangesToNone) {
  for (const Norm norm : {Norm::kL0, Norm::kPatch}) {
    const ThreatModel threat = kind(norm, 1);
    const Tensor x = torch::full({2, 3, 4, 4}, 0.5), delta = torch::full_like(x, 9.9e-7);
    EXPECT_TRUE(all_of(threat.contains(x, x + threat.project(x, delta))));
  }
}

TEST(ThreatKinds, NothingThatIsNotFiniteOrLeavesTheBoxIsInside) {
  for (const Sized& one : kKinds) {
    const Tensor x = images_of({1, 4, 4}, 5);
    const ThreatModel threat = kind(one.norm, 3);
    for (const double wrong :
         {std::nan(""), std::numeric_limits<double>::infinity(), -0.01, 1.01}) {
      Tensor other = x.clone();
      other.select(1, 0).select(1, 1).select(1, 2).fill_(wrong);
      EXPECT_TRUE(none_of(threat.contains(x, other))) << name_of(one.norm) << " " << wrong;
    }
  }
}

// ---- pixels -------------------------------------------------------------------------------------

// x with these pixels (row, column) changed in one channel.
Tensor with_changed(const Tensor& x, const std::vector<std::pair<int64_t, int64_t>>& pixels,
                    double by = 0.01) {
  Tensor out = x.clone();
  for (size_t i = 0; i < pixels.size(); ++i) {
    const int64_t channel = int64_t(i) % x.size(1);
    out.select(1, channel).select(1, pixels[i].first).select(1, pixels[i].second).add_(by);
  }
  return out;
}
Tensor mid_gray(const std::vector<int64_t>& shape) {
  return 0.3 + 0.4 * noise_for_kinds(4, 30).uniform(shape);
}

TEST(L0, CountsPixelsWithAllTheirChannels) {
  const Tensor x = mid_gray({3, 5, 6});
  const ThreatModel two = kind(Norm::kL0, 2);
  EXPECT_TRUE(all_of(two.contains(x, with_changed(x, {{0, 0}, {4, 5}}))));
  EXPECT_TRUE(none_of(two.contains(x, with_changed(x, {{0, 0}, {4, 5}, {2, 2}}))));
  // The same pixel in all three channels is one.
  const Tensor one = with_changed(x, {{1, 1}, {1, 1}, {1, 1}});
  EXPECT_TRUE(torch::equal(two.distance(x, one), torch::ones({4})));
  EXPECT_TRUE(torch::equal(two.distance(x, x + 1e-7), torch::zeros({4}))) << "rounding";
  EXPECT_TRUE(torch::equal(two.distance(x, x + 1e-5), torch::full({4}, 30.f)));
}

TEST(Patch, MeasuresTheSmallestSquareAroundAllThatChanged) {
  const Tensor x = mid_gray({3, 5, 6});
  const ThreatModel three = kind(Norm::kPatch, 3);
  EXPECT_TRUE(all_of(three.contains(x, with_changed(x, {{2, 3}, {4, 5}}))));
  EXPECT_TRUE(none_of(three.contains(x, with_changed(x, {{1, 3}, {4, 5}})))) << "four rows";
  EXPECT_TRUE(none_of(three.contains(x, with_changed(x, {{2, 2}, {2, 5}})))) << "four columns";
  const auto side = [&](const std::vector<std::pair<int64_t, int64_t>>& pixels) {
    return three.distance(x, with_changed(x, pixels))[0].item<double>();
  };
  EXPECT_EQ(side({}), 0);
  EXPECT_EQ(side({{4, 0}}), 1);
  EXPECT_EQ(side({{0, 0}, {0, 5}}), 6);
  EXPECT_EQ(side({{0, 0}, {4, 1}}), 5);
}

// The least squared distance to delta over all sets of pixels that a threat allows; masks: [M, H,
// W].
Tensor least_square(const Tensor& x, const Tensor& delta, const std::vector<Tensor>& masks) {
  const Tensor kept = (x + delta).clamp(0, 1) - x;
  Tensor best = torch::full({x.size(0)}, 1e30);
  for (const Tensor& mask : masks)
    best = torch::minimum(best,
                          (torch::where(mask, kept, 0 * kept) - delta).square().flatten(1).sum(1));
  return best;
}

std::vector<Tensor> pairs_of_pixels(int64_t height, int64_t width) {
  std::vector<Tensor> out;
  for (int64_t a = 0; a < height * width; ++a)
    for (int64_t b = 0; b < a; ++b) {
      const Tensor mask = torch::zeros({height * width}, torch::kBool);
      mask[a] = true, mask[b] = true;
      out.push_back(mask.view({height, width}));
    }
  return out;
}
std::vector<Tensor> squares(int64_t height, int64_t width, int64_t side) {
  std::vector<Tensor> out;
  for (int64_t top = 0; top + side <= height; ++top)
    for (int64_t left = 0; left + side <= width; ++left) {
      const Tensor mask = torch::zeros({height, width}, torch::kBool);
      mask.slice(0, top, top + side).slice(1, left, left + side).fill_(true);
      out.push_back(mask);
    }
  return out;
}

TEST(L0, AndPatchProjectToTheNearestImageOfAll) {
  Noise noise = noise_for_kinds(30, 31);
  const Tensor x = noise.uniform({2, 3, 4}), delta = 0.8 * noise.normal({2, 3, 4});
  const auto square_of = [&](const ThreatModel& threat) {
    return (threat.project(x, delta) - delta).square().flatten(1).sum(1);
  };
  EXPECT_TRUE(torch::allclose(square_of(kind(Norm::kL0, 2)),
                              least_square(x, delta, pairs_of_pixels(3, 4)), 1e-5));
  EXPECT_TRUE(torch::allclose(square_of(kind(Norm::kPatch, 2)),
                              least_square(x, delta, squares(3, 4, 2)), 1e-5));
}

TEST(L0, AndPatchStepWhereALinearLossRisesMost) {
  const Tensor g = noise_for_kinds(30, 32).normal({2, 3, 4}), size = g.abs().sum(1);
  const auto rise = [&](const ThreatModel& threat, double scale) {
    const Tensor step = threat.steepest(scale * g);
    EXPECT_LE(step.abs().max().item<double>(), 1);
    EXPECT_TRUE(all_of(threat.distance(torch::zeros_like(g), step) <= threat.epsilon.view(-1)));
    return (step * g).flatten(1).sum(1);
  };
  const auto most = [&](const std::vector<Tensor>& masks) {
    Tensor out = torch::zeros({30});
    for (const Tensor& mask : masks) out = torch::maximum(out, (size * mask).flatten(1).sum(1));
    return out;
  };
  for (const double scale : {1., 1e-20, 1e20}) {
    EXPECT_TRUE(
        torch::allclose(rise(kind(Norm::kL0, 2), scale), most(pairs_of_pixels(3, 4)), 1e-5));
    EXPECT_TRUE(torch::allclose(rise(kind(Norm::kPatch, 2), scale), most(squares(3, 4, 2)), 1e-5));
  }
  for (const Norm norm : {Norm::kL0, Norm::kPatch, Norm::kUnbounded}) {
    EXPECT_TRUE(none_of(kind(norm, 2).steepest(torch::zeros_like(g)) != 0));
    EXPECT_EQ(kind(norm, 2).reach().item<double>(), 1) << "the width of the box";
  }
}

TEST(L0, AndPatchDrawEveryPlaceAlike) {
  constexpr int64_t kDraws = 20'000;
  const Tensor x = torch::full({kDraws, 1, 3, 4}, 0.5);
  const auto share = [&](Norm norm, double epsilon) {
    Noise noise = noise_for_kinds(kDraws, 33);
    return (kind(norm, epsilon).random(x, noise) != 0).to(torch::kDouble).mean(0).squeeze(0);
  };
  // Five deviations of a share of 20,000 draws are below 0.018.
  EXPECT_LT((share(Norm::kL0, 3) - 0.25).abs().max().item<double>(), 0.018);
  const Tensor two = share(Norm::kPatch, 2);  // of six places
  EXPECT_NEAR(two[0][0].item<double>(), 1. / 6, 0.018);
  EXPECT_NEAR(two[2][3].item<double>(), 1. / 6, 0.018);
  EXPECT_NEAR(two[1][1].item<double>(), 4. / 6, 0.018);
  EXPECT_NEAR(two[0][1].item<double>(), 2. / 6, 0.018);
}

// ---- transformations ----------------------------------------------------------------------------

Tensor number(double value, int64_t rows) { return torch::full({rows}, value); }

TEST(Rotated, TurnsCounterClockwiseAboutTheCentre) {
  const Tensor x = noise_for_kinds(3, 40).uniform({2, 5, 5});
  EXPECT_TRUE(torch::equal(rotated(x, number(0, 3)), x));
  EXPECT_TRUE(torch::allclose(rotated(x, number(90, 3)), torch::rot90(x, 1, {2, 3}), 0, 1e-6));
  EXPECT_TRUE(torch::allclose(rotated(x, number(-180, 3)), torch::rot90(x, 2, {2, 3}), 0, 1e-6));
  const Tensor wide = noise_for_kinds(1, 41).uniform({1, 2, 4});
  EXPECT_TRUE(torch::allclose(rotated(wide, number(180, 1)), wide.flip({2, 3}), 0, 1e-6));
}

TEST(Translated, MovesDownAndToTheRight) {
  const Tensor x = noise_for_kinds(2, 42).uniform({1, 4, 5});
  const Tensor moved = translated(x, torch::tensor({{1.f, 2.f}, {0.f, -0.5f}}));
  EXPECT_TRUE(torch::equal(moved[0].slice(1, 1).slice(2, 2), x[0].slice(1, 0, 3).slice(2, 0, 3)));
  EXPECT_TRUE(none_of(moved[0].slice(1, 0, 1) != 0)) << "black comes in";
  const Tensor halfway = (x[1].slice(2, 0, 4) + x[1].slice(2, 1, 5)) / 2;
  EXPECT_TRUE(torch::allclose(moved[1].slice(2, 0, 4), halfway, 0, 1e-6));
  EXPECT_TRUE(torch::allclose(moved[1].select(2, 4), x[1].select(2, 4) / 2, 0, 1e-6));
}

TEST(Flowed, ReadsEveryPixelFromItsOwnPlace) {
  const Tensor x = torch::arange(6, torch::kFloat).view({1, 1, 2, 3}) / 10;
  Tensor flow = torch::zeros({1, 2, 2, 3});
  flow[0][0][0][0] = 1, flow[0][1][0][0] = 1;  // the pixel below and right: 4
  flow[0][1][1][2] = -1.5;                     // between 3 and 4
  flow[0][0][0][2] = -5;                       // beyond the image
  const Tensor expected = torch::tensor({0.4f, 0.1f, 0.f, 0.3f, 0.4f, 0.35f}).view_as(x);
  EXPECT_TRUE(torch::allclose(flowed(x, flow), expected, 0, 1e-6));
}

TEST(Transformations, HaveGradients) {
  const Tensor x = noise_for_kinds(2, 43).uniform({2, 5, 6}),
               weight = noise_for_kinds(2, 44).normal({2, 5, 6});
  const auto check = [&](const Tensor& at, const std::function<Tensor(const Tensor&)>& map) {
    const Tensor leaf = at.clone().requires_grad_(true);
    const Tensor slope =
        torch::autograd::grad({(map(leaf) * weight).sum()}, {leaf})[0].to(torch::kDouble);
    const Tensor way = noise_for_kinds(2, 45).normal(at.sizes().slice(1));
    constexpr double kStep = 1e-3;
    const Tensor rise = ((map(at + kStep * way) - map(at - kStep * way)).to(torch::kDouble) *
                         weight.to(torch::kDouble))
                            .sum() /
                        (2 * kStep);
    // Floats of size 1 over a step of 1e-3: some 1e-3 in all.
    EXPECT_NEAR((slope * way.to(torch::kDouble)).sum().item<double>(), rise.item<double>(), 0.02);
  };
  check(torch::tensor({10.3f, -24.6f}), [&](const Tensor& t) { return rotated(x, t); });
  check(torch::tensor({{0.3f, 1.4f}, {-0.6f, 0.2f}}),
        [&](const Tensor& t) { return translated(x, t); });
  check(0.1 + 0.8 * noise_for_kinds(2, 46).uniform({2, 5, 6}),
        [&](const Tensor& t) { return flowed(x, t); });
}

TEST(Rotation, UpToEpsilonIsInsideAndALittleMoreIsNot) {
  for (const std::vector<int64_t>& shape : {std::vector<int64_t>{1, 5, 6}, {3, 4, 4}, {3, 9, 8}}) {
    const int64_t n = 12;
    const Tensor x = noise_for_kinds(n, 50).uniform(shape);
    for (const double epsilon : {3., 40.}) {
      SCOPED_TRACE(std::to_string(shape[1]) + ", " + std::to_string(epsilon));
      const ThreatModel threat = kind(Norm::kRotation, epsilon);
      const Tensor angle = (2 * noise_for_kinds(n, 51).uniform({1}).select(1, 0) - 1) * epsilon;
      const Tensor turned = rotated(x, angle);
      EXPECT_TRUE(all_of(threat.contains(x, turned)));
      EXPECT_LT((threat.distance(x, turned) - angle.abs()).abs().max().item<double>(), 0.05);
      for (const double sign : {-1., 1.}) {
        EXPECT_TRUE(all_of(threat.contains(x, rotated(x, number(sign * epsilon, n)))));
        const Tensor beyond = rotated(x, number(sign * (epsilon + 0.5), n));
        EXPECT_TRUE(none_of(threat.contains(x, beyond)));
        EXPECT_TRUE(all_of(threat.distance(x, beyond).isinf()));
      }
      EXPECT_TRUE(none_of(threat.contains(x, with_changed(turned * 0.9, {{1, 1}}))));
      EXPECT_TRUE(all_of(threat.contains(x, (turned + 4e-5).clamp_max(1)))) << "rounding";
    }
  }
}

TEST(Rotation, OfAnotherImplementationInFloatsIsInside) {
  const Tensor x = noise_for_kinds(2, 52).uniform({3, 32, 32});
  for (const double degrees : {-29.9, 7.3, 30.}) {
    const double angle = degrees * 3.14159265358979 / 180;
    const Tensor matrix =
        torch::tensor({std::cos(angle), -std::sin(angle), 0., std::sin(angle), std::cos(angle), 0.})
            .to(torch::kFloat)
            .view({1, 2, 3})
            .repeat({2, 1, 1});
    const Tensor grid = torch::affine_grid_generator(matrix, x.sizes(), /*align_corners=*/true);
    const Tensor turned = torch::grid_sampler(x, grid, /*bilinear*/ 0, /*zeros*/ 0, true);
    EXPECT_TRUE(all_of(kind(Norm::kRotation, 30).contains(x, turned))) << degrees;
  }
}

TEST(Translation, UpToEpsilonInEachDirectionIsInsideAndALittleMoreIsNot) {
  for (const std::vector<int64_t>& shape : {std::vector<int64_t>{1, 5, 6}, {3, 4, 4}}) {
    const int64_t n = 12;
    const Tensor x = noise_for_kinds(n, 53).uniform(shape);
    for (const double epsilon : {0.3, 1., 2.6}) {
      SCOPED_TRACE(std::to_string(shape[1]) + ", " + std::to_string(epsilon));
      const ThreatModel threat = kind(Norm::kTranslation, epsilon);
      const Tensor shift = (2 * noise_for_kinds(n, 54).uniform({2}) - 1) * epsilon;
      const Tensor moved = translated(x, shift);
      EXPECT_TRUE(all_of(threat.contains(x, moved)));
      EXPECT_LT((threat.distance(x, moved) - shift.abs().amax(1)).abs().max().item<double>(), 1e-3);
      const auto by = [&](double down, double right) {
        return translated(x, torch::tensor({down, right}).to(torch::kFloat).repeat({n, 1}));
      };
      EXPECT_TRUE(all_of(threat.contains(x, by(epsilon, -epsilon))));
      EXPECT_TRUE(all_of(threat.contains(x, by(-epsilon, epsilon))));
      EXPECT_TRUE(none_of(threat.contains(x, by(epsilon + 0.05, 0))));
      EXPECT_TRUE(none_of(threat.contains(x, by(0, -epsilon - 0.05))));
      EXPECT_TRUE(none_of(threat.contains(x, with_changed(moved * 0.9, {{1, 1}}))));
    }
  }
}

TEST(Flow, OfEveryPixelUpToEpsilonIsInsideAndMoreIsNot) {
  const int64_t n = 6;
  const Tensor x = noise_for_kinds(n, 55).uniform({3, 8, 7});
  for (const double epsilon : {0.3, 1., 1.7}) {
    SCOPED_TRACE(epsilon);
    const ThreatModel threat = kind(Norm::kFlow, epsilon);
    const Tensor flow = (2 * noise_for_kinds(n, 56).uniform({2, 8, 7}) - 1) * epsilon;
    EXPECT_TRUE(all_of(threat.contains(x, flowed(x, flow))));
    EXPECT_TRUE(all_of(threat.distance(x, flowed(x, flow)) <= epsilon * (1 + 1e-6)));
    EXPECT_TRUE(all_of(threat.contains(x, flowed(x, torch::full_like(flow, epsilon)))));
    EXPECT_TRUE(none_of(threat.contains(x, flowed(x, torch::full_like(flow, epsilon + 0.5)))));
    // Channels share a displacement.
    Tensor apart = flowed(x, torch::full_like(flow, epsilon));
    apart.select(1, 0).copy_(flowed(x, torch::full_like(flow, -epsilon)).select(1, 0));
    EXPECT_TRUE(none_of(threat.contains(x, apart)));
  }
}

// With one channel a pixel can take all values between the least and the largest that it can be
// read from.
TEST(Flow, ProjectsToTheNearestValueThatAPixelCanHave) {
  const Tensor x = noise_for_kinds(4, 57).uniform({1, 6, 5});
  const Tensor delta = noise_for_kinds(4, 58).normal({1, 6, 5});
  Tensor least = torch::full_like(x, 2), most = torch::full_like(x, -1);
  for (const double down : {-1., 0., 1.})
    for (const double right : {-1., 0., 1.}) {
      Tensor flow = torch::zeros({4, 2, 6, 5});
      flow.select(1, 0).fill_(down), flow.select(1, 1).fill_(right);
      least = torch::minimum(least, flowed(x, flow)), most = torch::maximum(most, flowed(x, flow));
    }
  const Tensor nearest = torch::minimum(torch::maximum((x + delta).clamp(0, 1), least), most);
  const Tensor found = x + kind(Norm::kFlow, 1).project(x, delta);
  EXPECT_LT((found - nearest).abs().max().item<double>(), 1e-3);
}

TEST(Transformations, HaveNoStepInPixels) {
  for (const Norm norm : {Norm::kRotation, Norm::kTranslation, Norm::kFlow})
    EXPECT_THROW(kind(norm, 1).steepest(torch::zeros({1, 1, 3, 3})), std::logic_error);
}

TEST(Unbounded, TakesEveryImageOfTheBox) {
  const Tensor x = images_of({3, 4, 5}, 60), other = images_of({3, 4, 5}, 61);
  const ThreatModel threat = kind(Norm::kUnbounded, 1);
  EXPECT_TRUE(all_of(threat.contains(x, other)));
  EXPECT_TRUE(torch::allclose(x + threat.project(x, other - x), other, 0, 1e-6));
  Noise noise = noise_for_kinds(2000, 62);
  const Tensor half = torch::full({2000, 1, 1, 3}, 0.5);
  const Tensor drawn = half + threat.random(half, noise);
  EXPECT_NEAR(drawn.mean().item<double>(), 0.5, 5 * 0.289 / std::sqrt(6000.));
  EXPECT_LT(drawn.min().item<double>(), 0.01);
  EXPECT_GT(drawn.max().item<double>(), 0.99);
}

}  // namespace
}  // namespace gauntlet
