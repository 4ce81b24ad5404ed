#include "evaluation/attack_facts.h"

#include <functional>

namespace gauntlet::evaluation {
namespace {

// The attacks that an attack's parameters name, and those inside of them.
void each_inside(const Use& attack, const library::PluginLibrary& plugins,
                 const std::function<void(const Use&, const std::string& parameter)>& visit) {
  for (const ParamSpec& spec : plugins.schema("attack", attack.plugin)) {
    const auto given = attack.with.find(spec.name);
    for (const Use& inner :
         uses_of(spec, given == attack.with.end() ? spec.fallback : given->second)) {
      visit(inner, spec.name);
      each_inside(inner, plugins, visit);
    }
  }
}

}  // namespace

TargetFacts facts_of(const DefendedModel& model) {
  return {model.classes(), model.stochastic(), model.surrogate(), model.refuses() != nullptr,
          model.mc_samples()};
}

std::vector<std::string> remarks_of(const Use& attack, const ThreatModel& threat,
                                    const TargetFacts& facts, Goal goal,
                                    const library::PluginLibrary& plugins) {
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
                               const TargetFacts& facts, Goal goal,
                               const library::PluginLibrary& plugins) {
  std::string out;
  each_inside(attack, plugins, [&](const Use& inner, const std::string& parameter) {
    const std::string why =
        plugins.attack(inner.plugin, inner.with)->unsupported(threat, facts, goal);
    if (out.empty() && !why.empty()) out = parameter + ": " + inner.plugin + ": " + why;
  });
  return out;
}

}  // namespace gauntlet::evaluation
