// Certifies the rows of a suite that are not certified yet, and records them.
#pragma once
#include <map>
#include <nlohmann/json.hpp>

#include "execution/run_suite.h"

namespace gauntlet {

class Certifications {
 public:
  Certifications(const Suite& suite, const Dataset& data, Laboratory& laboratory, Store& store,
                 const RunOptions& options, RunEvents& events)
      : suite_(suite),
        data_(data),
        lab_(laboratory),
        store_(store),
        options_(options),
        events_(events) {}

  struct Result {
    Certification record;
    bool cached = false;
  };
  /// Row `number` of suite.certified. `problem`: why no number of this defense can be trusted, or
  /// "". `cells`: what attacks of this run found, without outcomes. Throws Interrupted.
  Result run(size_t number, const std::string& problem, const std::vector<CellRecord>& cells);

 private:
  // `environment`: what answers; its digest is the fingerprint.
  Certification measure(const CertifiedRow& row, const std::vector<int64_t>& indices,
                        const nlohmann::json& environment);
  Certification shard(const CertifiedRow& row, const std::vector<int64_t>& part, bool single,
                      const nlohmann::json& environment);
  std::vector<std::string> contradictions(const CertifiedRow& row, const Certification& record,
                                          const std::vector<CellRecord>& cells);
  std::string identity(const CertifiedRow& row, const std::vector<int64_t>& indices) const;

  const Suite& suite_;
  const Dataset& data_;
  Laboratory& lab_;
  Store& store_;
  const RunOptions& options_;
  RunEvents& events_;
  std::map<std::string, int64_t> asked_;  // identities of this run
};

}  // namespace gauntlet
