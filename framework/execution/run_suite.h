// Runs the cells of a suite that are not answered yet, and records them.
#pragma once
#include <atomic>
#include <string>

#include "evaluation/laboratory.h"
#include "results/store.h"

namespace gauntlet {

struct RunOptions {
  at::Device device = at::kCPU;
  int64_t batch_size = 250;
  bool compact = true;  ///< leave decided samples out of the computation
  /// Each row on as many threads as help its network, at most those that are set; else on these.
  bool measure_threads = false;
  const std::atomic<bool>* stop = nullptr;  ///< set: end cleanly, keep what is complete
};

/// What a person may be told while a run goes on.
struct RunEvents {
  virtual ~RunEvents() = default;
  /// A sentence about what was found while the data were read, or what the store lost and is
  /// computed again.
  virtual void remark(const std::string& text) {}
  /// Before the first cell. `cells`: with the certifications that follow them.
  virtual void begin(size_t cells) {}
  virtual void cell_begin(size_t number, const std::string& label) {}
  virtual void samples(int64_t done, int64_t of) {}
  virtual void cell_end(const CellRecord& record, bool cached) {}
  /// In the place of cell_end.
  virtual void certification_end(const Certification& record, bool cached) {}
};

struct RunSummary {
  int64_t ok = 0, invalid = 0, error = 0, skipped = 0;
  int64_t cached = 0;     ///< of these, answered by the store
  bool complete = false;  ///< false: stopped by the user
};

/// Throws BadInput for models, weights or data that cannot be used, before the first cell.
RunSummary run_suite(const Suite& suite, const PluginLibrary& plugins, const Registry& registry,
                     Store& store, const RunOptions& options, RunEvents& events);

}  // namespace gauntlet
