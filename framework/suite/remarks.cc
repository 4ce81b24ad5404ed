#include "suite/remarks.h"

#include <algorithm>
#include <cmath>

#include "base/shown.h"
#include "suite/names.h"
#include "suite/radius.h"

namespace gauntlet::suite {
namespace {

std::string joined(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// Half of the diameter leads from every image to a plain gray one, which is of no class.
void remark_on_threat(const ThreatSpec& threat, const std::vector<int64_t>& shape, Remarks& out) {
  const std::string about = "threat '" + threat.name + "'";
  if (!is_ball(threat.norm)) {
    const bool chosen = threat.norm == Norm::kL0 || threat.norm == Norm::kPatch;
    if (chosen && threat.epsilon >= diameter(threat.norm, shape))
      out.add(about, "epsilon = " + sized(threat.norm, threat.epsilon_text) +
                         " is the whole image: no accuracy above chance is left");
  } else if (threat.epsilon >= diameter(threat.norm, shape) / 2) {
    out.add(about, "epsilon = " + threat.epsilon_text +
                       " makes every image plain gray: no accuracy above chance is left");
  } else if (threat.norm == Norm::kL2 && threat.epsilon >= 8 &&
             threat.epsilon == std::floor(threat.epsilon)) {
    out.add(about, "epsilon = " + threat.epsilon_text + " is of pixels in [0, 1]; if it is of " +
                       "pixels of 0 to 255, write \"" + threat.epsilon_text + "/255\"");
  }
}

void remark_on_row(const DefenseSpec& row, Remarks& out) {
  const std::string about = "defense '" + row.name + "'";
  for (const Use& wrapper : row.stack) {
    const auto sigma = wrapper.with.find("sigma"), space = wrapper.with.find("space");
    const auto* value = sigma == wrapper.with.end() ? nullptr : sigma->second.get<double>();
    const bool in_pixels = space == wrapper.with.end() || space->second == ParamValue("pixel");
    if (value && *value > 1 && in_pixels)
      out.add(about, wrapper.plugin + ": sigma = " + to_text(*value) +
                         " is wider than pixels in [0, 1]; if it is of pixels of 0 to 255, write " +
                         "\"" + to_text(*value) + "/255\"");
  }
  for (const double value : row.model.network.std)
    if (value > 1)
      out.add(about, "std = " + to_text(value) + " is more than pixels in [0, 1] can spread");
}
// Noise in layers may be drawn once for all images of a forward, and few such draws give no
// interval over draws.
void remark_on_trials(const DefenseSpec& row, const Scoring& scoring, Remarks& out) {
  if (row.model.layer_plugins.empty()) return;
  int64_t votes = 1;
  for (const Use& wrapper : row.stack)
    if (const auto given = wrapper.with.find("mc_samples"); given != wrapper.with.end())
      if (const auto* draws = given->second.get<int64_t>()) votes = std::max(votes, *draws);
  const int64_t trials = scoring.trials_of(votes, /*shares_draws=*/true);
  if (trials < Scoring::kLeastShared)
    out.add("defense '" + row.name + "'",
            "is scored in " + std::to_string(trials) + (trials == 1 ? " trial" : " trials") +
                "; if its images share draws of noise, as with noise in weights, the interval will "
                "be over images only: scoring.trials = " +
                std::to_string(Scoring::kLeastShared) + " or more gives one over draws, too");
}
}  // namespace

void Remarks::add(const Place& cell, const std::string& sentence) {
  if (sentence.empty()) return;
  const auto [known, fresh] = known_.try_emplace({"", sentence}, found_.size());
  if (fresh) found_.push_back({sentence, "", {}});
  found_[known->second].cells.insert(cell);
}

void Remarks::add(const std::string& about, const std::string& sentence) {
  if (!sentence.empty() && known_.try_emplace({about, sentence}, found_.size()).second)
    found_.push_back({sentence, about, {}});
}

// Whether these are all cells with the rows (or columns) that are in them.
bool Remarks::has_all(const std::set<Place>& cells, std::string Place::*part) const {
  std::set<std::string> parts, threats;
  for (const Place& cell : cells) parts.insert(cell.*part), threats.insert(cell.threat);
  const bool column = part == &Place::column;
  return std::all_of(all_.begin(), all_.end(), [&](const Place& cell) {
    return !parts.contains(cell.*part) || (column && !threats.contains(cell.threat)) ||
           cells.contains(cell);
  });
}

std::vector<std::string> Remarks::places_of(const std::set<Place>& cells) const {
  std::set<std::string> rows, columns, threats, every_threat;
  for (const Place& cell : all_) every_threat.insert(cell.threat);
  for (const Place& cell : cells)
    rows.insert(cell.row), columns.insert(cell.column), threats.insert(cell.threat);
  const auto under = [&](const std::set<std::string>& some) {
    return some.size() == every_threat.size() ? "" : " (" + joined(some) + ")";
  };
  const bool whole_rows = has_all(cells, &Place::row),
             whole_columns = has_all(cells, &Place::column), single = cells.size() == 1;
  if (whole_columns && !(whole_rows && (single || rows.size() < columns.size())))
    return {joined(columns) + under(threats)};
  if (whole_rows && !single) return {joined(rows)};
  std::map<std::string, std::set<std::string>> by_row;
  for (const Place& cell : cells)
    by_row[cell.row].insert(cell.column +
                            (every_threat.size() > 1 ? " (" + cell.threat + ")" : ""));
  std::vector<std::string> out;
  for (const auto& [row, some] : by_row) out.push_back(row + " × " + joined(some));
  return out;
}

std::vector<std::string> Remarks::lines() const {
  std::vector<std::string> out;
  for (const Found& found : found_) {
    if (!found.about.empty()) out.push_back(found.about + ": " + found.sentence);
    if (found.cells.empty()) continue;
    for (const std::string& place : places_of(found.cells))
      out.push_back(place + ": " + found.sentence);
  }
  return out;
}

void remark_on_units(const Suite& suite, Remarks& remarks) {
  for (const ThreatSpec& threat : suite.threats) {
    remark_on_threat(threat, suite.data.entry.shape, remarks);
    if (suite.audit.samples > 0 && !is_ball(threat.norm))
      remarks.add("threat '" + threat.name + "'",
                  "is not probed: the attacks of the audit climb in balls, linf, l2 and l1");
  }
  for (const DefenseSpec& row : suite.defenses) {
    remark_on_row(row, remarks);
    remark_on_trials(row, suite.scoring, remarks);
  }
}

std::string listed(const std::string& title, const std::vector<std::string>& lines) {
  constexpr size_t kMost = 30, kLongest = 500;
  if (lines.empty()) return "";
  std::string text = "\n" + title + "\n";
  for (size_t i = 0; i < std::min(kMost, lines.size()); ++i) {
    std::string line = printable(lines[i].substr(0, kLongest));
    text += "  " + line + (lines[i].size() > kLongest ? "…\n" : "\n");
  }
  if (lines.size() > kMost) text += "  … and " + std::to_string(lines.size() - kMost) + " more\n";
  return text;
}

}  // namespace gauntlet::suite
