// What the audit says of each row.
#include "reports/audits.h"

#include "reports/page/view.h"
#include "reports/text/text.h"

namespace gauntlet::reports::page {
namespace {

View check_view(const results::Check& check) {
  return {{"level", to_string(check.level)},
          {"word", word_of(check.level)},
          {"code", check.finding.code},
          {"sentence", sentence(check)},
          {"advice", advice(check)}};
}

std::string row_name(const Summary& summary, const results::RowAudit& audit) {
  std::string row = audit.defense;
  if (summary.threats.size() > 1) row += ", " + title_of(audit.threat);
  if (summary.seeds.size() > 1) row += ", seed " + std::to_string(audit.seed);
  return row;
}
}  // namespace

View audit_view_of(const std::string& row, const results::RowAudit& audit) {
  View alarms = View::array(), passed = View::array();
  for (const results::Check* check : worst_first(audit))
    (check->level == results::Level::kPass ? passed : alarms).push_back(check_view(*check));
  return {{"row", row},
          {"worst", to_string(worst(audit.checks))},
          {"word", audit.checks.empty() ? "—" : word_of(worst(audit.checks))},
          {"probed", audit.samples > 0 ? "probed on " + counted(audit.samples, "image") : ""},
          {"reason", audit.reason},
          {"alarms", alarms},
          {"has_alarms", !alarms.empty()},
          {"passed", passed},
          {"has_passed", !passed.empty()}};
}

View audits_of(const Summary& summary) {
  View out = View::array();
  for (const results::RowAudit& audit : summary.run.audits)
    out.push_back(audit_view_of(row_name(summary, audit), audit));
  return out;
}

}  // namespace gauntlet::reports::page
