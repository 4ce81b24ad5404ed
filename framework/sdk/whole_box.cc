// No limit but the box: what an attack reaches that works at all.
#include <limits>

#include "sdk/geometry.h"
#include "sdk/scaled.h"

namespace gauntlet {
namespace {

class WholeBox final : public Geometry {
 public:
  Tensor random(const ThreatModel& threat, const Tensor& x, Noise& noise) const override {
    return threat.low + (threat.high - threat.low) * noise.uniform(x.sizes().slice(1)) - x;
  }
  Tensor steepest(const ThreatModel&, const Tensor& gradient) const override {
    return gradient.sign();
  }
  Tensor reach(const ThreatModel& threat) const override { return width_of_box(threat); }
  Tensor project(const ThreatModel& threat, const Tensor& x, const Tensor& delta) const override {
    return inside_box(threat, x, delta);
  }
  Tensor distance(const ThreatModel&, const Tensor& x, const Tensor& other) const override {
    return length(other - x, Norm::kLinf);
  }
  Tensor slack(const ThreatModel& threat) const override {
    return torch::full_like(threat.epsilon, std::numeric_limits<double>::infinity());
  }
};
}  // namespace

const Geometry& whole_box() {
  static const WholeBox box;
  return box;
}

}  // namespace gauntlet
