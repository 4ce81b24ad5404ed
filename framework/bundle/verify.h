// Recomputing every claim of a bundle.
#pragma once
#include <string>
#include <vector>

#include "bundle/bundle_file.h"
#include "evaluation/laboratory.h"

namespace gauntlet::bundle {

struct VerifyOptions {
  at::Device device = at::kCPU;
  bool model = true;  ///< false: from the tables alone
  /// Each model on as many threads as its entry names; else on those that are set. Sums of floats
  /// depend on their number.
  bool threads_of_entry = false;
};

struct Verification {
  std::vector<std::string> failures;  ///< claims that do not hold, a sentence each
  std::vector<std::string> notes;     ///< what could not be looked at, and why
  struct Row {
    std::string id, defense;
    boards::Verified reached =
        boards::Verified::kNot;  ///< of a row without failures; kNot: it has some
    bool same_build = false;     ///< by the model, on the very build that made the bundle
  };
  std::vector<Row> rows;

  bool holds() const { return failures.empty(); }
};

/// From the board's definition, the tables, the clean images and the adversarial inputs; and, where
/// the data, the models with their weights, and the plugins are here, from the answers of the
/// defenses to these inputs. Throws BadInput for files of tensors that cannot be read.
///
/// Of a random defense, answers on the build that made the bundle have to be the same. On another
/// one they are held against chance: of all tests of a bundle together less than one honest bundle
/// in 1,000 fails. Where images share draws in too few trials for that, the row is verified by the
/// tables alone.
///
/// Attacks are not run again: whether their inputs are the strongest they could find is for the
/// audit, for further attacks, and for a run of the same suite to show.
Verification verify(const BundleFile& bundle, const library::PluginLibrary& plugins,
                    const registry::Registry& registry, const VerifyOptions& options = {});

}  // namespace gauntlet::bundle
