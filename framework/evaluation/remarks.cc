#include "evaluation/remarks.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "evaluation/attack_facts.h"
#include "evaluation/bounds.h"
#include "evaluation/division.h"

namespace gauntlet::evaluation {
namespace {

// Sentences about columns under threats, each once, with the rows it is about unless it is all.
class Remarks {
 public:
  explicit Remarks(size_t rows) : rows_(rows) {}
  void add(const std::string& sentence, const std::string& row) {
    auto known = std::find_if(all_.begin(), all_.end(),
                              [&](const auto& one) { return one.first == sentence; });
    if (known == all_.end()) known = all_.insert(known, {sentence, {}});
    known->second.insert(row);
  }
  std::vector<std::string> texts() const {
    std::vector<std::string> out;
    for (const auto& [sentence, rows] : all_) {
      std::string on;
      if (rows.size() < rows_)
        for (const std::string& row : rows) on += (on.empty() ? " (on " : ", ") + row;
      out.push_back(sentence + on + (on.empty() ? "" : ")"));
    }
    return out;
  }

 private:
  const size_t rows_;
  std::vector<std::pair<std::string, std::set<std::string>>> all_;
};

// The column that a random row lacks, as a line of the suite; "": it has one, or none to copy.
std::string missing_draws(const suite::Suite& suite, const library::PluginLibrary& plugins) {
  const suite::AttackSpec* single = nullptr;
  for (const suite::AttackSpec& attack : suite.attacks) {
    if (plugins.attack(attack.plugin, attack.params)->facts().access != Access::kGradient) continue;
    if (attack.host.draws > 1) return "";
    if (!single || (attack.plugin == "pgd" && single->plugin != "pgd")) single = &attack;
  }
  if (!single) return "";
  const std::string name = single->entry.empty() ? single->name : single->entry;
  return fmt::format(
      "random rows are attacked on single draws alone: add {}-8-draws = {{ base = \"{}\", draws = "
      "8 }}",
      name, name);
}
}  // namespace

std::string reason_to_skip(const suite::Suite& suite, const suite::DefenseSpec& row,
                           const suite::AttackSpec& attack, const suite::ThreatSpec& threat,
                           const data::Dataset& data, Laboratory& lab) {
  return reason_to_skip({suite.scoring, row, attack, threat, 0, data, {}},
                        *lab.attack({attack.plugin, attack.params}), lab.defended(row, data),
                        threat_model(threat.norm, threat.epsilon), lab);
}

std::vector<std::string> remarks_on(const suite::Suite& suite, const data::Dataset& data,
                                    Laboratory& lab) {
  Remarks remarks(suite.defenses.size());
  const std::string draws = missing_draws(suite, lab.plugins());
  for (const suite::DefenseSpec& defense : suite.defenses) {
    DefendedModel& model = lab.defended(defense, data);
    const TargetFacts facts = facts_of(model);
    for (const suite::ThreatSpec& threat : suite.threats)
      for (const suite::AttackSpec& spec : suite.attacks) {
        const ThreatModel ball = threat_model(threat.norm, threat.epsilon);
        // The plan names the division of each column.
        if (spec.host.division && !division_mismatch(*spec.host.division, model).empty()) continue;
        const Use use{spec.plugin, spec.params};
        const std::string what =
            spec.name + (suite.threats.size() > 1 ? " under " + threat.name : "") + ": ";
        if (const std::string why = reason_to_skip(suite, defense, spec, threat, data, lab);
            !why.empty()) {
          remarks.add(what + "skipped, " + why, defense.name);
          continue;
        }
        for (const std::string& text : remarks_of(use, ball, facts, spec.host.goal, lab.plugins()))
          remarks.add(what + text, defense.name);
      }
    if (model.stochastic() && !draws.empty()) remarks.add(draws, defense.name);
  }
  return remarks.texts();
}

}  // namespace gauntlet::evaluation
