#include "audit/columns.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include "analysis/pairs.h"
#include "analysis/statistics.h"
#include "results/leaf.h"

namespace gauntlet::audit {
namespace {
using nlohmann::json;

constexpr double kSignificance = 0.05;

// {"steps": {"value": 20, "default": 10}} -> {"steps": 20}
json values_of(const json& table) {
  json out = json::object();
  if (table.is_object())
    for (const auto& [name, leaf] : table.items()) out[name] = results::value_of(leaf);
  return out;
}

json goal_of(const Column& column) { return column.host.value("goal", json("untargeted")); }

Column column_of(const results::CellRecord& record) {
  const json all = json::parse(record.parameters, nullptr, /*allow_exceptions=*/false);
  Column out;
  out.record = &record, out.params = json::object(), out.host = json::object();
  if (all.is_object() && all.contains("attack") && all.at("attack").is_object()) {
    const json& attack = all.at("attack");
    if (attack.contains("plugin") && attack.at("plugin").is_string())
      out.plugin = attack.at("plugin").get<std::string>();
    if (attack.contains("params")) out.params = values_of(attack.at("params"));
  }
  if (all.is_object() && all.contains("host")) out.host = values_of(all.at("host"));
  // A deterministic defense is asked once a query, whatever the suite says.
  if (!record.stochastic && out.host.contains("draws")) out.host["draws"] = 1;
  out.hypocritical = goal_of(out) == "hypocritical";
  for (const results::Outcome& outcome : record.outcomes) {
    out.most_queries = std::max(out.most_queries, outcome.queries);
    out.attacked += out.attacks(outcome);
    out.standing += out.attacks(outcome) && out.withstood(outcome);
  }
  return out;
}

// Names of what is smaller in `less`; nullopt where they differ in anything else, or in nothing.
std::optional<std::vector<std::string>> smaller_in(const Column& less, const Column& more) {
  if (less.plugin != more.plugin || less.params.size() != more.params.size()) return {};
  std::vector<std::string> smaller;
  // No number of targets stands for all.
  const auto no_more = [](const std::string& name, const json& a, const json& b) {
    return name == "targets" && (a == 0 || b == 0) ? b == 0 : a <= b;
  };
  const auto same = [&](const json& a, const json& b, std::initializer_list<const char*> lengths) {
    for (const auto& [name, value] : a.items()) {
      if (!b.contains(name)) return false;
      if (value == b.at(name)) continue;
      const bool length = std::any_of(lengths.begin(), lengths.end(),
                                      [&name = name](const char* one) { return name == one; });
      if (!length || !value.is_number() || !b.at(name).is_number() ||
          !no_more(name, value, b.at(name)))
        return false;
      smaller.push_back(name);
    }
    return true;
  };
  const bool shorter =
      same(less.params, more.params, {"steps", "population", "rounds", "targets"}) &&
      same(less.host, more.host, {"restarts", "draws"});
  return shorter && !smaller.empty() ? std::optional(smaller) : std::nullopt;
}

double mean(const std::vector<double>& rates) {
  return std::accumulate(rates.begin(), rates.end(), 0.0) / double(rates.size());
}

std::optional<Match> match(const Column& less, const Column& more) {
  Match out{&less, &more, relation_of(less, more)};
  if (out.how == Less::kNothing) return {};
  const results::OutcomesOf outcomes = [](const results::CellRecord& record) {
    return record.outcomes;
  };
  const analysis::Pairs pairs =
      pairs_of({{less.record}, outcomes}, {{more.record}, outcomes}, analysis::Accuracy::kRobust);
  if (pairs.a.empty()) return {};
  out.under_less = mean(pairs.a), out.under_more = mean(pairs.b);
  out.p = paired_test(pairs).p;
  return out;
}
}  // namespace

bool Column::attacks(const results::Outcome& image) const {
  return hypocritical ? image.clean_right < record->trials : image.clean_right > 0;
}

bool Column::withstood(const results::Outcome& image) const {
  return hypocritical != (2 * image.robust_right > record->trials);
}

bool Column::noise() const {
  const results::Ledger& passes = record->ledger;
  return plugin != "external" && passes.queries == 0 && passes.source_forwards == 0 &&
         passes.source_backwards == 0;
}

int64_t Column::draws() const {
  const auto draws = host.find("draws");
  return draws != host.end() && draws->is_number() ? draws->get<int64_t>() : 1;
}

std::vector<Column> columns_of(const std::vector<results::CellRecord>& cells) {
  std::vector<Column> columns;
  for (const results::CellRecord& cell : cells)
    if (cell.status == results::Status::kOk && !cell.outcomes.empty())
      columns.push_back(column_of(cell));
  return columns;
}

// Examples from elsewhere may have been made with anything.
Less relation_of(const Column& less, const Column& more) {
  if (less.plugin == "external" || !more.gradients() || more.record->ledger.queries == 0 ||
      goal_of(less) != goal_of(more) || more.hypocritical)
    return Less::kNothing;
  if (!less.gradients()) return less.noise() ? Less::kNoise : Less::kNoGradients;
  if (const auto smaller = smaller_in(less, more)) {
    if (*smaller == std::vector<std::string>{"restarts"}) return Less::kRestarts;
    if (*smaller == std::vector<std::string>{"draws"}) return Less::kDraws;
    return Less::kSteps;
  }
  return less.single_gradient() && more.most_queries > less.most_queries ? Less::kOneGradient
                                                                         : Less::kNothing;
}

double Match::win() const { return p < kSignificance ? std::max(0.0, under_more - under_less) : 0; }
double Match::gain() const {
  return p < kSignificance ? std::max(0.0, under_less - under_more) : 0;
}

std::vector<Match> matches_of(const std::vector<Column>& columns) {
  std::vector<Match> matches;
  for (const Column& more : columns)
    for (const Column& less : columns)
      if (&less != &more)
        if (auto found = match(less, more)) matches.push_back(*found);
  std::vector<double> p;
  for (const Match& one : matches) p.push_back(one.p);
  p = analysis::holm(p);
  for (size_t i = 0; i < matches.size(); ++i) matches[i].p = p[i];
  return matches;
}

}  // namespace gauntlet::audit
