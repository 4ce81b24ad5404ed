/// @file
/// What an attack plugin implements.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "gauntlet/params.h"
#include "gauntlet/target.h"
#include "gauntlet/threat.h"

namespace gauntlet {

struct Attack;

/// What the host lends to an attack beside the target.
struct GAUNTLET_API Host : Interface {
  /// Another model (transfer): full access, its passes are metered apart. Lives as long as the
  /// task.
  virtual Target& source(const ModelRef&) = 0;
  /// Another attack plugin. Throws ParamError for an unknown name or bad parameters.
  virtual std::unique_ptr<Attack> attack(const Use&) = 0;
  /// What an attacker may know of the data (substitute models, Voronoi, feature matching): the
  /// first n images of the training split in a fixed random order, [min(n, all), C, H, W], never
  /// one of the split that is attacked. More images begin with the same ones. Throws
  /// std::invalid_argument for more than AttackFacts::samples of the attack, or of one that it was
  /// lent by attack().
  virtual Batch samples(int64_t n);
};

/// One batch to attack.
struct GAUNTLET_API Task {
  Tensor x;                   ///< [N, C, H, W] clean inputs
  Tensor y;                   ///< [N] true classes
  Tensor target;              ///< [N] wanted classes; undefined in untargeted tasks
  Goal goal;                  ///< what counts as a success
  const ThreatModel& threat;  ///< ball and box that the answer is to lie in
  std::optional<Loss> loss;   ///< set by a trainer (TRADES) or by the defense's own adaptive loss
  Noise noise;                ///< of this task; nothing else is random
  Host& host;                 ///< other models and attacks
  int64_t restart = 0;        ///< the host repeats the attack; 0 is the first time

  /// The loss that was set, else the attack's usual one for this goal.
  Loss loss_or(Loss (*usual)(Goal)) const { return loss ? *loss : usual(goal); }
  /// Rows of a query; without sample: all N in order.
  Rows rows(const Tensor& sample = {}) const;
  /// [N * n] int64, sample by sample: Query::rows of a population of n.
  Tensor copies(int64_t n) const;
  /// [N] float of one value: state kept per sample.
  Tensor full(double value) const;
};

/// What the host is to know of an attack before it runs.
struct AttackFacts {
  Access access = Access::kGradient;  ///< what it needs
  bool minimal_norm = false;  ///< looks for the smallest perturbation: not stopped at the first hit
  bool prefix_nested = false;  ///< k steps of a longer run equal a run of k steps
  bool couples_rows = false;   ///< rows of a batch influence each other: never compacted or cut
  /// Margin by which an answer is to win (kappa). A hit that wins by less is kept only where none
  /// wins by this much.
  double confidence = 0;
  /// Training images that it asks Host::samples for. Where there are none, its cells are skipped.
  int64_t samples = 0;
  /// What it has a form for; the host skips the cells of other threats. An attack that takes all
  /// geometry from ThreatModel may say norms_with_steps(), or every_norm() if it makes no steps.
  std::vector<Norm> norms = {Norm::kLinf, Norm::kL2, Norm::kL1};

  friend bool operator==(const AttackFacts& a, const AttackFacts& b) {
    const auto all = [](const AttackFacts& f) {
      return std::tie(f.access, f.minimal_norm, f.prefix_nested, f.couples_rows, f.confidence,
                      f.samples, f.norms);
    };
    return all(a) == all(b);
  }
};

/// An attack. It keeps no state between runs.
struct GAUNTLET_API Attack : Interface {
  /// Of the attack with these parameters, the same for every task.
  virtual AttackFacts facts() const = 0;
  /// Why a cell is skipped whose norm is one of the facts; empty: it is not.
  virtual std::string unsupported(const ThreatModel&, const TargetFacts&, Goal) const { return {}; }
  /// What is to be known before it runs, one sentence ("10 steps of 2/255 reach 0.078 of epsilon
  /// 0.3"); empty: nothing. `gauntlet check` prints it, and results carry it as a finding.
  virtual std::string remark(const ThreatModel&, const TargetFacts&, Goal) const { return {}; }
  /// Adversarial inputs shaped like task.x. The host judges them; what is returned for samples that
  /// are no longer active is not used.
  virtual Tensor run(Target&, const Task&) = 0;

  /// Why it cannot be run on this: its facts do not list the norm, or what unsupported() says.
  /// Empty: it can. The host asks this; so does an attack that runs others.
  std::string no_form_for(const ThreatModel&, const TargetFacts&, Goal) const;
};

}  // namespace gauntlet
