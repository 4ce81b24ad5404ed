#include "audit/row_findings.h"

#include <algorithm>
#include <nlohmann/json.hpp>
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

// An attack as its record has it.
struct Column {
  const results::CellRecord* record;
  std::string plugin;
  json params, host;
  int64_t most_queries = 0;  // of one image

  bool gradients() const { return record->ledger.backwards > 0; }
  json key(const char* name, const json& fallback) const { return host.value(name, fallback); }
};

Column column_of(const results::CellRecord& record) {
  const json all = json::parse(record.parameters, nullptr, /*allow_exceptions=*/false);
  Column out{&record, "", json::object(), json::object()};
  if (all.is_object() && all.contains("attack") && all.at("attack").is_object()) {
    const json& attack = all.at("attack");
    if (attack.contains("plugin") && attack.at("plugin").is_string())
      out.plugin = attack.at("plugin").get<std::string>();
    if (attack.contains("params")) out.params = values_of(attack.at("params"));
  }
  if (all.is_object() && all.contains("host")) out.host = values_of(all.at("host"));
  for (const results::Outcome& outcome : record.outcomes)
    out.most_queries = std::max(out.most_queries, outcome.queries);
  return out;
}

// Whether `less` is `more` but for smaller numbers of what makes an attack long.
bool shorter(const Column& less, const Column& more) {
  if (less.plugin != more.plugin || less.params.size() != more.params.size()) return false;
  bool smaller = false;
  const auto same = [&](const json& a, const json& b, std::initializer_list<const char*> lengths) {
    for (const auto& [name, value] : a.items()) {
      if (!b.contains(name)) return false;
      if (value == b.at(name)) continue;
      const bool length = std::any_of(lengths.begin(), lengths.end(),
                                      [&name = name](const char* one) { return name == one; });
      if (!length || !value.is_number() || !b.at(name).is_number() || value > b.at(name))
        return false;
      smaller = true;
    }
    return true;
  };
  return same(less.params, more.params, {"steps", "population", "rounds", "targets"}) &&
         same(less.host, more.host, {"restarts", "draws"}) && smaller;
}

// Of a finding that `less`, which has less of something, beats `more`; "": it has not, or it cannot
// be said. Examples from elsewhere may have been made with anything.
std::string code_of(const Column& less, const Column& more) {
  if (less.plugin == "external" || more.record->ledger.queries == 0 ||
      less.key("goal", "untargeted") != more.key("goal", "untargeted"))
    return "";
  if (!less.gradients()) return more.gradients() ? "beaten_without_gradients" : "";
  if (!more.gradients()) return "";
  if (shorter(less, more)) return "beaten_with_less";
  const int64_t one = less.key("draws", 1).is_number() ? less.key("draws", 1).get<int64_t>() : 1;
  return less.most_queries <= one && more.most_queries > less.most_queries
             ? "beaten_with_one_gradient"
             : "";
}

struct Match {
  const Column* less;
  const Column* more;
  std::string code;
  double under_less = 0, under_more = 0;  // accuracy on the images of both
  double p = 1;
};

double mean(const std::vector<double>& rates) {
  return std::accumulate(rates.begin(), rates.end(), 0.0) / double(rates.size());
}

std::optional<Match> match(const Column& less, const Column& more) {
  Match out{&less, &more, code_of(less, more)};
  if (out.code.empty()) return {};
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

// For each attack that is beaten the one that beats it most.
void add_beaten(const std::vector<Column>& columns, std::vector<results::Finding>& out) {
  std::vector<Match> matches;
  for (const Column& more : columns)
    for (const Column& less : columns)
      if (&less != &more)
        if (auto found = match(less, more)) matches.push_back(std::move(*found));
  std::vector<double> p;
  for (const Match& one : matches) p.push_back(one.p);
  p = analysis::holm(p);
  for (const Column& column : columns) {
    const Match* most = nullptr;
    for (size_t i = 0; i < matches.size(); ++i) {
      const Match& one = matches[i];
      if (one.more != &column || p[i] >= kSignificance || one.under_less >= one.under_more)
        continue;
      if (!most || one.under_more - one.under_less > most->under_more - most->under_less)
        most = &one;
    }
    if (most)
      out.push_back({most->code,
                     {{"attack", column.record->attack},
                      {"accuracy", most->under_more},
                      {"other", most->less->record->attack},
                      {"other_accuracy", most->under_less}}});
  }
}

void add_single_draws(const std::vector<Column>& columns, std::vector<results::Finding>& out) {
  bool gradients = false;
  for (const Column& column : columns) {
    if (!column.record->stochastic || column.key("draws", 1) != 1) return;
    gradients |= column.gradients();
  }
  if (gradients) out.push_back({"single_draws"});
}
}  // namespace

std::vector<results::Finding> findings_of_row(const std::vector<results::CellRecord>& cells) {
  std::vector<Column> columns;
  for (const results::CellRecord& cell : cells)
    if (cell.status == results::Status::kOk && !cell.outcomes.empty())
      columns.push_back(column_of(cell));
  std::vector<results::Finding> out;
  add_beaten(columns, out);
  add_single_draws(columns, out);
  return out;
}

}  // namespace gauntlet::audit
