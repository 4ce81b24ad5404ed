// Files of data sets, by their format.
#pragma once
#include "data/dataset.h"
#include "data/formats/split_files.h"

namespace gauntlet::data {

/// Throws BadInput (what, where, expected) for anything wrong: magic, counts, truncation, labels
/// outside [0, classes), a file listed twice.
Dataset read_split(const SplitFiles& files);

}  // namespace gauntlet::data
