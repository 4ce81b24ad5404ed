#include "reports/curves.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "reports/text/text.h"
#include "results/leaf.h"

namespace gauntlet::reports {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kFewestPoints = 3;  // two rows that differ are no curve yet

/// Every chosen value of a record's parameters by its path.
void flatten(const Json& value, const std::string& path, std::map<std::string, Json>& out) {
  if (results::is_chosen(value)) {
    out[path] = results::value_of(value);
  } else if (value.is_object() || value.is_array()) {
    int position = 0;
    for (const auto& [key, inner] : value.items())
      flatten(inner, path + "." + (value.is_array() ? std::to_string(position++) : key), out);
  } else {
    out[path] = value;
  }
}

/// Rows or columns that are equal in all but one number.
struct Family {
  std::string name;
  std::vector<std::pair<double, std::string>> members;  ///< the number, and the row or column
};

/// By the path of the number that changes.
using Families = std::map<std::string, std::vector<Family>>;

using Parameters = std::map<std::string, Json>;

Families families_of(const std::vector<std::pair<std::string, Parameters>>& all) {
  std::set<std::string> numbers;
  for (const auto& [_, parameters] : all)
    for (const auto& [path, value] : parameters)
      if (value.is_number()) numbers.insert(path);
  Families families;
  for (const std::string& path : numbers) {
    std::vector<std::pair<Parameters, Family>> groups;  // in the suite's order
    for (const auto& [name, parameters] : all) {
      const auto number = parameters.find(path);
      if (number == parameters.end() || !number->second.is_number()) continue;
      Parameters rest = parameters;
      rest.erase(path);
      auto group = std::find_if(groups.begin(), groups.end(),
                                [&](const auto& each) { return each.first == rest; });
      if (group == groups.end()) group = groups.emplace(group, std::move(rest), Family{});
      group->second.members.emplace_back(number->second.get<double>(), name);
    }
    for (auto& [_, family] : groups) {
      std::set<double> values;
      std::vector<std::string> names;
      for (const auto& [value, name] : family.members) values.insert(value), names.push_back(name);
      if (values.size() < kFewestPoints || values.size() < names.size()) continue;
      family.name = name_of_family(names);
      std::sort(family.members.begin(), family.members.end());
      families[path].push_back(std::move(family));
    }
  }
  return families;
}

/// The parts of the parameters that belong to a row or to a column, of the first cell that has it.
std::vector<std::pair<std::string, Parameters>> parameters_of(
    const Summary& summary, const std::vector<std::string>& names,
    std::string results::CellRecord::*name, const std::vector<std::string>& parts) {
  std::map<std::string, const results::CellRecord*> first;
  for (const results::CellRecord& cell : summary.run.cells) first.try_emplace(cell.*name, &cell);
  std::vector<std::pair<std::string, Parameters>> all;
  for (const std::string& each : names) {
    if (!first.contains(each)) continue;
    const Json parameters = object_of(first[each]->parameters);
    Parameters flat;
    for (const std::string& part : parts)
      if (parameters.contains(part)) flatten(parameters[part], part, flat);
    // What was fitted follows from the rest: rows that differ in it alone differ in nothing chosen.
    std::erase_if(flat, [](const auto& each) { return each.first.starts_with("defense.fitted"); });
    all.emplace_back(each, std::move(flat));
  }
  return all;
}

template <typename Record>
std::optional<CurvePoint> point_of(double x, const Group<Record>* group) {
  if (!group || !group->robust) return {};
  const double mean = group->robust->mean;
  CurvePoint point{x, mean, group->records.front()->interval.low,
                   group->records.front()->interval.high};
  if (const auto sd = group->robust->sd) point.low = mean - *sd, point.high = mean + *sd;
  point.flagged = !findings(*group).empty();
  if constexpr (std::is_same_v<Record, results::WorstCase>)
    for (const results::WorstCase* record : group->records) point.upper_bound |= !record->complete;
  return point;
}

/// attack "": the worst case.
std::optional<CurvePoint> point_of(const Summary& summary, double x, const std::string& defense,
                                   const std::string& attack, const results::Threat& threat) {
  return attack.empty() ? point_of(x, summary.worst_case(defense, threat))
                        : point_of(x, summary.cell(defense, attack, threat));
}

std::optional<CurvePoint> clean_point(const Summary& summary, double x, const std::string& defense,
                                      const results::Threat& threat) {
  const auto* worst = summary.worst_case(defense, threat);
  if (!worst || !worst->clean) return {};
  return CurvePoint{x, worst->clean->mean, worst->clean->mean, worst->clean->mean};
}

void add_line(CurveView& view, CurveLine line) {
  std::stable_sort(line.points.begin(), line.points.end(),
                   [](const CurvePoint& a, const CurvePoint& b) { return a.x < b.x; });
  if (line.points.size() > 1) view.lines.push_back(std::move(line));
}

/// "pgd under linf, ε = 0.1"; the threat only where there are several.
std::string view_name(const Summary& summary, const std::string& what,
                      const results::Threat& threat) {
  return summary.threats.size() > 1 ? what + " under " + title_of(threat) : what;
}

void add_view(CurveChart& chart, CurveView view) {
  if (!view.lines.empty()) chart.views.push_back(std::move(view));
}

void add_chart(std::vector<CurveChart>& charts, CurveChart chart) {
  if (chart.views.empty()) return;
  double low = INFINITY, high = 0;
  for (const CurveView& view : chart.views)
    for (const CurveLine& line : view.lines)
      for (const CurvePoint& point : line.points)
        low = std::min(low, point.x), high = std::max(high, point.x);
  chart.log_x = low > 0 && high / low >= kLogarithmic;
  chart.title = "Accuracy over " + chart.x_title;
  charts.push_back(std::move(chart));
}

/// The worst case (""), then every column.
std::vector<std::string> worst_and(const std::vector<std::string>& attacks) {
  std::vector<std::string> all = {""};
  all.insert(all.end(), attacks.begin(), attacks.end());
  return all;
}

void add_epsilons(const Summary& summary, std::vector<CurveChart>& charts) {
  std::vector<std::string> norms;
  for (const results::Threat& threat : summary.threats)
    if (std::find(norms.begin(), norms.end(), threat.norm) == norms.end())
      norms.push_back(threat.norm);
  for (const std::string& norm : norms) {
    std::set<double> values;
    for (const results::Threat& threat : summary.threats)
      if (threat.norm == norm && threat.epsilon > 0) values.insert(threat.epsilon);
    if (values.size() < 2) continue;
    CurveChart chart{"", "epsilon (" + norm + ")"};
    for (const std::string& attack : worst_and(summary.attacks)) {
      CurveView view{attack.empty() ? "worst case" : attack, {}};
      for (const std::string& defense : summary.defenses) {
        CurveLine line{defense, {}};
        for (const results::Threat& threat : summary.threats) {
          if (threat.norm != norm) continue;
          if (line.points.empty() && values.contains(threat.epsilon))
            if (const auto point = clean_point(summary, 0, defense, threat))
              line.points.push_back(*point);
          if (const auto point = point_of(summary, threat.epsilon, defense, attack, threat))
            line.points.push_back(*point);
        }
        add_line(view, std::move(line));
      }
      add_view(chart, std::move(view));
    }
    add_chart(charts, std::move(chart));
  }
}

/// "sigma" of "defense.stack.0.params.sigma"; the path where two numbers have one name.
std::string short_name(const std::string& path, const Families& all) {
  const auto last = [](const std::string& text) { return text.substr(text.rfind('.') + 1); };
  const auto same = std::count_if(all.begin(), all.end(),
                                  [&](const auto& each) { return last(each.first) == last(path); });
  return same > 1 ? path : last(path);
}

void add_numbers_of_rows(const Summary& summary, std::vector<CurveChart>& charts) {
  const Families families = families_of(
      parameters_of(summary, summary.defenses, &results::CellRecord::defense, {"defense"}));
  for (const auto& [path, of_path] : families) {
    const std::vector<Family>& lines = of_path;
    CurveChart chart{"", short_name(path, families)};
    for (const results::Threat& threat : summary.threats) {
      const auto add = [&](const std::string& name, const auto& point_at) {
        CurveView view{view_name(summary, name, threat), {}};
        for (const Family& family : lines) {
          CurveLine line{family.name, {}};
          for (const auto& [value, defense] : family.members)
            if (const auto point = point_at(value, defense)) line.points.push_back(*point);
          add_line(view, std::move(line));
        }
        add_view(chart, std::move(view));
      };
      for (const std::string& attack : worst_and(summary.attacks))
        add(attack.empty() ? "worst case" : attack, [&](double x, const std::string& defense) {
          return point_of(summary, x, defense, attack, threat);
        });
      add("without an attack", [&](double x, const std::string& defense) {
        return clean_point(summary, x, defense, threat);
      });
    }
    add_chart(charts, std::move(chart));
  }
}

void add_numbers_of_columns(const Summary& summary, const Families& families,
                            std::vector<CurveChart>& charts) {
  for (const auto& [path, columns] : families) {
    CurveChart chart{"", short_name(path, families)};
    for (const results::Threat& threat : summary.threats)
      for (const Family& family : columns) {
        CurveView view{view_name(summary, family.name, threat), {}};
        for (const std::string& defense : summary.defenses) {
          CurveLine line{defense, {}};
          for (const auto& [value, attack] : family.members)
            if (const auto point = point_of(summary, value, defense, attack, threat))
              line.points.push_back(*point);
          add_line(view, std::move(line));
        }
        add_view(chart, std::move(view));
      }
    add_chart(charts, std::move(chart));
  }
}

/// Requested of the defended model, an image, mean over seeds.
double passes_of(const Group<results::CellRecord>& group) {
  double sum = 0;
  for (const results::CellRecord* record : group.records)
    sum += double(record->ledger.forwards) / std::max<double>(1, double(record->samples));
  return sum / double(group.records.size());
}

/// Families of columns against each other, at what they cost.
void add_passes(const Summary& summary, const Families& families, std::vector<CurveChart>& charts) {
  CurveChart chart{"", "passes requested, an image"};
  for (const results::Threat& threat : summary.threats)
    for (const std::string& defense : summary.defenses) {
      CurveView view{view_name(summary, defense, threat), {}};
      for (const auto& [_, columns] : families)
        for (const Family& family : columns) {
          CurveLine line{family.name, {}};
          std::set<double> passes;
          for (const auto& [value, attack] : family.members)
            if (const auto* group = summary.cell(defense, attack, threat); group && group->robust)
              if (const double x = passes_of(*group); x > 0 && passes.insert(x).second)
                line.points.push_back(*point_of(x, group));
          add_line(view, std::move(line));
        }
      add_view(chart, std::move(view));
    }
  add_chart(charts, std::move(chart));
}

bool is_of_a_number(char c) { return std::isdigit(static_cast<unsigned char>(c)) || c == '.'; }

}  // namespace

