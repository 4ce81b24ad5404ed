// Parameters, environment and cost.
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/duration.h"
#include "reports/page/view.h"
#include "reports/text/text.h"
#include "results/leaf.h"

namespace gauntlet::reports::page {
namespace {

using Json = nlohmann::ordered_json;

std::string value_text(const Json& value) {
  if (value.is_array() && value.empty()) return "none";
  if (value.is_number_float()) {  // short where that says it all
    const double number = value.get<double>();
    const std::string text = epsilon_text(number), digits = exact(number);
    const size_t slash = text.find('/');
    const double said = std::strtod(text.c_str(), nullptr) / (slash == std::string::npos ? 1 : 255);
    return said == number || digits.empty() ? text : digits;
  }
  return value.is_string() ? value.get<std::string>() : value.dump();
}

bool is_leaf(const Json& value) {
  if (!value.is_object()) return !value.is_array() || value.empty() || !value.front().is_object();
  return results::is_chosen(value);
}

/// What only groups: in a table of one attack "attack.params.steps" is "steps".
bool is_grouping(const std::string& key, bool outermost) {
  if (key == "params") return true;
  return outermost && (key == "attack" || key == "host" || key == "defense" || key == "scoring");
}

void add_rows(View& rows, const Json& value, const std::string& name);

void add_nested_rows(View& rows, const Json& shown, const Json& fallback, const std::string& name) {
  for (const auto& [key, inner] : shown.items()) {
    const bool has_default = fallback.is_object() && fallback.contains(key);
    Json leaf = {{"value", inner}};
    if (has_default) leaf["default"] = fallback[key];
    add_rows(rows, leaf, name + " · " + key);
  }
}

/// {"params": {"steps": {"value": 20, "default": 10}}} -> a row "steps", 20, 10, changed.
void add_rows(View& rows, const Json& value, const std::string& name) {
  if (is_leaf(value)) {
    const bool chosen = value.is_object();
    const Json& shown = results::value_of(value);
    const bool has_default = chosen && value.contains("default");
    if (shown.is_object() && !shown.empty()) {  // a nested plugin: each of its values by itself
      add_nested_rows(rows, shown, has_default ? value["default"] : Json(), name);
      return;
    }
    if (shown.is_null() && !has_default) return;  // a key that was not given
    rows.push_back({{"name", name},
                    {"value", value_text(shown)},
                    {"fallback", has_default ? value_text(value["default"]) : ""},
                    {"changed", has_default && value["default"] != shown}});
    return;
  }
  // What a thing is comes before its parameters.
  for (const bool bare : {true, false}) {
    int position = 0;
    for (const auto& [key, inner] : value.items()) {
      ++position;
      if ((!inner.is_structured() || inner.empty()) != bare) continue;
      if (value.is_array())
        add_rows(rows, inner, name + " " + std::to_string(position));
      else if (is_grouping(key, name.empty()) && inner.is_object())
        add_rows(rows, inner, name);
      else
        add_rows(rows, inner, name.empty() ? key : name + " · " + key);
    }
  }
}

View rows_of(const Json& value) {
  View rows = View::array();
  add_rows(rows, value, "");
  return rows;
}

/// The named parts of each cell's JSON, equal ones together, with the threats they hold for.
class Variants {
 public:
  void add(const Json& part, const results::CellRecord& cell) {
    auto place = std::find_if(list_.begin(), list_.end(),
                              [&](const Variant& variant) { return variant.part == part; });
    if (place == list_.end()) place = list_.insert(list_.end(), {part, {}, 0});
    ++place->cells;
    const std::string threat = title_of(cell.threat);
    if (std::find(place->threats.begin(), place->threats.end(), threat) == place->threats.end())
      place->threats.push_back(threat);
  }

  View view() const {
    View variants = View::array();
    for (const Variant& variant : list_) {
      const View rows = rows_of(variant.part);
      if (!rows.empty()) variants.push_back({{"scope", scope(variant)}, {"rows", rows}});
    }
    return variants;
  }

 private:
  struct Variant {
    Json part;
    std::vector<std::string> threats;
    int64_t cells;
  };

  std::string scope(const Variant& variant) const {
    if (list_.size() == 1) return "";
    std::string text = counted(variant.cells, "cell");
    for (size_t i = 0; i < variant.threats.size(); ++i)
      text += (i ? "; " : " under ") + variant.threats[i];
    return text;
  }

