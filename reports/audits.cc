#include "reports/audits.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/shown.h"

namespace gauntlet::reports {
namespace {
using results::Check;
using results::Level;
using results::RowAudit;

// Threats and seeds are named where there are several.
class RowNames {
 public:
  explicit RowNames(const std::vector<RowAudit>& audits) {
    for (const RowAudit& one : audits) {
      threats_ |= one.threat.name != audits.front().threat.name;
      seeds_ |= one.seed != audits.front().seed;
    }
  }
  std::string of(const RowAudit& audit) const {
    std::string out = audit.defense;
    if (threats_) out += " × " + audit.threat.name;
    if (seeds_) out += fmt::format(" × seed {}", audit.seed);
    return printable(out);
  }

 private:
  bool threats_ = false, seeds_ = false;
};

std::string line_of(const Check& check) {
  return fmt::format("{}  {}: {}\n", word_of(check.level), printable(check.finding.code),
                     printable(sentence(check)));
}
}  // namespace

std::string word_of(Level level) {
  return level == Level::kPass ? "PASS" : level == Level::kWarn ? "WARN" : "FAIL";
}

const Check* failure_of(const std::vector<RowAudit>& audits, const std::string& defense,
                        const results::Threat& threat) {
  for (const RowAudit& audit : audits)
    if (audit.defense == defense && audit.threat == threat)
      for (const Check& check : audit.checks)
        if (check.level == Level::kFail) return &check;
  return nullptr;
}

std::vector<const Check*> worst_first(const RowAudit& audit) {
  std::vector<const Check*> out;
  for (const Check& check : audit.checks) out.push_back(&check);
  std::stable_sort(out.begin(), out.end(),
                   [](const Check* a, const Check* b) { return a->level > b->level; });
  return out;
}

nlohmann::json check_json(const Check& check) {
  nlohmann::json out = check;  // code, figures, where, level
  out["sentence"] = sentence(check), out["advice"] = advice(check);
  return out;
}

nlohmann::json audits_json(const std::vector<RowAudit>& audits) {
  nlohmann::json rows = nlohmann::json::array();
  for (const RowAudit& audit : audits) {
    nlohmann::json row = {{"defense", audit.defense},
                          {"threat", audit.threat.name},
                          {"seed", audit.seed},
                          {"samples", audit.samples},
                          {"checks", nlohmann::json::array()}};
    for (const Check& check : audit.checks) row["checks"].push_back(check_json(check));
    if (!audit.reason.empty()) row["reason"] = audit.reason;
    rows.push_back(std::move(row));
  }
  return {{"rows", std::move(rows)}};
}

std::string audits_text(const std::vector<RowAudit>& audits) {
  const RowNames names(audits);
  std::string out;
  for (const RowAudit& audit : audits) {
    out += names.of(audit) + (audit.reason.empty() ? "" : ": " + printable(audit.reason)) + "\n";
    for (const Check* check : worst_first(audit)) {
      out += "  " + line_of(*check);
      if (const std::string what = advice(*check); !what.empty())
        out += "        → " + printable(what) + "\n";
    }
  }
  return out;
}

std::string alarms_text(const std::vector<RowAudit>& audits) {
  const RowNames names(audits);
  std::string out;
  size_t passed = 0, all = 0;
  for (const RowAudit& audit : audits) {
    all += audit.checks.size();
    for (const Check* check : worst_first(audit))
      if (check->level == Level::kPass)
        ++passed;
      else
        out += "  " + names.of(audit) + "  " + line_of(*check);
  }
  if (all == 0) return "";
  return fmt::format("\naudit\n{}  {} of {} checks passed\n", out, passed, all);
}

bool told_by_audit(const results::Finding& finding, const results::CellRecord& cell,
                   const std::vector<RowAudit>& audits) {
  static const std::set<std::string> codes = {
      "zero_gradients",         "saturated", "saturated_reported", "masked_bounds", "not_finite",
      "masked_bounds_reported", "unchanged"};
  return cell.ledger.backwards > 0 && codes.contains(finding.code) &&
         std::any_of(audits.begin(), audits.end(), [&](const RowAudit& audit) {
           return !audit.checks.empty() && audit.defense == cell.defense &&
                  audit.threat == cell.threat && audit.seed == cell.seed;
         });
}

}  // namespace gauntlet::reports
