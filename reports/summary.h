// A run as the reports show it: axes in the suite's order, evaluation seeds summed up.
#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "results/store.h"

namespace gauntlet::reports {

/// Mean and unbiased standard deviation (absent for a single seed).
struct Spread {
  double mean = 0;
  std::optional<double> sd;
};
Spread spread_of(const std::vector<double>& values);

/// The cells of one defense, attack and threat, or its worst cases, over evaluation seeds.
template <typename Record>
struct Group {
  std::string defense, attack;  ///< attack: "" for the worst case
  results::Threat threat;
  std::vector<const Record*> records;  ///< one a seed
  /// Absent unless every seed has a result: a mean over the seeds that went well would flatter.
  std::optional<Spread> clean, robust;
};

/// Of all seeds, a sentence each, each once.
template <typename Record>
std::vector<std::string> findings(const Group<Record>& group) {
  std::vector<std::string> out;
  for (const Record* record : group.records)
    for (const std::string& flag : sentences(record->flags))
      if (std::find(out.begin(), out.end(), flag) == out.end()) out.push_back(flag);
  return out;
}

/// The certifications of one defense over evaluation seeds.
struct CertifiedGroup {
  std::string defense;
  std::vector<const results::Certification*> records;  ///< one a seed
  bool ok = true;                                      ///< every seed has a result
};

struct Summary {
  results::Store::Run run;  ///< what groups point into; texts as long as reports keep them
  std::vector<std::string> defenses, attacks;
  std::vector<results::Threat> threats;
  std::vector<int64_t> seeds;
  int64_t most_samples = 0;  ///< of a cell with a result
  std::vector<Group<results::CellRecord>> cells;
  std::vector<Group<results::WorstCase>> worst_cases;
  std::vector<CertifiedGroup> certified;

  explicit Summary(results::Store::Run source);
  Summary(const Summary&) = delete;

  /// Null where the suite has no such cell.
  const Group<results::CellRecord>* cell(const std::string& defense, const std::string& attack,
                                         const results::Threat& threat) const;
  const Group<results::WorstCase>* worst_case(const std::string& defense,
                                              const results::Threat& threat) const;
  /// The cell that a row's accuracy without an attack is of: with a result over the most images.
  /// Null where there is none.
  const Group<results::CellRecord>* clean_cell(const std::string& defense,
                                               const results::Threat& threat) const;
  /// Passes of the network that one answer of a defense takes, at the cell that took the least per
  /// image and trial: scoring also counts what confirmed hits. 0: no result.
  double passes_of_answer(const std::string& defense) const;
  /// Of the cells that a difference compares: in "at under pgd".
  std::vector<results::Finding> findings_of(const results::Difference& one) const;

 private:
  std::map<std::string, size_t> cell_index_, worst_case_index_;
};

/// A worst case over no attack is no result.
bool has_result(const results::CellRecord& record);
bool has_result(const results::WorstCase& record);
bool has_result(const results::Certification& record);

/// "8/255", "20 pixels"; "" of a threat that the box alone limits.
std::string size_text(const results::Threat& threat);
/// "linf, ε = 8/255", "l0, ε = 20 pixels"
std::string title_of(const results::Threat& threat);

}  // namespace gauntlet::reports
