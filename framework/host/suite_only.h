// --only: running a part of a suite.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "host/suite.h"
#include "host/toml_reader.h"

namespace gauntlet {

/// `*` any characters, `?` one character; everything else, brackets too, stands for itself.
bool matches_glob(std::string_view pattern, std::string_view name);

/// Keeps what the patterns name: "defense=AT*,attack=pgd". Patterns of one kind add up, kinds
/// narrow each other. A pattern that matches nothing is a problem.
void keep_only(Suite& suite, const std::vector<std::string>& only, Problems& problems);

}  // namespace gauntlet
