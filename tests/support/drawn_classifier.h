// A made-up randomized classifier whose accuracy is known in closed form: for tests of intervals
// and of the worst case, and for the table of them in docs/read-a-report.md.
//
// Image i is right in trial t where ability[i] + shared[t] + own[i][t] > 0: ability ~ N(0.3, 1.2),
// shared ~ N(0, 0.15), which all images of a trial have in common (0 where noise is in the input),
// own ~ N(0, 1).
#pragma once
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "results/outcomes.h"

namespace gauntlet::testing {

class DrawnClassifier {
 public:
  static constexpr double kMean = 0.3, kAbility = 1.2;

  explicit DrawnClassifier(uint64_t seed, double shared = 0.15) : random_(seed), sd_(shared) {}

  /// Over images and draws.
  double accuracy() const { return below(kMean / std::sqrt(1 + kAbility * kAbility + sd_ * sd_)); }
  /// Over images, given the draws of the measurement before.
  double accuracy_given_draws() const {
    double sum = 0;
    for (const double one : shared_)
      sum += below((kMean + one) / std::sqrt(1 + kAbility * kAbility));
    return sum / double(shared_.size());
  }

  /// New images and draws, met by attacks that are all alike: their inputs differ, what they leave
  /// of an image does not. `weaker`: what all but the first leave more of the ability.
  std::vector<results::CellRecord> measure(int64_t images, int64_t trials, int64_t attacks = 1,
                                           double weaker = 0) {
    shared_.assign(size_t(trials), 0);
    for (double& one : shared_) one = sd_ * normal_(random_);
    std::vector<double> ability(static_cast<size_t>(images));
    for (double& one : ability) one = kMean + kAbility * normal_(random_);
    std::vector<results::CellRecord> out;
    for (int64_t a = 0; a < attacks; ++a) {
      out.push_back(cell("attack " + std::to_string(a), ability));
      if (a == 0)
        for (double& one : ability) one += weaker;
    }
    return out;
  }

  /// What two attacks of 100 iterates leave where an image counts as broken once a single draw of
  /// some iterate and one more draw of that iterate are wrong, as AutoAttack's "rand" filters
  /// (autoattack.py, autopgd_base.py at version 0.1): the attack itself changes nothing here.
  double single_draw_filter(int64_t images) {
    int64_t left = 0;
    for (int64_t i = 0; i < images; ++i) {
      const double ability = kMean + kAbility * normal_(random_);
      const auto right = [&] { return ability + sd_ * normal_(random_) + normal_(random_) > 0; };
      bool stands = right();
      for (int attack = 0; attack < 2 && stands; ++attack) {
        bool any_wrong = false;
        for (int iterate = 0; iterate <= 100; ++iterate) any_wrong |= !right();
        stands = !any_wrong || right();
      }
      left += stands;
    }
    return double(left) / double(images);
  }

 private:
  static double below(double z) { return std::erfc(-z / std::sqrt(2.0)) / 2; }

  results::CellRecord cell(const std::string& attack, const std::vector<double>& ability) {
    results::CellRecord out;
    out.attack = attack, out.identity = attack;
    out.status = results::Status::kOk, out.stochastic = true;
    out.trials = int64_t(shared_.size());
    if (sd_ > 0) out.robust_by_trial.assign(shared_.size(), 0);
    for (size_t i = 0; i < ability.size(); ++i) {
      results::Outcome outcome;
      outcome.index = int64_t(i), outcome.clean_right = out.trials;
      if (out.trials > 1) outcome.robust_first = 0;
      for (size_t t = 0; t < shared_.size(); ++t) {
        if (ability[i] + shared_[t] + normal_(random_) <= 0) continue;
        ++outcome.robust_right;
        if (sd_ > 0) ++out.robust_by_trial[t];
        if (out.trials > 1 && int64_t(t) < out.trials / 2) ++*outcome.robust_first;
      }
      out.outcomes.push_back(outcome);
    }
    results::summarise(out);
    return out;
  }

  std::mt19937_64 random_;
  std::normal_distribution<double> normal_;
  const double sd_;
  std::vector<double> shared_;
};

/// Of so many measurements of 500 images.
struct Coverage {
  double covered = 0;        ///< share of 95 % intervals that hold the truth they speak of
  double width = 0;          ///< mean
  std::string method;        ///< of the last interval
  bool images_only = false;  ///< the truth is given the draws
};
inline Coverage coverage(int rounds, int64_t trials, double shared, uint64_t seed = 1) {
  DrawnClassifier classifier(seed, shared);
  Coverage out;
  for (int round = 0; round < rounds; ++round) {
    const results::Interval interval = classifier.measure(500, trials).front().interval;
    out.images_only = interval.method.find("images only") != std::string::npos;
    const double truth =
        out.images_only ? classifier.accuracy_given_draws() : classifier.accuracy();
    out.covered += double(interval.low <= truth && truth <= interval.high) / rounds;
    out.width += (interval.high - interval.low) / rounds;
    out.method = interval.method;
  }
  return out;
}

}  // namespace gauntlet::testing
