// A suite as it was written, checked and expanded: what to cross with what.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "gauntlet/target.h"
#include "gauntlet/threat.h"
#include "registry/entries.h"
#include "suite/board.h"

namespace gauntlet::suite {

struct ThreatSpec {
  std::string name;  ///< "linf8"
  Norm norm = Norm::kLinf;
  double epsilon = 0;
  std::string epsilon_text;  ///< as written: "8/255"
};

/// What is done about samples that withstood an attack whose gradients or losses told it nothing.
/// kRetry: they are attacked again on the margin loss, with gradients a hair inside the box.
enum class Saturation { kRetry, kReport };

/// Host keys of an attack table: valid for every attack.
struct HostKeys {
  int64_t restarts = 1;
  int64_t draws = 1;
  std::optional<Average> average;  ///< unset: the defense's surrogate, else the loss
  Goal goal = Goal::kUntargeted;
  std::optional<Access> access;  ///< unset: what the attack needs
  int64_t max_queries = 0;       ///< passes per sample; 0: no limit
  int64_t samples = 0;           ///< the first N of the suite's samples; 0: all
  models::Mode mode =
      models::Mode::kFolded;  ///< kFoldedHalf: the attack's passes in bfloat16, never the judge's
  std::optional<Division> division;  ///< only rows of it are attacked; unset: all
  /// Unset: kRetry. A board's own attacks that do not say it mean what they always meant: kReport.
  std::optional<Saturation> saturation;

  bool retries() const { return saturation.value_or(Saturation::kRetry) == Saturation::kRetry; }
};

struct AttackSpec {
  std::string name;  ///< column: "pgd-steps[steps=5]"
  std::string plugin;
  ParamMap params;  ///< all of the plugin's, canonical
  HostKeys host;
  std::string entry;        ///< [attack.ENTRY], of which `cross` and `zip` make several columns
  bool additional = false;  ///< on a board: beside those that it fixes
};

struct DefenseSpec {
  std::string name;  ///< row
  registry::ModelEntry model;
  std::vector<Use> stack;  ///< wrappers, innermost first, parameters canonical
  std::string baseline;    ///< the row that reports compare it with, image by image; "": none
};

struct DataSpec {
  std::string dataset, split = "test";
  registry::DatasetEntry entry;  ///< of the registry, or made of a suite's `path`
  std::vector<int64_t> indices;  ///< in the split
};

enum class Success { kAny, kFinal };  ///< kFinal: only the attack's last iterate counts
struct Scoring {
  /// Trials from which on an interval may speak of draws that images share.
  static constexpr int64_t kLeastShared = 8;
  int64_t trials = 0;  ///< fresh classifiers that a random defense is asked; 0: as draws say
  /// Noise draws that an input is scored by: ceil(draws / M) classifiers of M draws each, so that a
  /// vote and a network without one are measured equally well. 0: 512, but three classifiers at
  /// the least, and kLeastShared where images share draws. At most one of the two is given.
  int64_t draws = 0;
  Success success = Success::kAny;

  /// Classifiers asked of a random defense whose every answer takes mc_samples (>= 1) draws.
  int64_t trials_of(int64_t mc_samples, bool shares_draws) const;
};

/// Certificates of every defense that gives them.
struct CertifySpec {
  int64_t samples = 0;  ///< the first N of the suite's samples; 0: all
};

/// What is found of a row that makes `run` fail.
enum class FailOn { kNothing, kWarn, kFail };
/// What is asked of every row beside its attacks: whether its number can be believed.
struct AuditSpec {
  int64_t samples = 0;  ///< probes are made on the first N of the suite's; 0: none are made
  FailOn fail_on = FailOn::kNothing;
};

struct Cell {
  size_t defense, attack, threat;
  int64_t seed;
};

struct CertifiedRow {
  size_t defense;
  int64_t seed;
};

struct Suite {
  std::string name;
  std::optional<Board> board;  ///< what fixed all but the rows and additional attacks
  std::vector<int64_t> seeds;
  DataSpec data;
  Scoring scoring;
  std::vector<ThreatSpec> threats;
  std::vector<AttackSpec> attacks;
  std::vector<DefenseSpec> defenses;
  std::optional<CertifySpec> certify;
  AuditSpec audit;
  std::vector<Cell> cells;  ///< every combination: seed, then threat, then defense, then attack
  std::vector<CertifiedRow> certified;  ///< rows that certify, after the cells; empty: not asked
  std::vector<std::string> notes;       ///< what reading it left out, a sentence each
};

struct SuiteOptions {
  std::vector<std::string> set;   ///< --set path=value
  std::vector<std::string> only;  ///< --only defense=…,attack=… (glob patterns)
};

}  // namespace gauntlet::suite
