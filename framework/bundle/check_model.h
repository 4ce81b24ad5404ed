// Whether the defense answers as a bundle says.
#pragma once
#include <string>
#include <vector>

#include "bundle/bundle_file.h"
#include "bundle/check_tables.h"
#include "bundle/findings.h"
#include "evaluation/laboratory.h"

namespace gauntlet::bundle {

/// Why the weights of an entry are not those of the registry's model or of its file; "": they are,
/// or are not here.
std::string weights_problem(const boards::BoardEntry& entry, const registry::Registry& registry);

struct ModelChecked {
  /// False: another build made the entry, and its images share draws in too few trials to tell
  /// chance from a claim that does not hold.
  bool conclusive = true;
  std::vector<std::string> notes = {};  ///< what could not be compared here, and why
  /// What answered then answers now, everywhere: answers have to be the same.
  bool same_build = true;
};

/// `suite`: the board with the entry's row alone. `level`: of each test against chance. Asks the
/// model for every clean and adversarial input of the entry, and certifies again where the board
/// certifies.
ModelChecked check_model(const BundleFile& bundle, const boards::BoardEntry& entry,
                         const suite::Suite& suite, const data::Dataset& data,
                         evaluation::Laboratory& laboratory, double level, Findings& findings);

}  // namespace gauntlet::bundle
