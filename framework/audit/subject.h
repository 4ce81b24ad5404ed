// What probes ask: a defended model, images and a threat, with noise of the audit's own stream.
#pragma once
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "evaluation/craft.h"
#include "evaluation/defended_model.h"
#include "evaluation/host_target.h"
#include "results/check.h"

namespace gauntlet::audit {

/// Uses of the audit's noise that must not meet.
enum class Purpose : uint64_t { kScore, kClimb, kSlope, kNeighbour, kAgain, kFrozen };

/// Right answers on two sets of inputs for the same images.
struct Compared {
  double first = 0, second = 0;  ///< accuracies
  double p = 1;                  ///< two-sided, paired by image
  double fall() const { return first - second; }
  /// The second is lower by more than `slack`, and not by chance.
  bool falls(double slack, double chance) const { return fall() > slack && p < chance; }
};

/// The images of a job and the model that is asked about them.
class Subject {
 public:
  /// Asks for the clean answers.
  Subject(evaluation::DefendedModel& model, evaluation::Environment& environment,
          evaluation::CraftBatch batch, Norm norm, double epsilon, uint64_t seed,
          const std::atomic<bool>* stop = nullptr);

  int64_t size() const { return batch.x.size(0); }
  ThreatModel ball(double radius) const;
  /// Radius of a ball that holds the box around any image.
  double box() const;
  /// What each pixel may change by if all change alike: epsilon in Linf.
  double a_pixel() const;
  Noise noise(Purpose purpose, const evaluation::CraftBatch& of) const;
  /// [trials, N] bool: right on fresh draws, the same ones whatever is asked.
  Tensor score(const Tensor& x) const;
  Compared compare(const Tensor& first, const Tensor& second) const;
  /// For attacks of the audit.
  evaluation::CraftRules rules() const;
  /// What an attack makes of images. `track`: hits are kept and left alone.
  Tensor craft(Attack& attack, const evaluation::CraftBatch& of, double radius,
               bool track = true) const;
  Tensor craft(Attack& attack, double radius, bool track = true) const;
  /// The first images that are right; all of them right where `most` is 0.
  evaluation::CraftBatch right_ones(int64_t most = 0) const;

  evaluation::DefendedModel& model;
  evaluation::Environment& environment;
  const evaluation::CraftBatch batch;
  const Norm norm;
  const double epsilon;
  const uint64_t seed;
  const std::atomic<bool>* const stop;
  const int64_t trials;  ///< answers asked of a random defense, each of all its votes
  const int64_t draws;   ///< behind a gradient of a random defense
  const Tensor clean;    ///< [trials, N] bool: right without an attack
  const Tensor right;    ///< [N] bool: in most trials
};

/// Asks a model as an attack would, without its rules about hits.
class Question {
 public:
  Question(const Subject& subject, evaluation::CraftBatch batch, Purpose purpose);
  evaluation::HostTarget& target() { return target_; }

 private:
  struct NoHost final : Host {
    Target& source(const ModelRef&) override;
    std::unique_ptr<Attack> attack(const Use&) override;
  };
  const evaluation::CraftBatch batch_;
  const ThreatModel threat_;
  NoHost host_;
  const Task task_;
  evaluation::HostTarget target_;
};

/// Steepest ascent from the image itself, with steps that halve twice; in L1 among the coordinates
/// that the box lets go.
struct Climb final : Attack {
  int64_t steps = 20;
  double step = 0.125;  ///< the first ones, of epsilon
  Query query;          ///< how gradients are asked for
  Loss (*loss)(Goal) = margin;
  AttackFacts facts() const override { return {.access = Access::kGradient}; }
  Tensor run(Target& target, const Task& task) override;
};

double share(const Tensor& hits);
int64_t count(const Tensor& hits);
double median_of(const Tensor& values);

}  // namespace gauntlet::audit
