// --only: running a part of a suite.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "suite/suite.h"
#include "toml/toml_reader.h"

namespace gauntlet::suite {

/// `*` any characters, `?` one character; everything else, brackets too, stands for itself.
bool matches_glob(std::string_view pattern, std::string_view name);

/// What --only says: "defense=AT*,attack=pgd". Patterns of one kind (defense, attack, threat) add
/// up, kinds narrow each other. A comma that no other filter follows belongs to a name.
class OnlyFilter {
 public:
  /// What is no filter is a problem.
  OnlyFilter(const std::vector<std::string>& only, toml::Problems& problems);

  /// A kind without patterns keeps everything.
  bool keeps(const std::string& kind, std::string_view name) const;
  /// A pattern that matches none of the names is a problem.
  void check(const std::string& kind, const std::vector<std::string>& names,
             toml::Problems& problems) const;

 private:
  std::map<std::string, std::vector<std::string>> patterns_;
};

/// Keeps of a suite what the filter names. A pattern that matches nothing is a problem.
void keep_only(Suite& suite, const std::vector<std::string>& texts, toml::Problems& problems);

}  // namespace gauntlet::suite
