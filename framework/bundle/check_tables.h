// Whether tables, adversarial inputs and claims of a bundle agree with one another.
#pragma once
#include "bundle/bundle_file.h"
#include "bundle/findings.h"
#include "data/dataset.h"
#include "suite/board.h"

namespace gauntlet::bundle {

/// The clean images of a bundle. Throws BadInput for tensors that are none.
struct CleanImages {
  explicit CleanImages(const BundleFile& bundle);
  /// Images of these samples, [n, C, H, W] float32. Precondition: has() for every sample.
  Tensor of(const std::vector<int64_t>& samples) const;
  bool has(int64_t sample) const { return rows.contains(sample); }

  Tensor images;                    ///< [N, C, H, W] float32
  std::map<int64_t, int64_t> rows;  ///< by index in the split
};

/// A cell's adversarial inputs, [n, C, H, W] float32, in the order of its outcomes. Throws BadInput
/// where the file holds something else.
Tensor x_adv_of(const BundleFile& bundle, const boards::BoardAttack::Cell& cell);

/// Whether images and labels are those of the data set.
void check_data(const BundleFile& bundle, const CleanImages& clean, const data::Dataset& data,
                Findings& findings);

/// Per-sample outcomes against one another, against ball and box, and the claims against them.
void check_tables(const BundleFile& bundle, const boards::BoardEntry& entry,
                  const suite::Board& board, const CleanImages& clean, Findings& findings);

}  // namespace gauntlet::bundle
