// The sections of a suite, each read from its part of the text.
#pragma once
#include <filesystem>
#include <vector>

#include "suite/plugin_checker.h"
#include "suite/suite.h"
#include "toml/toml_reader.h"

namespace gauntlet::suite {

/// What every section needs.
struct SuiteContext {
  const registry::Registry& registry;
  PluginChecker& plugins;
  toml::Problems& problems;
  bool needs_data = true;                ///< absent files of the data set are a problem
  std::vector<int64_t> shape = {};       ///< of the images; empty: not known yet
  std::vector<ThreatSpec> threats = {};  ///< as far as they were read
  bool recommended = false;              ///< the suite said attack = "recommended"
  std::vector<std::string> notes = {};   ///< for Suite::notes
};

std::vector<ThreatSpec> read_threats(const toml::Toml& table, SuiteContext& context);
Scoring read_scoring(const toml::Toml& table, SuiteContext& context);
/// Nullopt where the data set is not known well enough to check models against.
std::optional<DataSpec> read_data(const toml::Toml& table, SuiteContext& context);
/// `samples`: of the suite; 0: unknown.
std::vector<AttackSpec> read_attacks(const toml::Toml& table, int64_t samples,
                                     SuiteContext& context);
std::vector<DefenseSpec> read_defenses(const toml::Toml& list, SuiteContext& context);
/// `value`: a switch or a table; `samples` as above.
std::optional<CertifySpec> read_certify(const toml::Toml& value, int64_t samples,
                                        SuiteContext& context);
/// `samples` as above.
AuditSpec read_audit_keys(const toml::Toml& table, int64_t samples, SuiteContext& context);
/// Whether a wrapper of this row certifies.
bool certifies(const DefenseSpec& row, const SuiteContext& context);

}  // namespace gauntlet::suite
