// A suite's text: the file, what it includes, and what the command line sets.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "toml/toml_reader.h"

namespace gauntlet::suite {

/// The suite as one table. `include` is gone: attacks, threats and scoring keys of included files
/// come first and give way to those of the including file; rows are appended, and a row of the same
/// name replaces; everything else is replaced. Throws BadInput only where `file` itself cannot be
/// parsed. `all` of an included preset is no part of a suite and left out.
toml::Toml load_suite_text(const std::filesystem::path& file, toml::Problems& problems);

/// Applies one "attack.pgd.steps=50". The value is TOML; what is no TOML is a string. Tables are
/// addressed by key, rows by number (from 0) or name; only the last key may be new.
void apply_set(toml::Toml& suite, const std::string& assignment, toml::Problems& problems);
/// The keys of such a path: attack."a.b".steps has three.
std::vector<std::string> keys_of(const std::string& path);

}  // namespace gauntlet::suite
