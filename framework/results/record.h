// What is kept of an evaluated cell. Reports are made from this alone.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "results/check.h"
#include "results/scores.h"
#include "results/threat.h"

namespace gauntlet::results {

enum class Status { kOk, kInvalid, kError, kSkipped };
std::string to_string(Status);
/// Of "ok", "invalid", "error" or "skipped". Throws std::invalid_argument.
Status status_from_string(const std::string& name);
/// This moment, UTC, ISO 8601: "2026-01-31T12:00:00Z".
std::string utc_now();

struct Interval {
  double low = 0, high = 1, level = 0.95;
  std::string unit;    ///< "image" or "image x draw"
  std::string method;  ///< "Wilson", "Student t over trials", …
};

/// Passes of the defended model, summed over samples. Requested: what budgets and k·n plots count.
/// Executed: what was computed after compaction and early stops.
struct Ledger {
  int64_t forwards = 0, backwards = 0, queries = 0;  ///< requested
  int64_t executed_forwards = 0, executed_backwards = 0;
  int64_t source_forwards = 0, source_backwards = 0;  ///< of transfer sources
  int64_t scoring_forwards = 0;
};

inline Ledger& operator+=(Ledger& sum, const Ledger& one) {
  sum.forwards += one.forwards, sum.backwards += one.backwards, sum.queries += one.queries;
  sum.executed_forwards += one.executed_forwards, sum.executed_backwards += one.executed_backwards;
  sum.source_forwards += one.source_forwards, sum.source_backwards += one.source_backwards;
  sum.scoring_forwards += one.scoring_forwards;
  return sum;
}

/// One sample under one attack. Trials are fresh classifiers; deterministic models have one.
struct Outcome {
  int64_t index = 0;  ///< in the data set's split
  int64_t label = 0;
  int64_t clean_right = 0;   ///< of `trials`
  int64_t robust_right = 0;  ///< of `trials`
  int64_t predicted = -1;    ///< class of the adversarial input by majority of trials; -1 refused
  double margin = 0;         ///< of the true class on the adversarial input, first trial
  double distance = 0;       ///< of the adversarial input, in the threat's norm
  int64_t queries = 0;
  /// Right answers in the first trials / 2: the worst case chooses an attack by one half and counts
  /// the other. Unset of deterministic models, of a single trial, and in older records.
  std::optional<int64_t> robust_first = {};
};

/// What a randomized row's accuracy is made of, beside the mean over images and trials that its
/// interval is of.
struct DrawFigures {
  Interval images;                     ///< over images alone, given the draws
  std::optional<Interval> draws = {};  ///< over shared draws alone, given the images
  /// Share of images that are right without an attack in every trial: what an attacker leaves who
  /// changes nothing and asks until the answer is wrong, as often as there are trials.
  double clean_in_every_trial = 0;
};

/// How a detector's scores tell attacked inputs from clean ones (analysis/derived_figures.h).
struct DetectorFigures {
  /// At a threshold that refuses at most a share of the clean inputs.
  struct At {
    double false_positive_rate = 0;  ///< at most: 0.01, 0.05
    int64_t false_positives = 0;     ///< clean inputs that the threshold refuses
    int64_t true_positives = 0;      ///< attacked inputs that it refuses
    double true_positive_rate = 0;   ///< of the attacked inputs
    Interval interval;               ///< of true_positive_rate, over them, given the threshold
  };
  int64_t clean_images = 0;     ///< all of the cell
  int64_t attacked_images = 0;  ///< of these, those that the attack changed
  double auc = 0;               ///< area under the ROC curve
  std::vector<At> at;           ///< by ascending rate
};

/// What an attack with a hypocritical goal makes right (analysis/derived_figures.h).
struct HypocriticalRisk {
  int64_t images = 0;  ///< wrong or refused without an attack
  double risk = 0;     ///< share of these that the attack turns right
  Interval interval;   ///< of risk
};

struct CellRecord {
  int schema_version = 1;
  std::string identity, fingerprint;
  std::string suite, defense, attack, dataset, split;
  Threat threat;
  int64_t seed = 0;
  Status status = Status::kError;
  std::string reason;          ///< one sentence unless ok
  std::vector<Finding> flags;  ///< audit findings
  int64_t samples = 0, trials = 1;
  bool stochastic = false;
  double clean_accuracy = 0, robust_accuracy = 0;  ///< means over samples and trials
  double majority_accuracy = 0;     ///< robust accuracy by majority vote over the trials
  double worst_trial_accuracy = 0;  ///< right in every trial
  /// Right answers of all samples in each trial, where the samples share its draws (noise in
  /// weights); else empty.
  std::vector<int64_t> clean_by_trial, robust_by_trial;
  int64_t ties = 0;   ///< samples with |margin| < 1e-4
  Interval interval;  ///< of robust_accuracy
  /// JSON object ("" counts as {}):
  ///   {"attack": {"plugin": "pgd", "params": {"steps": {"value": 20, "default": 10}, …}},
  ///    "host": {"restarts": {"value": 2, "default": 1}, …},
  ///    "defense": {"model": "mnist/at", "weights_sha256": "…",
  ///                "stack": [{"plugin": "smoothing", "params": {…}}]},
  ///    "scoring": {"trials": {"value": 5, "default": 1}, …}}
  /// A leaf is {"value", "default"}, {"value"} where there is no default, or a bare value where
  /// nothing was to choose (a plugin's name, a hash). Reports mark a value that is not its default.
  std::string parameters;
  std::string environment;  ///< JSON object: versions, device, threads, plugin digests
  Ledger ledger;
  double seconds = 0;
  std::string finished;           ///< UTC, ISO 8601
  std::vector<Outcome> outcomes;  ///< empty unless ok
  Scores scores;                  ///< of the row's detector; empty unless ok
  std::string x_adv;              ///< file name below artifacts/; empty unless ok
  std::string x_adv_sha256;       ///< of that file; empty too in records of older stores
  /// Of a randomized row; not kept in stores: latest_run() finds them in the outcomes.
  std::optional<DrawFigures> draws = {};
  /// As draws, of a row with a detector.
  std::optional<DetectorFigures> detector = {};
  /// As draws, of a cell with a hypocritical goal.
  std::optional<HypocriticalRisk> hypocritical = {};
};

/// Worst case over attacks for one defense, threat and seed: mean over samples of the minimum.
struct WorstCase {
  std::string identity, fingerprint;
  std::string suite, defense;
  Threat threat;
  int64_t seed = 0;
  int64_t samples = 0, trials = 1;
  double clean_accuracy = 0, robust_accuracy = 0;
  Interval interval;
  std::vector<std::string> attacks;           ///< columns it is over
  std::vector<std::string> missing;           ///< columns without a valid result: "pgd (invalid)"
  std::map<std::string, int64_t> decided_by;  ///< attack -> samples where it was the worst
  bool complete = false;                      ///< no cell invalid or in error
  std::vector<Finding> flags;                 ///< of the columns that decided it, and of the row
  std::string reason;  ///< why there is no number, one sentence; samples is 0 then
};

/// What is certified of one sample.
struct CertifiedSample {
  int64_t index = 0;  ///< in the data set's split
  int64_t label = 0;
  int64_t answer = -1;  ///< class; -1: abstained
  double radius = 0;    ///< L2, in which the answer holds; 0 where it abstained
};

/// One defense, certified on the suite's samples under one seed.
struct Certification {
  std::string identity, fingerprint;
  std::string suite, defense, dataset, split;
  int64_t seed = 0;
  Status status = Status::kError;
  std::string reason;          ///< one sentence unless ok
  std::vector<Finding> flags;  ///< attacks that succeeded inside a certified radius
  int64_t samples = 0;
  double alpha = 0;               ///< chance, a sample, that its certificate does not hold
  double certified_accuracy = 0;  ///< share of right answers with a radius above 0
  double abstained = 0;           ///< share
  double average_radius = 0;      ///< over all samples; 0 where it abstained or was wrong
  Interval interval;              ///< of certified_accuracy
  std::string parameters;         ///< JSON object: {"defense": …} as in CellRecord::parameters
  std::string environment;        ///< as in CellRecord
  int64_t forwards = 0;           ///< passes of the network, summed over samples
  double seconds = 0;
  std::string finished;                       ///< UTC, ISO 8601
  std::vector<CertifiedSample> certificates;  ///< empty unless ok
};

/// What the audit says of one defense under one threat and seed.
struct RowAudit {
  std::string identity, fingerprint;
  std::string suite, defense;
  Threat threat;
  int64_t seed = 0;
  int64_t samples = 0;        ///< images that probes were made on; 0: from what was there alone
  std::vector<Check> checks;  ///< in the order of check_words.cc
  std::string reason;         ///< why there are none, one sentence
};

/// Accuracy of a defense minus that of its baseline on the same images, each image's rate being its
/// mean over trials and evaluation seeds.
struct Difference {
  std::string defense, baseline;
  std::string attack;  ///< "": without an attack
  Threat threat;
  bool ok = false;      ///< both sides have a result under every seed
  int64_t samples = 0;  ///< images that both saw
  double value = 0;
  Interval interval;   ///< of `value`
  double p_below = 1;  ///< one-sided: a difference as low as this where there is none
};

/// What one run of an attack that looks for the smallest perturbation tells of every epsilon up to
/// the threat's. An image that is wrong without an attack has the distance 0.
struct DistanceCurve {
  struct Step {
    double epsilon = 0;        ///< holds from here on, up to the next step's
    double accuracy = 0;       ///< share of images whose distance lies above it
    double low = 0, high = 1;  ///< Wilson interval over images, level 0.95
  };
  std::string defense, attack;
  Threat threat;
  int64_t seed = 0;
  std::string reason;       ///< why there is no curve, one sentence; "": there is one
  int64_t samples = 0;      ///< images
  std::vector<Step> steps;  ///< by ascending epsilon, the first at 0
  /// Median distance over images, and its interval by order statistics, level 0.95; none: above the
  /// threat's epsilon.
  std::optional<double> median, median_low, median_high;
  /// 1: for no image did another such attack on the row find a smaller distance; 0: as much as the
  /// clean images are worth. None where the row has no other such attack, or nothing to find.
  std::optional<double> optimality;
};

/// Reads the outcomes of one record.
using OutcomesOf = std::function<std::vector<Outcome>(const CellRecord&)>;
}  // namespace gauntlet::results
