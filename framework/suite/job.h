// What one record of a run answers, complete in itself.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "suite/suite.h"

namespace gauntlet::suite {

/// An attack on a defense under a threat; without an attack, the defense's certificates. Plain
/// values: nothing in it refers to the suite.
struct Job {
  std::string suite;  ///< its name
  std::string label;  ///< for people: "undefended × pgd × seed 1"
  DefenseSpec defense;
  std::optional<AttackSpec> attack;  ///< unset: a certification
  ThreatSpec threat;                 ///< of the attack
  int64_t seed = 0;
  Scoring scoring;
  DataSpec data;  ///< its indices are the samples of this job
};

/// A cell of a suite, and a row whose certificates it asks for.
Job job_of(const Suite& suite, const Cell& cell);
Job job_of(const Suite& suite, const CertifiedRow& row);

/// Every record that a suite asks for, in the order of its cells, then of its certified rows.
std::vector<Job> jobs_of(const Suite& suite);

/// Whether two jobs are columns of one row: the same defense, threat and seed under attack.
bool same_row(const Job& a, const Job& b);

}  // namespace gauntlet::suite
