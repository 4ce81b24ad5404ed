// Tables of a paper: accuracies by threat, differences from baselines, certified accuracies.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "reports/audits.h"
#include "reports/best.h"
#include "reports/certified.h"
#include "reports/paper/paper.h"
#include "reports/text/free_text.h"
#include "reports/text/latex.h"
#include "reports/text/text.h"
#include "results/settings.h"

namespace gauntlet::reports::paper {
namespace {

constexpr const char* kNothing = "--";
constexpr size_t kMostFindingsTold = 4, kLongestFinding = 240;

std::string number_of(const Spread& spread) {
  return percent(spread.mean) +
         (spread.sd ? fmt::format("\\,$\\pm$\\,{}", percent(*spread.sd)) : "");
}

std::string bold(const std::string& text, bool is_bold) {
  return is_bold ? fmt::format("\\textbf{{\\boldmath {}}}", text) : text;
}

/// Takes no width, so that digits stay below digits.
std::string raised(const std::string& marks) {
  return marks.empty() ? "" : "\\rlap{" + marks + "}";
}

/// Marks that a table prints, and what each means: only those that it prints are told.
class Legend {
 public:
  std::string mark(const std::string& mark, const std::string& meaning) {
    if (seen_.insert(mark).second) notes_.push_back(fmt::format("{}: {}.", mark, meaning));
    return mark;
  }
  /// $^a$ and so on, by the number of images.
  std::string of_images(int64_t images) {
    const auto place = std::find(images_.begin(), images_.end(), images);
    const auto number = place - images_.begin();
    if (place == images_.end()) images_.push_back(images);
    const std::string letter = fmt::format(
        "$^{{{}}}$", number < 26 ? std::string(1, char('a' + number)) : std::to_string(number));
    return mark(letter, "of " + counted(images, "image"));
  }
  std::string failure(const Group<results::CellRecord>& group) {
    for (const auto& [status, text, meaning] :
         {std::tuple(results::Status::kError, "err.", "the cell ended in an error"),
          std::tuple(results::Status::kInvalid, "inv.",
                     "what the attack returned cannot be judged"),
          std::tuple(results::Status::kSkipped, "skip.", "the cell was not run")})
      for (const results::CellRecord* record : group.records)
        if (record->status == status) return mark(text, meaning);
    return kNothing;
  }
  std::string absent() { return mark(kNothing, "no result was asked for"); }
  /// A dagger, and these among what it stands for.
  std::string finding(const std::vector<std::string>& findings) {
    return told("$^\\dagger$", findings, findings_);
  }
  /// A double dagger where the audit fails a row; null: it does not.
  std::string failed_row(const results::Check* failure) {
    if (!failure) return "";
    return told("$^\\ddagger$", {sentence(*failure)}, failures_);
  }
  std::vector<std::string> take() {
    if (!failures_.empty())
      notes_.push_back("$^\\ddagger$: the audit fails the row: " + text_of(failures_));
    if (!findings_.empty())
      notes_.push_back("$^\\dagger$: the audit has a finding: " + text_of(findings_));
    return std::move(notes_);
  }

 private:
  static std::string told(const std::string& mark, const std::vector<std::string>& what,
                          std::vector<std::string>& all) {
    for (const std::string& one : what)
      if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(one);
    return what.empty() ? "" : mark;
  }
  static std::string text_of(const std::vector<std::string>& told) {
    std::string text;
    for (size_t i = 0; i < std::min(told.size(), kMostFindingsTold); ++i)
      text += (i ? "; " : "") + latex_breakable(shortened(told[i], kLongestFinding));
    if (told.size() > kMostFindingsTold)
      text += fmt::format("; and {} more, which the report tells", told.size() - kMostFindingsTold);
    return text + ".";
  }

