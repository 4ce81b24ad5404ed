#include "reports/page/view.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <set>
#include <tuple>

#include "base/duration.h"
#include "reports/text/free_text.h"
#include "reports/text/text.h"

namespace gauntlet::reports::page {
namespace {

/// Seconds between two UTC times; -1 where one is missing.
double seconds_between(const std::string& from, const std::string& to) {
  std::tm a{}, b{};
  if (!strptime(from.c_str(), "%Y-%m-%dT%H:%M:%SZ", &a)) return -1;
  if (!strptime(to.c_str(), "%Y-%m-%dT%H:%M:%SZ", &b)) return -1;
  return std::difftime(timegm(&b), timegm(&a));
}

View facts_of(const Summary& summary) {
  View facts = View::array();
  const auto add = [&](int64_t count, const std::string& noun) {
    facts.push_back({{"count", grouped(count)}, {"noun", noun + (count == 1 ? "" : "s")}});
  };
  add(summary.defenses.size(), "defense");
  add(summary.attacks.size(), "attack");
  add(summary.threats.size(), "threat");
  if (summary.seeds.size() > 1) add(summary.seeds.size(), "evaluation seed");
  add(summary.run.cells.size(), "cell");
  if (!summary.run.certifications.empty()) add(summary.run.certifications.size(), "certification");
  return facts;
}

View statuses_of(const Summary& summary) {
  View statuses = View::array();
  for (const results::Status status : {results::Status::kOk, results::Status::kInvalid,
                                       results::Status::kError, results::Status::kSkipped}) {
    const auto& [cells, certified] = std::tie(summary.run.cells, summary.run.certifications);
    const auto is = [&](const auto& record) { return record.status == status; };
    const auto count = std::count_if(cells.begin(), cells.end(), is) +
                       std::count_if(certified.begin(), certified.end(), is);
    if (count) statuses.push_back({{"status", to_string(status)}, {"count", grouped(count)}});
  }
  return statuses;
}

/// "fashion-mnist-1k (test, 1,000 images)", all there are.
std::string data_text(const Summary& summary) {
  std::vector<std::string> texts;
  for (const results::CellRecord& cell : summary.run.cells) {
    if (!has_result(cell)) continue;
    const std::string text =
        cell.dataset + " (" + cell.split + ", " + counted(cell.samples, "image") + ")";
    if (std::find(texts.begin(), texts.end(), text) == texts.end()) texts.push_back(text);
  }
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : "; ") + text;
  return all;
}

std::string levels_text(const Summary& summary) {
  std::set<std::string> levels;
  for (const results::CellRecord& cell : summary.run.cells)
    if (has_result(cell)) levels.insert(percent(cell.interval.level).substr(0, 2) + " %");
  return levels.size() == 1 ? *levels.begin() : "their stated level";
}

}  // namespace

std::string interval_text(const results::Interval& interval) {
  return percent(interval.low) + " to " + percent(interval.high);
}

std::string anchor(const Summary& summary, const Group<results::CellRecord>& group) {
  return "cell-" + std::to_string(&group - summary.cells.data());
}
std::string anchor(const Summary& summary, const Group<results::WorstCase>& group) {
  return "worst-" + std::to_string(&group - summary.worst_cases.data());
}

View view_of(const Summary& summary) {
  const results::Store::Run& run = summary.run;
  const double took = seconds_between(run.started, run.finished);
  View told = object_of(run.settings);
  for (const char* told_elsewhere : {"training_logs", "citations"}) told.erase(told_elsewhere);
  const std::string settings =
      run.settings.empty()
          ? ""
          : shortened(told.dump(2, ' ', false, View::error_handler_t::replace), kLongestListing);
  View view = {{"suite", run.suite},
               {"started", day_and_time(run.started)},
               {"took", took < 0 ? "" : duration(took)},
               {"complete", run.complete},
               {"several_seeds", summary.seeds.size() > 1},
               {"seed_count", std::to_string(summary.seeds.size())},
               {"data", data_text(summary)},
               {"level", levels_text(summary)},
               {"facts", facts_of(summary)},
               {"statuses", statuses_of(summary)},
               {"matrices", matrices_of(summary)},
               {"differences", differences_of(summary)},
               {"distances", distances_of(summary)},
               {"detectors", detectors_of(summary)},
               {"risks", risks_of(summary)},
               {"certified", certified_of(summary)},
               {"failures", failures_of(summary)},
               {"findings", findings_of(summary)},
               {"audits", audits_of(summary)},
               {"details", details_of(summary)},
               {"attack_parameters", attack_parameters_of(summary)},
               {"defense_parameters", defense_parameters_of(summary)},
               {"other_parameters", other_parameters_of(summary)},
               {"environment", environment_of(summary)},
               {"attack_costs", attack_costs_of(summary)},
               {"defense_costs", defense_costs_of(summary)},
               {"trainings", trainings_of(summary)},
               {"settings", settings},
               {"has_settings", !settings.empty() && settings != "{}"}};
  for (const char* list :
       {"differences", "distances", "detectors", "risks", "certified", "failures", "findings",
        "audits", "environment", "other_parameters", "matrices", "trainings"})
    view[std::string("has_") + list] = !view[list].empty();
  return view;
}

}  // namespace gauntlet::reports::page
