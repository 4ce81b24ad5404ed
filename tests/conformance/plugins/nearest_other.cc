// Steps towards the nearest image of another class among those that an attacker knows: across the
// nearest border of their Voronoi cells. It asks the model nothing.
#include <limits>

#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct NearestOther final : Attack {
  struct Params {
    int64_t images = 50;

    void fields(auto&& visit) {
      visit(images, "images", "training images that the attacker knows", Range{1, 1'000'000});
    }
  } p;

  AttackFacts facts() const override { return {.access = Access::kNone, .samples = p.images}; }

  Tensor run(Target&, const Task& task) override {
    const Batch known = task.host.samples(p.images);
    const Tensor gap = task.x.flatten(1).unsqueeze(1) - known.x.flatten(1).unsqueeze(0);
    const Tensor distance = gap.square().sum(2).masked_fill(
        known.y.unsqueeze(0) == task.y.unsqueeze(1), std::numeric_limits<float>::infinity());
    const Tensor nearest = known.x.index_select(0, distance.argmin(1));
    return task.x + task.threat.project(task.x, nearest - task.x);
  }
};
}  // namespace

GAUNTLET_ATTACK(NearestOther, "nearest_other", "1.0.0",
                "goes to the nearest training image of another class");