  std::vector<std::string> findings_, failures_;
  std::set<std::string> seen_;
  std::vector<int64_t> images_;
  std::vector<std::string> notes_;
};

/// "fashion-mnist-1k (test, $n = 1000$)", all there are under a threat.
std::string data_text(const Summary& summary, const results::Threat& threat) {
  std::string all;
  std::set<std::string> told;
  for (const results::CellRecord& cell : summary.run.cells)
    if (has_result(cell) && cell.samples == summary.most_samples && cell.threat == threat &&
        told.insert(cell.dataset + '\n' + cell.split).second)
      all += (all.empty() ? "" : "; ") +
             fmt::format("{} ({}, $n = {}$)", latex(cell.dataset), latex(cell.split), cell.samples);
  return all;
}

/// How random defenses were asked, and which of an attack's inputs counted.
std::string scoring_text(const Summary& summary, const results::Threat& threat) {
  std::set<int64_t> trials;
  for (const results::CellRecord& cell : summary.run.cells)
    if (has_result(cell) && cell.stochastic && cell.threat == threat) trials.insert(cell.trials);
  std::string text;
  if (!trials.empty()) {
    text = trials.size() == 1
               ? counted(*trials.begin(), "fresh classifier")
               : fmt::format("{} to {} fresh classifiers", *trials.begin(), *trials.rbegin());
    text = " Random defenses: mean over " + text + " an image.";
  }
  if (results::settings_of(summary.run.settings).last_iterate)
    text += " Only an attack's last iterate counts.";
  return text;
}

/// "" for several seeds; else how wide the intervals of the table get.
std::string spread_text(const Summary& summary, const results::Threat& threat) {
  if (summary.seeds.size() > 1)
    return fmt::format(" Mean\\,$\\pm$\\,standard deviation over {} evaluation seeds.",
                       summary.seeds.size());
  double half = 0, level = 0;
  for (const results::CellRecord& cell : summary.run.cells)
    if (has_result(cell) && cell.threat == threat) {
      half = std::max(half, (cell.interval.high - cell.interval.low) / 2);
      level = std::max(level, cell.interval.level);
    }
  if (level == 0) return "";
  return fmt::format(" Half-widths of {:.4g}\\,\\% intervals: at most {}.", 100 * level,
                     percent(half));
}

class AccuracyTable {
 public:
  AccuracyTable(const Summary& summary, const results::OutcomesOf& outcomes,
                const results::Threat& threat)
      : summary_(summary), outcomes_(outcomes), threat_(threat) {}

  PaperTable table() {
    table_.corner = "defense";
    table_.digits = summary_.seeds.size() > 1 ? 9 : 4;
    for (const std::string& defense : summary_.defenses) table_.rows.push_back({defense});
    add_clean();
    for (const std::string& attack : summary_.attacks)
      if (is_asked(attack)) add_attack(attack);
    add_worst_case();
    table_.caption = caption();
    table_.notes = legend_.take();
    return std::move(table_);
  }

 private:
  bool is_asked(const std::string& attack) const {
    return std::any_of(summary_.defenses.begin(), summary_.defenses.end(), [&](const auto& row) {
      return summary_.cell(row, attack, threat_) != nullptr;
    });
  }

  void add_clean() {
    table_.columns.emplace_back("clean");
    const std::vector<bool> best = marked(best_clean(summary_, outcomes_, threat_));
    for (size_t i = 0; i < table_.rows.size(); ++i) {
      const auto* group = summary_.clean_cell(table_.rows[i].name, threat_);
      add(i, group ? bold(number_of(*group->clean), best[i]) + raised(images_of(*group))
                   : legend_.absent());
    }
  }

  void add_attack(const std::string& attack) {
    if (table_.columns.size() == 1) table_.gaps.push_back(1);
    table_.columns.push_back(attack);
    const std::vector<bool> best = marked(best_under_attack(summary_, outcomes_, attack, threat_));
    for (size_t i = 0; i < table_.rows.size(); ++i) {
      const auto* group = summary_.cell(table_.rows[i].name, attack, threat_);
      if (!group || !group->robust) {
        add(i, group ? legend_.failure(*group) : legend_.absent());
        continue;
      }
      add(i, bold(number_of(*group->robust), best[i]) +
                 raised(images_of(*group) + legend_.finding(findings(*group))));
    }
  }

  void add_worst_case() {
    if (summary_.worst_cases.empty()) return;
    table_.gaps.push_back(table_.columns.size());
    table_.columns.emplace_back("worst case");
    const std::vector<bool> best = marked(best_in_worst_case(summary_, outcomes_, threat_));
    for (size_t i = 0; i < table_.rows.size(); ++i) {
      const auto* group = summary_.worst_case(table_.rows[i].name, threat_);
      if (!group || !group->robust) {
        add(i, group ? legend_.mark("n/a", "no attack gave a valid result") : legend_.absent());
        continue;
      }
      const bool complete =
          std::all_of(group->records.begin(), group->records.end(),
                      [](const results::WorstCase* record) { return record->complete; });
      const std::string bound =
          complete
              ? ""
              : legend_.mark("$\\leq$", "an upper bound, as an attack has no valid result") + " ";
      add(i,
          bound + bold(number_of(*group->robust), best[i]) +
              raised(images_of(*group) +
                     legend_.failed_row(failure_of(summary_.run.audits, group->defense, threat_)) +
                     legend_.finding(without_columns(*group))));
    }
  }

