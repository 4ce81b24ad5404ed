// The worst case over attacks, from what each left of each image. The lowest of several noisy rates
// is not a rate: where answers are drawn, one half of the trials chooses the attack of an image and
// the other half is counted, and the other way round. How far a half can be trusted is learned from
// the other images, so that an attack more does not lift the worst case by being lucky.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "results/record.h"

namespace gauntlet::results {

/// Shares of right answers to one image.
struct Rate {
  double clean = 0;              ///< without an attack
  double whole = 0;              ///< of all trials
  double first = 0, second = 0;  ///< of either half of them
  double margin = 0;             ///< of the true class; decides between equals where nothing draws
};

/// What one attack left.
struct AttackRates {
  std::string name;
  int64_t rank = 0;      ///< of equally strong ones the lower one is told of
  std::string tie = {};  ///< and of those the first by this, whatever the order of columns
  bool stochastic = false;
  /// Both halves are known, and what share of the trials the first is of; 0: they are not.
  double first_share = 0;
  std::map<int64_t, Rate> images;  ///< by index in the data set
};

/// Of one record whose outcomes are complete.
AttackRates attack_rates(const CellRecord& record);

struct WorstOfImage {
  size_t attack = 0;  ///< that did worst over all trials
  double rate = 0;    ///< share of right answers, chosen and counted on different trials
};

/// Both halves are known of every attack, so that one can choose and the other be counted.
bool has_halves(const std::vector<AttackRates>& attacks);

/// Images that any of the attacks saw, by index. With one attack it is what that attack left. Where
/// answers are drawn and halves are not known (a single trial, older versions) the lowest rate
/// counts, which lies too low. The order of attacks changes nothing.
std::map<int64_t, WorstOfImage> worst_of(const std::vector<AttackRates>& attacks);

}  // namespace gauntlet::results
