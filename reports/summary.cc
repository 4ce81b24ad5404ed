#include "reports/summary.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "reports/text/free_text.h"
#include "reports/text/text.h"
#include "suite/names.h"

namespace gauntlet::reports {
namespace {

bool is_share(double value) { return value >= 0 && value <= 1; }

bool is_sound(const results::Interval& interval) {
  return is_share(interval.low) && is_share(interval.high) && interval.low <= interval.high;
}

/// A number that is none must not reach a table, whoever wrote it.
void degrade_if_unsound(results::CellRecord& record) {
  const bool sound = is_share(record.clean_accuracy) && is_share(record.robust_accuracy) &&
                     is_share(record.majority_accuracy) && is_share(record.worst_trial_accuracy) &&
                     is_sound(record.interval);
  if (record.status == results::Status::kOk && !sound) {
    record.status = results::Status::kError;
    record.reason = "the record's accuracies are not numbers between 0 and 1";
  }
  if (record.status != results::Status::kOk && record.reason.empty())
    record.reason = "no reason was given";
}

void degrade_if_unsound(results::WorstCase& record) {
  if (has_result(record)) return;
  for (const std::string& attack : record.attacks) record.missing.push_back(attack + " (error)");
  record.attacks.clear();
  record.decided_by.clear();
  record.complete = false;
}

void degrade_if_unsound(results::Certification& record) {
  const auto& list = record.certificates;
  const bool sound =
      is_share(record.certified_accuracy) && is_share(record.abstained) &&
      is_sound(record.interval) && record.alpha >= 0 && record.alpha < 1 &&
      std::isfinite(record.average_radius) && int64_t(list.size()) == record.samples &&
      std::all_of(list.begin(), list.end(),
                  [](const auto& c) { return std::isfinite(c.radius) && c.radius >= 0; });
  if (record.status == results::Status::kOk && !sound) {
    record.status = results::Status::kError;
    record.reason = "the record's certificates are not one radius for each sample";
  }
  if (record.status != results::Status::kOk && record.reason.empty())
    record.reason = "no reason was given";
}

template <typename T>
void add_once(std::vector<T>& list, const T& value) {
  if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(value);
}

std::string key(const std::string& defense, const std::string& attack,
                const results::Threat& threat) {
  return defense + '\x1f' + attack + '\x1f' + threat.name + '\x1f' + threat.norm + '\x1f' +
         exact(threat.epsilon);
}

template <typename Record>
Group<Record>& group_of(const Record& record, const std::string& attack,
                        std::vector<Group<Record>>& groups, std::map<std::string, size_t>& index) {
  const auto [place, is_new] =
      index.try_emplace(key(record.defense, attack, record.threat), groups.size());
  if (is_new) groups.push_back({record.defense, attack, record.threat, {}, {}, {}});
  return groups[place->second];
}

template <typename Record>
void sum_up(Group<Record>& group) {
  std::vector<double> clean, robust;
  for (const Record* record : group.records) {
    if (!has_result(*record)) return;
    clean.push_back(record->clean_accuracy);
    robust.push_back(record->robust_accuracy);
  }
  group.clean = spread_of(clean);
  group.robust = spread_of(robust);
}

/// Stores of older runs name no findings of a worst case: those of the columns that decided it.
void carry_findings(results::Store::Run& run) {
  for (results::WorstCase& worst : run.worst_cases) {
    if (!worst.flags.empty()) continue;
    for (const results::CellRecord& cell : run.cells) {
      if (cell.flags.empty()) continue;
      const auto decided = worst.decided_by.find(cell.attack);
      if (decided == worst.decided_by.end() || decided->second == 0 || cell.seed != worst.seed ||
          cell.defense != worst.defense || cell.threat != worst.threat)
        continue;
      for (const results::Finding& flag : cell.flags)
        worst.flags.push_back(found_in(cell.attack, flag));
    }
  }
}

}  // namespace

Spread spread_of(const std::vector<double>& values) {
  const double n = values.size();
  Spread spread{std::accumulate(values.begin(), values.end(), 0.0) / n, {}};
  if (values.size() < 2) return spread;
  double squares = 0;
  for (const double value : values) squares += (value - spread.mean) * (value - spread.mean);
  spread.sd = std::sqrt(squares / (n - 1));
  return spread;
}

bool has_result(const results::CellRecord& record) { return record.status == results::Status::kOk; }

bool has_result(const results::WorstCase& record) {
  return !record.attacks.empty() && is_share(record.clean_accuracy) &&
         is_share(record.robust_accuracy) && is_sound(record.interval);
}

bool has_result(const results::Certification& record) {
  return record.status == results::Status::kOk;
}

Summary::Summary(results::Store::Run source) : run(std::move(source)) {
  shorten_texts(run);
  carry_findings(run);
  for (results::CellRecord& record : run.cells) {
    degrade_if_unsound(record);
    add_once(defenses, record.defense);
    add_once(attacks, record.attack);
    add_once(threats, record.threat);
    add_once(seeds, record.seed);
    if (has_result(record)) most_samples = std::max(most_samples, record.samples);
    group_of(record, record.attack, cells, cell_index_).records.push_back(&record);
  }
  for (results::WorstCase& record : run.worst_cases) {
    degrade_if_unsound(record);
    add_once(defenses, record.defense);
    add_once(threats, record.threat);
    add_once(seeds, record.seed);
    group_of(record, "", worst_cases, worst_case_index_).records.push_back(&record);
  }
  for (results::Certification& record : run.certifications) {
    degrade_if_unsound(record);
    add_once(defenses, record.defense);
    add_once(seeds, record.seed);
    auto group = std::find_if(certified.begin(), certified.end(),
                              [&](const auto& g) { return g.defense == record.defense; });
    if (group == certified.end()) group = certified.insert(group, {record.defense, {}, true});
    group->records.push_back(&record);
    group->ok &= has_result(record);
  }
  for (auto& group : cells) sum_up(group);
  for (auto& group : worst_cases) sum_up(group);
}

const Group<results::CellRecord>* Summary::cell(const std::string& defense,
                                                const std::string& attack,
                                                const results::Threat& threat) const {
  const auto place = cell_index_.find(key(defense, attack, threat));
  return place == cell_index_.end() ? nullptr : &cells[place->second];
}

const Group<results::WorstCase>* Summary::worst_case(const std::string& defense,
                                                     const results::Threat& threat) const {
  const auto place = worst_case_index_.find(key(defense, "", threat));
  return place == worst_case_index_.end() ? nullptr : &worst_cases[place->second];
}

const Group<results::CellRecord>* Summary::clean_cell(const std::string& defense,
                                                      const results::Threat& threat) const {
  const Group<results::CellRecord>* most = nullptr;
  for (const std::string& attack : attacks)
    if (const auto* group = cell(defense, attack, threat); group && group->clean)
      if (!most || group->records.front()->samples > most->records.front()->samples) most = group;
  return most;
}

std::vector<results::Finding> Summary::findings_of(const results::Difference& one) const {
  std::vector<results::Finding> out;
  for (const std::string& row : {one.defense, one.baseline})
    if (const auto* group = cell(row, one.attack, one.threat))
      for (const results::CellRecord* record : group->records)
        for (const results::Finding& flag : record->flags)
          add_once(out, found_in(row + " under " + one.attack, flag));
  return out;
}

double Summary::passes_of_answer(const std::string& defense) const {
  double least = 0;
  for (const results::CellRecord& r : run.cells) {
    if (r.defense != defense || !has_result(r) || r.samples * r.trials <= 0) continue;
    const double passes = double(r.ledger.scoring_forwards) / double(r.samples * r.trials);
    if (least == 0 || passes < least) least = passes;
  }
  return least;
}

std::string size_text(const results::Threat& threat) {
  const auto norm = value_for(suite::kNorms, threat.norm);  // a file may hold any word
  if (norm == Norm::kUnbounded) return "";
  const std::string number = epsilon_text(threat.epsilon);
  return norm ? suite::sized(*norm, number) : number;
}

std::string title_of(const results::Threat& threat) {
  const std::string size = size_text(threat);
  const std::string ball = threat.norm + (size.empty() ? "" : ", ε = " + size);
  return threat.name == threat.norm ? ball : threat.name + ": " + ball;
}

}  // namespace gauntlet::reports
