// The attacks of one row as their records tell of them, and how any two of them compare.
#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "results/record.h"

namespace gauntlet::audit {

/// An attack as its record has it.
struct Column {
  const results::CellRecord* record = nullptr;
  std::string plugin;
  nlohmann::json params, host;         ///< {"steps": 20}; draws: those taken
  bool hypocritical = false;           ///< its goal is that wrong answers become right
  int64_t most_queries = 0;            ///< of one image
  int64_t attacked = 0, standing = 0;  ///< images: those to attack; of these, that withstood

  /// Whether an image is one to attack: right without an attack or, where it is to become right,
  /// wrong; of a random defense in some trial.
  bool attacks(const results::Outcome& image) const;
  /// Whether such an image withstood, by majority of the trials.
  bool withstood(const results::Outcome& image) const;
  bool gradients() const { return record->ledger.backwards > 0; }
  /// Perturbations without an attacker: nothing is asked, of the defense or of a source.
  bool noise() const;
  /// Behind a query; 1 where the defense is deterministic.
  int64_t draws() const;
  /// Its gradients are all of one point: one query, or as many as are averaged over.
  bool single_gradient() const { return most_queries <= draws(); }
};

/// Those with a result, in their order; `cells` must outlive them.
std::vector<Column> columns_of(const std::vector<results::CellRecord>& cells);

/// How an attack that has less of something relates to another one. Those that make wrong answers
/// right are not held against each other: of these the stronger one leaves more right answers.
enum class Less {
  kNothing,      ///< the two cannot be held against each other
  kSteps,        ///< the same with fewer steps, or less of several things
  kRestarts,     ///< the same with fewer restarts alone
  kDraws,        ///< the same with fewer draws alone
  kOneGradient,  ///< a single gradient against several
  kNoGradients,  ///< none of the defense against some
  kNoise,        ///< no attacker against gradients
};
Less relation_of(const Column& less, const Column& more);

/// Two attacks on the images that both saw.
struct Match {
  const Column* less = nullptr;
  const Column* more = nullptr;
  Less how = Less::kNothing;
  double under_less = 0, under_more = 0;  ///< accuracy
  double p = 1;                           ///< of no difference, two-sided, by Holm over the row

  /// By how much `less` wins beyond chance; 0: it does not.
  double win() const;
  /// By how much `more` wins beyond chance; 0: it does not.
  double gain() const;
};
/// Every pair of a row that can be held against each other.
std::vector<Match> matches_of(const std::vector<Column>& columns);

}  // namespace gauntlet::audit
