#include "evaluation/remarks.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <set>

namespace gauntlet {
namespace {

// The attacks that an attack's parameters name, and those inside of them.
void each_inside(const Use& attack, const PluginLibrary& plugins,
                 const std::function<void(const Use&, const std::string& parameter)>& visit) {
  for (const ParamSpec& spec : plugins.schema("attack", attack.plugin)) {
    if (spec.type != ParamType::kUse) continue;
    const auto given = attack.with.find(spec.name);
    Use inner;
    detail::ParamTraits<Use>::assign(inner,
                                     given == attack.with.end() ? spec.fallback : given->second);
    visit(inner, spec.name);
    each_inside(inner, plugins, visit);
  }
}

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
std::string missing_draws(const Suite& suite, const PluginLibrary& plugins) {
  const AttackSpec* single = nullptr;
  for (const AttackSpec& attack : suite.attacks) {
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

TargetFacts facts_of(const DefendedModel& model) {
  return {model.classes(), model.stochastic(), model.surrogate(), model.refuses() != nullptr,
          model.mc_samples()};
}

std::vector<std::string> remarks_of(const Use& attack, const ThreatModel& threat,
                                    const TargetFacts& facts, Goal goal,
                                    const PluginLibrary& plugins) {
  std::vector<std::string> out;
  const auto ask = [&](const Use& use, const std::string& where) {
    const std::string text = plugins.attack(use.plugin, use.with)->remark(threat, facts, goal);
    if (!text.empty()) out.push_back(where + text);
  };
  ask(attack, "");
  each_inside(attack, plugins, [&](const Use& inner, const std::string& parameter) {
    ask(inner, parameter + ": " + inner.plugin + ": ");
  });
  return out;
}

std::string unsupported_inside(const Use& attack, const ThreatModel& threat,
                               const TargetFacts& facts, Goal goal, const PluginLibrary& plugins) {
  std::string out;
  each_inside(attack, plugins, [&](const Use& inner, const std::string& parameter) {
    const std::string why =
        plugins.attack(inner.plugin, inner.with)->unsupported(threat, facts, goal);
    if (out.empty() && !why.empty()) out = parameter + ": " + inner.plugin + ": " + why;
  });
  return out;
}

std::vector<std::string> remarks_on(const Suite& suite, const Dataset& data, Laboratory& lab) {
  Remarks remarks(suite.defenses.size());
  const std::string draws = missing_draws(suite, lab.plugins());
  for (const DefenseSpec& defense : suite.defenses) {
    DefendedModel& model = lab.defended(defense, data);
    const TargetFacts facts = facts_of(model);
    for (const ThreatSpec& threat : suite.threats)
      for (const AttackSpec& spec : suite.attacks) {
        const ThreatModel ball{threat.norm, torch::full({1, 1, 1, 1}, threat.epsilon), 0, 1};
        const CellJob job{suite, defense, spec, threat, 0, data, {}};
        const Use use{spec.plugin, spec.params};
        const std::string what =
            spec.name + (suite.threats.size() > 1 ? " under " + threat.name : "") + ": ";
        const auto attack = lab.attack(use);
        if (const std::string why = reason_to_skip(job, *attack, model, ball, lab.plugins());
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

}  // namespace gauntlet
