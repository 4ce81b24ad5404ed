#include "boards/audit.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>

#include "audit/row_checks.h"

namespace gauntlet::boards {
namespace {

bool is_of(const BoardAttack& attack, const std::vector<std::string>& entries) {
  return std::any_of(entries.begin(), entries.end(),
                     [&](const std::string& entry) { return is_column_of(attack.name, entry); });
}

// Share of right answers of each image, over trials and seeds.
std::map<int64_t, double> rates_of(const BoardAttack& attack) {
  std::map<int64_t, double> rates;
  for (const BoardAttack::Cell& cell : attack.cells)
    for (const results::Outcome& outcome : cell.record.outcomes)
      rates[outcome.index] +=
          double(outcome.robust_right) / double(cell.record.trials * int64_t(attack.cells.size()));
  return rates;
}

// On the images of `of` that both have.
double accuracy(const std::map<int64_t, double>& rates, const std::map<int64_t, double>& of) {
  double sum = 0, images = 0;
  for (const auto& [index, _] : of)
    if (const auto it = rates.find(index); it != rates.end()) sum += it->second, ++images;
  return images > 0 ? sum / images : 1;
}

class ThreatAudit {
 public:
  ThreatAudit(const BoardThreat& under, const AuditItems& items) : under_(under), items_(items) {
    for (const BoardAttack& attack : under.attacks)
      if (!attack.additional && is_of(attack, items.white_box))
        white_box_.emplace_back(&attack, rates_of(attack));
  }

  std::vector<std::string> findings() {
    for (const BoardAttack& attack : under_.attacks) {
      if (attack.additional) continue;
      if (is_of(attack, items_.control)) compare(attack, "perturbations without an attacker");
      if (is_of(attack, items_.black_box)) compare(attack, "without gradients of the defense");
      if (is_of(attack, items_.white_box)) look_at(attack);
    }
    return std::move(findings_);
  }

 private:
  void add(const BoardAttack& attack, const std::string& what) {
    findings_.push_back(fmt::format("{} under {}: {}", attack.name, under_.threat.name, what));
  }

  void compare(const BoardAttack& attack, const std::string& what) {
    const auto own = rates_of(attack);
    if (own.empty() || white_box_.empty()) return;
    const BoardAttack* best = nullptr;
    double lowest = 2;
    for (const auto& [other, rates] : white_box_)
      if (const double left = accuracy(rates, own); left < lowest) lowest = left, best = other;
    const double left = accuracy(own, own);
    if (left < lowest - items_.slack - 1e-12)
      add(attack, fmt::format("{}, leaves {:.1f} %, the best gradient attack, {}, {:.1f} % of the "
                              "same images: gradients may be masked",
                              what, 100 * left, best->name, 100 * lowest));
  }

  void look_at(const BoardAttack& attack) {
    int64_t attacked = 0, unmoved = 0;
    std::set<std::string> flags;
    for (const BoardAttack::Cell& cell : attack.cells) {
      for (const results::Finding& flag : cell.record.flags) flags.insert(sentence(flag));
      for (const results::Outcome& outcome : cell.record.outcomes)
        if (outcome.clean_right > 0) ++attacked, unmoved += outcome.distance == 0;
    }
    if (under_.threat.epsilon > 0 && double(unmoved) > items_.slack * double(attacked))
      add(attack, fmt::format("{} of {} correctly classified images were returned unchanged",
                              unmoved, attacked));
    for (const std::string& flag : flags) add(attack, flag);
  }

