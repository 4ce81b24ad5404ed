#include "analysis/comparison.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>

#include "analysis/statistics.h"

namespace gauntlet::analysis {
namespace {

using Records = std::vector<const results::CellRecord*>;

/// What a cell of two runs is known by.
struct Place {
  std::string defense, attack;
  results::Threat threat;
  auto operator<=>(const Place&) const = default;
};

/// One run's cells by their place, one record an evaluation seed.
struct Grid {
  explicit Grid(const results::Store::Run& run) {
    for (const results::CellRecord& cell : run.cells) {
      const Place place{cell.defense, cell.attack, cell.threat};
      Records& there = cells[place];
      if (there.empty()) order.push_back(place);
      there.push_back(&cell);
    }
  }
  const Records& at(const Place& place) const {
    static const Records none;
    const auto found = cells.find(place);
    return found == cells.end() ? none : found->second;
  }
  std::map<Place, Records> cells;
  std::vector<Place> order;
};

/// Why these records are no result; "" if they are one.
std::string failure_of(const Records& records) {
  if (records.empty()) return "not in the run";
  for (const results::CellRecord* record : records)
    if (record->status != results::Status::kOk)
      return to_string(record->status) + (record->reason.empty() ? "" : ": " + record->reason);
  return "";
}

std::string data_of(const Records& records) {
  return records.front()->dataset + " (" + records.front()->split + ")";
}

/// Why two results are not of the same question; "" if they are.
std::string mismatch_of(const Records& a, const Records& b) {
  if (data_of(a) != data_of(b)) return "A is of " + data_of(a) + ", B of " + data_of(b);
  return "";
}

bool same_records(const Records& a, const Records& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](auto* x, auto* y) {
    return x->identity == y->identity && x->fingerprint == y->fingerprint;
  });
}

void measure(ComparedCell& cell, const Pairs& pairs) {
  const auto mean = [&](const std::vector<double>& rates) {
    return std::accumulate(rates.begin(), rates.end(), 0.0) / double(rates.size());
  };
  cell.samples = int64_t(pairs.a.size());
  if (cell.samples == 0) {
    cell.problem = "the runs have no image in common";
    return;
  }
  cell.a = mean(pairs.a), cell.b = mean(pairs.b);
  for (size_t i = 0; i < pairs.a.size(); ++i) {
    cell.worse += pairs.b[i] < pairs.a[i];
    cell.better += pairs.b[i] > pairs.a[i];
  }
  const PairedTest test = paired_test(pairs);
  cell.p = cell.p_adjusted = test.p, cell.test = test.method;
  cell.interval = difference_interval(pairs);
}

class Comparer {
 public:
  Comparer(const results::RunRecords& a, const results::RunRecords& b)
      : a_(a), b_(b), here_(a.run), there_(b.run) {}

  Comparison all() {
    for (const Place& place : places()) {
      if (!out_.cells.empty() && out_.cells.back().defense == place.defense)
        out_.cells.push_back(under_attack(place));
      else
        add_defense(place);
    }
    adjust();
    collect_changes();
    return std::move(out_);
  }

 private:
  /// The rows of a run need not stand together.
  std::vector<Place> places() const {
    std::vector<Place> out = here_.order;
    for (const Place& place : there_.order)
      if (!here_.cells.contains(place)) out.push_back(place);
    std::map<std::string, size_t> rows;
    for (const Place& place : out) rows.try_emplace(place.defense, rows.size());
    std::stable_sort(out.begin(), out.end(), [&](const Place& x, const Place& y) {
      return rows.at(x.defense) < rows.at(y.defense);
    });
    return out;
  }

  void add_defense(const Place& first) {
    if (ComparedCell clean = without_attack(first.defense); clean.samples > 0)
      out_.cells.push_back(std::move(clean));
    out_.cells.push_back(under_attack(first));
  }

  ComparedCell under_attack(const Place& place) const {
    ComparedCell cell{place.defense, place.attack, place.threat};
    fill(cell, place, Accuracy::kRobust);
    return cell;
  }

  /// Of the attack that saw the most images in both runs.
  ComparedCell without_attack(const std::string& defense) const {
    ComparedCell cell{defense};
    const Place* most = nullptr;
    int64_t samples = 0;
    for (const Place& place : here_.order) {
      if (place.defense != defense) continue;
      const Records &a = here_.at(place), &b = there_.at(place);
      if (!failure_of(a).empty() || !failure_of(b).empty()) continue;
      const int64_t both = std::min(a.front()->samples, b.front()->samples);
      if (!most || both > samples) most = &place, samples = both;
    }
    if (most) fill(cell, *most, Accuracy::kClean);
    return cell;
  }

  void fill(ComparedCell& cell, const Place& place, Accuracy accuracy) const {
    const Records &a = here_.at(place), &b = there_.at(place);
    const std::string of_a = failure_of(a), of_b = failure_of(b);
    cell.lost = of_a.empty() && !of_b.empty();
    if (!of_a.empty()) cell.problem = "A: " + of_a;
    if (!of_b.empty()) cell.problem += (of_a.empty() ? "B: " : "; B: ") + of_b;
    if (cell.problem.empty()) cell.problem = mismatch_of(a, b);
    if (!cell.problem.empty()) return;
    cell.same = same_records(a, b);
    measure(cell, pairs_of({a, a_.outcomes}, {b, b_.outcomes}, accuracy));
  }

  void adjust() {
    std::vector<ComparedCell*> tested;
    std::vector<double> p;
    for (ComparedCell& cell : out_.cells)
      if (cell.problem.empty() && !cell.same) tested.push_back(&cell), p.push_back(cell.p);
    const std::vector<double> adjusted = holm(p);
    for (size_t i = 0; i < tested.size(); ++i) tested[i]->p_adjusted = adjusted[i];
  }

  /// Of the runs what no cell tells, then of the cells, each change told once.
  void collect_changes() {
    for (const Change& change : changes_between(told_by_run(a_.run), told_by_run(b_.run)))
      out_.changes.push_back({change, 0});
    std::map<Change, int64_t> cells;
    for (const Place& place : here_.order) {
      const Records &a = here_.at(place), &b = there_.at(place);
      if (b.empty() || same_records(a, b)) continue;
      for (const auto text : {&results::CellRecord::parameters, &results::CellRecord::environment})
        for (const Change& change : changes_between(a.front()->*text, b.front()->*text))
          ++cells[change];
    }
    for (const auto& [change, count] : cells) out_.changes.push_back({change, count});
  }

  static std::string told_by_run(const results::Store::Run& run) {
    auto settings = nlohmann::json::parse(run.settings, nullptr, /*allow_exceptions=*/false);
    if (!settings.is_object()) return "";
    for (const char* told_elsewhere :
         {"attacks", "defenses", "scoring", "training_logs", "citations"})
      settings.erase(told_elsewhere);
    return settings.dump();
  }

  const results::RunRecords &a_, &b_;
  const Grid here_, there_;
  Comparison out_;
};
}  // namespace

std::vector<const ComparedCell*> Comparison::beyond(double points) const {
  std::vector<const ComparedCell*> out;
  for (const ComparedCell& cell : cells)
    if (cell.beyond(points)) out.push_back(&cell);
  return out;
}

Comparison compare(const results::RunRecords& a, const results::RunRecords& b) {
  return Comparer(a, b).all();
}

}  // namespace gauntlet::analysis