std::string name_of_family(const std::vector<std::string>& names) {
  if (names.size() < 2) return names.empty() ? "" : names.front();
  const std::string& first = names.front();
  size_t shortest = first.size(), head = first.size(), tail = first.size();
  for (const std::string& name : names) {
    shortest = std::min(shortest, name.size());
    const auto differ = std::mismatch(first.begin(), first.end(), name.begin(), name.end());
    head = std::min(head, size_t(differ.first - first.begin()));
    const auto back = std::mismatch(first.rbegin(), first.rend(), name.rbegin(), name.rend());
    tail = std::min(tail, size_t(back.first - first.rbegin()));
  }
  const auto is_inside = [](char c) { return (c & 0xC0) == 0x80; };  // of a UTF-8 character
  while (head > 0 &&
         (is_of_a_number(first[head - 1]) || (head < first.size() && is_inside(first[head]))))
    --head;
  while (tail > 0 &&
         (is_of_a_number(first[first.size() - tail]) || is_inside(first[first.size() - tail])))
    --tail;
  tail = std::min(tail, shortest - head);
  return first.substr(0, head) + "…" + first.substr(first.size() - tail);
}

std::vector<CurveChart> curves_of(const Summary& summary) {
  std::vector<CurveChart> charts;
  add_epsilons(summary, charts);
  add_numbers_of_rows(summary, charts);
  const Families columns = families_of(
      parameters_of(summary, summary.attacks, &results::CellRecord::attack, {"attack", "host"}));
  add_numbers_of_columns(summary, columns, charts);
  add_passes(summary, columns, charts);
  return charts;
}

}  // namespace gauntlet::reports
