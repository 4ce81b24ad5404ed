// The SQLite store of a run. One transaction a record; readers may look while a run writes (WAL).
// A Store belongs to one thread; other threads and processes open their own.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "results/differences.h"
#include "results/record.h"

namespace gauntlet {

class Store {
 public:
  /// Opens or creates <folder>/results.sqlite and <folder>/artifacts/. Throws BadInput if the
  /// folder cannot be written, holds a store of a newer schema, or a file that is no store.
  explicit Store(const std::filesystem::path& folder);
  ~Store();

  const std::filesystem::path& folder() const;
  std::filesystem::path artifacts() const;
  /// Where the adversarial inputs of a cell belong: artifacts()/<identity>.safetensors. Writing it
  /// is the caller's, as is naming it in CellRecord::x_adv.
  std::filesystem::path artifact(const std::string& identity) const;

  /// A record answered by the same fingerprint; only ok and invalid ones (errors are tried again).
  std::optional<CellRecord> find(const std::string& identity, const std::string& fingerprint) const;
  std::optional<WorstCase> find_worst_case(const std::string& identity,
                                           const std::string& fingerprint) const;
  std::optional<Certification> find_certification(const std::string& identity,
                                                  const std::string& fingerprint) const;
  /// In the place of an older record of the same identity and fingerprint. Throws
  /// std::invalid_argument if its JSON is no object.
  void put(const CellRecord& record);
  void put(const WorstCase& record);
  void put(const Certification& record);

  /// A run names the records its report is made of, in order. `settings` is the expanded suite as
  /// JSON.
  void begin_run(const std::string& suite, const std::string& settings);
  void add_to_run(const std::string& identity, const std::string& fingerprint);
  void add_worst_case_to_run(const std::string& identity, const std::string& fingerprint);
  void add_certification_to_run(const std::string& identity, const std::string& fingerprint);
  void end_run(bool complete);

  struct Run {
    std::string suite, settings, started, finished;  ///< finished: "" until the run ends
    bool complete = false;
    std::vector<CellRecord> cells;  ///< without outcomes: outcomes() has them
    std::vector<WorstCase> worst_cases;
    std::vector<Certification> certifications;
    std::vector<Difference> differences;  ///< of rows with a baseline, from the outcomes
  };
  /// The newest run. Throws BadInput if there is none.
  Run latest_run() const;
  std::vector<Outcome> outcomes(const std::string& identity, const std::string& fingerprint) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gauntlet
