// How far a threat and a step may reach, as a suite or a recipe writes it.
#pragma once
#include <string>
#include <vector>

#include "suite/suite.h"
#include "toml/toml_reader.h"

namespace gauntlet::suite {

/// The longest distance between two images of this shape with pixels in [0, 1]; of rotation,
/// translation and flow the largest epsilon that is taken: 180 degrees, the longer side. An unknown
/// (empty) shape has no longest distance in L2, L1 and pixels.
double diameter(Norm norm, const std::vector<int64_t>& shape);

/// The threat of a table of norm and epsilon (both required) and, of a ball, unbounded; any other
/// key is unknown. A radius that leaves every image as it is or is longer than the diameter of
/// images of this shape is a problem that names the fraction probably meant, unless unbounded =
/// true. Pixels of l0 and patch are whole numbers. The norm "unbounded" takes no epsilon, which is
/// 1 then, the width of the box. After a problem epsilon_text is empty.
ThreatSpec read_threat(toml::TableReader& table, const std::string& name,
                       const std::vector<int64_t>& shape);

/// What is wrong with the step sizes of an attack, and of attacks nested in it, that are given in
/// pixels (step_unit = "input"): longer than the diameter under each threat. One clause, or "".
std::string step_problem(const ParamMap& params, const std::vector<ThreatSpec>& threats,
                         const std::vector<int64_t>& shape);

}  // namespace gauntlet::suite