  /// Findings as the columns themselves have them: "pgd: every gradient is 0" is theirs.
  static std::vector<std::string> without_columns(const Group<results::WorstCase>& group) {
    std::vector<std::string> out = findings(group);
    for (std::string& finding : out)
      for (const std::string& attack : group.records.front()->attacks)
        if (finding.starts_with(attack + ": ")) {
          finding.erase(0, attack.size() + 2);
          break;
        }
    return out;
  }

  void add(size_t row, const std::string& cell) { table_.rows[row].cells.push_back(cell); }

  template <typename Record>
  std::string images_of(const Group<Record>& group) {
    const int64_t images = group.records.front()->samples;
    return images == summary_.most_samples ? "" : legend_.of_images(images);
  }

  std::vector<bool> marked(std::vector<bool> best) {
    any_bold_ |= std::count(best.begin(), best.end(), true) > 0;
    return best;
  }

  bool has_random_rows() const {
    const auto& cells = summary_.run.cells;
    return std::any_of(cells.begin(), cells.end(),
                       [](const auto& cell) { return cell.stochastic; });
  }

  std::string caption() const {
    const std::string data = data_text(summary_, threat_);
    std::string text = "Accuracy in \\% under attack, " + latex_title(threat_) + "." +
                       (data.empty() ? "" : " " + data + ".") + scoring_text(summary_, threat_) +
                       spread_text(summary_, threat_);
    if (any_bold_)
      text +=
          " Bold: the best of a column and all that are not significantly worse (paired over "
          "images, " +
          std::string(has_random_rows() ? "worst cases of random defenses by their intervals, "
                                        : "") +
          "Holm-corrected, 5\\,\\%).";
    return text;
  }

