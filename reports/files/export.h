// What a run holds of every image, in files that other programs read. No model runs.
#pragma once
#include <filesystem>
#include <functional>

#include "base/names.h"
#include "results/run_records.h"

namespace gauntlet::reports::files {

enum class ExportedInputs {
  kFloat32,  ///< every bit as it was judged
  kUint8,    ///< multiples of 1/255: x_adv.astype("float32") / 255 is what was judged
  kNone
};
inline constexpr Name<ExportedInputs> kExportedInputs[] = {{"float32", ExportedInputs::kFloat32},
                                                           {"uint8", ExportedInputs::kUint8},
                                                           {"none", ExportedInputs::kNone}};

struct ExportOptions {
  ExportedInputs inputs = ExportedInputs::kFloat32;
  /// Of kUint8: inputs between the multiples are rounded towards their clean image, so that they
  /// stay in the ball; those that are a multiple but for their last bits become that one. Without
  /// it both are refused.
  bool quantise = false;
  std::function<bool(const results::CellRecord&)> keeps = [](const results::CellRecord&) {
    return true;
  };
};

struct ExportSummary {
  int64_t cells = 0, files = 0;
};

/// Into an empty or absent folder: index.json (every cell with its status and the file it is in),
/// outcomes.csv (tidy: a row an image of a cell) and cells/*.npz, one a cell with a result: index,
/// label, predicted, clean_right, robust_right, trials, margin, distance, queries and x_adv
/// [N, C, H, W]. Throws BadInput, before it writes: a folder that is not empty, inputs that are not
/// there, and of kUint8 those it cannot say in 8 bits.
ExportSummary export_run(const results::RunRecords& records, const std::filesystem::path& folder,
                         const ExportOptions& options);

}  // namespace gauntlet::reports::files
