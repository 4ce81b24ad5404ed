// FAB's projections against a reference, and its steps against closed forms.
#include <cmath>

#include "evaluation/bounds.h"
#include "plugins/attacks/minimal_norm/fab/hyperplane.h"
#include "plugins/attacks/minimal_norm/minimal_norm.h"

namespace gauntlet {
namespace {
using namespace toys;

constexpr Norm kFabNorms[] = {Norm::kLinf, Norm::kL2, Norm::kL1};

// |d_i| of one row whose pixels move with a common level: Linf's is the distance, L2's the length
// along w, L1's the steepness from which on pixels move (the last one partially).
struct Reference {
  std::vector<double> room, size;
  Norm norm;

  double moved(size_t i, double level) const {
    if (size[i] == 0) return 0;
    if (norm == Norm::kLinf) return std::min(level, room[i]);
    if (norm == Norm::kL2) return std::min(level * size[i], room[i]);
    return size[i] > 1 / level ? room[i] : 0;
  }
  double gained(double level) const {
    double sum = 0;
    for (size_t i = 0; i < room.size(); ++i) sum += size[i] * moved(i, level);
    return sum;
  }
  // The least length that gains `wanted`, by bisection; with what cannot be had, the longest.
  double length(double wanted) const {
    double low = 1e-12, high = 1e12;
    if (gained(high) <= wanted) return length_at(high);
    for (int i = 0; i < 300; ++i) {
      const double middle = std::sqrt(low * high);
      (gained(middle) < wanted ? low : high) = middle;
    }
    if (norm != Norm::kL1) return length_at(high);
    // At this steepness a pixel moves partially.
    return length_at(low) + (wanted - gained(low)) * high;
  }
  double length_at(double level) const {
    double sum = 0, most = 0, squares = 0;
    for (size_t i = 0; i < room.size(); ++i) {
      const double d = moved(i, level);
      sum += d, squares += d * d, most = std::max(most, d);
    }
    return norm == Norm::kLinf ? most : norm == Norm::kL2 ? std::sqrt(squares) : sum;
  }
};

struct Problems {
  Tensor x, w, missing;
};
// Rows of 12 pixels: some of them on a bound, some without slope; a tenth of what is wanted lies
// beyond the box.
Problems problems(int64_t n, double scale) {
  Noise noise = noise_of(n, 3);
  const Tensor x = (1.6 * noise.uniform({12}) - 0.3).clamp(0, 1).to(torch::kDouble);
  Tensor w = noise.normal({12}).to(torch::kDouble);
  w = scale * w.masked_fill(noise.uniform({12}) < 0.1, 0);
  const Tensor most = (w.abs() * torch::where(w > 0, 1 - x, x)).sum(1);
  return {x, w, most * 1.1 * noise.uniform({1}).view(-1).to(torch::kDouble)};
}

TEST(FabHyperplane, IsReachedByTheShortestWayInsideTheBox) {
  for (const double scale : {1e-30, 1.0, 1e30})
    for (const Norm norm : kFabNorms) {
      SCOPED_TRACE(std::to_string(int(norm)) + " " + std::to_string(std::log10(scale)));
      const Problems p = problems(300, scale);
      const ThreatModel threat = threat_of(norm, 1);
      const Tensor d = fab::onto(p.x, p.w, p.missing, threat);
      EXPECT_GE((p.x + d).min().item<double>(), -1e-15);
      EXPECT_LE((p.x + d).max().item<double>(), 1 + 1e-15);
      EXPECT_TRUE(((d == 0) | (p.w != 0)).all().item<bool>());
      const Tensor room = torch::where(p.w > 0, 1 - p.x, p.x), lengths = gauntlet::length(d, norm);
      const Tensor can = (p.w.abs() * room).sum(1) >= p.missing;
      EXPECT_GT(can.sum().item<int64_t>(), 200);
      EXPECT_LT(can.sum().item<int64_t>(), 300);
      const Tensor gained = (p.w * d).sum(1);
      EXPECT_TRUE(torch::allclose(gained.index({can}), p.missing.index({can}), 1e-9, 0));
      EXPECT_TRUE(torch::equal(d.abs().index({~can}), (room * (p.w != 0)).index({~can})));
      for (int64_t row = 0; row < 300; ++row) {
        Reference r{{}, {}, norm};
        for (int64_t i = 0; i < 12; ++i) {
          r.room.push_back(room[row][i].item<double>());
          r.size.push_back(std::abs(p.w[row][i].item<double>()) / scale);
        }
        const double expected = r.length(p.missing[row].item<double>() / scale);
        EXPECT_NEAR(lengths[row].item<double>(), expected, 1e-8 * (1 + expected)) << row;
      }
    }
}

// What is missing may be negative: then the way is down the slope.
TEST(FabHyperplane, IsReachedFromEitherSide) {
  const Problems p = problems(50, 1);
  for (const Norm norm : kFabNorms) {
    const ThreatModel threat = threat_of(norm, 1);
    EXPECT_TRUE(torch::equal(fab::onto(p.x, p.w, -p.missing, threat),
                             fab::onto(p.x, -p.w, p.missing, threat)));
  }
}

TEST(FabHyperplane, WithoutASlopeNothingMoves) {
  const Problems p = problems(5, 0);
  for (const Norm norm : kFabNorms)
    for (const double missing : {0.0, 1.0})
      EXPECT_TRUE(fab::onto(p.x, p.w, torch::full({5}, missing, torch::kDouble), threat_of(norm, 1))
                      .eq(0)
                      .all()
                      .item<bool>());
}

// The points an attack asks about, one query after the other.
std::vector<Tensor> asked(const ParamMap& params, const Toy& t, const evaluation::CraftBatch& batch,
                          Norm norm) {
  std::vector<Tensor> points;
  evaluation::CraftRules rules;
  rules.observe = [&](const Rows&, const Tensor& x, const Outputs&) { points.push_back(x); };
  run("fab", params, *t.model, batch, threat_of(norm, kFar), rules);
  return points;
}

// Distance to the nearest class of a linear model, by its formula, [N].
Tensor exact(const Toy& t, const evaluation::CraftBatch& batch, Norm norm) {
  const Tensor w = t.network->tensors()[0].tensor.to(torch::kDouble);
  const Tensor z = t.model->bare_logits(batch.x).to(torch::kDouble);
  const Tensor gap = z.gather(1, batch.y.unsqueeze(1)) - z;
  const Tensor normal = w.index_select(0, batch.y).unsqueeze(1) - w;
  const Tensor dual = norm == Norm::kL2     ? normal.square().sum(2).sqrt()
                      : norm == Norm::kLinf ? normal.abs().sum(2)
                                            : normal.abs().amax(2);
  return (gap / dual).scatter(1, batch.y.unsqueeze(1), 1e9).amin(1);
}

// A linear model whose boundaries meet in the middle of the box, and images there: no pixel comes
// to its end.
Toy around_the_middle(int64_t classes, double size = 1) {
  Noise noise = noise_of(1, 4);
  const Tensor w = noise.shared_normal({classes, 256});
  return toy(std::make_shared<ToyNetwork>(std::vector<int64_t>{1, 16, 16}, size * w,
                                          size * -0.5 * w.sum(1)));
}
evaluation::CraftBatch near_the_middle(const Toy& t, int64_t n) {
  evaluation::CraftBatch batch = batch_of(*t.model, n);
  batch.x = 0.49 + 0.02 * batch.x;
  batch.y = t.model->bare_logits(batch.x).argmax(1);
  return batch;
}

TEST(Fab, OneStepOfALinearModelHasTheExactLength) {
  for (const int64_t classes : {2, 3, 10})
    for (const double size : {1e-12, 1.0, 1e12}) {
      const Toy t = around_the_middle(classes, size);
      const evaluation::CraftBatch batch = near_the_middle(t, 20);
      for (const Norm norm : kFabNorms) {
        SCOPED_TRACE(std::to_string(int(norm)) + ", classes " + std::to_string(classes));
        const Tensor least = exact(t, batch, norm);
        const Tensor x = asked({{"steps", 1}, {"eta", 1.0}}, t, batch, norm).at(1);
        const Tensor found = length(norm, batch, x).to(torch::kDouble);
        EXPECT_LT(least.max().item<double>(), 0.45);
        EXPECT_TRUE(torch::allclose(found, least, 1e-3, 1e-7));  // of x, rounded to float
      }
    }
}

TEST(Fab, OneStepWithItsOwnEtaIsAHit) {
  const Toy t = around_the_middle(5);
  const evaluation::CraftBatch batch = near_the_middle(t, 20);
  for (const Norm norm : {Norm::kLinf, Norm::kL2}) {
    const Tensor x = answer("fab", {{"steps", 1}}, t, batch, norm);
    EXPECT_GT(margins(t, batch, x).min().item<double>(), 0);
    EXPECT_TRUE(torch::allclose(length(norm, batch, x).to(torch::kDouble),
                                1.05 * exact(t, batch, norm), 1e-3, 0));
  }
}

TEST(Fab, IsAsNearAsDdnOnCurvedModels) {
  for (const int64_t classes : {2, 5, 10}) {
    const Toy t = toy(curved(kImage, classes));
    const evaluation::CraftBatch batch = batch_of(*t.model, 60);
    const Tensor ddn = length(Norm::kL2, batch,
                              answer("ddn", {{"steps", 300}, {"levels", 0}}, t, batch, Norm::kL2));
    for (const bool targeted : {false, true}) {
      const Tensor x = answer("fab", {{"targeted", targeted}}, t, batch, Norm::kL2);
      EXPECT_GT(margins(t, batch, x).min().item<double>(), 0);
      const Tensor ratio = length(Norm::kL2, batch, x) / ddn;
      EXPECT_LE(ratio.mean().item<double>(), 1.03) << classes;
      EXPECT_LE((ratio > 1.05).sum().item<int64_t>(), 3) << classes;
    }
  }
}

TEST(Fab, EachTargetTakesARunAndMoreOfThemAreNoWorse) {
  const Toy t = toy(curved(kImage, 5));
  const evaluation::CraftBatch batch = batch_of(*t.model, 30);
  Tensor before = torch::full({30}, 1e9);
  for (const int targets : {1, 2, 4, 9}) {
    const evaluation::Crafted c =
        run("fab", {{"steps", 10}, {"targeted", true}, {"targets", targets}}, *t.model, batch,
            threat_of(Norm::kL2, kFar));
    EXPECT_TRUE((c.queries == 1 + 20 * std::min(targets, 4)).all().item<bool>());
    const Tensor won = margins(t, batch, c.x) > 0;
    const Tensor now = length(Norm::kL2, batch, c.x).masked_fill(~won, 1e9);
    EXPECT_TRUE((now <= before).all().item<bool>()) << targets;
    before = now;
  }
}

TEST(Fab, OfTwoClassesTargetedIsTheSame) {
  const Toy t = toy(curved(kImage, 2));
  const evaluation::CraftBatch batch = batch_of(*t.model, 20);
  for (const Norm norm : kFabNorms)
    EXPECT_TRUE(torch::equal(answer("fab", {{"targeted", true}, {"steps", 20}}, t, batch, norm),
                             answer("fab", {{"steps", 20}}, t, batch, norm)));
}

TEST(Fab, CutsOfABatchChangeNothingInAnyNorm) {
  const Toy t = toy(curved({3, 8, 8}, 5));
  const evaluation::CraftBatch batch = batch_of(*t.model, 9);
  for (const Norm norm : kFabNorms)
    for (const bool targeted : {false, true}) {
      const ParamMap params = {{"steps", 20}, {"targeted", targeted}};
      const Tensor whole = answer("fab", params, t, batch, norm);
      for (int64_t i = 0; i < 9; i += 4)
        EXPECT_TRUE(torch::equal(answer("fab", params, t, part(batch, i, i + 4), norm),
                                 whole.slice(0, i, i + 4)));
    }
}

TEST(Fab, WithoutGradientsItAnswersTheInput) {
  const Toy t = toy(
      std::make_shared<ToyNetwork>(kImage, torch::zeros({3, 48}), torch::tensor({1.f, 0.f, 0.f})));
  const evaluation::CraftBatch batch = batch_of(*t.model, 4);
  for (const Norm norm : kFabNorms)
    for (const int restarts : {1, 3}) {
      evaluation::CraftRules rules;
      rules.restarts = restarts;
      bool finite = true;
      rules.observe = [&](const Rows&, const Tensor& x, const Outputs&) {
        finite &= x.isfinite().all().item<bool>();
      };
      EXPECT_TRUE(torch::equal(answer("fab", {{"steps", 5}}, t, batch, norm, rules), batch.x));
      EXPECT_TRUE(finite);
    }
}

// A hit by the mean of draws that all points share: the nearest is one for fresh draws half of the
// time, where the nearest of single draws almost never is.
TEST(Fab, OneLuckyDrawIsNoHit) {
  const Toy t = toy(curved(kImage, 5), {}, {{"smoothing", defense("smoothing", {{"sigma", 0.3}})}});
  const evaluation::CraftBatch batch = batch_of(*t.model, 40);
  const auto gap_of = [&](int trials) {
    const Tensor x = answer("fab", {{"under_noise", "nearest"}, {"trials", trials}, {"steps", 30}},
                            t, batch, Norm::kL2);
    return margins(t, batch, x).mean().item<double>();
  };
  const double clean = margins(t, batch, batch.x).mean().item<double>();
  const double lucky = gap_of(1), sure = gap_of(64);
  EXPECT_LT(lucky, sure);
  EXPECT_GT(sure, 0.3 * clean);
}

TEST(Fab, SaysWhatManyClassesCost) {
  const auto remark = [](const ParamMap& params, int64_t classes) {
    return attack("fab", params)
        ->remark(threat_of(Norm::kL2, 1), {.classes = classes}, Goal::kUntargeted);
  };
  EXPECT_NE(remark({}, 100).find("99 gradients"), std::string::npos);
  EXPECT_EQ(remark({}, 10), "");
  EXPECT_EQ(remark({{"targeted", true}}, 100), "");
}

}  // namespace
}  // namespace gauntlet
