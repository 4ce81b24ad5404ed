#include "cli/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

namespace gauntlet::cli {
namespace {

// Characters on the screen: UTF-8 continuation bytes take no room.
size_t width(const std::string& text) {
  return size_t(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

struct Mean {
  double sum = 0;
  int64_t count = 0;
  std::string failure;
  std::string text() const {
    if (!failure.empty()) return failure;
    return count == 0 ? "—" : fmt::format("{:.1f}", 100 * sum / double(count));
  }
  void add(double value) { sum += value, ++count; }
};

struct Table {
  std::vector<std::string> rows, columns;
  std::map<std::pair<std::string, std::string>, Mean> cells;
  std::map<std::string, Mean> clean, worst;
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
}  // namespace

std::string summary_table(const Store::Run& run) {
  std::vector<std::string> threats;
  std::map<std::string, Table> tables;
  for (const CellRecord& cell : run.cells) {
    note(threats, cell.threat);
    Table& table = tables[cell.threat];
    note(table.rows, cell.defense), note(table.columns, cell.attack);
    Mean& mean = table.cells[{cell.defense, cell.attack}];
    if (cell.status != Status::kOk) {
      mean.failure = to_string(cell.status);
      continue;
    }
    mean.add(cell.robust_accuracy);
    table.clean[cell.defense].add(cell.clean_accuracy);
  }
  for (const WorstCase& worst : run.worst_cases) {
    Mean& mean = tables[worst.threat].worst[worst.defense];
    if (worst.complete)
      mean.add(worst.robust_accuracy);
    else
      mean.failure = "incomplete";
  }
  std::string out;
  for (const std::string& threat : threats) {
    Table& table = tables[threat];
    out += fmt::format("{}accuracy in % under {}\n", out.empty() ? "" : "\n", threat);
    std::vector<std::vector<std::string>> lines{{"defense", "clean"}};
    for (const std::string& column : table.columns) lines[0].push_back(column);
    lines[0].push_back("worst case");
    for (const std::string& row : table.rows) {
      std::vector<std::string> line{row, table.clean[row].text()};
      for (const std::string& column : table.columns)
        line.push_back(table.cells[{row, column}].text());
      line.push_back(table.worst[row].text());
      lines.push_back(std::move(line));
    }
    print(out, lines);
  }
  return out;
}

}  // namespace gauntlet::cli
