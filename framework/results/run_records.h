// A run, with access to its outcomes and images on demand.
#pragma once
#include "results/store.h"

namespace gauntlet::results {

/// A run and how the outcomes of its cells are read.
struct RunRecords {
  const Store::Run& run;
  OutcomesOf outcomes;
  std::filesystem::path artifacts = {};  ///< folder of images; empty: they are not at hand
};

/// Reads from a store, which must live as long.
inline OutcomesOf outcomes_in(const Store& store) {
  return
      [&store](const CellRecord& cell) { return store.outcomes(cell.identity, cell.fingerprint); };
}

}  // namespace gauntlet::results