  const Summary& summary_;
  const results::OutcomesOf& outcomes_;
  const results::Threat& threat_;
  PaperTable table_;
  Legend legend_;
  bool any_bold_ = false;
};

bool is_of(const results::Difference& one, const results::Threat& threat) {
  return one.threat == threat;
}

const results::Difference* find(const Summary& summary, const results::Threat& threat,
                                const results::Difference& row, const std::string& attack) {
  for (const results::Difference& one : summary.run.differences)
    if (is_of(one, threat) && one.defense == row.defense && one.attack == attack) return &one;
  return nullptr;
}

std::vector<std::string> findings_of(const CertifiedGroup& group) {
  std::vector<std::string> out;
  for (const results::Certification* record : group.records)
    for (std::string& flag : sentences(record->flags)) out.push_back(std::move(flag));
  return out;
}

/// points() in LaTeX's own signs.
std::string signed_points(double share) { return latex(points(share)); }

}  // namespace

std::string latex_title(const results::Threat& threat) {
  const std::string norm = threat.norm == "linf" ? "$\\ell_\\infty$"
                           : threat.norm == "l2" ? "$\\ell_2$"
                           : threat.norm == "l1" ? "$\\ell_1$"
                           : threat.norm == "l0" ? "$\\ell_0$"
                                                 : latex(threat.norm);
  const std::string number = epsilon_text(threat.epsilon), size = size_text(threat);
  // The unit behind the number.
  const std::string ball = size.empty() ? norm
                                        : norm + fmt::format(", $\\varepsilon = {}${}", number,
                                                             size.substr(number.size()));
  return threat.name == threat.norm ? ball : latex(threat.name) + " (" + ball + ")";
}

PaperTable accuracy_table(const Summary& summary, const results::OutcomesOf& outcomes,
                          const results::Threat& threat) {
  return AccuracyTable(summary, outcomes, threat).table();
}

PaperTable differences_table(const Summary& summary, const results::Threat& threat) {
  PaperTable table;
  table.corner = "defense, baseline";
  table.digits = 11;
  std::vector<std::string> attacks;
  for (const results::Difference& one : summary.run.differences)
    if (is_of(one, threat) &&
        std::find(attacks.begin(), attacks.end(), one.attack) == attacks.end())
      attacks.push_back(one.attack);
  for (const std::string& attack : attacks)
    table.columns.push_back(attack.empty() ? "clean" : attack);
  bool any_absent = false, any_bold = false;
  Legend legend;
  for (const results::Difference& row : summary.run.differences) {
    if (!row.attack.empty() || !is_of(row, threat)) continue;
    PaperTable::Row values{row.defense}, intervals{"vs. " + row.baseline};
    intervals.continues = true;
    for (const std::string& attack : attacks) {
      const results::Difference* one = find(summary, threat, row, attack);
      const bool ok = one && one->ok;
      const bool clear = ok && (one->interval.low > 0 || one->interval.high < 0);
      any_absent |= !ok, any_bold |= clear;
      values.cells.push_back(ok ? bold(signed_points(one->value), clear) +
                                      raised(legend.finding(sentences(summary.findings_of(*one))))
                                : kNothing);
      intervals.cells.push_back(ok ? fmt::format("{{\\scriptsize [{}, {}]}}",
                                                 signed_points(one->interval.low),
                                                 signed_points(one->interval.high))
                                   : "");
    }
    table.rows.push_back(std::move(values));
    table.rows.push_back(std::move(intervals));
  }
  const std::string data = data_text(summary, threat);
  table.caption =
      "Accuracy minus that of the baseline on the same images, in points, with 95\\,\\% "
      "intervals, " +
      latex_title(threat) + "." + (data.empty() ? "" : " " + data + ".") +
      (any_bold ? " Bold: the interval leaves out 0." : "");
  table.notes = legend.take();
  if (any_absent) table.notes.emplace_back("--: one of the two has no result.");
  return table;
}

PaperTable certified_table(const Summary& summary) {
  PaperTable table;
  table.corner = "defense";
  table.digits = summary.seeds.size() > 1 ? 9 : 4;
  const std::vector<double> radii = radii_of(summary);
  for (const double radius : radii) table.columns.push_back("r = " + epsilon_text(radius));
  table.columns.emplace_back("mean radius");
  table.columns.emplace_back("abstained");
  table.gaps = {radii.size()};
  double alpha = 0;
  int64_t samples = 0;
  Legend legend;
  for (const CertifiedGroup& group : summary.certified) {
    PaperTable::Row row{group.defense};
    const auto fact = [&](double results::Certification::*value) {
      std::vector<double> values;
      for (const results::Certification* record : group.records) values.push_back(record->*value);
      return spread_of(values);
    };
    const std::string dagger = raised(group.ok ? legend.finding(findings_of(group)) : "");
    for (const double radius : radii)
      row.cells.push_back(group.ok ? number_of(accuracy_at(group, radius)) + dagger : "");
    row.cells.push_back(
        group.ok ? fmt::format("{:.3f}", fact(&results::Certification::average_radius).mean) : "");
    row.cells.push_back(group.ok ? number_of(fact(&results::Certification::abstained)) : "");
    if (!group.ok)
      for (std::string& cell : row.cells)
        cell = legend.mark("err.", "the certification has no result");
    for (const results::Certification* record : group.records)
      if (has_result(*record))
        alpha = std::max(alpha, record->alpha), samples = std::max(samples, record->samples);
    table.rows.push_back(std::move(row));
  }
  table.caption = fmt::format(
      "Certified accuracy in \\%: right answers with an $\\ell_2$ radius above $r$, of {}; a "
      "certificate holds with a chance of at least {:.6g}\\,\\%.{}",
      latex(counted(samples, "image")), 100 * (1 - alpha),
      summary.seeds.size() > 1
          ? fmt::format(" Mean\\,$\\pm$\\,standard deviation over {} evaluation seeds.",
                        summary.seeds.size())
          : "");
  table.notes = legend.take();
  return table;
}

std::vector<PaperFile> paper_tables(const Summary& summary, const results::OutcomesOf& outcomes) {
  std::vector<PaperFile> files;
  const auto add = [&](const std::string& wanted, PaperTable table) {
    const std::string name = name_beside(files, "table-" + wanted);
    table.label = "tab:" + name.substr(name.find('-') + 1);
    files.push_back({name + ".tex", std::string(kPaperMark) +
                                        "Needs \\usepackage{booktabs,graphicx}.\n" +
                                        paper_table(table)});
  };
  for (const results::Threat& threat : summary.threats) {
    const std::string slug = slug_of(threat.name).empty() ? "threat" : slug_of(threat.name);
    add(slug, accuracy_table(summary, outcomes, threat));
    const auto& differences = summary.run.differences;
    if (std::any_of(differences.begin(), differences.end(),
                    [&](const results::Difference& one) { return is_of(one, threat); }))
      add(slug + "-differences", differences_table(summary, threat));
  }
  if (!summary.certified.empty()) add("certified", certified_table(summary));
  return files;
}

}  // namespace gauntlet::reports::paper
