// What a kind of threat has to know; one object a kind. ThreatModel's functions ask it.
#pragma once
#include "gauntlet/threat.h"

namespace gauntlet {

/// Each function is the member function of ThreatModel of that name.
class Geometry {
 public:
  virtual ~Geometry() = default;
  virtual Tensor random(const ThreatModel& threat, const Tensor& x, Noise& noise) const = 0;
  virtual Tensor steepest(const ThreatModel& threat, const Tensor& gradient) const = 0;
  virtual Tensor reach(const ThreatModel& threat) const = 0;
  virtual Tensor project(const ThreatModel& threat, const Tensor& x, const Tensor& delta) const = 0;
  virtual Tensor distance(const ThreatModel& threat, const Tensor& x,
                          const Tensor& other) const = 0;
  virtual Tensor slack(const ThreatModel& threat) const = 0;
  /// Whether epsilon is the radius of a ball.
  virtual bool is_ball() const { return false; }
};

// balls.cc
const Geometry& linf_ball();
const Geometry& l2_ball();
const Geometry& l1_ball();
// few_pixels.cc
const Geometry& few_pixels();
const Geometry& patch();
// transformations.cc
const Geometry& rotation();
const Geometry& translation();
const Geometry& flow();
// whole_box.cc
const Geometry& whole_box();

/// std::invalid_argument for a value that is none of Norm.
const Geometry& geometry_of(Norm norm);

}  // namespace gauntlet
