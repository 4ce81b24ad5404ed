// Rows of a suite against the row they name as their baseline, image by image.
#pragma once
#include <string>
#include <vector>

#include "results/pairs.h"

namespace gauntlet {

/// Accuracy of a defense minus that of its baseline on the same images, each image's rate being its
/// mean over trials and evaluation seeds.
struct Difference {
  std::string defense, baseline;
  std::string attack;  ///< "": without an attack
  std::string threat, norm;
  double epsilon = 0;
  bool ok = false;      ///< both sides have a result under every seed
  int64_t samples = 0;  ///< images that both saw
  double value = 0;
  Interval interval;   ///< of `value`
  double p_below = 1;  ///< one-sided: a difference as low as this where there is none
};

/// Mean of b - a, its interval and p value: the adjusted Wald interval for matched proportions
/// (Agresti and Min, Statistics in Medicine 24, 2005: half an image more of each kind of
/// disagreement), with rates in the place of hits, and the variance of shared draws added. Throws
/// std::invalid_argument where pairs.differences() does, and where there is no image.
Difference paired_difference(const Pairs& pairs, double level = 0.95);

/// Of every row of the settings that names a baseline, in their order: for each threat without an
/// attack, then under each.
std::vector<Difference> differences_of(const std::string& settings,
                                       const std::vector<CellRecord>& cells,
                                       const OutcomesOf& outcomes);

}  // namespace gauntlet
