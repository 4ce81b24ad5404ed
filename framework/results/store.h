// The SQLite store of a run. One transaction a record; readers may look while a run writes (WAL).
// A Store belongs to one thread; other threads and processes open their own.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "results/record.h"

namespace gauntlet::results {

class Store {
 public:
  enum class Access {
    kWrite,
    kRead,  ///< of a finished run that may lie on a disk that cannot be written
  };
  /// Opens or creates <folder>/results.sqlite and <folder>/artifacts/, and removes what killed
  /// processes left half written. `host`: the build that answers, named in the runs that begin
  /// here. Throws BadInput if the folder cannot be written (kWrite), holds a store of a newer
  /// schema, or a file that is no store.
  explicit Store(const std::filesystem::path& folder, Access access = Access::kWrite,
                 std::string host = "");
  ~Store();

  const std::filesystem::path& folder() const;
  std::filesystem::path artifacts() const;
  /// Where the adversarial inputs of a cell belong, in artifacts(): builds that answer otherwise
  /// have files of their own. Writing it is the caller's, as are CellRecord::x_adv and its sum.
  std::filesystem::path artifact(const std::string& identity, const std::string& fingerprint) const;

  /// A record answered by the same fingerprint; only ok and invalid ones (errors are tried again).
  /// One that is not as it was written is none: take_damage() tells of it.
  std::optional<CellRecord> find(const std::string& identity, const std::string& fingerprint) const;
  std::optional<WorstCase> find_worst_case(const std::string& identity,
                                           const std::string& fingerprint) const;
  std::optional<Certification> find_certification(const std::string& identity,
                                                  const std::string& fingerprint) const;
  std::optional<RowAudit> find_audit(const std::string& identity,
                                     const std::string& fingerprint) const;
  /// Records that the store had and lost, since the last call: a sentence each.
  std::vector<std::string> take_damage() const;
  /// In the place of an older record of the same identity and fingerprint. Throws
  /// std::invalid_argument if its JSON is no object.
  void put(const CellRecord& record);
  void put(const WorstCase& record);
  void put(const Certification& record);
  void put(const RowAudit& record);

  /// A run names the records its report is made of, in order. `settings` is the expanded suite as
  /// JSON.
  void begin_run(const std::string& suite, const std::string& settings);
  void add_to_run(const std::string& identity, const std::string& fingerprint);
  void add_worst_case_to_run(const std::string& identity, const std::string& fingerprint);
  void add_certification_to_run(const std::string& identity, const std::string& fingerprint);
  void add_audit_to_run(const std::string& identity, const std::string& fingerprint);
  void end_run(bool complete);

  struct Run {
    std::string suite, settings, started, finished;  ///< finished: "" until the run ends
    bool complete = false;
    std::vector<CellRecord> cells;
    std::vector<WorstCase> worst_cases;
    std::vector<Certification> certifications;
    std::vector<RowAudit> audits;
    std::vector<Difference> differences;  ///< of rows with a baseline: latest_run() finds them
    std::vector<DistanceCurve> distance_curves;  ///< of minimal-norm attacks: as differences
    int64_t newer = 0;                           ///< runs of other builds that began after it
    int64_t lost = 0;                            ///< records that are not as they were written
  };
  /// The run that began here; else the newest of this build; else the newest. Of records that are
  /// not as they were written there is a name, a reason and no number. Throws BadInput if there is
  /// no run, or nothing is left of it. With outcomes; analysis/latest_run.h has it as it is shown.
  Run read_run() const;
  /// Throws BadInput where they are not as they were written.
  std::vector<Outcome> outcomes(const std::string& identity, const std::string& fingerprint) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gauntlet::results
