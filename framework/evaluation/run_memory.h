// What runs of an attack found, kept for rows that its queries cannot tell apart.
#pragma once
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "evaluation/draw_memory.h"
#include "gauntlet/types.h"
#include "results/record.h"

namespace gauntlet::evaluation {

/// How far a target's queries have come: of each sample, and of the target.
struct Progress {
  Tensor taken, requested, pulled;  ///< [N] int64: draws begun, forward and backward passes
  Tensor notes;                     ///< [N, kinds]: uninformative queries
  int64_t calls = 0, noted = 0;
  /// What is there of these samples, [N] bool; the target's own counts stay.
  void take(const Progress& from, const Tensor& samples);
};

/// One run, of those samples that some row has asked for.
struct KnownRun {
  Tensor done;    ///< [N] bool: what follows is known of these
  Tensor answer;  ///< [N, C, H, W]
  int64_t calls_before = 0;
  Progress after;
};

/// The runs of one attack on one batch, restart by restart.
struct RunMemory {
  bool closed = false;  ///< the attack sees what rows differ by: nothing is shared
  std::vector<KnownRun> runs;
  // Of all of them.
  std::set<std::string> changed;  ///< settings of the process
  results::Ledger sources;        ///< passes of transfer sources
  Tensor source_saturated;        ///< [N] bool
  int64_t samples = 0;            ///< training images taken
  bool asked = false;             ///< some model was asked
  bool uneven = false;            ///< images that share draws were asked about unevenly
  int64_t spared = 0;             ///< forward passes of rows that did not have to run

  void close() { *this = {}, closed = true; }
  int64_t bytes() const;
};

/// Shared by rows of a suite that differ in nothing but what their votes do with draws.
class SharedPasses {
 public:
  DrawMemory& draws() { return draws_; }
  /// Forward passes that nobody had to make.
  int64_t spared() const;
  /// By all that such runs depend on beside the rows: attack, settings, threat, seed, samples. What
  /// was asked for first is forgotten first.
  std::shared_ptr<RunMemory> runs(const std::string& key);

 private:
  static constexpr int64_t kMostBytes = int64_t{1} << 29, kMostOfDraws = int64_t{1} << 28;
  DrawMemory draws_{kMostOfDraws};
  std::map<std::string, std::shared_ptr<RunMemory>> runs_;
  std::list<std::string> order_;
  int64_t spared_ = 0;  // by runs that are forgotten
};

}  // namespace gauntlet::evaluation
