// Balls of Linf, L2 and L1.
#include "sdk/geometry.h"
#include "sdk/or_one.h"
#include "sdk/scaled.h"

namespace gauntlet {
namespace {

// The nearest point of an L2 ball.
Tensor shortened(const Tensor& delta, const Tensor& epsilon) {
  const Scaled s = scaled(delta);
  const Tensor size = plain_length(s.rows, Norm::kL2);
  return torch::where(size * s.power <= epsilon, delta, s.rows * (epsilon / or_one(size)));
}

// The nearest point of an L1 ball and the box, by bisection. room: how far each coordinate may go.
Tensor shared_out(const Tensor& d, const Tensor& room, const Tensor& epsilon) {
  const Tensor size = d.abs();
  Tensor upper = plain_length(d, Norm::kLinf), lower = torch::zeros_like(upper);
  const auto shrunk = [&](const Tensor& by) {
    return torch::minimum((size - by).clamp_min(0), room);
  };
  const auto sum = [](const Tensor& t) { return plain_length(t, Norm::kL1); };
  const Tensor inside = sum(shrunk(lower)) <= epsilon;
  for (int i = 0; i < 50; ++i) {
    const Tensor middle = (lower + upper) / 2, too_far = sum(shrunk(middle)) > epsilon;
    lower = torch::where(too_far, middle, lower), upper = torch::where(too_far, upper, middle);
  }
  return d.sign() * shrunk(torch::where(inside, torch::zeros_like(upper), upper));
}

class Ball : public Geometry {
 public:
  explicit Ball(Norm norm) : norm_(norm) {}
  Tensor reach(const ThreatModel& threat) const override { return threat.epsilon; }
  Tensor distance(const ThreatModel&, const Tensor& x, const Tensor& other) const override {
    return length(other - x, norm_);
  }
  Tensor slack(const ThreatModel& threat) const override { return threat.epsilon * 1e-5 + 1e-6; }
  bool is_ball() const override { return true; }

 protected:
  // Uniform in the ball, from uniform directions.
  Tensor scaled_to(const Tensor& direction, const Tensor& radius, const ThreatModel& threat) const {
    return unit(direction, norm_) * radius * threat.epsilon;
  }
  static Tensor radius(const Tensor& x, Noise& noise) {
    const auto shape = x.sizes().slice(1);
    return noise.uniform({1, 1, 1}).pow(1.0 / double(c10::multiply_integers(shape)));
  }

 private:
  const Norm norm_;
};

class LinfBall final : public Ball {
 public:
  LinfBall() : Ball(Norm::kLinf) {}
  Tensor random(const ThreatModel& threat, const Tensor& x, Noise& noise) const override {
    return (noise.uniform(x.sizes().slice(1)) * 2 - 1) * threat.epsilon;
  }
  Tensor steepest(const ThreatModel&, const Tensor& gradient) const override {
    return gradient.sign();
  }
  Tensor project(const ThreatModel& threat, const Tensor& x, const Tensor& delta) const override {
    const Tensor d = torch::clamp(delta, -threat.epsilon, threat.epsilon);
    return (x + d).clamp(threat.low, threat.high) - x;
  }
};

class L2Ball final : public Ball {
 public:
  L2Ball() : Ball(Norm::kL2) {}
  Tensor random(const ThreatModel& threat, const Tensor& x, Noise& noise) const override {
    const Tensor size = radius(x, noise);
    return scaled_to(noise.normal(x.sizes().slice(1)), size, threat);
  }
  Tensor steepest(const ThreatModel&, const Tensor& gradient) const override {
    return unit(gradient, Norm::kL2);
  }
  Tensor project(const ThreatModel& threat, const Tensor& x, const Tensor& delta) const override {
    const Tensor d = shortened(delta, threat.epsilon);
    return (x + d).clamp(threat.low, threat.high) - x;
  }
};

class L1Ball final : public Ball {
 public:
  L1Ball() : Ball(Norm::kL1) {}
  Tensor random(const ThreatModel& threat, const Tensor& x, Noise& noise) const override {
    const Tensor size = radius(x, noise);
    // Laplace direction: uniform on the L1 sphere.
    const Tensor u = noise.uniform(x.sizes().slice(1)) * 2 - 1;
    return scaled_to(-u.sign() * (1 - u.abs()).clamp_min(1e-12).log(), size, threat);
  }
  // The largest 5 % of the coordinates share the step.
  Tensor steepest(const ThreatModel&, const Tensor& gradient) const override {
    const Tensor flat = gradient.flatten(1);
    const int64_t k = std::max<int64_t>(1, flat.size(1) / 20);
    const auto [value, index] = flat.abs().topk(k, 1);
    return torch::zeros_like(flat)
        .scatter_(1, index, flat.gather(1, index).sign() / k)
        .view_as(gradient);
  }
  Tensor project(const ThreatModel& threat, const Tensor& x, const Tensor& delta) const override {
    return shared_out(delta, torch::where(delta > 0, threat.high - x, x - threat.low),
                      threat.epsilon);
  }
};
}  // namespace

const Geometry& linf_ball() {
  static const LinfBall ball;
  return ball;
}
const Geometry& l2_ball() {
  static const L2Ball ball;
  return ball;
}
const Geometry& l1_ball() {
  static const L1Ball ball;
  return ball;
}

}  // namespace gauntlet
