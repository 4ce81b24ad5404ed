// What was noticed about a record, as data. Words are made where it is shown.
#pragma once
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace gauntlet::results {

using Figure = std::variant<int64_t, double, std::string>;

struct Finding {
  std::string code;                         ///< "zero_gradients"; all codes are in finding_words.cc
  std::map<std::string, Figure> figures{};  ///< {"samples": 980, "of": 1000}; shares are 0 to 1
  std::string where{};  ///< the column it was found in, unless the record is of one column
  bool operator==(const Finding&) const = default;
};

/// A free sentence: of a plugin, of a network, or of a version that kept sentences alone.
Finding remark(const std::string& text);
/// The same finding, in a column.
Finding found_in(const std::string& where, Finding finding);

/// Its words, after "pgd: " where it was found in pgd. A code of a newer version is told with its
/// figures.
std::string sentence(const Finding& finding);
/// A text in which {NAME} is a figure of the finding and {NAME_percent} a share in percent, after
/// where it was found.
std::string with_figures(const char* text, const Finding& finding);
std::vector<std::string> sentences(const std::vector<Finding>& findings);
/// Where a code stands among all that are known; unknown ones come last. The order of a cell.
size_t rank_of(const std::string& code);

/// A whole number among the figures.
std::optional<int64_t> count_of(const Finding& finding, const std::string& figure);

/// Adds those of one more shard: counts add up, and what else is the same is said once.
void merge(std::vector<Finding>& whole, const std::vector<Finding>& part);

/// {"code", "figures", "where"}, without "where" if it is empty; a remark without it is its text,
/// as all findings of older versions.
void to_json(nlohmann::json& to, const Finding& finding);
/// Throws std::invalid_argument, a problem without its place: "has no 'code'".
void from_json(const nlohmann::json& from, Finding& finding);
/// An object for a remark too.
nlohmann::json object_of(const Finding& finding);
/// What is written of it: of a remark the text, else JSON.
std::string written(const Finding& finding);

}  // namespace gauntlet::results
