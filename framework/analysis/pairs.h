// Two sets of records on the same images.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "results/intervals.h"

namespace gauntlet::analysis {

/// Accuracy without an attack, or under it.
enum class Accuracy { kClean, kRobust };

/// What one side measured of one question, a record an evaluation seed.
struct Side {
  std::vector<const results::CellRecord*> records;
  results::OutcomesOf outcomes;
};

/// Both sides of the images that all records of both saw, in the order of their indices.
struct Pairs {
  std::vector<double> a, b;  ///< share of right answers: mean over trials and records
  results::Shared shared;    ///< what draws that images share add to the variance of mean(b - a)

  /// b - a of each image. Throws std::invalid_argument where the sides are not of one length or a
  /// rate is none.
  std::vector<double> differences() const;
};
Pairs pairs_of(const Side& a, const Side& b, Accuracy accuracy);

struct PairedTest {
  double p = 1;        ///< two-sided
  std::string method;  ///< "McNemar exact", "sign flips" or "Student t, shared draws"
};
/// Whether two sides differ by more than chance would have it that decides, image by image, which
/// of its two rates belongs to which side: McNemar's exact test, and for rates between 0 and 1 the
/// same test on their differences (where a lattice that holds all would be too fine, rounded to
/// 1/1000 of the largest or more). Images that share
/// draws of noise rise and fall together: then a t test that adds their variance. Throws as
/// differences() does.
PairedTest paired_test(const Pairs& pairs);
/// Mean of b - a, its interval and p value: the adjusted Wald interval for matched proportions
/// (Agresti and Min, Statistics in Medicine 24, 2005: half an image more of each kind of
/// disagreement), with rates in the place of hits; where images share draws their variance is added
/// and the quantile is Student's. Throws
/// std::invalid_argument where pairs.differences() does, and where there is no image.
results::Difference paired_difference(const Pairs& pairs, double level = 0.95);

/// Interval of the mean of b - a by 2,000 resamples of the images and of what their shared draws
/// add (percentiles; always the same ones). Where fewer than ten images differ, which resampling
/// takes for certainty, Agresti and Min's, as paired_difference() has it. Throws as differences()
/// does, and where there is no image.
results::Interval difference_interval(const Pairs& pairs, double level = 0.95);

}  // namespace gauntlet::analysis