  const BoardThreat& under_;
  const AuditItems& items_;
  std::vector<std::pair<const BoardAttack*, std::map<int64_t, double>>> white_box_;
  std::vector<std::string> findings_;
};
}  // namespace

std::vector<std::string> audit(const BoardEntry& entry, const AuditItems& items) {
  std::vector<std::string> out;
  for (const BoardThreat& under : entry.threats)
    for (std::string& finding : ThreatAudit(under, items).findings())
      out.push_back(std::move(finding));
  return out;
}

namespace {

// The record of a cell with what the entry says once for all of its cells.
results::CellRecord whole(const BoardEntry& entry, const BoardThreat& under,
                          const BoardAttack& attack, const BoardAttack::Cell& cell) {
  results::CellRecord out = cell.record;
  out.defense = entry.defense, out.attack = attack.name, out.threat = under.threat;
  out.parameters = attack.parameters;
  return out;
}
}  // namespace

std::vector<results::RowAudit> audits_of(const BoardEntry& entry) {
  std::vector<results::RowAudit> out;
  for (const BoardThreat& under : entry.threats)
    for (const int64_t seed : entry.seeds) {
      std::vector<results::CellRecord> cells;
      for (const BoardAttack& attack : under.attacks)
        for (const BoardAttack::Cell& cell : attack.cells)
          if (cell.record.seed == seed) cells.push_back(whole(entry, under, attack, cell));
      results::RowAudit row;
      row.defense = entry.defense, row.threat = under.threat, row.seed = seed;
      row.checks = audit::checks_of_row(cells);
      out.push_back(std::move(row));
    }
  return out;
}

namespace {

// Entries that 0.1 made have sentences: "every gradient was exactly 0 for 980 of 1000 attacked
// samples: …". What they say of gradients as data; any other finding as it is.
results::Finding coded(const results::Finding& flag) {
  if (flag.code != "remark") return flag;
  const std::string text = sentence(flag);
  static const std::regex pattern(
      "(every gradient was|a loss or gradient was|losses or gradients were not finite).* "
      "([0-9]{1,9}) of ([0-9]{1,9}) attacked samples.*");
  std::smatch match;
  if (text.find("attacked again on") != std::string::npos ||
      !std::regex_match(text, match, pattern))
    return flag;
  const std::string code = match[1] == "every gradient was"       ? "zero_gradients"
                           : match[1] == "a loss or gradient was" ? "saturated_reported"
                                                                  : "not_finite";
  return {code,
          {{"samples", int64_t{std::stoll(match[2])}}, {"of", int64_t{std::stoll(match[3])}}}};
}

// No gradients, or none that tell anything, for more than half of the samples, and these were not
// attacked again on another loss.
bool tells_of_no_gradients(const results::Finding& flag) {
  static const std::set<std::string> codes = {"zero_gradients", "saturated_reported", "not_finite"};
  const auto samples = count_of(flag, "samples"), of = count_of(flag, "of");
  return codes.contains(flag.code) && samples && of && 2 * *samples > *of;
}

// "" where an attack of gradients was one.
std::string gradient_failure_of(const BoardAttack& attack) {
  int64_t attacked = 0, unmoved = 0;
  for (const BoardAttack::Cell& cell : attack.cells) {
    for (const results::Finding& said : cell.record.flags)
      if (const results::Finding flag = coded(said); tells_of_no_gradients(flag))
        return flag.code == "zero_gradients" && count_of(flag, "samples") == count_of(flag, "of")
                   ? "every gradient of " + attack.name + " is 0"
                   : "of " + attack.name + ", " + sentence(said);
    for (const results::Outcome& outcome : cell.record.outcomes)
      if (outcome.clean_right > 0) ++attacked, unmoved += outcome.distance == 0;
  }
  if (2 * unmoved <= attacked) return "";
  return fmt::format("{} left {} of {} images as they are", attack.name, unmoved, attacked);
}
}  // namespace

std::string failed_evidence(const BoardThreat& under) {
  std::string first;
  if (under.threat.epsilon <= 0) return first;
  for (const BoardAttack& attack : under.attacks) {
    const bool follows_gradients =
        !attack.additional &&
        std::any_of(attack.cells.begin(), attack.cells.end(),
                    [](const BoardAttack::Cell& cell) { return cell.record.ledger.backwards > 0; });
    if (!follows_gradients) continue;
    const std::string failure = gradient_failure_of(attack);
    if (failure.empty()) return "";
    if (first.empty()) first = failure;
  }
  return first;
}

}  // namespace gauntlet::boards
