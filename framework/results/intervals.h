// Intervals behind every reported number.
#pragma once
#include <cstdint>
#include <limits>
#include <vector>

#include "gauntlet/statistics.h"
#include "results/record.h"

namespace gauntlet::results {

/// Trials from which on an interval may speak of draws that images share; of fewer, Student's
/// intervals are wider than any accuracy and their coverage is not 95 %.
constexpr int64_t kLeastSharedTrials = 8;

/// Quantile of Student's t distribution; freedom may be INFINITY. Throws std::invalid_argument
/// unless p is in (0, 1) and freedom above 0.
double student_quantile(double p, double freedom);
/// Chance that Student's t is above this.
double student_tail(double t, double freedom);

/// What draws that images share add to the variance of an accuracy, and how well it is known.
struct Shared {
  double variance = 0;
  double freedom = std::numeric_limits<double>::infinity();  ///< degrees, as of a chi-square
  int64_t trials = 0;  ///< that images shared; 0: they shared none
};
/// Of the mean over images and trials: the variance of the trials' accuracies, less what it would
/// be if each image had draws of its own. `by_trial`: right answers of all images in each trial;
/// `by_image`: of each image in all trials. A variance of 0 where it comes out below, and for fewer
/// than two trials, which show nothing of it. Degrees of freedom by Satterthwaite (Biometrics
/// Bulletin 2, 1946).
Shared shared_of(const std::vector<int64_t>& by_trial, const std::vector<int64_t>& by_image);
/// Degrees of freedom of a variance with so many of its own and what shared draws add to it, by
/// Satterthwaite; at least 1.
double freedom_of(double variance, double freedom, const Shared& shared);
/// Of the mean of independent accuracies; the trials of all.
Shared mean_of(const std::vector<Shared>& parts);
/// Of the sum or difference of two independent accuracies.
Shared sum_of(const Shared& a, const Shared& b);

/// Wilson score interval of k successes in n.
Interval wilson(int64_t k, int64_t n, double level = 0.95);
/// Interval of a mean over images of per-image success rates (each rate over `trials` draws):
/// Student's t over images, and over shared draws too where there are kLeastSharedTrials of them
/// or more; of fewer it is over images alone, and says so. With fewer than ten images' worth of
/// hits or of misses, where this fails, Wilson's interval of as many images as have that variance.
Interval of_rates(const std::vector<double>& rates, const Shared& shared = {}, double level = 0.95);
/// The same, of the images at hand: over the draws alone. `by_trial` as above; at least two.
Interval over_draws(const std::vector<int64_t>& by_trial, int64_t images, double level = 0.95);
/// What an interval of these rates is by the rule of versions before 0.2, whose records name it:
/// the normal quantile in the place of Student's, shared draws of any number.
Interval normal_of_rates(const std::vector<double>& rates, double shared, double level = 0.95);
/// Whether a record names that rule, or Wilson's, where it was the same of whatever images share.
bool is_normal_rule(const Interval& interval);

}  // namespace gauntlet::results
