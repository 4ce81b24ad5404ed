#include "suite/job.h"

#include <algorithm>

namespace gauntlet::suite {
namespace {

DataSpec first_samples(DataSpec data, int64_t samples) {
  if (samples > 0) data.indices.resize(std::min(data.indices.size(), size_t(samples)));
  return data;
}

std::string seed_label(const Suite& suite, int64_t seed) {
  return suite.seeds.size() > 1 ? " × seed " + std::to_string(seed) : "";
}
}  // namespace

Job job_of(const Suite& suite, const Cell& cell) {
  const DefenseSpec& defense = suite.defenses[cell.defense];
  const AttackSpec& attack = suite.attacks[cell.attack];
  const ThreatSpec& threat = suite.threats[cell.threat];
  const std::string under = suite.threats.size() > 1 ? " × " + threat.name : "";
  return {suite.name,    defense.name + " × " + attack.name + under + seed_label(suite, cell.seed),
          defense,       attack,
          threat,        cell.seed,
          suite.scoring, first_samples(suite.data, attack.host.samples)};
}

Job job_of(const Suite& suite, const CertifiedRow& row) {
  const DefenseSpec& defense = suite.defenses[row.defense];
  return {suite.name,
          defense.name + ", certified" + seed_label(suite, row.seed),
          defense,
          std::nullopt,
          {},
          row.seed,
          suite.scoring,
          first_samples(suite.data, suite.certify->samples)};
}

std::vector<Job> jobs_of(const Suite& suite) {
  std::vector<Job> jobs;
  for (const Cell& cell : suite.cells) jobs.push_back(job_of(suite, cell));
  for (const CertifiedRow& row : suite.certified) jobs.push_back(job_of(suite, row));
  return jobs;
}

bool same_row(const Job& a, const Job& b) {
  return a.attack && b.attack && a.seed == b.seed && a.threat.name == b.threat.name &&
         a.defense.name == b.defense.name;
}

}  // namespace gauntlet::suite
