// The sections of a suite, each read from its part of the text.
#pragma once
#include <filesystem>
#include <vector>

#include "host/plugin_checker.h"
#include "host/suite.h"
#include "host/toml_reader.h"

namespace gauntlet {

/// What every section needs.
struct SuiteContext {
  const Registry& registry;
  PluginChecker& plugins;
  Problems& problems;
  bool needs_data = true;                ///< absent files of the data set are a problem
  std::vector<int64_t> shape = {};       ///< of the images; empty: not known yet
  std::vector<ThreatSpec> threats = {};  ///< as far as they were read
};

std::vector<ThreatSpec> read_threats(const Toml& table, SuiteContext& context);
Scoring read_scoring(const Toml& table, SuiteContext& context);
/// Nullopt where the data set is not known well enough to check models against.
std::optional<DataSpec> read_data(const Toml& table, SuiteContext& context);
/// `samples`: of the suite; 0: unknown.
std::vector<AttackSpec> read_attacks(const Toml& table, int64_t samples, SuiteContext& context);
std::vector<DefenseSpec> read_defenses(const Toml& list, SuiteContext& context);
/// `value`: a switch or a table; `samples` as above.
std::optional<CertifySpec> read_certify(const Toml& value, int64_t samples, SuiteContext& context);
/// Whether a wrapper of this row certifies.
bool certifies(const DefenseSpec& row, const SuiteContext& context);

}  // namespace gauntlet
