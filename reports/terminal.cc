#include "reports/terminal.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "base/shown.h"
#include "base/utf8.h"
#include "reports/audits.h"
#include "reports/summary.h"
#include "suite/remarks.h"

namespace gauntlet::reports {
namespace {

struct Mean {
  double sum = 0;
  int64_t count = 0;
  std::string failure;
  std::string text(double unit = 100, int decimals = 1) const {
    if (!failure.empty()) return failure;
    return count == 0 ? "—" : fmt::format("{:.{}f}", unit * sum / double(count), decimals);
  }
  void add(double value) { sum += value, ++count; }
};

struct Table {
  results::Threat threat;
  std::vector<std::string> rows, columns;
  std::map<std::pair<std::string, std::string>, Mean> cells;
  std::map<std::string, Mean> worst;
};

void note(std::vector<std::string>& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

void print(std::string& out, const std::vector<std::vector<std::string>>& lines) {
  std::vector<size_t> widths;
  for (const auto& line : lines)
    for (size_t i = 0; i < line.size(); ++i) {
      widths.resize(std::max(widths.size(), line.size()));
      widths[i] = std::max(widths[i], width(line[i]));
    }
  for (const auto& line : lines) {
    for (size_t i = 0; i < line.size(); ++i) {
      const std::string room(widths[i] - width(line[i]), ' ');
      out += i == 0 ? line[i] + room : "  " + room + line[i];
    }
    out += '\n';
  }
}

// Certified accuracy over seeds, a row a defense.
std::string certified_table(const std::vector<results::Certification>& records) {
  struct Row {
    Mean accuracy, radius, abstained;
  };
  std::vector<std::string> names;
  std::map<std::string, Row> rows;
  for (const results::Certification& record : records) {
    note(names, record.defense);
    Row& row = rows[record.defense];
    if (record.status != results::Status::kOk) {
      row.accuracy.failure = row.radius.failure = row.abstained.failure = to_string(record.status);
      continue;
    }
    row.accuracy.add(record.certified_accuracy), row.abstained.add(record.abstained);
    row.radius.add(record.average_radius);
  }
  std::vector<std::vector<std::string>> lines{{"defense", "certified", "abstained", "avg. radius"}};
  for (const std::string& name : names)
    lines.push_back({printable(name), rows[name].accuracy.text(), rows[name].abstained.text(),
                     rows[name].radius.text(1, 3)});
  std::string out = "\ncertified accuracy in % (L2)\n";
  print(out, lines);
  return out;
}

// Detectors and hypocritical attacks over seeds, a row for each cell; "" where there are none.
std::string derived_tables(const results::Store::Run& run) {
  struct Row {
    std::vector<std::string> place;
    std::vector<Mean> numbers;
  };
  std::map<std::string, Row> detectors, risks;
  const auto row_of = [](std::map<std::string, Row>& rows, const results::CellRecord& cell,
                         size_t numbers) -> Row& {
    Row& row = rows[cell.defense + '\0' + cell.attack + '\0' + cell.threat.name];
    row.place = {printable(cell.defense), printable(cell.attack), printable(cell.threat.name)};
    row.numbers.resize(numbers);
    return row;
  };
  for (const results::CellRecord& cell : run.cells) {
    if (cell.status != results::Status::kOk) continue;
    if (cell.detector && cell.detector->at.size() == 2) {
      Row& row = row_of(detectors, cell, 3);
      row.numbers[0].add(cell.detector->auc);
      for (size_t i = 0; i < 2; ++i)
        row.numbers[i + 1].add(cell.detector->at[i].true_positive_rate);
    }
    if (cell.hypocritical) row_of(risks, cell, 1).numbers[0].add(cell.hypocritical->risk);
  }
  std::string out;
  const auto add = [&](const char* title, const std::vector<std::string>& heads,
                       const std::map<std::string, Row>& rows) {
    if (rows.empty()) return;
    std::vector<std::vector<std::string>> lines{{"defense", "attack", "threat"}};
    lines[0].insert(lines[0].end(), heads.begin(), heads.end());
    for (const auto& [_, row] : rows) {
      std::vector<std::string>& line = lines.emplace_back(row.place);
      for (const Mean& number : row.numbers) line.push_back(number.text());
    }
    out += title;
    print(out, lines);
  };
  add("\ndetectors: AUC, and attacked inputs detected at 1 % and 5 % false positives, in %\n",
      {"AUC", "at 1 %", "at 5 %"}, detectors);
  add("\nhypocritical risk: wrong answers that the attack turns right, in %\n", {"risk"}, risks);
  return out;
}
}  // namespace

std::string summary_table(const results::Store::Run& run) {
  const Summary summary(run);
  std::vector<std::string> threats;
  std::map<std::string, Table> tables;
  for (const results::CellRecord& cell : run.cells) {
    note(threats, cell.threat.name);
    Table& table = tables[cell.threat.name];
    table.threat = cell.threat;
    note(table.rows, cell.defense), note(table.columns, cell.attack);
    Mean& mean = table.cells[{cell.defense, cell.attack}];
    if (cell.status != results::Status::kOk) {
      mean.failure = to_string(cell.status);
      continue;
    }
    mean.add(cell.robust_accuracy);
  }
  for (const results::WorstCase& worst : run.worst_cases) {
    Mean& mean = tables[worst.threat.name].worst[worst.defense];
    if (!worst.reason.empty())
      mean.failure = "none";
    else if (worst.complete)
      mean.add(worst.robust_accuracy);
    else
      mean.failure = "incomplete";
  }
  std::string out;
  for (const std::string& threat : threats) {
    Table& table = tables[threat];
    out += fmt::format("{}accuracy in % under {}\n", out.empty() ? "" : "\n", printable(threat));
    std::vector<std::vector<std::string>> lines{{"defense", "clean"}};
    for (const std::string& column : table.columns) lines[0].push_back(printable(column));
    lines[0].push_back("worst case");
    for (const std::string& row : table.rows) {
      Mean clean;
      if (const auto* cell = summary.clean_cell(row, table.threat)) clean.add(cell->clean->mean);
      std::vector<std::string> line{printable(row), clean.text()};
      for (const std::string& column : table.columns)
        line.push_back(table.cells[{row, column}].text());
      line.push_back(table.worst[row].text());
      lines.push_back(std::move(line));
    }
    print(out, lines);
  }
  out += derived_tables(run);
  if (!run.certifications.empty()) out += certified_table(run.certifications);
  return out;
}

std::string findings_text(const results::Store::Run& run) {
  suite::Remarks findings;
  std::set<std::pair<std::string, std::string>> told;
  const auto failed = [](results::Status status) {
    return status == results::Status::kInvalid || status == results::Status::kError;
  };
  for (const results::CellRecord& cell : run.cells) {
    const suite::Remarks::Place place{cell.defense, cell.attack, cell.threat.name};
    findings.covers(place);
    for (const results::Finding& finding : cell.flags) {
      const std::string flag = sentence(finding);
      told.insert({cell.defense, cell.attack + ": " + flag});  // as a worst case repeats it
      if (!told_by_audit(finding, cell, run.audits)) findings.add(place, flag);
    }
    if (failed(cell.status)) findings.add(place, to_string(cell.status) + ", " + cell.reason);
  }
  for (const results::WorstCase& worst : run.worst_cases) {
    findings.add(worst.defense + " × worst case", worst.reason);
    for (const std::string& flag : sentences(worst.flags))
      if (!told.contains({worst.defense, flag})) findings.add(worst.defense, flag);
  }
  for (const results::Certification& record : run.certifications) {
    const std::string about = record.defense + ", certificates";
    for (const std::string& flag : sentences(record.flags)) findings.add(about, flag);
    if (failed(record.status)) findings.add(about, to_string(record.status) + ", " + record.reason);
  }
  return suite::listed("findings", findings.lines());
}

}  // namespace gauntlet::reports
