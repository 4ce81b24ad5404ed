// Progress of a run: one updated line on a terminal, otherwise one line for each cell.
#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "execution/run_suite.h"

namespace gauntlet::cli {

class Progress final : public execution::RunEvents {
 public:
  /// work: expected passes of each cell, for the time that is left.
  Progress(std::vector<double> work, bool quiet);
  void remark(const std::string& text) override;
  void begin(size_t cells) override;
  void cell_begin(size_t number, const std::string& label) override;
  void samples(int64_t done, int64_t of) override;
  void cell_end(const results::CellRecord& record, bool cached) override;
  void certification_end(const results::Certification& record, bool cached) override;
  void probes_begin(size_t number, size_t of, const std::string& label) override;
  void probes_end(const results::RowAudit& record, bool cached) override;

 private:
  void end(const std::string& verdict, double seconds, bool cached);
  void show(double fraction);
  std::string time_left(double fraction) const;
  double spent() const;
  bool probing() const { return probes_ > 0; }

  std::vector<double> work_;
  const bool quiet_, terminal_;
  size_t cells_ = 0, number_ = 0, probes_ = 0;
  std::string label_;
  double done_ = 0, total_ = 0, free_ = 0;
  std::chrono::steady_clock::time_point start_, shown_;
};

}  // namespace gauntlet::cli
