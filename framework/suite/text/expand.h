// What makes several columns or rows of one entry: cross, zip, base and $slots.
#pragma once
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "toml/toml_reader.h"

namespace gauntlet::suite {

/// One choice of a value for every key of `cross` and `zip`.
using Combination = std::vector<toml::Toml::Member>;

/// zip walks its lists together, cross multiplies; the last key of cross changes fastest. An entry
/// without either has one empty combination; one with a problem has none.
std::vector<Combination> combinations(const toml::Toml& entry, const std::string& what,
                                      toml::Problems& problems);
/// "[steps=5,restarts=2]"; "" for the empty combination.
std::string label(const Combination& combination);

/// A copy of an attack with keys of its own, which replace the base's, whether they are a
/// parameter, in `cross` or in `zip`.
toml::Toml with_base(const toml::Toml& base, const toml::Toml& own);
/// Every attack of an `[attack]` table with its base written out. Attacks with a problem are left
/// out. `presets`: names that may have been meant, asked for where a base is none.
toml::Toml::Table with_bases(const toml::Toml& attacks, toml::Problems& problems,
                             const std::function<std::vector<std::string>()>& presets = {});

/// Fills $name and ${name} in every string of a value; $$ is a dollar sign. A string that is just
/// one slot becomes the value itself, of its type. Adds the slots it meets to `used`.
toml::Toml fill_slots(const toml::Toml& value, const Combination& combination,
                      std::set<std::string>& used, const std::string& what,
                      toml::Problems& problems);

}  // namespace gauntlet::suite
