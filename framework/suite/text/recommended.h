// `attack = "recommended"`: the attacks that each division deserves.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "registry/registry.h"
#include "toml/toml_reader.h"

namespace gauntlet::suite {

/// Whether what a suite says of its attacks is "recommended".
bool is_recommended(const toml::Toml& attack);

/// The file of the sets: suites/attacks/recommended.toml as it ships, or of a folder in
/// GAUNTLET_SUITES. Each attack says its division.
std::filesystem::path recommended_file();

/// The attacks of that file for the rows of this suite. $undefended and $adversarial in it stand
/// for models of the registry, trained on the suite's data without noise in their layers: the first
/// by id that was trained with cross-entropy alone, and with adversarial_training, else with
/// another training plugin. A model that a row with noise or wrappers is made of is none of them.
/// An attack whose model is not there is left out, which is added to `notes`.
toml::Toml recommended_attacks(const toml::Toml& suite, const registry::Registry& registry,
                               toml::Problems& problems, std::vector<std::string>& notes);

}  // namespace gauntlet::suite
