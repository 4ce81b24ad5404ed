#include "cli/board_entries.h"

#include <fmt/format.h>

#include <algorithm>

#include "boards/audit.h"
#include "cli/commands.h"
#include "registry/registry.h"
#include "registry/search_path.h"
#include "reports/audits.h"

namespace gauntlet::cli {

std::filesystem::path results_folder(const std::string& results, const std::string& registry) {
  if (!results.empty()) return results;
  return (registry.empty() ? registry::default_registry() : std::filesystem::path(registry)) /
         "results";
}

std::string entries_table(const std::vector<boards::BoardEntry>& entries) {
  size_t wide = 0;
  for (const boards::BoardEntry& entry : entries)
    wide = std::max(wide, printable(entry.defense).size());
  std::string out;
  for (const boards::BoardEntry& entry : entries) {
    for (const boards::BoardThreat& under : entry.threats)
      out += fmt::format("{:<{}}  {}  clean {:5.1f}  worst case {:5.1f} ({:.1f} to {:.1f})\n",
                         printable(entry.defense), wide, printable(under.threat.name),
                         100 * under.clean_accuracy, 100 * under.robust_accuracy,
                         100 * under.interval.low, 100 * under.interval.high);
    for (const boards::CertifiedAt& at : entry.certified_at)
      out += fmt::format("{:<{}}  certified beyond {:g}: {:.1f} ({:.1f} to {:.1f})\n",
                         printable(entry.defense), wide, at.radius, 100 * at.accuracy,
                         100 * at.interval.low, 100 * at.interval.high);
    for (const std::string& finding : entry.findings)
      out += fmt::format("{:<{}}  audit: {}\n", printable(entry.defense), wide, printable(finding));
    for (const results::RowAudit& row : boards::audits_of(entry))
      for (const results::Check* check : reports::worst_first(row))
        if (check->level != results::Level::kPass)
          out += fmt::format("{:<{}}  audit: {} under {}: {}\n", printable(entry.defense), wide,
                             reports::word_of(check->level), printable(row.threat.name),
                             printable(sentence(*check)));
  }
  return out;
}

int report(const bundle::BundleFile& bundle, const bundle::Verification& found) {
  for (const std::string& note : found.notes) say(stderr, "note: {}\n", note);
  for (const std::string& failure : found.failures) say(stderr, "{}\n", failure);
  say("board: {}\n", to_string(bundle.entries().front().board));
  for (const bundle::Verification::Row& row : found.rows)
    say("{}: {}\n", row.defense,
        row.reached == boards::Verified::kNot      ? "does not hold"
        : row.reached == boards::Verified::kTables ? "holds, from the tables"
        : row.same_build                           ? "holds, tables and model"
                         : "holds, tables and model, as far as another build can tell");
  if (found.holds())
    say("every claim holds\n");
  else
    say("{} {}\n", found.failures.size(),
        found.failures.size() == 1 ? "claim does not hold" : "claims do not hold");
  return found.holds() ? kOk : kSomeFailed;
}

}  // namespace gauntlet::cli
