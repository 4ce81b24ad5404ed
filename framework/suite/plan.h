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
  double attack = 0;   ///< forward and backward, or forward only for score and decision attacks
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
/// What an attack asks of the target.
using AccessOf = std::function<Access(const AttackSpec&)>;

/// The plan as text: rows, columns, threats, seeds, cells, passes, and the time if it was measured.
std::string describe_plan(const Suite& suite, const AccessOf& access,
                          const SecondsPerGradient& seconds);
std::string describe_plan(const Suite& suite, const library::PluginLibrary& plugins,
                          const SecondsPerGradient& seconds);

}  // namespace gauntlet::suite
