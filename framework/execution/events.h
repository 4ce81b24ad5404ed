// How a run goes about it, and what a person may be told while it goes on.
#pragma once
#include <atomic>
#include <string>

#include "gauntlet/types.h"
#include "results/record.h"

namespace gauntlet::execution {

struct RunOptions {
  at::Device device = at::kCPU;
  int64_t batch_size = 250;
  bool compact = true;  ///< leave decided samples out of the computation
  bool share = true;    ///< compute what rows have in common once
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
  virtual void cell_end(const results::CellRecord& record, bool cached) {}
  /// In the place of cell_end.
  virtual void certification_end(const results::Certification& record, bool cached) {}
  /// Before probes of a row, the `number`th of `of`; samples() follows, of their questions.
  virtual void probes_begin(size_t number, size_t of, const std::string& label) {}
  virtual void probes_end(const results::RowAudit& record, bool cached) {}
};

}  // namespace gauntlet::execution
