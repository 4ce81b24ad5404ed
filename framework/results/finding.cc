#include "results/finding.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "base/shown.h"

namespace gauntlet::results {
namespace {
using nlohmann::json;
using Figures = std::map<std::string, Figure>;

constexpr const char* kRemark = "remark";

// Numbers of samples, which add up over shards.
const std::set<std::string> kCounts = {"samples", "of",          "again", "fell",
                                       "clean",   "adversarial", "hits"};
// Of these a shard has one number, whichever of its findings says it.
const char* const kTotals[] = {"again", "fell"};

bool is_count(const std::string& name, const Figure& figure) {
  return kCounts.contains(name) && std::holds_alternative<int64_t>(figure);
}

// Whether they tell the same of different samples.
bool alike(const Finding& a, const Finding& b) {
  return a.code == b.code && a.where == b.where &&
         std::equal(a.figures.begin(), a.figures.end(), b.figures.begin(), b.figures.end(),
                    [](const auto& one, const auto& other) {
                      return one == other ||
                             (one.first == other.first && is_count(one.first, one.second) &&
                              is_count(other.first, other.second));
                    });
}

void add(Finding& sum, const Finding& one) {
  for (auto& [name, figure] : sum.figures)
    if (is_count(name, figure))
      std::get<int64_t>(figure) += std::get<int64_t>(one.figures.at(name));
}

int64_t total_of(const std::vector<Finding>& findings, const char* name) {
  for (const Finding& finding : findings)
    if (const auto count = count_of(finding, name)) return *count;
  return 0;
}

// Where the samples of one shard alone are concerned: as if one pass had found it.
auto place_for(std::vector<Finding>& whole, const std::vector<Finding>& part, size_t number) {
  auto from = whole.begin(), to = whole.end();
  const auto place_of = [&](const Finding& finding) {
    return std::find_if(whole.begin(), whole.end(),
                        [&](const Finding& known) { return alike(known, finding); });
  };
  for (size_t i = 0; i < part.size(); ++i) {
    const auto known = place_of(part[i]);
    if (known == whole.end() || i == number) continue;
    if (i < number)
      from = std::max(from, known + 1);
    else
      to = std::min(to, known);
  }
  if (from >= to) return from;
  const size_t rank = rank_of(part[number].code);
  return std::find_if(from, to, [&](const Finding& one) { return rank_of(one.code) > rank; });
}

json json_of(const Figure& figure) {
  return std::visit([](const auto& value) { return json(value); }, figure);
}

Figure figure_of(const std::string& name, const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return std::numeric_limits<double>::quiet_NaN();  // JSON has no NaN
  const bool too_large = value.is_number_unsigned() &&
                         value.get<uint64_t>() > uint64_t(std::numeric_limits<int64_t>::max());
  if (value.is_number_float() || too_large) return value.get<double>();
  if (value.is_number_integer()) return value.get<int64_t>();
  throw std::invalid_argument("has a figure " + shown(name) +
                              " that is neither a number nor a text");
}

const std::string& text_of(const json& object, const char* name) {
  const auto member = object.find(name);
  if (member == object.end()) throw std::invalid_argument(std::string("has no '") + name + "'");
  if (!member->is_string() || member->get_ref<const std::string&>().empty())
    throw std::invalid_argument(std::string("has a '") + name + "' that is no text");
  return member->get_ref<const std::string&>();
}

// The text of a remark that is a text and nothing else.
const std::string* plain_text_of(const Finding& finding) {
  if (finding.code != kRemark || !finding.where.empty() || finding.figures.size() != 1)
    return nullptr;
  const auto& [name, figure] = *finding.figures.begin();
  return name == "text" ? std::get_if<std::string>(&figure) : nullptr;
}
}  // namespace

Finding remark(const std::string& text) { return {kRemark, {{"text", text}}}; }

Finding found_in(const std::string& where, Finding finding) {
  finding.where = where;
  return finding;
}

std::vector<std::string> sentences(const std::vector<Finding>& findings) {
  std::vector<std::string> out;
  for (const Finding& finding : findings) out.push_back(sentence(finding));
  return out;
}

std::optional<int64_t> count_of(const Finding& finding, const std::string& figure) {
  const auto found = finding.figures.find(figure);
  if (found == finding.figures.end() || !std::holds_alternative<int64_t>(found->second)) return {};
  return std::get<int64_t>(found->second);
}

void merge(std::vector<Finding>& whole, const std::vector<Finding>& part) {
  std::map<std::string, int64_t> totals;
  for (const char* name : kTotals) totals[name] = total_of(whole, name) + total_of(part, name);
  for (size_t i = 0; i < part.size(); ++i) {
    const auto known = std::find_if(whole.begin(), whole.end(),
                                    [&](const Finding& one) { return alike(one, part[i]); });
    if (known == whole.end())
      whole.insert(place_for(whole, part, i), part[i]);
    else
      add(*known, part[i]);
  }
  for (Finding& finding : whole)
    for (const auto& [name, total] : totals)
      if (const auto figure = finding.figures.find(name);
          figure != finding.figures.end() && is_count(name, figure->second))
        figure->second = total;
}

json object_of(const Finding& finding) {
  json out = {{"code", finding.code}, {"figures", json::object()}};
  for (const auto& [name, figure] : finding.figures) out["figures"][name] = json_of(figure);
  if (!finding.where.empty()) out["where"] = finding.where;
  return out;
}

std::string written(const Finding& finding) {
  const std::string* text = plain_text_of(finding);
  return text ? *text : object_of(finding).dump();
}

void to_json(json& to, const Finding& finding) {
  const std::string* text = plain_text_of(finding);
  to = text ? json(*text) : object_of(finding);
}

void from_json(const json& from, Finding& finding) {
  if (from.is_string()) {
    finding = remark(from.get<std::string>());
    return;
  }
  if (!from.is_object())
    throw std::invalid_argument("is neither a text nor an object with 'code' and 'figures'");
  Finding read{text_of(from, "code")};
  const auto figures = from.find("figures");
  if (figures == from.end()) throw std::invalid_argument("has no 'figures'");
  if (!figures->is_object()) throw std::invalid_argument("has 'figures' that are no object");
  for (const auto& [name, value] : figures->items()) read.figures[name] = figure_of(name, value);
  if (from.contains("where")) read.where = text_of(from, "where");
  for (const auto& [name, _] : from.items())
    if (name != "code" && name != "figures" && name != "where")
      throw std::invalid_argument("has an unknown key " + shown(name));
  finding = std::move(read);
}

}  // namespace gauntlet::results
