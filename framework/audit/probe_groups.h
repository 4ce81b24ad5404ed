// The groups of probes. Each adds one check a code.
#pragma once
#include <optional>
#include <vector>

#include "audit/probe_job.h"
#include "audit/subject.h"
#include "evaluation/laboratory.h"

namespace gauntlet::audit {

using Checks = std::vector<results::Check>;

/// What comes out: outputs.
void probe_outputs(const Subject& subject, Checks& out);
/// gradients_vanish, gradients_saturate, gradients_not_finite, box_edge.
void probe_gradients(const Subject& subject, Checks& out);
/// Whether gradients are the slope of the loss: slope.
void probe_slope(const Subject& subject, Checks& out);
/// noise_acts.
void probe_noise(const Subject& subject, Checks& out);
/// votes.
void probe_votes(const Subject& subject, Checks& out);
/// Images beside the images: memorised.
void probe_neighbours(const Subject& subject, Checks& out);

/// Asks first when it is made and again in check(), when all else was asked: unstable.
class Repetition {
 public:
  explicit Repetition(const Subject& subject);
  void check(Checks& out);

 private:
  struct Answers {
    Tensor judged, searched;  ///< [N, K] of the judge's pass, and of one with gradients
    Tensor decided;           ///< [N]
  };
  Answers ask() const;
  const Subject& subject_;
  const Answers first_;
};

/// Attacks of the audit: loss_rises, label_leak, eight_bit, epsilon_monotone, unbounded,
/// frozen_noise, black_box.
class Battery {
 public:
  explicit Battery(const Subject& subject) : s_(subject) {}
  void one_step(Checks& out);     ///< label_leak
  void full_ball(Checks& out);    ///< loss_rises, eight_bit
  void other_balls(Checks& out);  ///< epsilon_monotone
  void whole_box(Checks& out);    ///< unbounded
  void frozen(Checks& out);       ///< frozen_noise
  void without_gradients(const library::PluginLibrary& plugins, Checks& out);  ///< black_box
  /// Scores of the suite's own attack, to be beaten by none without gradients.
  void add(const Tensor& score) { consider(score); }

 private:
  Tensor climbed(double radius);
  void consider(const Tensor& score);
  const Subject& s_;
  Tensor at_epsilon_;  // score under the audit's own attack at epsilon
  Tensor best_;        // of gradient attacks, the lowest score
};

/// The suite's strongest gradient attack with twice as much of something: more_steps,
/// more_restarts, more_draws.
class Doubling {
 public:
  Doubling(const Subject& subject, const ProbeJob& job, evaluation::Laboratory& laboratory,
           suite::AttackSpec attack);
  /// Runs the attack as it is: [trials, N] bool.
  const Tensor& plain();
  /// Whether it ran.
  bool known() const { return plain_.defined(); }
  void steps(Checks& out);
  void restarts(Checks& out);
  void draws(Checks& out);

 private:
  Tensor run(const suite::AttackSpec& attack);
  void check(const char* code, const char* key, int64_t now, const suite::AttackSpec& more,
             Checks& out);
  const Subject& s_;
  const ProbeJob& job_;
  evaluation::Laboratory& laboratory_;
  const suite::AttackSpec attack_;
  Tensor plain_;
};

/// The attack of the suite that a row is probed with: of those that use gradients, are for rows of
/// its division and have a form for the threat, the one that leaves least by its record (`left`:
/// robust accuracy by the attack's name); of equals, and where no record is, the one with the most
/// steps, draws and restarts; of these the first by name. Else pgd with 20 steps of epsilon / 8,
/// unnamed; nothing where there is no pgd.
std::optional<suite::AttackSpec> strongest_of(const std::vector<suite::AttackSpec>& attacks,
                                              const library::PluginLibrary& plugins,
                                              const ThreatModel& threat,
                                              const evaluation::DefendedModel& model,
                                              const std::map<std::string, double>& left = {});

}  // namespace gauntlet::audit
