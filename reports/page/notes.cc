// What a table says beside its numbers and below them.
#include <algorithm>
#include <set>

#include "reports/page/view.h"
#include "reports/text/text.h"

namespace gauntlet::reports::page {
namespace {

constexpr size_t kMostNotes = 12;     // below a table
constexpr size_t kShortestPiece = 4;  // bytes of a name before a line may break

/// Of "pgd: every gradient is 0" what follows the name of one of these columns.
std::string without_column(const std::string& finding, const std::vector<std::string>& columns) {
  for (const std::string& column : columns)
    if (finding.starts_with(column + ": ")) return finding.substr(column.size() + 2);
  return finding;
}

}  // namespace

std::string FindingNotes::mark(const std::vector<std::string>& findings,
                               const std::vector<std::string>& about) {
  std::set<size_t> numbers;
  bool more = false;
  for (const std::string& finding : findings) {
    const std::string text = without_column(finding, about);
    const auto place = std::find(findings_.begin(), findings_.end(), text);
    const auto number = size_t(place - findings_.begin());
    if (place == findings_.end()) findings_.push_back(text);
    number < kMostNotes ? void(numbers.insert(number + 1)) : void(more = true);
  }
  if (findings.empty()) return "";
  std::string text;
  for (const size_t number : numbers) text += (text.empty() ? "" : ",") + std::to_string(number);
  if (more) text += text.empty() ? "+" : ",+";
  return "⚑" + text;
}

View FindingNotes::view() const {
  View notes = View::array();
  for (size_t i = 0; i < std::min(findings_.size(), kMostNotes); ++i)
    notes.push_back({{"mark", "⚑" + std::to_string(i + 1)}, {"finding", findings_[i]}});
  if (findings_.size() > kMostNotes)
    notes.push_back({{"mark", "⚑+"},
                     {"finding", counted(int64_t(findings_.size() - kMostNotes), "more finding") +
                                     ", told under “Audit findings”"}});
  return notes;
}

View pieces_of(const std::string& name) {
  View pieces = View::array();
  std::string piece;
  for (size_t i = 0; i < name.size(); ++i) {
    piece += name[i];
    const bool mark = std::string_view("_/,=:;([)]+").find(name[i]) != std::string_view::npos;
    if (!mark || piece.size() < kShortestPiece || i + 1 == name.size()) continue;
    pieces.push_back({{"piece", piece}});
    piece.clear();
  }
  pieces.push_back({{"piece", piece}});
  return pieces;
}

}  // namespace gauntlet::reports::page
