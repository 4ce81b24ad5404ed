// What a suite will cost, before anything runs.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "library/plugin_library.h"
#include "suite/suite.h"

namespace gauntlet::suite {

/// Passes of the model that one sample of a cell takes. An estimate from the parameters: steps,
/// population, nested attacks, draws, restarts, votes, trials. Attacks stop earlier where they have
/// won.
struct SampleCost {
  double attack = 0;   ///< queries, as the ledger counts them
  double work = 0;     ///< forward and backward passes that take as long as these
  double scoring = 0;  ///< forward
};
SampleCost sample_cost(const DefenseSpec& defense, const AttackSpec& attack, Access access,
                       const Scoring& scoring);

/// Passes that certifying one sample takes, forward only; 0: the defense does not certify.
double certifying_cost(const DefenseSpec& defense);

/// Passes of each cell of the suite and of each row that is certified, in order: how much work one
/// is against another.
std::vector<double> expected_passes(const Suite& suite);

/// Seconds that one forward and backward pass of one image takes, measured by the caller.
using SecondsPerGradient = std::function<double(const DefenseSpec&)>;
/// Passes of the network that probes of one row make on so many samples.
struct Probing {
  double forwards = 0;   ///< forward only
  double gradients = 0;  ///< forward and backward
};
using ProbingOf = std::function<Probing(const DefenseSpec&, int64_t samples)>;
/// What an attack asks of the target.
using AccessOf = std::function<Access(const AttackSpec&)>;

/// Rows × threats under probes, what they take in passes, and in time if it was measured: "audit 2
/// rows × 1 threat × 200 samples, about 80,000 passes". Adds to `time`, in seconds.
std::string describe_probing(const Suite& suite, int64_t samples, const ProbingOf& probing,
                             const SecondsPerGradient& seconds, double& time);
/// Whether an attack is run on a row under a threat.
using IsFor = std::function<bool(const AttackSpec&, const DefenseSpec&, const ThreatSpec&)>;
/// By its division, as far as the parts of the row tell: noise in layers and votes are drawn.
bool seems_for(const AttackSpec& attack, const DefenseSpec& row);

/// The plan as text: rows, columns, threats, seeds, cells, passes, and the time if it was measured.
/// `probing`: asked where the suite asks for probes. `is_for`: absent, seems_for.
std::string describe_plan(const Suite& suite, const AccessOf& access,
                          const SecondsPerGradient& seconds, const ProbingOf& probing = {},
                          const IsFor& is_for = {});
std::string describe_plan(const Suite& suite, const library::PluginLibrary& plugins,
                          const SecondsPerGradient& seconds, const ProbingOf& probing = {},
                          const IsFor& is_for = {});

}  // namespace gauntlet::suite
