// What one check of the audit says of a row: whether its number can be believed.
#pragma once
#include <string>
#include <vector>

#include "results/finding.h"

namespace gauntlet::results {

enum class Level { kPass, kWarn, kFail };
/// "pass", "warn" or "fail".
std::string to_string(Level level);
/// Throws std::invalid_argument.
Level level_from_string(const std::string& name);

struct Check {
  Finding finding;  ///< code of the check, figures, and the column it was asked of, if one
  Level level = Level::kPass;
  bool operator==(const Check&) const = default;
};

/// In words, after "pgd: " where it was asked of pgd; all words are in check_words.cc.
std::string sentence(const Check& check);
/// What to do about it, often a line to add to the suite; "" of what passed.
std::string advice(const Check& check);
/// Where a code stands among all that are known; unknown ones come last. The order of an audit.
size_t rank_of_check(const std::string& code);
/// The worst of them; kPass of none.
Level worst(const std::vector<Check>& checks);

/// {"code", "figures", "where", "level"}
void to_json(nlohmann::json& to, const Check& check);
/// Throws std::invalid_argument, a problem without its place: "has no 'code'".
void from_json(const nlohmann::json& from, Check& check);

}  // namespace gauntlet::results