  std::vector<Variant> list_;
};

Json parts_of(const results::CellRecord& cell, const std::vector<std::string>& names) {
  const Json parameters = object_of(cell.parameters);
  Json parts = Json::object();
  for (const std::string& name : names)
    if (parameters.contains(name)) parts[name] = parameters[name];
  return parts;
}

View named_variants(const Summary& summary, const std::vector<std::string>& titles,
                    std::string results::CellRecord::*title,
                    const std::vector<std::string>& parts) {
  std::map<std::string, Variants> variants;
  for (const results::CellRecord& cell : summary.run.cells)
    variants[cell.*title].add(parts_of(cell, parts), cell);
  View tables = View::array();
  for (const std::string& name : titles)
    if (const View view = variants[name].view(); !view.empty())
      tables.push_back({{"title", name}, {"variants", view}});
  return tables;
}

struct Cost {
  int64_t cells = 0, images = 0;
  results::Ledger ledger;
  double seconds = 0, seconds_of_results = 0;

  void add(const results::CellRecord& r) {
    const double time = std::isfinite(r.seconds) ? r.seconds : 0;
    seconds += time;
    if (!has_result(r)) return;  // what failed half way says nothing about cost per image
    ++cells;
    images += r.samples;
    seconds_of_results += time;
    ledger.forwards += r.ledger.forwards;
    ledger.backwards += r.ledger.backwards;
    ledger.queries += r.ledger.queries;
    ledger.executed_forwards += r.ledger.executed_forwards;
    ledger.executed_backwards += r.ledger.executed_backwards;
    ledger.scoring_forwards += r.ledger.scoring_forwards;
  }

  std::string each(double total) const { return images == 0 ? "—" : brief(total / double(images)); }

  View view(const std::string& name) const {
    return {{"name", name},
            {"cells", grouped(cells)},
            {"forwards", each(ledger.forwards)},
            {"backwards", each(ledger.backwards)},
            {"queries", each(ledger.queries)},
            {"executed_forwards", each(ledger.executed_forwards)},
            {"executed_backwards", each(ledger.executed_backwards)},
            {"scoring", each(ledger.scoring_forwards)},
            {"milliseconds", each(1000 * seconds_of_results)},
            {"time", duration(seconds)}};
  }
};

View costs(const Summary& summary, const std::vector<std::string>& names,
           std::string results::CellRecord::*name) {
  std::map<std::string, Cost> costs;
  for (const results::CellRecord& cell : summary.run.cells) costs[cell.*name].add(cell);
  View rows = View::array();
  for (const std::string& each : names) rows.push_back(costs[each].view(each));
  return rows;
}

}  // namespace

View parameter_rows_of(const std::string& json) { return rows_of(object_of(json)); }

View attack_parameters_of(const Summary& summary) {
  return named_variants(summary, summary.attacks, &results::CellRecord::attack, {"attack", "host"});
}

View defense_parameters_of(const Summary& summary) {
  View tables =
      named_variants(summary, summary.defenses, &results::CellRecord::defense, {"defense"});
  for (const CertifiedGroup& group : summary.certified) {  // of what no attack met
    const auto has_cells = [&](const results::CellRecord& cell) {
      return cell.defense == group.defense;
    };
    if (std::any_of(summary.run.cells.begin(), summary.run.cells.end(), has_cells)) continue;
    const View rows = rows_of(object_of(group.records.front()->parameters));
    if (!rows.empty())
      tables.push_back(
          {{"title", group.defense}, {"variants", View::array({{{"scope", ""}, {"rows", rows}}})}});
  }
  return tables;
}

View other_parameters_of(const Summary& summary) {
  Variants variants;
  for (const results::CellRecord& cell : summary.run.cells) {
    Json rest = object_of(cell.parameters);
    for (const char* name : {"attack", "host", "defense"}) rest.erase(name);
    variants.add(rest, cell);
  }
  return variants.view();
}

/// One table: cells name only the plugins they used, and mostly agree. Where they do not, each
/// value says for how many cells it holds.
View environment_of(const Summary& summary) {
  std::vector<std::pair<std::string, std::map<std::string, int64_t>>> facts;
  for (const results::CellRecord& cell : summary.run.cells) {
    for (const View& row : rows_of(object_of(cell.environment))) {
      const auto name = row["name"].get<std::string>();
      auto place = std::find_if(facts.begin(), facts.end(),
                                [&](const auto& fact) { return fact.first == name; });
      if (place == facts.end()) place = facts.insert(facts.end(), {name, {}});
      ++place->second[row["value"].get<std::string>()];
    }
  }
  View rows = View::array();
  for (const auto& [name, values] : facts)
    for (const auto& [value, cells] : values)
      rows.push_back(
          {{"name", name},
           {"value", values.size() == 1 ? value : value + " (" + counted(cells, "cell") + ")"},
           {"fallback", ""},
           {"changed", false}});
  return rows;
}

View attack_costs_of(const Summary& summary) {
  return costs(summary, summary.attacks, &results::CellRecord::attack);
}

View defense_costs_of(const Summary& summary) {
  return costs(summary, summary.defenses, &results::CellRecord::defense);
}

}  // namespace gauntlet::reports::page
